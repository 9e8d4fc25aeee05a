"""Asking a server over HTTP as its own clients do."""

import time

import httpx

PATIENCE_SECONDS = 60.0


def ask(method, url, **request):
    """What the server answers; where Prefect's says "later" (503, its SQLite database is locked), it is asked again."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        answer = httpx.request(method, url, timeout=30, **request)
        if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE or time.monotonic() > deadline:
            answer.raise_for_status()
            return answer.json() if answer.content else None
        time.sleep(0.2)
