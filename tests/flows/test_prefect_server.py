"""Prefect's API for a run in this process, and Ctrl-C in a terminal, which reaches every process of the group."""

import os
import re
import signal
import subprocess
import sys
import time

import httpx
import mlflow
import psutil
import pytest
from prefect import flow, task
from prefect.settings import PREFECT_API_URL, PREFECT_HOME, temporary_settings

from flows import prefect_server
from flows.prefect_server import prefect_api
from rlcore.errors import ConfigError
from rlcore.learning.checkpoints import latest_checkpoint
from rlcore.run_folder import RunFolder
from tests.flows.asking import ask
from tests.flows.processes import prepare, toml_of
from tests.flows.receivers import wait_until

TOLD = ("PREFECT_API_URL", "MLFLOW_TRACKING_URI")
"""What the tests' own servers are known by to processes that are started."""


def test_a_configured_server_is_used_and_no_other_started(prefect, monkeypatch):
    monkeypatch.setattr(prefect_server, "_started", lambda port: pytest.fail("a server was started"))
    url = PREFECT_API_URL.value()
    with prefect_api():
        assert PREFECT_API_URL.value() == url


def test_a_configured_server_that_is_away_is_told_before_anything_is_begun():
    away = "http://127.0.0.1:9/api"
    with (
        temporary_settings({PREFECT_API_URL: away}),
        pytest.raises(ConfigError, match=rf"server at {away} can't be reached .*leave PREFECT_API_URL out"),
        prefect_api(),
    ):
        pytest.fail("it was opened")


@pytest.mark.parametrize("url", ["http://[::1/api", "http://127.0.0.1:{port}/elsewhere"])
def test_what_is_no_prefect_api_is_told_before_anything_is_begun(prefect, url):
    place = url.format(port=httpx.URL(PREFECT_API_URL.value()).port)
    with pytest.raises(ConfigError, match=rf"at {re.escape(place)} .*leave PREFECT_API_URL out"):
        prefect_server._check(place)


def test_a_server_that_does_not_start_is_an_error(monkeypatch):
    def broken(port):
        return subprocess.Popen([sys.executable, "-c", "raise SystemExit(7)"], start_new_session=True)

    monkeypatch.setattr(prefect_server, "_started", broken)
    message = r"did not answer at http://127\.0\.0\.1:\d+/api/health \(exit code 7\)"
    with temporary_settings({PREFECT_API_URL: None}), pytest.raises(RuntimeError, match=message), prefect_api():
        pytest.fail("it was opened")


def training(base, run):
    """A run in a session of its own, with a Prefect server of its own, that has begun to train; and its folder."""
    folder = RunFolder(base / "mlruns" / "stage1" / "interrupted")
    prepare(folder, run.folder)
    (base / "tiny.toml").write_text(toml_of(run.config))
    own = {"STAGE1_MLRUNS": str(base / "mlruns"), "PREFECT_HOME": str(base / "prefect")}
    process = subprocess.Popen(
        [sys.executable, "-m", "flows.stage1", "--config", str(base / "tiny.toml"), "--name", "interrupted"],
        env={key: value for key, value in os.environ.items() if key not in TOLD} | own,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    while not folder.journal.read("rollout") and process.poll() is None:
        time.sleep(0.01)
    return process, folder


@pytest.fixture(scope="module")
def interrupted(run, tmp_path_factory):
    """(exit code, output, seconds, folder, processes left) of a run that a terminal's Ctrl-C ended."""
    process, folder = training(tmp_path_factory.mktemp("terminal"), run)
    processes = psutil.Process(process.pid).children(recursive=True)
    begun = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=100)
    seconds = time.monotonic() - begun
    _, left = psutil.wait_procs(processes, timeout=5)
    return process.returncode, output, seconds, folder, left


@pytest.mark.timeout(200)
def test_it_ends_in_a_moment_says_how_to_go_on_and_leaves_no_process(interrupted):
    code, output, seconds, _, left = interrupted
    assert code == 130, output
    assert "stopped; go on with: stage1 resume interrupted" in output
    assert "Traceback" not in output
    assert seconds < 30
    assert left == []


def test_what_was_played_is_kept_and_mlflow_knows_that_it_was_killed(interrupted):
    *_, folder, _ = interrupted
    played = folder.rollouts()[-1].episode
    assert latest_checkpoint(folder).episode == played > 0
    store = f"sqlite:///{folder.path.parent.parent / 'mlflow.db'}"
    client = mlflow.MlflowClient(store)
    [found] = client.search_runs([client.get_experiment_by_name("stage1").experiment_id])
    assert found.info.status == "KILLED"


@flow
def telling(name):
    """A flow with a task run, which Prefect's client tells the server as an event."""
    task(lambda: None, task_run_name=name)()


@pytest.mark.timeout(200)
def test_each_temporary_server_is_told_of_its_run_and_is_gone_afterwards(tmp_path):
    for name in ("first", "second"):
        with temporary_settings({PREFECT_API_URL: None, PREFECT_HOME: tmp_path / "not yet"}), prefect_api():
            url = PREFECT_API_URL.value()
            telling(name)
            asked = {"task_runs": {"name": {"any_": [name]}}}
            wait_until(lambda: ask("POST", f"{url}/task_runs/filter", json=asked))  # noqa: B023
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{url}/health")


@pytest.mark.timeout(200)
def test_a_run_that_is_killed_leaves_no_process(run, tmp_path):
    process, _ = training(tmp_path, run)
    processes = psutil.Process(process.pid).children(recursive=True)
    assert any("flows.prefect_server" in " ".join(child.cmdline()) for child in processes)
    process.kill()
    process.communicate()
    _, left = psutil.wait_procs(processes, timeout=30)
    assert left == []
