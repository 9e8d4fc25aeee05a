"""What a run's clients are told: its journal's new lines as messages, each encoded once for all of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rlcore.dashboard import values
from rlcore.dashboard.journal_tail import JournalTail
from rlcore.dashboard.protocol import RequestMetricsHistory, Topic, encode
from rlcore.dashboard.snapshot import RunIndex, initial_data, summary
from rlcore.progress.state import RunState
from rlcore.run_folder import RunFolder

MOST_MESSAGES = 128
"""Told at once; where more came together (the machine slept), ``initial_data`` tells them all in one.

Half of what a client may have waiting.
"""

FRESH_SECONDS = 1.0
"""So long a new client gets the same ``initial_data`` as the one before, if nothing happened."""

PASSING = ("elapsed_seconds", "time_left")
"""Of a summary: what changes while nothing happens."""


@dataclass(frozen=True)
class Message:
    """Text for every client that is subscribed to ``topic``; None: for all."""

    topic: Topic | None
    text: str


class Feed:
    """One run's messages. Its methods block (files, long computations); any thread may call them, one at a time."""

    def __init__(self, folder: RunFolder, runs: RunIndex) -> None:
        """``runs``: for the list of all runs.

        Raises:
            ConfigError: the run's configuration is another version's.
        """
        self.folder = folder
        self._config = folder.config()
        self._runs = runs
        self._tail = JournalTail(folder)
        self._played: list[dict[str, Any]] = []
        self._initial: tuple[float, str] | None = None
        self._told_summary: Any = None
        self._lock = threading.Lock()

    def catch_up(self) -> None:
        """Reads on without telling."""
        with self._lock:
            if self._tail.catch_up():
                self._initial = None

    def news(self) -> list[Message]:
        """What the new lines say, in their order; all that was read is told."""
        with self._lock:
            replaced = self._tail.replaced
            found: list[Message] = []
            for entry in self._tail.new_entries():
                self._initial = None
                found += self._told(entry)
            found += self._episodes()
            if self._tail.replaced != replaced or len(found) > MOST_MESSAGES:
                return [self._initial_message()]
            return found

    def initial(self) -> str:
        """``initial_data`` of all that was read so far."""
        with self._lock:
            return self._initial_text()

    def history(self, asked: RequestMetricsHistory) -> str:
        """``metrics_history``."""
        with self._lock:
            first = float("-inf") if asked.first is None else asked.first
            last = float("inf") if asked.last is None else asked.last
            found = values.series_values(self._tail.state, asked.points, asked.metrics, first, last)
            return encode("metrics_history", series=found)

    def changed_summary(self) -> Message | None:
        """``training_summary``, if it says something else than the last one."""
        with self._lock:
            whole, runs = summary(self.folder, self._tail.state), self._runs.rows()
            lasting = ({key: value for key, value in whole.items() if key not in PASSING}, runs)
            if lasting == self._told_summary:
                return None
            self._told_summary = lasting
            return Message("summary", encode("training_summary", summary=whole, runs=runs))

    def _initial_text(self) -> str:
        if self._initial is None or time.monotonic() - self._initial[0] > FRESH_SECONDS:
            fields = initial_data(self.folder, self._config, self._tail.state, self._runs.rows())
            self._initial = (time.monotonic(), encode("initial_data", **fields))
        return self._initial[1]

    def _initial_message(self) -> Message:
        return Message(None, self._initial_text())

    def _told(self, entry: dict[str, Any]) -> Iterator[Message]:
        """Folds one line, and tells of it."""
        state = self._tail.state
        if entry["event"] == "episode":
            self._take_episode(state, entry)
            return
        yield from self._episodes()
        points = {name: len(curve.x) for name, curve in state.series.items()}
        note = state.notes[-1] if state.notes else None
        state.take(entry)
        match entry["event"]:
            case "rollout":
                health = values.health_value(self._config, state)
                yield Message("metrics", encode("metrics_update", points=_new_points(state, points), health=health))
            case "system":
                system = values.system_value(state)
                yield Message("system", encode("system_metrics", system=system, points=_new_points(state, points)))
            case "validation" | "test" as split:
                yield self._judged(split, entry, _new_points(state, points))
            case "milestone":
                yield Message("milestones", encode("milestone_achieved", milestone=values.timed(state.milestones[-1])))
            case "alert":
                yield from _alert(state, entry["alert"]["check"], entry["alert"]["episode"])
            case "alert_over":
                yield from _alert(state, entry["check"], entry["raised"])
        if state.notes and state.notes[-1] is not note:
            yield Message("events", encode("training_event", event=values.event_value(state.notes[-1])))
        if entry["event"] == "rollback":  # series are shorter, alerts are over: all that a client has is another
            yield self._initial_message()

    def _take_episode(self, state: RunState, entry: dict[str, Any]) -> None:
        before = state.recent[-1] if state.recent else None
        state.take(entry)
        if state.recent[-1] is not before:  # else written again after a kill
            self._played.append(values.latest_episode(state))

    def _episodes(self) -> Iterator[Message]:
        """Those that were read and not told yet, at the latest when no more lines are there.

        So a client that comes between an episode and its rollout is not told of it twice.
        """
        if self._played:
            yield Message("episodes", encode("episode_metrics", episodes=self._played))
            self._played = []

    def _judged(self, split: str, entry: dict[str, Any], points: dict[str, Any]) -> Message:
        state = self._tail.state
        if split == "validation":
            found = values.timed(state.validations[-1])
        else:
            found = {**values.timed(entry), "gain": None, "success_rate": None}
            found = {name: found[name] for name in ("time", "episode", "headline", "gain", "success_rate")}
        fields = {
            "split": split,
            "validation": found,
            "points": points,
            "leads": state.leads,
            "baselines": state.baselines.get("validation", []),
            "samples": values.samples_value(self.folder, state),
        }
        return Message("validation", encode("validation_result", **fields))


def _new_points(state: RunState, before: dict[str, int]) -> dict[str, list[float]]:
    """The last point of each curve that has more of them than before."""
    return {
        name: [curve.x[-1], curve.y[-1]] for name, curve in state.series.items() if len(curve.x) > before.get(name, 0)
    }


def _alert(state: RunState, check: str, raised: int) -> Iterator[Message]:
    told = values.find_alert(state, check, raised)
    if told is not None:
        yield Message("alerts", encode("qa_alert", alert=values.alert_value(told)))
