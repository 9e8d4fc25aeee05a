"""The dashboard: by itself (``stage1 dashboard``), or beside a run, as a process that ends with it."""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from rich.console import Console

from rlcore.dashboard.server import serve
from tasks.store import DASHBOARD_VARIABLE, mlruns_folder

START_SECONDS = 30.0
END_SECONDS = 5.0


def serve_dashboard(run: str, host: str, port: int, token: str, console: Console) -> None:
    """Serves until Ctrl-C or SIGTERM.

    Raises:
        DashboardError: there is no such run, or no such host or port.
    """

    def tell(url: str) -> None:
        console.print(_told(url, port), highlight=False, markup=False, soft_wrap=True)
        console.print("Ctrl-C ends it", style="dim", highlight=False)

    serve(mlruns_folder(), run, host, port, token, on_ready=tell)


def _told(url: str, wanted: int) -> str:
    port = urlsplit(url).port
    busy = f" (port {wanted} is busy)" if wanted and port != wanted else ""
    return f"dashboard {url}{busy}"


@contextmanager
def dashboard_beside(run: str, port: int | None, console: Console) -> Iterator[None]:
    """Serves a run's dashboard in a process of its own while it is open, and says where; ``port``: None for none.

    Where it can't be served, that is said, and the run goes on without.
    """
    if port is None:
        yield
        return
    try:
        process = _started(run, port)
    except OSError as error:  # the run says itself what is wrong with its store
        console.print(f"no dashboard: {error}", highlight=False, markup=False, soft_wrap=True)
        yield
        return
    try:
        line = _first_line(process)
        told = _told(line, port) if line.startswith("http") else f"no dashboard: {line or 'see dashboard.log'}"
        console.print(told, highlight=False, markup=False, soft_wrap=True)
        with _known(line if line.startswith("http") else ""):
            yield
    finally:
        process.terminate()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _first_line(process: subprocess.Popen[str]) -> str:
    """Empty where none comes in time."""
    assert process.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        return process.stdout.readline().strip() if selector.select(START_SECONDS) else ""


@contextmanager
def _known(address: str) -> Iterator[None]:
    """While it is open, messages about the run link to the dashboard; one that was named already is kept."""
    if not address or DASHBOARD_VARIABLE in os.environ:
        yield
        return
    os.environ[DASHBOARD_VARIABLE] = address
    try:
        yield
    finally:
        os.environ.pop(DASHBOARD_VARIABLE, None)


def _started(run: str, port: int) -> subprocess.Popen[str]:
    """Its complaints go to ``dashboard.log`` in the store: in the terminal they would tear the progress."""
    mlruns = mlruns_folder()
    mlruns.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "rlcore.dashboard", str(mlruns), run, str(port), str(os.getpid())]
    with (mlruns / "dashboard.log").open("ab") as log:
        return subprocess.Popen(
            # in a session of its own: Ctrl-C is for the run, which may take a while to end
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
