"""What there is to say of runs at one moment: all of them in a line each, and one of them in whole."""

from __future__ import annotations

import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from rlcore.config import Stage1Config
from rlcore.dashboard import values
from rlcore.dashboard.journal_tail import JournalTail
from rlcore.dashboard.protocol import HISTORY_POINTS, TOPICS
from rlcore.errors import ConfigError
from rlcore.events import SCHEMA_VERSION
from rlcore.progress.state import RunState
from rlcore.run_folder import RunFolder

RunWord = Literal["running", "finished", "stopped", "lost", "failed"]
ENDINGS: dict[str, RunWord] = {"FINISHED": "finished", "FAILED": "failed", "KILLED": "stopped"}

LISTED_EVENTS = frozenset({"started", "resumed", "ended", "rollout", "rollback", "validation"})
"""What a run's line in the list is made from; most of a journal is episodes, which it needs none of."""

LOOK_SECONDS = 1.0
"""The list of runs is this old at most."""


def run_word(folder: RunFolder, state: RunState) -> RunWord:
    """The run's state in a word. The run's lock is not touched: whoever holds it is not disturbed."""
    if state.ended is not None:
        return ENDINGS.get(state.ended["status"], "stopped")
    return "running" if folder.process_alive else "lost"


def summary(folder: RunFolder, state: RunState) -> dict[str, Any]:
    """How far a run is."""
    word = run_word(folder, state)
    left = state.time_left if word == "running" else None
    until = time.time() if word == "running" else state.last_time
    return {
        "name": folder.name,
        "state": word,
        "status": None if state.ended is None else state.ended["status"],
        "reason": None if state.ended is None else state.ended["reason"],
        "stage": state.stage,
        "done": state.done,
        "total": state.total,
        "episode": state.episode,
        "target_episodes": state.target_episodes,
        "chunk": state.chunk,
        "chunks": state.chunks,
        "begun": float(state.begun),
        "elapsed_seconds": max(0.0, until - state.begun),
        "episodes_per_minute": 60 * state.velocity,
        "mean_episodes_per_minute": 60 * state.mean_velocity,
        "time_left": None if left is None else asdict(left),
        **{name: values.latest(state, f"episode/{name}") for name in values.MOVING_AVERAGES},
        "best_validation": values.best_validation(state),
        "test": state.test,
        "open_alerts": len(state.open_alerts),
        "rollbacks": state.rollbacks,
        "decision": state.verdicts[-1].decision if state.verdicts else None,
        "picture": values.picture_url(folder, state),
    }


def initial_data(
    folder: RunFolder, config: Stage1Config, state: RunState, runs: list[dict[str, Any]]
) -> dict[str, Any]:
    """The fields of ``initial_data``: all that a page needs to show a run; ``runs`` as ``RunIndex.rows`` gives them."""
    return {
        "run": folder.name,
        "schema_version": state.schema_version,
        "summary": summary(folder, state),
        "config": values.config_values(config),
        "series": values.series_values(state, HISTORY_POINTS),
        "episodes": values.recent_episodes(state),
        "baselines": state.baselines.get("validation", []),
        "validations": [values.timed(validation) for validation in state.validations],
        "leads": state.leads,
        "milestones": [values.timed(milestone) for milestone in state.milestones],
        "alerts": [values.alert_value(told) for told in state.alerts],
        "events": [values.event_value(note) for note in state.notes],
        "system": values.system_value(state),
        "health": values.health_value(config, state),
        "samples": values.samples_value(folder, state),
        "runs": runs,
        "topics": list(TOPICS),
    }


@dataclass
class _Listed:
    """A run in the list: its journal as far as the list needs it."""

    folder: RunFolder
    tail: JournalTail
    config_read: tuple[int, int] | None = None
    readable: bool = False

    def look(self) -> bool:
        """Reads on; whether it is a run of this version."""
        status = self.folder.config_file.stat()
        if (status.st_mtime_ns, status.st_size) != self.config_read:
            self.config_read = (status.st_mtime_ns, status.st_size)
            self.readable = _config_readable(self.folder)
        if self.readable:
            self.tail.catch_up()
        return self.readable and self.tail.state.schema_version == SCHEMA_VERSION

    def row(self) -> dict[str, Any]:
        """Its line, as ``all_runs`` gives it."""
        state = self.tail.state
        best = values.best_validation(state) or {}
        return {
            "name": self.folder.name,
            "state": run_word(self.folder, state),
            "begun": float(state.begun),
            "episode": state.episode,
            "target_episodes": state.target_episodes,
            "gain": best.get("gain"),
            "success_rate": best.get("success_rate"),
        }


def _config_readable(folder: RunFolder) -> bool:
    try:
        folder.config()
    except (ConfigError, OSError, UnicodeDecodeError):
        return False
    return True


class RunIndex:
    """All runs below a folder, read on as they grow. Folders of other versions are not among them.

    Any thread may ask.
    """

    def __init__(self, mlruns: Path) -> None:
        """``mlruns``: the folder with ``stage1`` in it, which need not be there yet."""
        self._root = mlruns / "stage1"
        self._known: dict[str, _Listed] = {}
        self._listed: list[_Listed] = []
        self._looked = float("-inf")
        self._lock = threading.Lock()

    def rows(self) -> list[dict[str, Any]]:
        """A line of each run, the latest first."""
        with self._lock:
            self._look(LOOK_SECONDS)
            return [listed.row() for listed in self._listed]

    def find(self, name: str) -> RunFolder | None:
        """The run of that name, or of none (the latest); None where there is no such one.

        Whatever ``name`` is, the folder is one of those that are there.
        """
        with self._lock:
            for age in (LOOK_SECONDS, 0.0):  # it may have begun just now
                self._look(age)
                found = next((one.folder for one in self._listed if name in ("", one.folder.name)), None)
                if found is not None:
                    return found
        return None

    def _look(self, oldest_seconds: float) -> None:
        if time.monotonic() - self._looked < oldest_seconds:
            return
        self._looked = time.monotonic()
        there = {file.parent.name: file.parent for file in self._root.glob("*/config.json")}
        self._known = {name: self._known.get(name) or _listed(RunFolder(path)) for name, path in sorted(there.items())}
        readable = [listed for listed in self._known.values() if _is_there(listed)]
        self._listed = sorted(readable, key=lambda listed: listed.tail.state.begun, reverse=True)


def _listed(folder: RunFolder) -> _Listed:
    return _Listed(folder, JournalTail(folder, LISTED_EVENTS))


def _is_there(listed: _Listed) -> bool:
    try:
        return listed.look()
    except OSError:  # removed since
        return False


def all_runs(mlruns: Path) -> list[dict[str, Any]]:
    """A line of each run below ``mlruns``, the latest first: the fields of ``runs`` in ``docs/dashboard.md``."""
    return RunIndex(mlruns).rows()
