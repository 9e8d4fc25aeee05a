"""Waiting for a server in a process of one's own to answer."""

from __future__ import annotations

import subprocess
import time
from typing import Any

import httpx


def answers(url: str, process: subprocess.Popen[Any], seconds: float) -> bool:
    """Whether ``url`` answers with 200 within so long; a process that ends before is not waited for."""
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if httpx.get(url, timeout=5).status_code == httpx.codes.OK:
                return True
        except httpx.TransportError:
            pass  # not yet
        time.sleep(0.1)
    return False
