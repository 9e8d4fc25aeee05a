"""A run that is killed, or stopped, again and again, and taken up each time, ends as one that never was."""

import shutil
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from prefect.client.orchestration import get_client
from prefect.states import Crashed

from rlcore.errors import ConfigError
from rlcore.files import read_json
from rlcore.run_folder import RunFolder, run_folders
from tasks import registry
from tasks.opening import alone, open_run
from tests.flows.conftest import mlflow_run
from tests.flows.processes import (
    DEADLINE_SECONDS,
    FACTS,
    Blow,
    kept_in_mlflow,
    launch,
    other_facts,
    other_files,
    other_series,
    prepare,
    start,
    strike,
    toml_of,
    wait_for,
)

ALONE = "--no-dashboard"
"""Its start would take a third of the time; ``test_prefect_server`` and ``test_dashboard_page`` have it."""

BLOWS = (
    Blow("started"),
    Blow("stage_begin", 1),
    Blow("progress", 3, "group"),
    Blow("progress", 4, "worker"),
    Blow("library"),
    Blow("baselines", 1, "group"),
    Blow("rollout", 1),
    Blow("rollout", 1, signals=(signal.SIGINT,)),
    Blow("rollout", 2, "group"),
    Blow("validation", 1, "group"),
    Blow("rollout", 1, "group", (signal.SIGTERM,)),
    Blow("rollout", 1, "worker"),
    Blow("rollout", 1),
    Blow("verdict", 1),
    Blow("test", 1),
    Blow("stage_begin", 1, signals=(signal.SIGINT, signal.SIGINT)),
    Blow("compared", 1, "group"),
    Blow("final_report", 1),
)


@dataclass
class Killed:
    """What came of it."""

    folder: RunFolder
    blows: list[tuple[Blow, int, str]]
    """Each with the process's exit code and output."""


@pytest.fixture(scope="session")
def killed(mlruns, prefect, run, tmp_path_factory):
    generator = np.random.default_rng(4)
    config = tmp_path_factory.mktemp("killed") / "tiny.toml"
    config.write_text(toml_of(run.config))
    folder, told = RunFolder(mlruns / "stage1" / "killed"), []
    process = start(mlruns, "run", "--config", str(config), "--name", "killed", ALONE)
    for blow in BLOWS:
        offset = folder.journal.path.stat().st_size if folder.journal.path.exists() else 0
        if not wait_for(folder, blow, offset, process):
            break
        time.sleep(float(generator.uniform(0, 0.05)))
        strike(process, blow)
        if blow.whom == "worker":  # the run goes on, and the next blow meets the same process
            continue
        output, _ = process.communicate(timeout=DEADLINE_SECONDS)
        told.append((blow, process.returncode, output))
        process = start(mlruns, "resume", "killed", ALONE)
    output, _ = process.communicate(timeout=DEADLINE_SECONDS)
    return Killed(folder, [*told, (None, process.returncode, output)])


@pytest.mark.timeout(900)
def test_it_comes_to_its_end_after_ten_blows_and_more(killed):
    assert killed.blows[-1][1] == 0, killed.blows[-1][2]
    assert killed.folder.finished
    struck = [blow for blow, code, _ in killed.blows if code != 0]
    assert len(struck) >= 10
    assert all(code == (130 if blow.signals[0] != signal.SIGKILL else -9) for blow, code, _ in killed.blows[:-1])


def test_the_bytes_are_those_of_a_run_that_was_never_disturbed(run, killed):
    assert len(list(run.folder.path.glob("validations/*.json"))) == 14
    assert other_files(killed.folder, run.folder) == []


def test_its_journal_has_every_fact_once(run, killed):
    assert all(run.folder.journal.read(event) for event in FACTS if not event.startswith("alert"))
    assert other_facts(killed.folder, run.folder) == []


def test_mlflow_has_the_same_series_each_step_once(run, killed):
    assert mlflow_run("killed").info.status == "FINISHED"
    assert len(run.mlflow_run.data.metrics) > 200
    assert other_series(killed.folder, run.folder) == []


def test_mlflow_has_the_same_models_and_files_once(run, killed):
    assert kept_in_mlflow(killed.folder) == kept_in_mlflow(run.folder)


def test_the_registry_has_its_best_model_once(run, killed):
    for folder in (run.folder, killed.folder):
        run_id = folder.identity()["mlflow_run_id"]
        found = [version.number for version in registry.versions() if version.run_id == run_id]
        assert found == [entry["version"] for entry in folder.journal.read("registered")]
        assert len(found) == 1


