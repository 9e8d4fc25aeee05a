"""Where runs are kept and watched, and whether one is champion: asked without waiting for Prefect or MLflow."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

MODEL = "stage1-agent"
CHAMPION = "champion"
CHAMPION_MODEL = f"models:/{MODEL}@{CHAMPION}"

STORE_VARIABLE = "STAGE1_MLRUNS"
"""Folder of all runs; without it, ``mlruns`` in the working directory."""

DASHBOARD_VARIABLE = "STAGE1_DASHBOARD_URL"
"""Address of a dashboard that messages link to; ``stage1 run`` sets it to the one beside the run."""


def mlruns_folder() -> Path:
    """Where runs are kept."""
    return Path(os.environ.get(STORE_VARIABLE, "mlruns")).absolute()


def may_have_champion() -> bool:
    """Whether it is worth asking MLflow, whose import takes seconds, for a champion.

    Its own database is looked into; of any other store (``MLFLOW_TRACKING_URI``) only MLflow can tell.
    """
    database = mlruns_folder() / "mlflow.db"
    if os.environ.get("MLFLOW_TRACKING_URI", "") not in ("", f"sqlite:///{database}"):
        return True
    if not database.exists():
        return False
    wanted = "SELECT 1 FROM registered_model_aliases WHERE name = ? AND alias = ?"
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=5)) as connection:
            return connection.execute(wanted, (MODEL, CHAMPION)).fetchone() is not None
    except sqlite3.Error:  # busy, or of another version of MLflow
        return True
