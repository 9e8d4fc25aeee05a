"""``stage1 up`` in a checkout and a home of its own, with what a user does to it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.flows.asking import ask
from tests.flows.receivers import wait_until

ROOT = Path(__file__).parents[2]
PREFECT = str(Path(sys.executable).with_name("prefect"))

START_SECONDS = 240.0

HURRY = {
    "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "2",
    "PREFECT_DEPLOYMENT_CONCURRENCY_SLOT_WAIT_SECONDS": "5",
    "PREFECT_WORKER_QUERY_SECONDS": "2",
}
"""Prefect looks at schedules, slots and queues this often; its own choice is minutes for some of it."""


def free_ports(count):
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


@dataclass
class Up:
    """The running service."""

    folder: Path
    home: Path
    ports: list[int]
    process: subprocess.Popen | None = None
    lines: list[str] = field(default_factory=list)

    @property
    def environment(self):
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "MLFLOW_", "STAGE1_"))}
        return kept | {"HOME": str(self.home), "PYTHONPATH": str(self.folder), "COLUMNS": "300"}

    def said(self, text):
        return any(text in line for line in list(self.lines))

    def prefect(self, *arguments):
        done = self.command(PREFECT, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @property
    def api_url(self):
        return f"http://127.0.0.1:{self.ports[0]}/api"

    def command(self, *arguments, seconds=200, **variables):
        environment = self.environment | variables
        return subprocess.run(
            arguments, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=seconds
        )

    def stage1(self, *arguments, code=0, **variables):
        done = self.command(sys.executable, "-m", "flows.cli", *arguments, **variables)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def api(self, path, content):
        return ask("POST", f"{self.api_url}/{path}", json=content)

    def mlflow(self, path, content):
        return ask("POST", f"http://127.0.0.1:{self.ports[1]}/api/2.0/mlflow/{path}", json=content)

    def states(self, flow_run):
        """Names of the states that a flow run has been in, in order."""
        asked = {"flow_run_id": flow_run}
        found = ask("GET", f"{self.api_url}/flow_run_states/", params=asked)
        return [state["name"] for state in sorted(found, key=lambda state: state["timestamp"])]


@contextmanager
def started(folder: Path, home: Path) -> Iterator[Up]:
    """The service, ready; it is ended if it still is there."""
    for part in ("flows", "tasks", "rlcore"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "prefect.yaml", folder)
    up = Up(folder, home, free_ports(3))
    names = ("--prefect-port", "--mlflow-port", "--dashboard-port")
    options = [f"{name}={port}" for name, port in zip(names, up.ports, strict=True)]
    up.process = subprocess.Popen(
        [sys.executable, "-m", "flows.cli", "up", *options],
        cwd=folder,
        env=up.environment | HURRY,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    threading.Thread(target=_read, args=(up.process, up.lines), daemon=True).start()
    wait_until(lambda: up.process.poll() is not None or up.said("train "), START_SECONDS)
    try:
        yield up
    finally:
        if up.process.poll() is None:
            up.process.send_signal(signal.SIGINT)
            up.process.wait(120)


def _read(process, lines):
    """All that it says, or it would wait for somebody to read it."""
    for line in process.stdout:
        lines.append(line)
