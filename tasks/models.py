"""A model by path, by its name in MLflow, or the one in the package."""

from __future__ import annotations

from pathlib import Path

import mlflow
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from rlcore.errors import CheckpointError, DamagedCheckpointError, MissingCheckpointError
from rlcore.files import write_bytes
from rlcore.learning.agent import Checkpoint, check_fits, read_model
from rlcore.learning.model import Model
from rlcore.pretrained import NAME as PRETRAINED
from rlcore.pretrained import pretrained
from rlcore.quality_assurance import best_validation
from rlcore.run_folder import RunFolder
from tasks.run import Run
from tasks.store import mlruns_folder
from tasks.tracking import use_store


def load_model(name: str) -> Model:
    """The model of that name.

    ``pretrained``, a run's best model by the run's name, the path of a model or checkpoint, or in MLflow
    ``models:/<id>``, ``models:/<name>/<version>`` or ``models:/<name>@<alias>``.

    Raises:
        CheckpointError: there is none, or it is damaged.
    """
    if name == PRETRAINED:
        return pretrained()
    return read_model(_place_of(name))


def start_model(run: Run) -> Checkpoint | None:
    """The model that training goes on from, as it was when the run began; None: it begins with none.

    It is copied into the run's folder: an alias may name another one by the time the run is taken up again.

    Raises:
        CheckpointError: there is none, or the run can't go on from it.
    """
    if not run.config.start_from:
        return None
    if not run.folder.start_model.exists():
        found = Checkpoint.load(_place_of(run.config.start_from))
        check_fits(found.config, run.config)
        found.save(run.folder.start_model)
    return Checkpoint.load(run.folder.start_model)


def _place_of(name: str) -> Path:
    """Of a model that is a run's, in MLflow, or a file."""
    if name.startswith("models:/"):
        return _downloaded(name)
    of_run = RunFolder(mlruns_folder() / "stage1" / name).best_model
    return of_run if of_run.exists() else Path(name)


def latest_model() -> Path:
    """The best model of the run that wrote one last.

    Raises:
        CheckpointError: no run has one.
    """
    models = sorted((mlruns_folder() / "stage1").glob("*/best_model.pt"), key=lambda path: path.stat().st_mtime)
    if not models:
        raise CheckpointError(f"no trained model in {mlruns_folder() / 'stage1'}: train one with `stage1 run` first")
    return models[-1]


def keep_best(folder: RunFolder) -> Checkpoint:
    """Makes the best model that of the best validation, and gives it; one that is it already is left alone.

    A damaged file is set aside and copied again from the checkpoint that it is of.

    Raises:
        CheckpointError: that is damaged too.
    """
    episode = best_validation(folder.validations()).episode
    try:
        kept = Checkpoint.load(folder.best_model)
        if kept.episode == episode:
            return kept
    except DamagedCheckpointError as error:
        folder.set_aside(folder.best_model, str(error))
    except MissingCheckpointError:
        pass
    best = Checkpoint.load(folder.checkpoint(episode))
    write_bytes(folder.best_model, folder.checkpoint(episode).read_bytes())
    return best


def _downloaded(uri: str) -> Path:
    try:
        use_store(mlruns_folder())
        folder = Path(mlflow.artifacts.download_artifacts(artifact_uri=uri))
    except (MlflowException, SQLAlchemyError, OSError) as error:
        told = str(error).partition("\n")[0]
        raise CheckpointError(f"{uri}: no such model in {mlflow.get_tracking_uri()}: {told}") from error
    found = sorted((folder / "artifacts").glob("*.pt"))
    if len(found) != 1:
        raise CheckpointError(f"{uri}: {len(found)} checkpoints in it, one is needed")
    return found[0]
