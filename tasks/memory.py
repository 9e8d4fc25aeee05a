"""Memory of all processes of a run together, sampled beside the work."""

from __future__ import annotations

import threading
from types import TracebackType

import psutil

from rlcore.journal import Journal

INTERVAL_SECONDS = 5.0


def memory_mib() -> float:
    """Memory of this process and all its descendants in MiB; pages that they share count once where the OS tells."""
    this = psutil.Process()
    return sum(_own_bytes(process) for process in (this, *this.children(recursive=True))) / 2**20


def _own_bytes(process: psutil.Process) -> int:
    try:
        details = process.memory_full_info()
        return int(getattr(details, "pss", 0) or details.rss)
    except psutil.NoSuchProcess:  # it ended between the listing and the look
        return 0
    except psutil.AccessDenied:  # macOS gives the proportional share to root only
        return int(process.memory_info().rss)


class MemoryWatch:
    """A thread that writes a ``memory`` event into the journal every few seconds."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory-watch", daemon=True)

    def _watch(self) -> None:
        while not self._stop.wait(INTERVAL_SECONDS):
            self._write()

    def _write(self) -> None:
        main = _own_bytes(psutil.Process()) / 2**20
        self._journal.write("memory", mib=round(memory_mib(), 1), main_mib=round(main, 1))

    def __enter__(self) -> MemoryWatch:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()
        self._write()
