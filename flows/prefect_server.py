"""Prefect's API for a flow in this process: the configured server, or a temporary one that Ctrl-C does not reach."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import uvicorn
from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogWorker
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_HOME,
    PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS,
    temporary_settings,
)
from prefect.settings.context import get_current_settings

from flows.answering import answers
from rlcore.errors import ConfigError

_ENVIRONMENT = {"PREFECT_UI_ENABLED": "0", "PREFECT__SERVER_EPHEMERAL": "1", "PREFECT__SERVER_FINAL": "1"}
"""What Prefect's own temporary server has. That one is in this process's group: Ctrl-C in a terminal ends it too, and
the flow, which ends its rollout first, could not say any more how it ended."""

_SENDING_SECONDS = 5.0
"""For events and log lines on their way at the end; sending takes milliseconds, unless the server is away."""


@contextmanager
def prefect_api() -> Iterator[None]:
    """While it is open, Prefect's API can be reached.

    Raises:
        ConfigError: the configured server can't be reached.
        RuntimeError: the temporary server did not start.
    """
    configured = PREFECT_API_URL.value()
    if configured:
        _check(configured)
        yield
        return
    PREFECT_HOME.value().mkdir(parents=True, exist_ok=True)
    port = _free_port()
    process = _started(port)
    try:
        _wait_for(f"http://127.0.0.1:{port}/api/health", process)
        with temporary_settings({PREFECT_API_URL: f"http://127.0.0.1:{port}/api"}):
            try:
                yield
            finally:
                send_the_rest()
    finally:
        _end(process)


def send_the_rest() -> None:
    """Waits until this process's events and log lines are sent; later ones go to the server that is configured then.

    Prefect's senders of a process keep the server that they began with, whatever ``PREFECT_API_URL`` becomes: without
    this, the task runs of a second run would be told to the first one's server, which is gone.
    """
    for sender in (EventsWorker, APILogWorker):
        sender.drain_all(timeout=_SENDING_SECONDS, at_exit=False)


def _check(url: str) -> None:
    advice = "start it, or leave PREFECT_API_URL out for a temporary one"
    try:
        answer = httpx.get(f"{url}/health", timeout=10)
    except (httpx.TransportError, httpx.InvalidURL) as error:
        raise ConfigError(f"Prefect's server at {url} can't be reached ({error}): {advice}") from error
    if answer.status_code == httpx.codes.NOT_FOUND:
        raise ConfigError(f"no Prefect API at {url} (it ends in /api as a rule): {advice}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _started(port: int) -> subprocess.Popen[bytes]:
    settings = get_current_settings().to_environment_variables(exclude_unset=True)
    return subprocess.Popen(
        [sys.executable, "-m", "flows.prefect_server", str(port)],
        env={**os.environ, **_ENVIRONMENT, **settings},
        start_new_session=True,
    )


def serve(port: int) -> None:
    """The server, in its own process, until the process that started it ends, however it ends."""
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    uvicorn.run("prefect.server.api.server:create_app", factory=True, host="127.0.0.1", port=port, log_level="error")


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1.0)
    signal.raise_signal(signal.SIGTERM)


def _wait_for(health: str, process: subprocess.Popen[bytes]) -> None:
    if not answers(health, process, PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS.value()):
        raise RuntimeError(f"Prefect's temporary server did not answer at {health} (exit code {process.poll()})")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
