"""The dashboard as a web application: the addresses of ``docs/dashboard.md``."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket

from rlcore.dashboard.access import Access, Guard
from rlcore.dashboard.conversation import Conversation
from rlcore.dashboard.drawing import DRAW_COMMAND, Drawings
from rlcore.dashboard.follower import Followers
from rlcore.dashboard.logo_pictures import LogoPictures
from rlcore.dashboard.protocol import as_json
from rlcore.dashboard.snapshot import RunIndex
from rlcore.run_folder import RunFolder

PAGE = Path(__file__).parent / "page"

MEDIA_TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".json": "application/json",
    ".woff2": "font/woff2",
}
"""Suffixes of files that are given out. Said here, for the system's table may say anything."""

LOOK_AGAIN = "no-cache"
"""Kept by the browser, which asks before each use whether it still is the same."""

_SAMPLE = re.compile(r"([0-9]{1,9})-([0-9]{1,4})\.png")

FOR_EVER = "private, max-age=31536000, immutable"
"""For what is named by a hash of its content."""


class Dashboard:
    """What is behind the addresses. Methods that are no coroutines run in threads: they read files."""

    def __init__(self, mlruns: Path, run: str, page: Path, draw: Sequence[str]) -> None:
        self.runs = RunIndex(mlruns)
        self.followers = Followers(self.runs)
        self.drawings = Drawings(draw)
        self._run = run
        self._page = page
        self._logos = LogoPictures()

    def index(self, request: Request) -> Response:
        """The page."""
        return _file(request, self._page / "index.html")

    def static(self, request: Request) -> Response:
        """A file of the page, or plotly.js."""
        name = request.path_params["name"]
        if name == "plotly.min.js":
            return _file(request, _plotly(name))
        there = {file.relative_to(self._page).as_posix(): file for file in self._page.rglob("*")}
        return _file(request, there.get(name))

    def list_runs(self, request: Request) -> Response:
        """All runs."""
        return Response(as_json(self.runs.rows()), media_type="application/json", headers={"cache-control": "no-store"})

    def logo(self, request: Request) -> Response:
        """A logo on its matte."""
        png = self._logos.png(self._folder(request), request.path_params["digest"])
        if png is None:
            raise HTTPException(404, "no such logo in this run")
        return Response(png, media_type="image/png", headers={"cache-control": FOR_EVER})

    def sample(self, request: Request) -> Response:
        """A picture of a held-out logo."""
        folder, found = self._folder(request), _SAMPLE.fullmatch(request.path_params["name"])
        return _file(request, None if found is None else folder.sample(int(found[1]), int(found[2])))

    def picture(self, request: Request) -> Response:
        """A picture of the whole dashboard."""
        name = request.path_params["name"]
        there = {file.name: file for file in (self._folder(request).path / "pictures").glob("dashboard_*.png")}
        return _file(request, there.get(name))

    async def listen(self, socket: WebSocket) -> None:
        """The WebSocket."""
        await Conversation(socket, self.followers, self.drawings).hold(
            self.runs, socket.query_params.get("run") or self._run
        )

    def _folder(self, request: Request) -> RunFolder:
        folder = self.runs.find(request.path_params["run"])
        if folder is None:
            raise HTTPException(404, "no such run")
        return folder

    @asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        """Ends in the end what still goes on."""
        yield
        await self.followers.close()
        await self.drawings.close()


def _plotly(name: str) -> Path | None:
    """A file that the installed package has for browsers; the package itself, slow to load, is not imported."""
    found = find_spec("plotly")
    return None if found is None or found.origin is None else Path(found.origin).parent / "package_data" / name


def _file(request: Request, path: Path | None) -> Response:
    """A file with its ETag; read whole, for a picture may be replaced while it is sent."""
    media_type = None if path is None else MEDIA_TYPES.get(path.suffix)
    if path is None or media_type is None:
        raise HTTPException(404, "no such file")
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            headers = {"etag": f'"{status.st_mtime_ns:x}-{status.st_size:x}"', "cache-control": LOOK_AGAIN}
            known = request.headers.get("if-none-match", "")
            if headers["etag"] in (tag.strip().removeprefix("W/") for tag in known.split(",")):
                return Response(status_code=304, headers=headers)
            return Response(file.read(), media_type=media_type, headers=headers)
    except OSError as error:
        raise HTTPException(404, "no such file") from error


def create_app(
    mlruns: Path,
    run: str = "",
    access: Access | None = None,
    page: Path = PAGE,
    draw: Sequence[str] = DRAW_COMMAND,
) -> ASGIApp:
    """The application, with its guard before it.

    Args:
        mlruns: the folder with ``stage1`` in it, which need not be there yet.
        run: shown where an address names none; empty: the latest.
        access: who is answered; default: loopback, without a token.
        page: folder of ``index.html`` and what belongs to it.
        draw: command that draws a picture, see ``Drawings``.
    """
    dashboard = Dashboard(mlruns, run, page, draw)
    below = "/api/runs/{run}"
    routes = [
        Route("/", dashboard.index),
        Route("/static/{name:path}", dashboard.static),
        Route("/api/runs", dashboard.list_runs),
        Route(f"{below}/logos/{{digest}}.png", dashboard.logo),
        Route(f"{below}/samples/{{name}}", dashboard.sample),
        Route(f"{below}/pictures/{{name}}", dashboard.picture),
        WebSocketRoute("/ws", dashboard.listen),
    ]
    return Guard(Starlette(routes=routes, lifespan=dashboard.lifespan), access or Access())
