"""A model by path or by its name in MLflow, and what the comparison needs of it."""

from __future__ import annotations

from pathlib import Path

import mlflow
from mlflow.exceptions import MlflowException

from rlcore.agent import Checkpoint
from rlcore.errors import CheckpointError
from rlcore.parameters import Parameters
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


def portfolio_of(checkpoint: Checkpoint, size_weight: float) -> tuple[Parameters, ...]:
    """The settings picked on training logos for a size weight; the first is the best single setting.

    Raises:
        CheckpointError: the model was saved without any.
    """
    raise CheckpointError(
        f"the model of {checkpoint.episode} episodes has no portfolio for size weight {size_weight:g}"
    )


def training_digests(checkpoint: Checkpoint) -> frozenset[str]:
    """Digests of the logos that the model was trained on, as far as its file knows them."""
    return frozenset()