def test_two_runs_that_differ_are_told_apart(run, killed, tmp_path):
    copy = RunFolder(tmp_path / "copy")
    shutil.copytree(killed.folder.path, copy.path)
    (copy.path / "table.npz").write_bytes(b"another")
    copy.journal.write("milestone", key="one more", name="one more", episode=1, message="made up")
    assert other_files(copy, run.folder) == ["table.npz"]
    assert other_facts(copy, run.folder) == ["milestone"]


def test_being_asked_once_it_says_how_to_go_on(killed):
    asked = [(code, out) for blow, code, out in killed.blows if blow and blow.signals == (signal.SIGINT,)]
    asked += [(code, out) for blow, code, out in killed.blows if blow and blow.signals == (signal.SIGTERM,)]
    assert len(asked) == 2
    for code, output in asked:
        assert code == 130
        assert "stopped; go on with: stage1 resume killed" in output


def test_a_run_that_was_stopped_is_killed_in_mlflow_until_it_goes_on(killed):
    ends = [(entry["status"], entry["resumable"]) for entry in killed.folder.journal.read("ended")]
    assert ends.count(("KILLED", True)) >= 2
    assert ends[-1] == ("FINISHED", False)


def test_a_second_process_is_refused(mlruns, prefect, run, killed):
    said = "run 'killed' is being run by another process"
    with alone(killed.folder, "run"), pytest.raises(ConfigError, match=said), open_run(run.config, "killed"):
        pytest.fail("it was opened")


@pytest.mark.timeout(300)
def test_two_runs_at_once_on_one_store(mlruns, prefect, run, tmp_path):
    (tmp_path / "tiny.toml").write_text(toml_of(run.config))
    folders = [RunFolder(mlruns / "stage1" / name) for name in ("left", "right")]
    for folder in folders:
        prepare(folder, run.folder)
    both = [
        start(mlruns, "run", "--config", str(tmp_path / "tiny.toml"), "--name", folder.name, ALONE)
        for folder in folders
    ]
    for process, folder in zip(both, folders, strict=True):
        output, _ = process.communicate(timeout=DEADLINE_SECONDS)
        assert process.returncode == 0, output
        assert other_files(folder, run.folder) == []
        assert other_series(folder, run.folder) == []


def flow_run_states(flow_run_id):
    with get_client(sync_client=True) as client:
        return client.read_flow_run(flow_run_id).state


@pytest.mark.timeout(300)
def test_prefects_retry_goes_on_with_the_run_that_the_flow_run_began(mlruns, prefect, run, tmp_path):
    (tmp_path / "config.json").write_text(run.config.model_dump_json())
    before = {folder.name for folder in run_folders(mlruns)}
    code = (
        "import sys; from pathlib import Path\n"
        "from flows.stage1 import stage1; from rlcore.config import Stage1Config\n"
        "stage1(Stage1Config.model_validate_json(Path(sys.argv[1]).read_text()))"
    )
    process = launch(mlruns, [sys.executable, "-c", code, str(tmp_path / "config.json")])
    while not (found := [f for f in run_folders(mlruns) if f.name not in before and f.journal.read("data")]):
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    process.kill()
    process.communicate()
    [folder] = found
    # what the library's search would find: it has been found before
    for name in ("table.npz", "library.json"):
        shutil.copy(run.folder.path / name, folder.path / name)
    flow_run_id = read_json(folder.path / "run.json")["flow_run_id"]
    with get_client(sync_client=True) as client:  # as Prefect does with a flow run that is heard of no more
        client.set_flow_run_state(flow_run_id, Crashed(message="no heartbeat"), force=True)
    retry = ["prefect", "flow-run", "retry", flow_run_id, "--entrypoint", "flows/stage1.py:stage1", "--no-prompt"]
    retry = [str(Path(sys.executable).parent / retry[0]), *retry[1:]]
    output, _ = launch(mlruns, retry).communicate(timeout=200)
    assert folder.finished, output
    assert {f.name for f in run_folders(mlruns)} - before == {folder.name}
    assert flow_run_states(flow_run_id).is_completed()
    for name in ("best_model.pt", "validations/test.json"):
        assert (folder.path / name).read_bytes() == (run.folder.path / name).read_bytes()
