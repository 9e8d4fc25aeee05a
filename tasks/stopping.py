"""Asking a run to stop. Ctrl-C or SIGTERM once: at the next rollout, or as soon as nothing is lost; twice: at once."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(KeyboardInterrupt):
    """The run was asked to stop and has stopped; all that it did is kept."""


@dataclass
class _Asked:
    """A process gets signals, not a run: so there is one of these."""

    by: str = ""
    begun: float = 0.0
    deadline: float = float("inf")


_asked = _Asked()


@contextmanager
def stoppable(hours: float, tell: Callable[[str], None]) -> Iterator[None]:
    """Answers signals, and counts the hours, while it is open; ``tell`` gets the name of the first signal.

    Outside of the main thread, where Python delivers no signals, only the hours count.
    """
    _asked.by, _asked.begun = "", time.monotonic()
    _asked.deadline = _asked.begun + 3600 * hours

    def answer(number: int, frame: FrameType | None) -> None:
        if _asked.by:
            raise KeyboardInterrupt(f"asked to stop by {_asked.by}, then by {signal.Signals(number).name}")
        _asked.by = signal.Signals(number).name
        tell(_asked.by)

    here = SIGNALS if threading.current_thread() is threading.main_thread() else ()
    before = {number: signal.signal(number, answer) for number in here}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _asked.by, _asked.deadline = "", float("inf")


def ask_to_stop(by: str) -> None:
    """What a signal does, for whoever can send none: a run in a thread."""
    _asked.by = _asked.by or by


def stop_asked() -> bool:
    """Whether training should end at the next rollout: a signal came, or the hours are over."""
    return bool(_asked.by) or out_of_time()


def hours_gone() -> float:
    """Since the run was begun, or taken up again."""
    return (time.monotonic() - _asked.begun) / 3600


def out_of_time() -> bool:
    """Whether the hours are over."""
    return time.monotonic() >= _asked.deadline


def stop_if_asked() -> None:
    """Ends the run here where a signal came; to be called where everything done so far is kept, or soon done again.

    Raises:
        Interrupted: a signal came.
    """
    if _asked.by:
        raise Interrupted(f"asked to stop by {_asked.by}")
