"""The append-only record of a run: one JSON line per event. Dashboards and progress views read nothing else."""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any


class Journal:
    """Writes events: a line survives the end of its process, and a fact a power cut too.

    ``check`` is given each line before it is written, and refuses it by an error of its own.
    """

    def __init__(self, path: Path, check: Callable[[dict[str, Any]], None] = lambda entry: None) -> None:
        self.path = path
        self._check = check

    def write(self, event: str, **fields: Any) -> None:
        """Appends ``{"time": <epoch seconds>, "event": event, **fields}``.

        Raises:
            OSError: the line could not be written whole.
        """
        self._append([(event, fields)], flush=False)

    def _append(self, events: Sequence[tuple[str, dict[str, Any]]], flush: bool) -> None:
        entries = [{"time": round(time.time(), 3), "event": event, **fields} for event, fields in events]
        for entry in entries:
            self._check(entry)
        lines = "".join(f"{json.dumps(entry, ensure_ascii=False)}\n" for entry in entries)
        block = f"{self._mend()}{lines}".encode()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # unbuffered: one call, so that lines of several writers never mix
        with self.path.open("ab", buffering=0) as file:
            if file.write(block) != len(block):  # a disk that is nearly full takes a part without a word
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
            if flush:
                os.fsync(file.fileno())

    def write_once(
        self, event: str, key: str, *, after: Sequence[tuple[str, dict[str, Any]]] = (), **fields: Any
    ) -> bool:
        """Like ``write``, unless an event of that name has the key already; returns whether it was written.

        What is a fact of the run is written so: a run that is taken up again comes past it a second time. ``after``:
        events (name and fields) that the fact seals, written before it in the same block. A kill in the middle of it
        leaves some of them without their fact, and they are written again with it.
        """
        # as ``write`` puts it down: a look at the bytes, for a long run has thousands of lines to parse
        begins = json.dumps({"event": event, "key": key}, ensure_ascii=False)[1:-1].encode()
        if any(begins in line and _parsed(line) is not None for line in self._complete_lines(0)):
            return False
        self._append([*after, (event, {"key": key, **fields})], flush=True)
        return True

    def _mend(self) -> str:
        """The line end that a killed writer left out."""
        if not self.path.exists() or not self.path.stat().st_size:
            return ""
        with self.path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return "" if file.read() == b"\n" else "\n"

    def read(self, *events: str) -> list[dict[str, Any]]:
        """All complete lines so far, or those of some kinds of event."""
        # as ``write`` puts it down: most lines of a long run are episodes, and parsing them takes its time
        marks = [json.dumps({"event": event})[1:-1].encode() for event in events]
        lines = (line for line in self._complete_lines(0) if not marks or any(mark in line for mark in marks))
        entries = (entry for line in lines if (entry := _parsed(line)) is not None)
        return [entry for entry in entries if not events or entry["event"] in events]

    def read_from(self, offset: int) -> tuple[list[dict[str, Any]], int]:
        """The complete lines from a byte offset on, and the offset to go on from.

        A line that is being written has no end yet and is left for later; one that a kill cut short is left out.
        """
        entries = []
        for entry, end in self.follow(offset):
            entries.append(entry)
            offset = end
        return entries, offset

    def follow(self, offset: int) -> Iterator[tuple[dict[str, Any], int]]:
        """Each complete line from a byte offset on, with the offset of what follows it."""
        for line in self._complete_lines(offset):
            offset += len(line)
            entry = _parsed(line)
            if entry is not None:
                yield entry, offset

    def _complete_lines(self, offset: int) -> Iterator[bytes]:
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            file.seek(offset)
            for line in file:
                if not line.endswith(b"\n"):  # being written: the rest of it may come while this goes on
                    return
                yield line


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        return json.loads(line)  # type: ignore[no-any-return]
    except ValueError:  # cut by a kill, then mended by the next writer
        return None
