"""MLflow's and Prefect's servers go away in the middle of a run: real servers on loopback, killed and started again."""

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import mlflow
import pytest

from rlcore.run_folder import RunFolder
from tests.flows.asking import ask
from tests.flows.processes import prepare, toml_of

AWAY_SECONDS = float(os.environ.get("STAGE1_OUTAGE_SECONDS", "10"))
"""``make soak`` takes thirty."""

BIN = Path(sys.executable).parent


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class Server:
    """A server process that can be killed and started again at the same place."""

    command: list[str]
    health: str
    environment: dict[str, str]
    log: Path
    process: subprocess.Popen = field(init=False)

    def start(self):
        self.process = subprocess.Popen(
            self.command,
            env=os.environ | self.environment,
            stdout=self.log.open("a"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def wait(self):
        for _ in range(240):
            try:
                if httpx.get(self.health, timeout=5).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.25)
        pytest.fail(f"{self.command} did not start: {self.log.read_text()[-2000:]}")

    def kill(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@dataclass
class Outage:
    """What came of the run."""

    folder: RunFolder
    code: int
    output: str
    back: float
    """When the servers were started again, in epoch seconds."""
    mlflow_url: str
    prefect_url: str


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    base, ports = tmp_path_factory.mktemp("servers"), [free_port(), free_port()]
    store = ["--backend-store-uri", f"sqlite:///{base / 'ml.db'}", "--default-artifact-root", (base / "arts").as_uri()]
    place = ["--no-serve-artifacts", "--host", "127.0.0.1", "--port", str(ports[0]), "--workers", "1"]
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    private = {"PREFECT_HOME": str(base / "prefect"), "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1"}
    both = (
        Server(
            [str(BIN / "mlflow"), "server", *store, *place],
            f"http://127.0.0.1:{ports[0]}/health",
            quiet,
            base / "mlflow.log",
        ),
        Server(
            [str(BIN / "prefect"), "server", "start", "--host", "127.0.0.1", "--port", str(ports[1])],
            f"http://127.0.0.1:{ports[1]}/api/health",
            private,
            base / "prefect.log",
        ),
    )
    for server in both:
        server.start()
    for server in both:
        server.wait()
    yield both
    for server in both:
        server.kill()


@pytest.fixture(scope="module")
def outage(servers, run, tmp_path_factory):
    base = tmp_path_factory.mktemp("outage")
    folder = RunFolder(base / "mlruns" / "stage1" / "outage")
    prepare(folder, run.folder)
    (base / "tiny.toml").write_text(toml_of(run.config))
    urls = [server.health.removesuffix("/health") for server in servers]
    environment = os.environ | {
        "STAGE1_MLRUNS": str(base / "mlruns"),
        "PREFECT_HOME": str(base / "prefect"),
        "MLFLOW_TRACKING_URI": urls[0],
        "PREFECT_API_URL": urls[1],
    }
    process = subprocess.Popen(
        [str(BIN / "stage1"), "run", "--config", str(base / "tiny.toml"), "--name", "outage"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    while not folder.journal.read("rollout") and process.poll() is None:
        time.sleep(0.01)
    for server in servers:
        server.kill()
    time.sleep(AWAY_SECONDS)
    back = time.time()
    for server in servers:
        server.start()
    output, _ = process.communicate(timeout=200)
    for server in servers:
        server.wait()
    return Outage(folder, process.returncode, output, back, *urls)


@pytest.mark.timeout(400)
def test_the_run_comes_to_its_end(outage):
    assert outage.code == 0, outage.output
    assert outage.folder.finished
    assert {entry["sink"] for entry in outage.folder.journal.read("undelivered")} == {"mlflow", "prefect"}


def test_training_did_not_wait_for_them(outage):
    trained = outage.folder.journal.read("rollout")[-1]["time"]
    assert trained < outage.back


def test_mlflow_was_told_everything_once(outage):
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(outage.mlflow_url)
    try:
        client = mlflow.MlflowClient()
        [found] = client.search_runs([client.get_experiment_by_name("stage1").experiment_id])
        assert found.info.status == "FINISHED"
        gains = [(m.step, m.value) for m in client.get_metric_history(found.info.run_id, "episode/gain")]
        assert sorted(gains) == [(r.episode, pytest.approx(r.gain)) for r in outage.folder.rollouts()]
        judged = [(m.step, m.value) for m in client.get_metric_history(found.info.run_id, "validation/gain")]
        assert sorted(judged) == [(v.episode, pytest.approx(v.headline().gain)) for v in outage.folder.validations()]
        models = client.search_logged_models([found.info.experiment_id])
        assert sorted(model.name for model in models) == ["ppo-ep00000", "ppo-ep00030", "ppo-ep00060"]
        top = {item.path for item in client.list_artifacts(found.info.run_id)}
        assert {"report.html", "journal.jsonl", "comparison.html", "best_model.pt"} <= top
    finally:
        mlflow.set_tracking_uri(before)


def test_prefect_was_told_everything_once(outage):
    asked = {"filter": {"event": {"name": ["stage1.milestone"]}}, "limit": 50}
    wanted = sorted(entry["name"] for entry in outage.folder.journal.read("milestone"))
    for _ in range(40):  # the server writes events down some seconds after it took them
        events = ask("POST", f"{outage.prefect_url}/events/filter", json=asked)["events"]
        if len(events) >= len(wanted):
            break
        time.sleep(0.5)
    assert sorted(event["payload"]["name"] for event in events) == wanted
    artifacts = ask("POST", f"{outage.prefect_url}/artifacts/filter", json={})
    told = sorted(artifact["description"] for artifact in artifacts if artifact["key"])
    assert told == sorted(
        [
            "Curves of outage, episode 60, target_reached",
            "Result of outage, episode 60, target_reached",
            *(f"outage, episode {episode}" for episode in (0, 30, 60)),
        ]
    )


def test_the_flow_run_has_its_final_state(outage):
    [flow_run] = ask("POST", f"{outage.prefect_url}/flow_runs/filter", json={})
    assert flow_run["state"]["type"] == "COMPLETED"
