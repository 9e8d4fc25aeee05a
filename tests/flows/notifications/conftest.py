"""A real Prefect server, a webhook and a mail server, all on loopback, one of each for a module."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
    PREFECT_HOME,
    PREFECT_LOGGING_LEVEL,
    temporary_settings,
)

from flows.answering import answers
from flows.prefect_server import send_the_rest
from tests.flows.notifications.service import START_SECONDS, Service, options, stage1
from tests.flows.receivers import Hook, Post


@pytest.fixture(scope="module")
def service(tmp_path_factory) -> Iterator[Service]:
    home = tmp_path_factory.mktemp("notifying")
    hook, post, log, port = Hook(), Post(), home / "server.log", Hook.free_port()
    own = {
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_UI_ENABLED": "false",
        "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_FLUSH_INTERVAL": "0.3",
        # with the access log, and requests of HTTP clients if there are any
        "PREFECT_LOGGING_ROOT_LEVEL": "INFO",
        "PREFECT_LOGGING_SERVER_LEVEL": "INFO",
    }
    # a command that ran in this process before may have silenced Prefect by its variables
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PREFECT_")} | own
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    url = f"http://127.0.0.1:{port}/api"
    with log.open("wb") as told:
        process = subprocess.Popen(command, env=environment, stdout=told, stderr=told)
        try:
            assert answers(f"{url}/health", process, START_SECONDS), log.read_text()
            settings = {
                PREFECT_API_URL: url,
                PREFECT_HOME: home,
                PREFECT_LOGGING_LEVEL: "ERROR",
                PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,
            }
            send_the_rest()
            with temporary_settings(settings):
                yield Service(url, home, log, hook, post)
                send_the_rest()
        finally:
            process.terminate()
            process.wait(20)
            hook.close()
            post.close()


@pytest.fixture(scope="module")
def told(service):
    """What setup printed, with all channels."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STAGE1_TEST_PASSWORD", Post.PASSWORD)
        return stage1("setup", *options(service))


@pytest.fixture
def channels(service, told, monkeypatch):
    """All channels, with all events, whatever a test before did."""
    monkeypatch.setenv("STAGE1_TEST_PASSWORD", Post.PASSWORD)
    stage1("setup", *options(service))
    service.hook.statuses.clear()
