"""MLflow: one run per training. The one place that talks to it; metrics go in batches.

Charts compare well because every run has flat parameters, slash-prefixed metrics with step = episode, and artifacts of
the same names.
"""

from __future__ import annotations

import json
import math
import os
import socket
import sqlite3
import time
import warnings
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import mlflow
import numpy as np
import pandas as pd
from filelock import FileLock
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from numpy.typing import NDArray

from rlcore.config import Stage1Config
from rlcore.errors import StoreError
from rlcore.judging.validation import Validation

# MLflow's own default tries for minutes: what it can't take now is kept and tried again later (tasks.delivery)
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")  # it would tear the view of the run's progress

EXPERIMENT = "stage1"
_METRICS_A_BATCH = 1000
_LOCAL = "sqlite:///"


def store_uri(mlruns: Path) -> str:
    """``MLFLOW_TRACKING_URI``, or the SQLite store in ``mlruns``."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{mlruns / 'mlflow.db'}"


def use_store(mlruns: Path, experiment: str = EXPERIMENT) -> str:
    """Points MLflow at ``MLFLOW_TRACKING_URI`` or the SQLite store in ``mlruns``; returns an experiment's id.

    The store is created under a lock, because two processes creating it at once end in a broken migration.

    Raises:
        StoreError: it was moved here from another folder.
    """
    uri = store_uri(mlruns)
    mlflow.set_tracking_uri(uri)
    mlruns.mkdir(parents=True, exist_ok=True)
    with FileLock(mlruns / ".mlflow.lock"):
        found = mlflow.get_experiment_by_name(experiment)
        if found is not None:
            place = place_of(str(found.artifact_location)) if uri.startswith(_LOCAL) else None
            if place is not None and place != mlruns and not place.exists():
                raise StoreError(f"the store was moved from {place} to {mlruns}: stage1 relocate tells MLflow so")
            return str(found.experiment_id)
        if uri.startswith(_LOCAL):
            with closing(sqlite3.connect(uri.removeprefix(_LOCAL))) as connection:
                connection.execute("PRAGMA journal_mode=WAL")
            return str(mlflow.create_experiment(experiment, artifact_location=(mlruns / "artifacts").as_uri()))
        return str(mlflow.create_experiment(experiment))


def place_of(artifact_location: str) -> Path | None:
    """The folder of the store with these artifacts; None where they are not in a folder of this machine."""
    parts = urlsplit(artifact_location)
    return Path(unquote(parts.path)).parent if parts.scheme == "file" else None


FOLDER_TAG = "stage1.folder"
"""By this a run that is taken up again finds its own in MLflow."""


def start_run(folder: Path, config: Stage1Config) -> str:
    """Creates the run of a folder with its parameters and tags; returns its id."""
    note = f"Stage 1 on {config.images} logos, category {config.category}, seed {config.seed}."
    tags = {"mlflow.note.content": note, FOLDER_TAG: str(folder)}
    return _create(use_store(folder.parent.parent), folder.name, config.model_dump(mode="json"), tags)


def folder_of(tags: Mapping[str, str]) -> Path | None:
    """Where the run with these tags keeps everything."""
    return Path(tags[FOLDER_TAG]) if FOLDER_TAG in tags else None


@dataclass(frozen=True, slots=True)
class RunningRun:
    """A run of this machine that MLflow takes for running, and its folder."""

    run_id: str
    folder: Path


def running_runs() -> list[RunningRun]:
    """Those of this experiment that belong to a folder of this machine."""
    found = _search(f"attributes.status = 'RUNNING' AND tags.\"stage1.host\" = '{socket.gethostname()}'")
    return [
        RunningRun(run.info.run_id, Path(run.data.tags[FOLDER_TAG])) for run in found if FOLDER_TAG in run.data.tags
    ]


def find_run(folder: Path) -> str | None:
    """Id of the run of a folder; None: there is none."""
    found = _search(f'tags."{FOLDER_TAG}" = "{folder}"')
    return str(found[0].info.run_id) if found else None


def _search(filter_string: str) -> list[mlflow.entities.Run]:
    client = mlflow.MlflowClient()
    experiment = client.get_experiment_by_name(EXPERIMENT)
    return list(client.search_runs([experiment.experiment_id], filter_string, max_results=1000)) if experiment else []


def start_child_run(parent_id: str, name: str, params: Mapping[str, Any]) -> str:
    """Creates a run that MLflow shows under another one; returns its id."""
    experiment = str(mlflow.MlflowClient().get_run(parent_id).info.experiment_id)
    return _create(experiment, name, params, {"mlflow.parentRunId": parent_id})


def _create(experiment: str, name: str, params: Mapping[str, Any], tags: Mapping[str, str]) -> str:
    common = {
        "stage1.host": socket.gethostname(),
        "stage1.pid": str(os.getpid()),
        **{f"version.{package}": version(package) for package in ("vtracer", "torch", "stable-baselines3")},
    }
    client = mlflow.MlflowClient()
    run_id = str(client.create_run(experiment, run_name=name, tags=common | dict(tags)).info.run_id)
    client.log_batch(run_id, params=[Param(key, str(value)) for key, value in flat(params).items()])
    return run_id


def reopen_run(run_id: str, config: Stage1Config) -> str:
    """Marks a run as running again; returns its id. Parameters that a kill kept from being logged are logged now."""
    client = mlflow.MlflowClient()
    client.update_run(run_id, status="RUNNING")
    known = client.get_run(run_id).data.params
    missing = {key: value for key, value in flat(config.model_dump(mode="json")).items() if key not in known}
    client.log_batch(run_id, params=[Param(key, str(value)) for key, value in missing.items()])
    return run_id


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one, with dotted keys; lists and empty mappings as JSON."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            found |= flat(value, f"{prefix}{key}.")
        else:
            found[prefix + key] = json.dumps(value) if isinstance(value, (list, Mapping)) else value
    return found


def finish_run(run_id: str, status: str) -> None:
    """``FINISHED``, ``FAILED`` or ``KILLED``."""
    mlflow.MlflowClient().set_terminated(run_id, status)


def tag(run_id: str, **tags: str) -> None:
    """Sets tags ``stage1.<name>``."""
    mlflow.MlflowClient().log_batch(run_id, tags=[RunTag(f"stage1.{key}", value) for key, value in tags.items()])


def log_metrics(run_id: str, metrics: Mapping[str, float | None], step: int, model_id: str | None = None) -> None:
    """All at one step, in batches; what is not a finite number would ruin the chart and is left out.

    With ``model_id`` they are figures of that logged model too.
    """
    now = int(time.time() * 1000)
    entries = [
        Metric(key, float(value), now, step, model_id=model_id)
        for key, value in metrics.items()
        if value is not None and math.isfinite(value)
    ]
    for start in range(0, len(entries), _METRICS_A_BATCH):
        mlflow.MlflowClient().log_batch(run_id, metrics=entries[start : start + _METRICS_A_BATCH])


def unlogged(run_id: str, metrics: Mapping[str, float | None], step: int) -> dict[str, float | None]:
    """Those that have no value at that step yet."""
    client = mlflow.MlflowClient()
    return {
        key: value
        for key, value in metrics.items()
        if step not in {known.step for known in client.get_metric_history(run_id, key)}
    }


def log_logos(run_id: str, validation: Validation, prefix: str) -> None:
    """The table of a validation's logos, once: MLflow would append a second one to the first."""
    file, client = f"{prefix}/episode-{validation.episode:06d}.json", mlflow.MlflowClient()
    if file in {item.path for item in client.list_artifacts(run_id, prefix)}:
        return
    table = pd.DataFrame([asdict(result) for result in validation.results])
    table["gains"] = [json.dumps(gains) for gains in table["gains"]]
    table["parameters"] = [json.dumps(parameters) for parameters in table["parameters"]]
    client.log_table(run_id, table, file)


