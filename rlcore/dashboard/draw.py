"""Draws the dashboard into a run's folder, as a process of its own: out of the training's way.

``python -m rlcore.dashboard.draw RUN_FOLDER`` draws every 30 seconds and after each validation, until its standard
input ends, as it does when the run's process does, however that ends; then once more. With ``--once`` it draws one.
Each picture's path is a line on its standard output.
"""

from __future__ import annotations

import os
import selectors
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from rlcore.dashboard.picture import dashboard_picture
from rlcore.dashboard.snapshot import run_word
from rlcore.files import write_bytes
from rlcore.progress.state import RunState
from rlcore.run_folder import RunFolder

INTERVAL_SECONDS = 30.0
LOOK_SECONDS = 1.0
LAST_PICTURES = 20
"""Kept beside those that the journal refers to."""

NICENESS = 19
"""Drawing takes what the traces leave."""


class Drawer:
    """Follows one run's journal and draws what it says."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._state = RunState()
        self._offset = 0
        self._told: set[str] = set()
        self.is_new = False
        """Whether there is something that no picture shows yet."""

    def look(self) -> list[int]:
        """Reads on; returns the episodes of the validations that were new."""
        entries, self._offset = self._folder.journal.read_from(self._offset)
        for entry in entries:
            self._state.take(entry)
            if entry["event"] == "picture":
                self._told.add(entry["file"])
            else:
                self.is_new = True
        return [entry["episode"] for entry in entries if entry["event"] == "validation"]

    def draw(self) -> Path:
        """Writes ``dashboard_<episode>.png`` and ``dashboard_latest.png``; returns the first."""
        content = dashboard_picture(self._state, self._folder.config(), word=run_word(self._folder, self._state))
        made = write_bytes(self._folder.picture(f"{self._state.episode:06d}"), content)
        write_bytes(self._folder.picture("latest"), content)
        self.is_new = False
        self._prune()
        return made

    def _prune(self) -> None:
        """Keeps what the journal refers to, and the last; by their time, for after a rollback episodes come again."""
        kept = sorted(self._folder.picture("latest").parent.glob("dashboard_[0-9]*.png"), key=_written)
        for path in kept[:-LAST_PICTURES]:
            if str(path.relative_to(self._folder.path)) not in self._told:
                path.unlink(missing_ok=True)

    def tell(self, made: Path, key: str) -> None:
        """Writes into the journal that a picture is worth keeping: MLflow gets it."""
        name = str(made.relative_to(self._folder.path))
        self._told.add(name)
        self._folder.journal.write_once("picture", key, episode=self._state.episode, file=name)

    def follow(self) -> Iterator[Path]:
        """Draws until standard input ends; gives the path of each picture."""
        due, waiting = time.monotonic() + INTERVAL_SECONDS, []
        while not _input_ended(LOOK_SECONDS):
            validated = self.look()
            waiting += [f"validation {episode}" for episode in validated]
            if validated or (time.monotonic() >= due and self.is_new):
                yield from self._tried(waiting)
                due = time.monotonic() + INTERVAL_SECONDS
        self.look()
        if self.is_new:
            yield from self._tried([*waiting, f"end {self._offset}"])

    def _tried(self, waiting: list[str]) -> Iterator[Path]:
        """Draws, and tells it for what waits for a picture; the run goes on where the disk has no room for one now."""
        try:
            made = self.draw()
            while waiting:
                self.tell(made, waiting[0])
                del waiting[0]
        except OSError as error:
            sys.stderr.write(f"no picture: {error}\n")
            sys.stderr.flush()
        else:
            yield made


def _written(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:  # another drawing tidied up too
        return 0


def _input_ended(seconds: float) -> bool:
    """Waits so long for the end of standard input."""
    with selectors.DefaultSelector() as selector:
        selector.register(sys.stdin, selectors.EVENT_READ)
        return bool(selector.select(seconds)) and not os.read(sys.stdin.fileno(), 1024)


def main(arguments: list[str]) -> None:
    """Entry point; see the module."""
    os.nice(NICENESS)
    folder = RunFolder(Path(arguments[0]))
    drawer = Drawer(folder)
    if "--once" in arguments:
        drawer.look()
        sys.stdout.write(f"{drawer.draw()}\n")
        return
    for path in drawer.follow():
        sys.stdout.write(f"{path}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
