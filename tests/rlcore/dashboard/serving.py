"""A real server on loopback in a thread, and real clients of it."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from rlcore.dashboard.server import DashboardServer

LIMIT_SECONDS = 15.0
"""Of anything that a test waits for."""


@contextmanager
def serving(mlruns: Path, **settings: Any) -> Iterator[DashboardServer]:
    """A server on a port that is free, which answers; it has ended when this is left."""
    server = DashboardServer(mlruns, **({"port": 0} | settings))
    ready = threading.Event()
    thread = threading.Thread(target=server.run, args=(lambda url: ready.set(), lambda: False))
    thread.start()
    try:
        assert ready.wait(LIMIT_SECONDS), "the server did not start"
        yield server
    finally:
        server.stop()
        thread.join(LIMIT_SECONDS)
        assert not thread.is_alive(), "the server did not end"


def port_of(server: DashboardServer) -> int:
    port = urlsplit(server.url).port
    assert port is not None
    return port


class Listener:
    """A client of the WebSocket."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.passed: list[dict[str, Any]] = []

    def next(self, kind: str = "") -> dict[str, Any]:
        """The next message of a type (default: of any); those before it are kept in ``passed``."""
        while True:
            message: dict[str, Any] = json.loads(self.socket.recv(LIMIT_SECONDS), parse_constant=refuse)
            assert isinstance(message["timestamp"], float)
            if kind in ("", message["type"]):
                return message
            self.passed.append(message)

    def say(self, kind: str, **fields: Any) -> None:
        """Sends a message."""
        self.socket.send(json.dumps({"type": kind, **fields}))

    def until_closed(self) -> int:
        """Reads until the server ends the connection; returns its close code."""
        with pytest.raises(ConnectionClosed) as closed:
            while_open(self.next)
        assert closed.value.rcvd is not None
        return closed.value.rcvd.code

    def until_pong(self) -> list[dict[str, Any]]:
        """All messages until the answer to a ping sent now: what was said before it is done then."""
        self.passed.clear()
        self.say("ping")
        self.next("pong")
        return list(self.passed)


def while_open(read: Callable[[str], dict[str, Any]]) -> None:
    """Reads on and on."""
    while True:
        read("none such")


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} in a message")


@contextmanager
def listening(server: DashboardServer, run: str = "", **settings: Any) -> Iterator[Listener]:
    """A client that is connected; its first message, ``initial_data``, is still to come."""
    address = f"ws://127.0.0.1:{port_of(server)}/ws{f'?run={run}' if run else ''}"
    with connect(address, **({"open_timeout": LIMIT_SECONDS, "max_size": None} | settings)) as socket:
        yield Listener(socket)


def get(server: DashboardServer, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers (names in small letters) and body; the path goes out as it is."""
    connection = http.client.HTTPConnection("127.0.0.1", port_of(server), timeout=LIMIT_SECONDS)
    try:
        connection.putrequest(method, path, skip_host="host" in headers)
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def handshake(server: DashboardServer, path: str = "/ws", **headers: str) -> int:
    """Status of the answer to a WebSocket's handshake."""
    wanted = {
        "connection": "Upgrade",
        "upgrade": "websocket",
        "sec_websocket_version": "13",
        "sec_websocket_key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    return get(server, path, **(wanted | headers))[0]


def wait_until(condition: Callable[[], Any], seconds: float = LIMIT_SECONDS) -> None:
    """Waits until it is true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)
