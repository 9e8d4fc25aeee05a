"""``create_stage1_dashboard``: the live dashboard of a folder's runs, beside whatever the event loop does."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from urllib.parse import urlsplit

from flows.classic.training import Image
from rlcore.dashboard.server import PORT, DashboardServer
from rlcore.errors import DashboardError

START_SECONDS = 30.0


class Stage1MonitoringDashboard:
    """Serves the page and its WebSocket on this machine.

    Attributes:
        url: of the page, while it is served; empty before. The WebSocket is at ``/ws`` there (``docs/dashboard.md``).
        websocket_port: where it is served; while it is not, where it is to be.
    """

    def __init__(self, save_dir: Path, websocket_port: int) -> None:
        self.save_dir = save_dir
        self.websocket_port = websocket_port
        self.url = ""
        self._server: DashboardServer | None = None
        self._thread: threading.Thread | None = None

    async def start_monitoring(self) -> None:
        """Begins to serve, and returns when requests are answered; a run may begin later.

        Raises:
            DashboardError: it is served already, or the port can't be had.
        """
        if self._server is not None:
            raise DashboardError(f"the dashboard is served already, at {self.url}")
        self.save_dir.mkdir(parents=True, exist_ok=True)
        server, ready = DashboardServer(self.save_dir, port=self.websocket_port), threading.Event()
        thread = threading.Thread(
            target=server.run, args=(lambda url: ready.set(), lambda: False), name="dashboard", daemon=True
        )
        thread.start()
        self._server, self._thread = server, thread
        if not await asyncio.to_thread(ready.wait, START_SECONDS):
            await self.stop_monitoring()
            raise DashboardError(f"the dashboard did not answer within {START_SECONDS:.0f} s")
        self.url = server.url
        self.websocket_port = urlsplit(server.url).port or self.websocket_port

    async def stop_monitoring(self) -> None:
        """Ends it; where it is not served, nothing happens."""
        if self._server is None or self._thread is None:
            return
        self._server.stop()
        await asyncio.to_thread(self._thread.join)
        self._server, self._thread, self.url = None, None, ""


def create_stage1_dashboard(
    save_dir: Image = "models/stage1_training", websocket_port: int = PORT
) -> Stage1MonitoringDashboard:
    """The dashboard of the training in ``save_dir`` (the executor's), now or later.

    ``websocket_port``: 0 to 65535; a busy one: the next that is free; 0: any.
    """
    return Stage1MonitoringDashboard(Path(save_dir), websocket_port)
