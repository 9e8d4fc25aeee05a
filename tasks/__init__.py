"""One rlcore call each, with Prefect and MLflow around it."""

import os

# Prefect and MLflow read these when they are imported: nothing is sent to anybody
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
# a busy machine needs longer than the 20 s that Prefect gives its own server
os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")
