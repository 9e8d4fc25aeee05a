"""Somebody outside who kills worker processes."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def kill(number: int) -> None:
    os.kill(number, signal.SIGKILL)


@contextmanager
def killing(folder: Path, count: int) -> Iterator[None]:
    """Kills the first ``count`` processes that leave their id as a file's name in ``folder``."""
    outside = threading.Thread(target=_kill_first, args=(folder, count), daemon=True)
    outside.start()
    yield
    outside.join(10)
    assert not outside.is_alive(), f"fewer than {count} processes showed up"


def _kill_first(folder: Path, count: int) -> None:
    killed: set[str] = set()
    while len(killed) < count:
        for name in sorted({path.name for path in folder.iterdir()} - killed)[: count - len(killed)]:
            kill(int(name))
            killed.add(name)
        time.sleep(0.01)
