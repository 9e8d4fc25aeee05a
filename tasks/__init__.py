"""One rlcore call each, with Prefect and MLflow around it."""
