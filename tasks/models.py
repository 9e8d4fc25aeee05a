"""A model by path or by its name in MLflow."""

from __future__ import annotations

from pathlib import Path

import mlflow
from mlflow.exceptions import MlflowException

from rlcore.errors import CheckpointError
from rlcore.learning.agent import Checkpoint
from tasks.run import mlruns_folder
from tasks.tracking import use_store


def load_model(name: str) -> Checkpoint:
    """The checkpoint at a path, or behind ``models:/<id>`` or ``models:/<name>/<version>`` in the MLflow store.

    Raises:
        CheckpointError: there is none, or it is damaged.
    """
    return Checkpoint.load(_downloaded(name) if name.startswith("models:/") else Path(name))


def _downloaded(uri: str) -> Path:
    use_store(mlruns_folder())
    try:
        folder = Path(mlflow.artifacts.download_artifacts(artifact_uri=uri))
    except (MlflowException, OSError) as error:
        raise CheckpointError(f"{uri}: no such model in {mlflow.get_tracking_uri()}: {error}") from error
    found = sorted((folder / "artifacts").glob("*.pt"))
    if len(found) != 1:
        raise CheckpointError(f"{uri}: {len(found)} checkpoints in it, one is needed")
    return found[0]
