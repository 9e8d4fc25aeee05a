"""A run's journal while it grows, folded into a state line by line."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import suppress
from typing import Any

from rlcore.errors import JournalError
from rlcore.events import check
from rlcore.progress.state import RunState
from rlcore.run_folder import RunFolder


class JournalTail:
    """Reads on from where it was.

    Lines that are not in the journal's schema (another version's, or damaged) are passed by: the rest is still told.

    Attributes:
        state: what was read so far; the reader folds each line into it.
        replaced: how often the file turned out to be another one: begun anew, or cut.
    """

    def __init__(self, folder: RunFolder, events: Collection[str] = ()) -> None:
        """``events``: read these only; empty: all."""
        self.state = RunState()
        self.replaced = 0
        self._folder = folder
        self._events = events
        self._offset = 0
        self._file = (0, 0)

    def new_entries(self) -> Iterator[dict[str, Any]]:
        """Each complete new line; none where the file is not there or can't be read.

        Where the file is another one than before, ``state`` is begun anew before its first line.
        """
        with suppress(OSError):  # removed, or on a network drive that is away: perhaps it comes back
            self._look_whether_replaced()
            for entry, end in self._folder.journal.follow(self._offset):
                self._offset = end
                if self._is_readable(entry):
                    yield entry

    def catch_up(self) -> bool:
        """Folds all new lines; returns whether there were any."""
        before = (self.replaced, self._offset)
        for entry in self.new_entries():
            self.state.take(entry)
        return (self.replaced, self._offset) != before

    def _look_whether_replaced(self) -> None:
        status = self._folder.journal.path.stat()
        file = (status.st_dev, status.st_ino)
        if self._offset and (file != self._file or status.st_size < self._offset):
            self.state, self._offset = RunState(), 0
            self.replaced += 1
        self._file = file

    def _is_readable(self, entry: Any) -> bool:
        if not isinstance(entry, dict) or (self._events and entry.get("event") not in self._events):
            return False
        try:
            check(entry)
        except JournalError:
            return False
        return True
