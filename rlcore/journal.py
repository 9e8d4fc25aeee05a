"""The append-only record of a run: one JSON line per event. Dashboards and progress views read nothing else."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any


class Journal:
    """Writes events; every line is complete on disk before ``write`` returns."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path

    def write(self, event: str, **fields: Any) -> None:
        """Appends ``{"time": <epoch seconds>, "event": event, **fields}``."""
        line = json.dumps({"time": round(time.time(), 3), "event": event, **fields}, ensure_ascii=False)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def read(self, event: str = "") -> list[dict[str, Any]]:
        """All complete lines so far, or those of one kind of event."""
        return [entry for entry in self.read_from(0)[0] if event in ("", entry["event"])]

    def read_from(self, offset: int) -> tuple[list[dict[str, Any]], int]:
        """The complete lines from a byte offset on, and the offset to go on from.

        A line that is being written, or was cut by a kill, has no end yet and is left for later.
        """
        if not self.path.exists():
            return [], offset
        with self.path.open("rb") as file:
            file.seek(offset)
            complete = file.read().rpartition(b"\n")
        text = complete[0] + complete[1]
        return [json.loads(line) for line in text.splitlines()], offset + len(text)
