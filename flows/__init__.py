"""What a user runs: each flow a short list of tasks."""

# first, because it keeps Prefect and MLflow off the network, which they read at import
import tasks as tasks
