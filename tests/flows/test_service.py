"""The pipeline as a service, from ``stage1 up`` to Ctrl-C: schedule, messages, registry, and a worker that dies."""

import json
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import httpx
import psutil
import pytest
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.recovery import AGAIN, SILENT, set_up_recovery
from flows.service import MARK
from rlcore.run_folder import RunFolder
from tasks.registry import MODEL
from tests.flows.conftest import tiny_config
from tests.flows.receivers import Hook, Post, wait_until
from tests.flows.up import PREFECT, started

pytestmark = pytest.mark.timeout(600)
RUN_SECONDS = 300.0
SILENT_SECONDS = 45
"""A heartbeat comes every 30 seconds."""

RUNNING = {"flow_runs": {"state": {"type": {"any_": ["RUNNING"]}}}}
COARSE = {"mode": "polygon", "filter_speckle": 10, "color_precision": 2, "supersample": 1, "palette_size": 0}


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with started(tmp_path_factory.mktemp("checkout"), tmp_path_factory.mktemp("home")) as up:
        yield up


@pytest.fixture(scope="module")
def hook():
    hook = Hook()
    yield hook
    hook.close()


@pytest.fixture(scope="module")
def post():
    post = Post()
    yield post
    post.close()


@pytest.fixture(scope="module")
def channels(service, hook, post):
    """What setup printed; every kind of message is told at the webhook and by mail."""
    return service.stage1(
        *("notifications", "setup", "--webhook", f"http://127.0.0.1:{hook.port}/hook"),
        *("--email", "team@example.com", "--smtp", f"127.0.0.1:{post.port}"),
        *("--user", Post.USER, "--password-from-env", "MAIL_PASSWORD"),
        MAIL_PASSWORD=Post.PASSWORD,
    )


def config_of(**values):
    few = {"target_episodes": 30, "comparison_traces": 0, "promote": True, "success_rate_threshold": 0.01}
    return tiny_config(**(few | values)).model_dump(mode="json")


def worse():
    """Of a run that can only choose what makes logos coarse."""
    return config_of(seed=1, fixed=COARSE, tuned=["layer_difference", "corner_threshold"])


def deployment(service, name):
    return next(one for one in service.api("deployments/filter", {}) if one["name"] == name and "smoke" in one["tags"])


def folders(service):
    paths = (service.folder / "mlruns" / "stage1").glob("*/config.json")
    return [RunFolder(path.parent) for path in sorted(paths, key=lambda path: path.stat().st_mtime)]


@dataclass
class Triggered:
    """Two triggers of one deployment: by hand, and by a schedule seconds away."""

    by_hand: str
    scheduled: str
    told: str


