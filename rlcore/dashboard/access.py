"""Who may ask: names that the server answers to, the token beyond loopback, and what a page may do in a browser."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import socket
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})

SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what is bound to it."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_wildcard(host: str) -> bool:
    """Whether it stands for all addresses of this machine."""
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return host == ""


@dataclass(frozen=True)
class Access:
    """Who is answered.

    Attributes:
        host: what the server is bound to.
        port: likewise; it is part of the cookie's name, because browsers give a cookie to all ports of a host.
        token: what a client has to know; empty: nothing, which is for loopback only.
    """

    host: str = "127.0.0.1"
    port: int = 0
    token: str = field(default="", repr=False)

    def knows_host(self, header: str) -> bool:
        """Whether a request that names this host is meant for this server.

        A page of another site, whose name was made to point here (DNS rebinding), sends its own.
        """
        parts = _parts(f"http://{header}")
        if parts is None:
            return False
        name = parts[1]
        if name in LOOPBACK_NAMES or name == self.host.lower():
            return True
        # any address is one of ours then; a name has to be
        return is_wildcard(self.host) and (_is_address(name) or name in _own_names())

    def knows_token(self, connection: HTTPConnection) -> bool:
        """Whether a request brings the token, in its address or in the cookie."""
        if not self.token:
            return True
        # both compared, in a time that does not depend on how much of them is right
        in_query = self.is_in_query(connection.scope)
        in_cookie = _same(connection.cookies.get(self.cookie_name, ""), self.cookie)
        return in_query or in_cookie

    def is_in_query(self, scope: Scope) -> bool:
        """Whether the token is in the address."""
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])
        return bool(self.token) and _same(given[-1], self.token)

    @property
    def cookie_name(self) -> str:
        """Name of the cookie that stands for the token."""
        return f"stage1_dashboard_{self.port}"

    @property
    def cookie(self) -> str:
        """Its value: a hash, for a token may have characters that a cookie may not."""
        return hashlib.sha256(self.token.encode()).hexdigest()


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _own_names() -> set[str]:
    name = socket.gethostname().lower()
    return {name, name.partition(".")[0], f"{name.partition('.')[0]}.local"}


def is_own_origin(headers: Headers, scheme: str) -> bool:
    """Whether a WebSocket is opened by the page that this server gave out, or by no page at all.

    ``scheme``: of the page's address, ``http`` or ``https``.
    """
    origin = headers.get("origin")
    return origin is None or _parts(origin) == _parts(f"{scheme}://{headers.get('host', '')}")


def _parts(address: str) -> tuple[str, str, int | None] | None:
    """Scheme, host and port; None for what is no origin."""
    try:
        found = urlsplit(address)
        port = found.port or {"http": 80, "https": 443}.get(found.scheme)
    except ValueError:
        return None
    if not found.hostname or found.path or found.query or found.fragment or "@" in found.netloc:
        return None
    return found.scheme, found.hostname, port


class Guard:
    """Stands before the application: refuses who may not ask, and gives every answer its security headers."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                self._add_headers(scope, message)
            await send(message)

        refusal = self._refusal(HTTPConnection(scope))
        await (refusal or self._app)(scope, receive, guarded)

    def _refusal(self, connection: HTTPConnection) -> PlainTextResponse | None:
        headers, is_websocket = connection.headers, connection.scope["type"] == "websocket"
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._access.knows_host(hosts[0]):
            return PlainTextResponse("This server has another name.", 403)
        if not self._access.knows_token(connection):
            return PlainTextResponse("The token is missing or wrong: open the address that the dashboard told.", 401)
        scheme = {"ws": "http", "wss": "https"}.get(connection.scope["scheme"], "")
        if is_websocket and not is_own_origin(headers, scheme):
            return PlainTextResponse("A page of another site may not listen.", 403)
        return None

    def _add_headers(self, scope: Scope, message: Message) -> None:
        headers = MutableHeaders(scope=message)
        for name, value in SECURITY_HEADERS.items():
            headers[name] = value
        if scope["type"] == "http" and scope["path"] == "/" and self._access.is_in_query(scope):
            cookie = f"{self._access.cookie_name}={self._access.cookie}; Path=/; HttpOnly; SameSite=Strict"
            headers.append("set-cookie", cookie)
