"""What a run takes of the machine, sampled beside the work."""

from __future__ import annotations

import shutil
import threading
from types import TracebackType
from typing import Any

import psutil
import torch

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


def worker_count() -> int:
    """Trace processes: they are children of a fork server; servers and the drawing are children of this process."""
    this = psutil.Process()
    own = {process.pid for process in this.children()}
    return sum(process.pid not in own for process in this.children(recursive=True))


def _gpu_memory_mib() -> list[float]:
    return [round(torch.cuda.memory_allocated(number) / 2**20, 1) for number in range(torch.cuda.device_count())]


def system_figures(journal: Journal) -> dict[str, Any]:
    """One sample, as the journal's ``system`` event has it; CPU is since the sample before (the first says 0)."""
    return {
        "memory_mib": round(memory_mib(), 1),
        "main_memory_mib": round(_own_bytes(psutil.Process()) / 2**20, 1),
        "cpu_percent": psutil.cpu_percent(),
        "disk_free_mib": round(shutil.disk_usage(journal.path.parent).free / 2**20, 1),
        "workers": worker_count(),
        "gpu_memory_mib": _gpu_memory_mib(),
    }


class SystemWatch:
    """A thread that writes a ``system`` event into the journal every few seconds."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="system-watch", daemon=True)

    def _watch(self) -> None:
        psutil.cpu_percent()  # counted from here: psutil remembers its last look for each thread
        while not self._stop.wait(INTERVAL_SECONDS):
            self._write()
        self._write()

    def _write(self) -> None:
        try:
            self._journal.write("system", **system_figures(self._journal))
        except OSError:
            # a sample is no fact of the run: whatever the run itself writes next says what is wrong with the disk
            return

    def __enter__(self) -> SystemWatch:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()