def log_image(run_id: str, rgb: NDArray[np.uint8], key: str, step: int) -> None:
    """A picture (uint8 RGB) under a key, once for a step; MLflow shows the steps of a key as a series."""
    client = mlflow.MlflowClient()
    begins = f"images/{key}+step+{step}+"
    if not any(item.path.startswith(begins) for item in client.list_artifacts(run_id, "images")):
        client.log_image(run_id, rgb, key=key, step=step)


def log_files(run_id: str, files: Iterable[Path], folder: str | None = None) -> None:
    """Files as artifacts, at the top or in a folder."""
    client = mlflow.MlflowClient()
    for file in files:
        client.log_artifact(run_id, str(file), folder)


def log_dataset(run_id: str, manifest: Mapping[str, Any], source: str) -> None:
    """The manifest's logos as an MLflow dataset: a row each with split, category, baseline and features."""
    rows = [flat({key: value for key, value in logo.items() if key != "matte"}) for logo in manifest["logos"]]
    frame = pd.DataFrame(rows)
    with warnings.catch_warnings():
        # it can't know that the columns are complete, nor which of its two local sources is meant: either will do
        warnings.filterwarnings("ignore", message=".*(Integer columns in Python|interpreted in multiple ways).*")
        dataset = mlflow.data.from_pandas(frame, source=source, name=f"logos-{len(frame)}")  # type: ignore[attr-defined]
        entity = Dataset(**dataset.to_dict())
    # not through an active run: leaving one would mark it as finished
    training = InputTag("mlflow.data.context", "training")
    mlflow.MlflowClient().log_inputs(run_id, [DatasetInput(entity, [training])])
