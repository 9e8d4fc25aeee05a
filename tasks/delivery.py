"""Brings what a run's journal says to MLflow and Prefect: in order, each event once, whoever was away meanwhile.

The journal is the source. A task writes down what happened and asks for delivery; what a sink can't take now stays
behind its cursor and is delivered later, or by the process that takes the run up again.
"""

from __future__ import annotations

import time
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from rlcore.errors import DeliveryError
from rlcore.files import read_json, write_json
from tasks.mlflow_sink import MLflowSink
from tasks.prefect_sink import PrefectSink
from tasks.run import Run

PAUSE_SECONDS = 10.0
"""After a failure, training goes on for so long before a sink is tried again."""

PATIENCE_SECONDS = 60.0
"""So long the end of a run waits for a sink that is away."""


class Sink(Protocol):
    """Something that is told of a run's events."""

    @property
    def name(self) -> str:
        """In messages."""

    @property
    def place(self) -> str:
        """Name of its cursor's file: another one where it begins anew, such as in another MLflow run."""

    @property
    def troubles(self) -> tuple[type[Exception], ...]:
        """What says that it can't take an event now."""

    def takes(self, event: str) -> bool:
        """Whether it wants events of this kind."""

    def take(self, entry: dict[str, Any], again: bool) -> None:
        """One event. ``again``: it may have been taken before, wholly or in part: what is there is not doubled."""


class _Line:
    """One sink's place in the journal, and how it is doing."""

    def __init__(self, run: Run, sink: Sink) -> None:
        self.trouble = ""
        self._run = run
        self._sink = sink
        self._cursor = run.path / "delivered" / f"{sink.place}.json"
        self._again = True
        self._not_before = 0.0

    def deliver(self) -> bool:
        """Whether the sink has all that the journal says."""
        if time.monotonic() < self._not_before:
            return False
        offset = read_json(self._cursor)["offset"] if self._cursor.exists() else 0
        for entry, end in self._run.folder.journal.follow(offset):
            if self._sink.takes(entry["event"]):
                if not self._took(entry):
                    return False
                write_json(self._cursor, {"offset": end})
                self._again = False
        self.trouble = ""
        return True

    def _took(self, entry: dict[str, Any]) -> bool:
        # until the cursor is written: whatever ends this call, nobody knows how far it came
        again, self._again = self._again, True
        try:
            self._sink.take(entry, again)
        except self._sink.troubles as error:
            self._not_before = time.monotonic() + PAUSE_SECONDS
            if not self.trouble:  # once an outage
                self._run.folder.journal.write("undelivered", sink=self._sink.name, reason=str(error)[:500])
            self.trouble = f"{self._sink.name}: {error}"
            return False
        return True


@lru_cache(maxsize=4)
def _lines(path: Path, mlflow_run_id: str) -> tuple[_Line, ...]:
    run = Run(path=path, mlflow_run_id=mlflow_run_id)
    return tuple(_Line(run, sink) for sink in (MLflowSink(run), PrefectSink(run)))


def deliver(run: Run) -> bool:
    """Tells the sinks what they do not know yet; whether they now know all. Never waits for one that is away."""
    told = [line.deliver() for line in _lines(run.path, run.mlflow_run_id)]  # all, even where the first is away
    return all(told)


def deliver_all(run: Run) -> None:
    """Like ``deliver``, but waits for a sink that is away, up to ``PATIENCE_SECONDS``.

    Raises:
        DeliveryError: one is still away; what it was not told is kept, and delivered when the run is resumed.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not deliver(run):
        if time.monotonic() > deadline:
            troubles = "; ".join(filter(None, (line.trouble for line in _lines(run.path, run.mlflow_run_id))))
            raise DeliveryError(f"not delivered (stage1 resume {run.folder.name} tries again): {troubles}")
        time.sleep(1.0)
