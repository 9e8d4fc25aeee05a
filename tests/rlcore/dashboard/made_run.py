"""A run's folder whose journal grows line by line, and a client that folds the dashboard's messages as a page does."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rlcore.config import Stage1Config
from rlcore.run_folder import RunFolder
from tests.rlcore.dashboard.made_journal import BEGUN, entries, entry

EPISODES, CHUNK = 250, 125
LINES = entries(EPISODES, chunk=CHUNK)
"""A whole run of two chunks: two rollouts, three validations."""

RUNNING = LINES[:-1]
"""The same before it ended."""


class MadeRun:
    """``<mlruns>/stage1/<name>`` with a config; ``mine``: this process is at it."""

    def __init__(self, mlruns: Path, name: str = "made-run", mine: bool = True, **config: Any) -> None:
        self.folder = RunFolder(mlruns / "stage1" / name)
        self.folder.path.mkdir(parents=True)
        self.folder.write_config(Stage1Config(**({"target_episodes": EPISODES} | config)))
        if mine:
            self.folder.write_identity("id", None)

    def write(self, lines: Iterable[dict[str, Any]]) -> MadeRun:
        """Appends them."""
        return self.write_text("".join(f"{json.dumps(line)}\n" for line in lines))

    def write_text(self, text: str) -> MadeRun:
        """Appends it as it is, a part of a line too."""
        with self.folder.journal.path.open("a", encoding="utf-8") as file:
            file.write(text)
        return self

    def add(self, event: str, time: float = BEGUN, **fields: Any) -> MadeRun:
        """Appends one line that the schema takes."""
        return self.write([entry(event, time, **fields)])


def before(event: str, number: int = 1) -> list[dict[str, Any]]:
    """The lines before the ``number``-th of a kind."""
    places = [place for place, line in enumerate(LINES) if line["event"] == event]
    return LINES[: places[number - 1]]


def note(run: MadeRun, text: str) -> MadeRun:
    """Has something happen that is told in a sentence of a client's choice."""
    return run.add("report", episode=0, message=text, files=[])


class Page:
    """Folds messages into what ``initial_data`` has, as ``docs/dashboard.md`` says: without gaps, all of it once."""

    def __init__(self) -> None:
        self.data: dict[str, Any] = {}
        self.received: list[str] = []

    def take(self, message: dict[str, Any]) -> None:
        """One message."""
        self.received.append(message["type"])
        handler = getattr(self, f"_on_{message['type']}", None)
        if handler is not None:
            handler(message)

    def _on_initial_data(self, message: dict[str, Any]) -> None:
        self.data = {key: value for key, value in message.items() if key not in ("type", "timestamp")}

    def _points(self, points: dict[str, Any]) -> None:
        for name, (x, y) in points.items():
            curve = self.data["series"].setdefault(name, {"x": [], "y": []})
            assert not curve["x"] or x > curve["x"][-1], f"{name} at {x} was told before"
            curve["x"].append(x)
            curve["y"].append(y)

    def _on_episode_metrics(self, message: dict[str, Any]) -> None:
        for episode in message["episodes"]:
            names = ("reward", "gain", "quality", "bytes_ratio", "reward_mean", "quality_mean", "success_mean")
            self._points({f"episode/{name}": [episode["number"], episode[name]] for name in names})
        self.data["episodes"] = [*self.data["episodes"], *message["episodes"]][-500:]

    def _on_metrics_update(self, message: dict[str, Any]) -> None:
        self._points(message["points"])
        self.data["health"] = message["health"]

    def _on_system_metrics(self, message: dict[str, Any]) -> None:
        self._points(message["points"])
        self.data["system"] = message["system"]

    def _on_validation_result(self, message: dict[str, Any]) -> None:
        self._points(message["points"])
        if message["split"] == "validation":
            self.data["validations"].append(message["validation"])
        for name in ("leads", "baselines", "samples"):
            self.data[name] = message[name]

    def _on_milestone_achieved(self, message: dict[str, Any]) -> None:
        self.data["milestones"].append(message["milestone"])

    def _on_qa_alert(self, message: dict[str, Any]) -> None:
        told = message["alert"]
        same = [
            place
            for place, known in enumerate(self.data["alerts"])
            if (known["check"], known["episode"]) == (told["check"], told["episode"])
        ]
        if same:
            self.data["alerts"][same[0]] = told
        else:
            self.data["alerts"].append(told)

    def _on_training_event(self, message: dict[str, Any]) -> None:
        self.data["events"] = [*self.data["events"], message["event"]][-200:]

    def _on_training_summary(self, message: dict[str, Any]) -> None:
        self.data["summary"], self.data["runs"] = message["summary"], message["runs"]

    @property
    def lasting(self) -> dict[str, Any]:
        """All but the summary, which has the time that went by in it, and the list of all runs."""
        return {key: value for key, value in self.data.items() if key not in ("summary", "runs")}
