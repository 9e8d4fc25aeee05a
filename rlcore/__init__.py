"""The whole craft: tracing, env, agent, validation, QA and report. Knows neither Prefect nor MLflow."""
