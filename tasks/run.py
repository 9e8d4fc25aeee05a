"""A run, as tasks pass it to each other, and how they tell how far it is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prefect import Task
from prefect.client.schemas.objects import State, TaskRun
from pydantic import BaseModel, ConfigDict

from rlcore.config import Stage1Config
from rlcore.errors import Stage1Error
from rlcore.run_folder import RunFolder
from tasks.stopping import stop_if_asked


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

REJECTED = "Rejected"
"""Name of the flow's final state where training broke and what came of it is not to be used."""


def is_transient(task: Task[..., Any], task_run: TaskRun, state: State[Any]) -> bool:
    """Whether a failed task is worth trying again: not where the user has to mend something."""
    try:
        state.result(raise_on_failure=True)
    except Stage1Error:
        return False
    except Exception:  # whatever else it was, it is raised again when the retries are used up
        return True
    return False


@contextmanager
def stage(run: Run, name: str) -> Iterator[None]:
    """Times a part of the run and tells the journal when it begins and ends."""
    journal = run.folder.journal
    journal.write("stage_begin", stage=name)
    start = time.perf_counter()
    yield
    journal.write("stage", stage=name, seconds=round(time.perf_counter() - start, 3))


class StageProgress:
    """Tells the journal how far a stage is, at most once a second; the run can be stopped wherever it does."""

    def __init__(self, run: Run, name: str) -> None:
        self._journal = run.folder.journal
        self._name = name
        self._last = 0.0

    def __call__(self, done: int, total: int) -> None:
        """``done`` of ``total`` units.

        Raises:
            Interrupted: the run was asked to stop.
        """
        stop_if_asked()
        now = time.monotonic()
        if now - self._last >= 1 or done == total:
            self._last = now
            self._journal.write("progress", stage=self._name, done=done, total=total)
