"""What messages arrive at: an HTTP server and a mail server on loopback, each in a thread."""

from __future__ import annotations

import json
import threading
import time
import warnings
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from flows.prefect_server import _free_port

PATIENCE_SECONDS = 60.0


def wait_until(happened: Callable[[], Any], seconds: float = PATIENCE_SECONDS) -> Any:
    """What ``happened`` gives as soon as that is true."""
    deadline = time.monotonic() + seconds
    while not (found := happened()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
    return found


class Hook:
    """A webhook: what was posted by path, and the statuses that it answers with before it says 200."""

    def __init__(self, port: int = 0) -> None:
        self.posted: list[tuple[str, dict[str, str]]] = []
        self.statuses: list[int] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.posted.append((self.path, json.loads(body)))
                self.send_response(hook.statuses.pop(0) if hook.statuses else 200)
                self.send_header("Location", f"http://127.0.0.1:{hook.port}/elsewhere")  # where a 3xx points to
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @staticmethod
    def free_port() -> int:
        return _free_port()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def with_text(self, text: str, path: str = "") -> list[dict[str, str]]:
        """What was posted with that text in it."""
        return [content for where, content in list(self.posted) if text in content["text"] and path in where]


class Post:
    """A mail server that asks for a login, and what it was handed."""

    USER, PASSWORD = "trainer", "mail-pass-7d1c"

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.logins: list[tuple[str, str]] = []
        self.refusals = 0
        self.port = _free_port()  # the controller takes none that is 0
        with warnings.catch_warnings():  # of a login without encryption
            warnings.simplefilter("ignore")
            self._controller = Controller(
                self,
                hostname="127.0.0.1",
                port=self.port,
                auth_require_tls=False,
                auth_required=True,
                authenticator=self._known,
            )
        self._controller.start()

    def _known(self, server, session, envelope, mechanism, data):
        self.logins.append((data.login.decode(), data.password.decode()))
        known = self.logins[-1] == (self.USER, self.PASSWORD)
        return AuthResult(success=known, handled=known)  # one that is not known is still to be answered

    async def handle_DATA(self, server, session, envelope):  # noqa: N802  aiosmtpd's name
        if self.refusals:
            self.refusals -= 1
            return "451 later"
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 taken"

    def close(self) -> None:
        self._controller.stop()

    def with_subject(self, text: str) -> list[EmailMessage]:
        """Mails with that text in their subject."""
        return [mail for mail in list(self.mails) if text in mail["Subject"]]
