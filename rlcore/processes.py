"""Which process it was, so that another one finds out later whether it still is there."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any

import psutil


def this_process() -> dict[str, Any]:
    """``pid``, ``process_begun`` and ``host`` of the process that asks; ids are used again, with a beginning not."""
    this = psutil.Process()
    return {"pid": this.pid, "process_begun": this.create_time(), "host": socket.gethostname()}


def is_elsewhere(known: Mapping[str, Any]) -> bool:
    """Whether it is a process of another machine or container, whose ids mean nothing here."""
    here = socket.gethostname()
    return bool(known.get("host", here) != here)


def is_alive(known: Mapping[str, Any]) -> bool:
    """Whether the process that ``this_process`` told of is there; False where ``known`` has none.

    One that has ended and that nobody has asked how counts as gone.
    """
    try:
        process = psutil.Process(known["pid"])
        same = abs(process.create_time() - known["process_begun"]) < 1
        return bool(same and process.status() != psutil.STATUS_ZOMBIE)
    except (KeyError, psutil.NoSuchProcess):
        return False
