"""The pipeline as a service: everything up, a run through its deployment, everything down."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest

from flows.service import MARK
from rlcore.run_folder import RunFolder
from tests.flows.conftest import tiny_config

pytestmark = pytest.mark.timeout(600)
READY_SECONDS = 60
"""What is promised after installation."""

ROOT = Path(__file__).parents[2]
PREFECT = str(Path(sys.executable).with_name("prefect"))


def free_ports(count):
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


@dataclass
class Up:
    """A service in a checkout of its own."""

    folder: Path
    home: Path
    ports: list[int]
    process: subprocess.Popen
    lines: list[str]
    ready_seconds: float = 0.0

    @property
    def environment(self):
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "MLFLOW_", "STAGE1_"))}
        return kept | {"HOME": str(self.home), "PYTHONPATH": str(self.folder)}

    def command(self, *arguments, seconds=200):
        return subprocess.run(
            arguments, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=seconds
        )

    def api(self, path, content):
        return httpx.post(f"http://127.0.0.1:{self.ports[0]}/api/{path}", json=content, timeout=30).json()

    def flow_runs(self):
        return self.api("flow_runs/filter", {})


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkout")
    for part in ("flows", "tasks", "rlcore"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "prefect.yaml", folder)
    ports = free_ports(3)
    names = ("--prefect-port", "--mlflow-port", "--dashboard-port")
    options = [f"{name}={port}" for name, port in zip(names, ports, strict=True)]
    up = Up(folder, tmp_path_factory.mktemp("home"), ports, None, [])
    up.process = subprocess.Popen(
        [sys.executable, "-m", "flows.cli", "up", *options],
        cwd=folder,
        env=up.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    begun = time.monotonic()
    for line in up.process.stdout:
        up.lines.append(line)
        if line.startswith("train "):
            break
    up.ready_seconds = time.monotonic() - begun
    yield up
    if up.process.poll() is None:
        up.process.send_signal(signal.SIGINT)
        up.process.communicate(timeout=120)


def config_json():
    return json.dumps(tiny_config(target_episodes=30, comparison_traces=0).model_dump(mode="json"))


def test_it_is_ready_and_says_where(service):
    text = "".join(service.lines)
    assert "ready after" in text, text
    assert service.ready_seconds < READY_SECONDS
    for port in service.ports:
        assert f"http://127.0.0.1:{port}" in text
        assert httpx.get(f"http://127.0.0.1:{port}/", timeout=30, follow_redirects=True).status_code == 200


def test_its_deployments_are_there(service):
    found = {deployment["name"]: deployment for deployment in service.api("deployments/filter", {})}
    assert {"default", "smoke"} <= found.keys()
    assert found["default"]["global_concurrency_limit"]["limit"] == 1
    [schedule] = found["default"]["schedules"]
    assert (schedule["schedule"]["cron"], schedule["active"]) == ("0 3 * * 1", True)
    assert found["default"]["tags"] == ["stage1", "training"]
    assert all(deployment["description"] for deployment in found.values())


def test_it_is_not_started_twice(service):
    again = service.command(sys.executable, "-m", "flows.cli", "up")
    assert again.returncode == 2
    assert "the service is up already" in again.stderr


def test_a_deployment_is_run_to_its_end(service):
    done = service.command(PREFECT, "deployment", "run", "stage1/smoke", "-p", f"config={config_json()}", "--watch")
    assert done.returncode == 0, done.stdout + done.stderr
    [path] = (service.folder / "mlruns" / "stage1").glob("*/config.json")
    assert RunFolder(path.parent).finished
    mlflow = f"http://127.0.0.1:{service.ports[1]}/api/2.0/mlflow"
    found = httpx.get(f"{mlflow}/experiments/get-by-name", params={"experiment_name": "stage1"}, timeout=30).json()
    wanted = {"experiment_ids": [found["experiment"]["experiment_id"]]}
    [run] = httpx.post(f"{mlflow}/runs/search", json=wanted, timeout=30).json()["runs"]
    assert run["info"]["status"] == "FINISHED"
    runs = httpx.get(f"http://127.0.0.1:{service.ports[2]}/api/runs", timeout=30).json()
    assert [row["state"] for row in runs] == ["finished"]


def test_bad_parameters_are_refused_before_the_run(service):
    before = len(service.flow_runs())
    done = service.command(PREFECT, "deployment", "run", "stage1/smoke", "-p", 'config={"target_episodes": -1}')
    assert done.returncode != 0
    assert "target_episodes" in done.stdout + done.stderr
    assert len(service.flow_runs()) == before


def test_prefects_commands_in_the_folder_find_it(service):
    assert (service.folder / ".env").read_text().startswith(MARK)


def test_the_users_own_profile_is_left_alone(service):
    assert not (service.home / ".prefect").exists() or not list((service.home / ".prefect").glob("*.db"))


def test_ctrl_c_ends_all_of_it(service):
    family = psutil.Process(service.process.pid).children(recursive=True)
    assert len(family) >= 4
    service.process.send_signal(signal.SIGINT)
    output, _ = service.process.communicate(timeout=120)
    assert service.process.returncode == 0
    assert output.rstrip().endswith("service ended")
    assert [process for process in family if process.is_running()] == []
    assert not (service.folder / ".env").exists()
    assert not (service.folder / "mlruns" / "service.json").exists()
    down = service.command(sys.executable, "-m", "flows.cli", "down")
    assert down.returncode == 2
    assert "no service is up" in down.stderr
