"""A run: its folder, its MLflow run, and how both are closed whatever happens."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from prefect import Task
from prefect.client.schemas.objects import State, TaskRun
from pydantic import BaseModel, ConfigDict

from rlcore.config import Stage1Config
from rlcore.errors import ConfigError, Stage1Error
from rlcore.run_folder import RunFolder
from tasks import tracking
from tasks.memory import MemoryWatch


class Run(BaseModel):
    """What tasks pass to each other: a path and an id."""

    model_config = ConfigDict(frozen=True)

    path: Path
    mlflow_run_id: str

    @property
    def folder(self) -> RunFolder:
        """The run's folder."""
        return RunFolder(self.path)

    @property
    def config(self) -> Stage1Config:
        """The run's configuration."""
        return self.folder.config()


RETRIES = 2
RETRY_DELAY_SECONDS = 5.0
"""For tasks whose trouble may be gone in a moment: a locked database, a full queue."""


def is_transient(task: Task[..., Any], task_run: TaskRun, state: State[Any]) -> bool:
    """Whether a failed task is worth trying again: not where the user has to mend something."""
    try:
        state.result(raise_on_failure=True)
    except Stage1Error:
        return False
    except Exception:  # whatever else it was, it is raised again when the retries are used up
        return True
    return False


def mlruns_folder() -> Path:
    """Where runs are kept: ``STAGE1_MLRUNS``, or ``mlruns`` in the working directory."""
    return Path(os.environ.get("STAGE1_MLRUNS", "mlruns")).absolute()


def new_run_name(config: Stage1Config) -> str:
    """``ppo-<category>-s<seed>-<local time>``."""
    return f"ppo-{config.category}-s{config.seed}-{datetime.now():%Y%m%d-%H%M%S}"


@contextmanager
def open_run(config: Stage1Config, run_name: str = "") -> Iterator[Run]:
    """Makes the run's folder and MLflow run; marks both as finished, failed or killed in the end.

    Raises:
        ConfigError: a run of that name exists.
    """
    folder = RunFolder(mlruns_folder() / "stage1" / (run_name or new_run_name(config)))
    if folder.config_file.exists():
        raise ConfigError(f"run {folder.name!r} exists already in {folder.path.parent}")
    folder.write_config(config)
    run = Run(path=folder.path, mlflow_run_id=tracking.start_run(mlruns_folder(), folder.name, config))
    folder.journal.write("run", name=folder.name, target_episodes=config.target_episodes, chunks=config.chunk_count)
    with closed_in_the_end(run):
        yield run


@contextmanager
def closed_in_the_end(run: Run) -> Iterator[None]:
    """Marks the folder and the MLflow run as finished, failed or killed, and watches the memory until then."""
    journal = run.folder.journal
    try:
        with MemoryWatch(journal):
            yield
    except BaseException as error:
        status = status_after(error)
        journal.write("ended", status=status, reason=f"{type(error).__name__}: {error}")
        tracking.finish_run(run.mlflow_run_id, status)
        raise
    journal.write("ended", status="FINISHED", reason="")
    tracking.finish_run(run.mlflow_run_id, "FINISHED")


def status_after(error: BaseException) -> str:
    """What MLflow calls a run that ended so."""
    return "FAILED" if isinstance(error, Exception) else "KILLED"


@contextmanager
def stage(run: Run, name: str) -> Iterator[None]:
    """Times a part of the run and tells the journal when it begins and ends."""
    journal = run.folder.journal
    journal.write("stage_begin", stage=name)
    start = time.perf_counter()
    yield
    journal.write("stage", stage=name, seconds=round(time.perf_counter() - start, 3))


class StageProgress:
    """Tells the journal how far a stage is, at most once a second."""

    def __init__(self, run: Run, name: str) -> None:
        self._journal = run.folder.journal
        self._name = name
        self._last = 0.0

    def __call__(self, done: int, total: int) -> None:
        """``done`` of ``total`` units."""
        now = time.monotonic()
        if now - self._last >= 1 or done == total:
            self._last = now
            self._journal.write("progress", stage=self._name, done=done, total=total)
