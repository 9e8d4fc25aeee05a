"""The dashboard beside an event loop."""

import asyncio
import socket

import httpx
import pytest

from flows.classic import create_stage1_dashboard
from rlcore.errors import DashboardError


def test_it_is_served_while_it_is_asked_for(tmp_path):
    async def watched():
        dashboard = create_stage1_dashboard(save_dir=tmp_path / "models", websocket_port=0)
        await dashboard.start_monitoring()
        url = dashboard.url
        assert f":{dashboard.websocket_port}/" in url
        async with httpx.AsyncClient() as client:
            page = await client.get(url)
            assert (page.status_code, "text/html" in page.headers["content-type"]) == (200, True)
        with pytest.raises(DashboardError, match="served already"):
            await dashboard.start_monitoring()
        await dashboard.stop_monitoring()
        await dashboard.stop_monitoring()
        assert dashboard.url == ""
        return url

    url = asyncio.run(watched())
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


def test_a_busy_port_gives_way(tmp_path):
    async def watched(port):
        dashboard = create_stage1_dashboard(tmp_path, port)
        await dashboard.start_monitoring()
        await dashboard.stop_monitoring()
        return dashboard.websocket_port

    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        assert asyncio.run(watched(port)) > port


def test_a_port_out_of_range_is_refused(tmp_path):
    with pytest.raises(DashboardError, match="port 70000: 0 to 65535"):
        asyncio.run(create_stage1_dashboard(tmp_path, 70000).start_monitoring())