@pytest.fixture(scope="module")
def triggered(service, channels):
    # before anything runs: an automation that is changed forgets whom it heard of
    with temporary_settings({PREFECT_API_URL: service.api_url}), get_client(sync_client=True) as client:
        set_up_recovery(client, SILENT_SECONDS)
    hand = subprocess.Popen(
        [PREFECT, "deployment", "run", "stage1/smoke", "-p", f"config={json.dumps(config_of())}", "--watch"],
        cwd=service.folder,
        env=service.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    [first] = wait_until(lambda: service.api("flow_runs/filter", RUNNING))
    due = datetime.now(timezone.utc) + timedelta(seconds=6)
    schedule = {"interval": 86400, "anchor_date": due.isoformat()}
    made = {"active": True, "schedule": schedule, "parameters": {"config": worse()}}
    service.api(f"deployments/{deployment(service, 'smoke')['id']}/schedules", [made])
    asked = {"flow_runs": {"tags": {"all_": ["auto-scheduled"]}, "deployment_id": {"any_": [first["deployment_id"]]}}}
    found = wait_until(lambda: service.api("flow_runs/filter", asked | {"sort": "EXPECTED_START_TIME_ASC"}))
    told, _ = hand.communicate(timeout=RUN_SECONDS)
    assert hand.returncode == 0, told
    return Triggered(first["id"], found[0]["id"], told)


def state_of(service, flow_run):
    return service.api("flow_runs/filter", {"flow_runs": {"id": {"any_": [flow_run]}}})[0]["state"]["type"]


@pytest.fixture(scope="module")
def ended(service, triggered):
    """Both runs, at their end."""
    wait_until(lambda: state_of(service, triggered.scheduled) == "COMPLETED", RUN_SECONDS)
    return folders(service)


@dataclass
class Struck:
    """A run whose worker and whose process were killed while it trained, and which went on to its end."""

    flow_run: str
    folder: RunFolder


@pytest.fixture(scope="module")
def struck(service, ended):
    config = config_of(target_episodes=400, validation_frequency=200, promote=False)
    service.prefect("deployment", "run", "stage1/default", "-p", f"config={json.dumps(config)}")
    wait_until(lambda: len(folders(service)) == 3, RUN_SECONDS)
    folder = folders(service)[2]
    wait_until(lambda: len(folder.journal.read("checkpoint")) > 1, RUN_SECONDS)
    [worker] = [one for one in psutil.Process(service.process.pid).children() if "worker" in one.cmdline()]
    family = [worker, *worker.children(recursive=True)]
    for process in family:
        process.kill()
    psutil.wait_procs(family, timeout=30)
    flow_run = next(one["id"] for one in service.api("flow_runs/filter", RUNNING))
    wait_until(lambda: state_of(service, flow_run) == "COMPLETED", RUN_SECONDS)
    return Struck(flow_run, folder)


def test_it_is_ready_and_says_where(service):
    text = "".join(service.lines)
    assert "ready after" in text, text
    for port in service.ports:
        assert f"http://127.0.0.1:{port}" in text
        assert httpx.get(f"http://127.0.0.1:{port}/", timeout=30, follow_redirects=True).status_code == 200


def test_its_deployments_are_there(service):
    found = {(one["name"], *one["tags"]): one for one in service.api("deployments/filter", {})}
    default = found["default", "stage1", "training"]
    assert {("smoke", "stage1", "smoke"), ("default", "stage1", "evaluation")} <= found.keys()
    assert default["global_concurrency_limit"]["limit"] == 1
    [schedule] = default["schedules"]
    assert (schedule["schedule"]["cron"], schedule["active"]) == ("0 3 * * 1", True)
    assert all(one["description"] for one in found.values())


def test_what_recovers_runs_is_there_once(service):
    names = [one["name"] for one in service.api("automations/filter", {})]
    assert (names.count(SILENT), names.count(AGAIN)) == (1, 1)
    assert service.stage1("automations").strip() == "nothing to change"


def test_it_is_not_started_twice(service):
    again = service.command(sys.executable, "-m", "flows.cli", "up")
    assert again.returncode == 2
    assert "the service is up already" in again.stderr


def test_bad_parameters_are_refused_before_the_run(service):
    before = len(service.api("flow_runs/filter", {}))
    done = service.command(PREFECT, "deployment", "run", "stage1/smoke", "-p", 'config={"target_episodes": -1}')
    assert done.returncode != 0
    assert "target_episodes" in done.stdout + done.stderr
    assert len(service.api("flow_runs/filter", {})) == before


def test_prefects_commands_in_the_folder_find_it(service):
    assert (service.folder / ".env").read_text().startswith(MARK)


def test_a_deployment_is_run_to_its_end(service, triggered):
    first = folders(service)[0]
    assert first.finished
    experiment = httpx.get(
        f"http://127.0.0.1:{service.ports[1]}/api/2.0/mlflow/experiments/get-by-name",
        params={"experiment_name": "stage1"},
        timeout=30,
    ).json()["experiment"]["experiment_id"]
    runs = service.mlflow("runs/search", {"experiment_ids": [experiment]})["runs"]
    run = next(one for one in runs if one["info"]["run_name"] == first.name)
    assert run["info"]["status"] == "FINISHED"
    gains = [metric["value"] for metric in run["data"]["metrics"] if metric["key"] == "validation/gain"]
    assert gains == [pytest.approx(first.validation_at(first.trained_episodes).headline().gain)]
    models = service.mlflow("logged-models/search", {"experiment_ids": [experiment]})["models"]
    assert "ppo-ep00030" in {one["info"]["name"] for one in models}


def test_a_scheduled_run_starts_and_waits_for_the_one_before(service, triggered):
    states = service.states(triggered.scheduled)
    assert states[0] == "Scheduled"
    assert "AwaitingConcurrencySlot" in states
    asked = {"flow_runs": {"id": {"any_": [triggered.by_hand, triggered.scheduled]}}}
    found = {one["id"]: one for one in service.api("flow_runs/filter", asked)}
    wait_until(lambda: len(folders(service)) == 2 and folders(service)[1].journal.read("started"), RUN_SECONDS)
    second = folders(service)[1].journal.read("started")[0]["time"]
    assert datetime.fromisoformat(found[triggered.by_hand]["end_time"]).timestamp() < second


def test_the_first_becomes_champion_and_a_worse_one_does_not(service, ended):
    [told] = ended[0].journal.read("promotion")
    assert (told["version"], told["answer"], told["champion_before"]) == ("1", "promoted", "")
    [told] = ended[1].journal.read("promotion")
    assert (told["version"], told["champion_before"]) == ("2", "1")
    assert told["answer"] != "promoted"
    gains = [folder.validation("test").headline().gain for folder in ended]
    assert gains[1] < gains[0]
    listed = service.stage1("models", "list")
    assert re.search(r"^\W*1\W+champion\W", listed, re.MULTILINE), listed


def test_who_goes_back_is_where_it_was_before(service, ended):
    def champion():
        asked = {"name": MODEL, "alias": "champion"}
        url = f"http://127.0.0.1:{service.ports[1]}/api/2.0/mlflow/registered-models/alias"
        return httpx.get(url, params=asked, timeout=30).json()["model_version"]["version"]

    service.stage1("models", "promote", "2")
    assert champion() == "2"
    service.stage1("models", "rollback")
    assert champion() == "1"


def subjects(hook, *words):
    return [body["subject"] for _, body in list(hook.posted) if all(word in body["subject"] for word in words)]


def test_messages_of_both_runs_arrive_once(ended, hook, post):
    wait_until(lambda: subjects(hook, ended[1].name, "Finished") and len(post.with_subject("Finished")) == 2)
    for folder in ended:
        assert len(subjects(hook, folder.name, "Finished")) == 1
        [mail] = post.with_subject(f"{folder.name}: Finished")
        assert [part.get_content_type() for part in mail.iter_attachments()] == ["image/png"]
    milestones = subjects(hook, ended[0].name, "Milestone")
    assert len(milestones) == len(set(milestones)) > 0


def test_a_run_whose_worker_dies_is_crashed_and_goes_on(service, struck, hook):
    assert service.said("worker ended with exit code -9: it is started again")
    states = service.states(struck.flow_run)
    crashed = states.index("Crashed")
    assert states[crashed + 1] == "AwaitingRetry"
    assert states.count("Running") == 2
    journal = struck.folder.journal
    assert len(journal.read("resumed")) == 1
    episodes = [checkpoint["episode"] for checkpoint in journal.read("checkpoint")]
    assert episodes == sorted(set(episodes))  # none was trained twice
    wait_until(lambda: subjects(hook, struck.folder.name, "Finished"))
    [crash] = [body for _, body in hook.posted if "Training crashed" in body["subject"]]
    assert struck.folder.name in crash["subject"]
    assert f"not heard of for {SILENT_SECONDS} seconds" in crash["body"]


def test_the_users_own_profile_is_left_alone(service, ended):
    assert not (service.home / ".prefect").exists() or not list((service.home / ".prefect").glob("*.db"))


def test_ctrl_c_ends_all_of_it(service):
    family = psutil.Process(service.process.pid).children(recursive=True)
    assert len(family) >= 4
    service.process.send_signal(signal.SIGINT)
    assert service.process.wait(120) == 0
    wait_until(lambda: service.said("service ended"))
    assert [process for process in family if process.is_running()] == []
    assert not (service.folder / ".env").exists()
    assert not (service.folder / "mlruns" / "service.json").exists()
    down = service.command(sys.executable, "-m", "flows.cli", "down")
    assert down.returncode == 2
    assert "no service is up" in down.stderr
