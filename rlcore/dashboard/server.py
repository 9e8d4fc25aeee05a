"""The dashboard's server: a port of its own, until it is told to stop or the process that it serves for is gone."""

from __future__ import annotations

import asyncio
import errno
import os
import secrets
import signal
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from urllib.parse import urlencode

import psutil
import uvicorn
from starlette.types import Message
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from rlcore.dashboard.access import Access, is_loopback, is_wildcard
from rlcore.dashboard.app import PAGE, create_app
from rlcore.dashboard.drawing import DRAW_COMMAND
from rlcore.dashboard.snapshot import RunIndex
from rlcore.errors import DashboardError

PORT = 8768
FURTHER_PORTS = 50
"""Tried one after the other where the port is busy."""

LONGEST_FRAME_BYTES = 2**20
"""A longer message of a client ends its connection (close code 1009); from 64 KiB on it is answered with an error."""

CLOSE_SECONDS = 10.0
"""A client that does not read is sent its close code; after so long its connection is cut."""

LOOK_SECONDS = 0.5
GRACE_SECONDS = 2


class _Connection(WebSocketsSansIOProtocol):
    """Closes a client too that does not read: uvicorn would wait for room to send the close code, for ever."""

    async def send(self, message: Message) -> None:  # type: ignore[override]
        if message["type"] == "websocket.close":
            self.writable.set()  # behind all that waits, whatever room there is
            self.loop.call_later(CLOSE_SECONDS, self.transport.abort)
        await super().send(message)  # type: ignore[arg-type]


class _Server(uvicorn.Server):
    """Ends when a signal says so; uvicorn would then raise the signal once more, to end the process by it."""

    passed_over: frozenset[int] = frozenset()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Called for SIGINT and SIGTERM while it serves."""
        if sig not in self.passed_over:
            self.should_exit = True


def bound_socket(host: str, port: int) -> socket.socket:
    """A listening socket on ``port`` or, where that is busy, on the first of the next 50 that is not.

    ``port``: 0 to 65535; 0: any that is free.

    Raises:
        DashboardError: all of them are busy, or the host is none of this machine's.
    """
    if not 0 <= port <= 65535:
        raise DashboardError(f"port {port}: 0 to 65535 are allowed")
    last = min(65535, port + FURTHER_PORTS) if port else 0
    for candidate in range(port, last + 1):
        try:
            return _listening(host, candidate)
        except (OSError, UnicodeError) as error:
            if getattr(error, "errno", None) != errno.EADDRINUSE:
                raise DashboardError(f"{host} port {candidate} can't be served: {error}") from error
    raise DashboardError(f"{host}: the ports {port} to {last} are all busy")


def _listening(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    made = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":  # elsewhere it would let two servers have one port
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(2048)  # at once: two that are only bound may have the same port
    except OSError:
        made.close()
        raise
    return made


class DashboardServer:
    """A server with its port; ``run`` serves, ``stop`` ends that from any thread.

    Attributes:
        url: of the page, with the run and the token.
    """

    def __init__(
        self,
        mlruns: Path,
        run: str = "",
        host: str = "127.0.0.1",
        port: int = PORT,
        token: str = "",
        page: Path = PAGE,
        draw: Sequence[str] = DRAW_COMMAND,
    ) -> None:
        """Takes the port; see ``serve`` and, for ``page`` and ``draw``, ``create_app``.

        Raises:
            DashboardError: the host or the port can't be had.
        """
        if not token and not is_loopback(host):
            token = secrets.token_urlsafe(24)
        self._socket = bound_socket(host, port)
        access = Access(host, self._socket.getsockname()[1], token)
        self.url = _url(access, run)
        self._server = _Server(
            uvicorn.Config(
                create_app(mlruns, run, access, page, draw),
                http="h11",
                ws=_Connection,
                ws_max_size=LONGEST_FRAME_BYTES,
                ws_per_message_deflate=False,  # 200 clients: the same text would be compressed 200 times
                lifespan="on",
                log_config=None,
                log_level="error",
                access_log=False,  # addresses have the token in them
                proxy_headers=False,
                forwarded_allow_ips="",
                server_header=False,
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )

    def run(self, on_ready: Callable[[str], None], is_over: Callable[[], bool]) -> None:
        """Serves until ``stop``, SIGTERM, SIGINT (in the main thread), or ``is_over`` says so, asked twice a second.

        ``on_ready``: called with ``url`` when requests are answered.
        """
        with self._socket:
            asyncio.run(self._run(on_ready, is_over))

    def pass_over(self, *signals: int) -> None:
        """Of SIGINT and SIGTERM, those that do not end it."""
        self._server.passed_over = frozenset(signals)

    def stop(self) -> None:
        """Has ``run`` return soon."""
        self._server.should_exit = True

    async def _run(self, on_ready: Callable[[str], None], is_over: Callable[[], bool]) -> None:
        serving = asyncio.create_task(self._server.serve([self._socket]))
        try:
            while not self._server.started and not serving.done():
                await asyncio.sleep(0.01)
            if self._server.started:
                on_ready(self.url)
            while not serving.done():
                if is_over():
                    self.stop()
                await asyncio.wait([serving], timeout=LOOK_SECONDS)
        finally:
            self.stop()
            await serving


def _url(access: Access, run: str) -> str:
    host = socket.gethostname() if is_wildcard(access.host) else access.host
    query = urlencode({key: value for key, value in (("run", run), ("token", access.token)) if value})
    return f"http://{f'[{host}]' if ':' in host else host}:{access.port}/{f'?{query}' if query else ''}"


def serve(
    mlruns: Path,
    run: str = "",
    host: str = "127.0.0.1",
    port: int = PORT,
    token: str = "",
    *,
    on_ready: Callable[[str], None] = lambda url: None,
    ends_with: int | None = None,
    run_to_come: bool = False,
) -> None:
    """Serves the dashboard until SIGTERM or SIGINT, or until the process ``ends_with`` is gone; then returns.

    With ``ends_with``, SIGINT is passed over: a terminal sends it to both, and the other one may take its time to end.

    Args:
        mlruns: the folder with ``stage1`` in it.
        run: the run to show; empty: the latest.
        host: address or name to be reached under; what is not loopback needs a token.
        port: the first to try, 0 to 65535.
        token: asked of every client; empty: none on loopback, else one is made.
        on_ready: called with the page's address, token included, when requests are answered.
        ends_with: id of the process that this one serves for.
        run_to_come: the run may not have begun yet.

    Raises:
        DashboardError: there is no such run, the host is none of this machine's, or the ports are busy.
    """
    if run and not run_to_come and RunIndex(mlruns).find(run) is None:
        names = ", ".join(row["name"] for row in RunIndex(mlruns).rows()[:5])
        raise DashboardError(f"run {run!r} is not in {mlruns / 'stage1'}; the latest there: {names or 'none'}")
    is_over = _gone(ends_with) if ends_with is not None else lambda: False
    server = DashboardServer(mlruns, run, host, port, token)
    if ends_with is not None:
        server.pass_over(signal.SIGINT)
    server.run(on_ready, is_over)


def _gone(pid: int) -> Callable[[], bool]:
    """Whether a process, which is there now, is no longer."""
    try:
        process = psutil.Process(pid)
    except psutil.NoSuchProcess:
        return lambda: True

    def is_gone() -> bool:
        try:  # one that nobody has asked how it ended is gone too
            return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    return is_gone
