"""A run that is killed, or stopped, again and again, and taken up each time, ends as one that never was."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass

import mlflow
import numpy as np
import psutil
import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_HOME

from rlcore.errors import ConfigError
from rlcore.files import read_json
from rlcore.journal import Journal
from rlcore.run_folder import RunFolder
from tasks.opening import alone, open_run
from tests.flows.conftest import mlflow_run

TIMES = ("velocity", "seconds")
"""Figures that say how fast it went: the only ones that may differ."""

DEADLINE_SECONDS = 150


@dataclass(frozen=True)
class Blow:
    """After the ``number``-th ``event`` since the process began, and a moment, ``signals`` go to the ``whom``."""

    event: str
    number: int = 1
    whom: str = "flow"
    signals: tuple[signal.Signals, ...] = (signal.SIGKILL,)


BLOWS = (
    Blow("run"),
    Blow("stage_begin", 1),
    Blow("progress", 3, "group"),
    Blow("progress", 4, "worker"),
    Blow("library"),
    Blow("baselines", 1, "group"),
    Blow("rollout", 1),
    Blow("rollout", 1, signals=(signal.SIGINT,)),
    Blow("rollout", 2, "group"),
    Blow("validation", 1, "group"),
    Blow("rollout", 1, signals=(signal.SIGTERM,)),
    Blow("rollout", 1, "worker"),
    Blow("rollout", 1),
    Blow("verdict", 1),
    Blow("test", 1),
    Blow("stage_begin", 1, signals=(signal.SIGINT, signal.SIGINT)),
    Blow("compared", 1, "group"),
    Blow("reported", 1),
)


@dataclass
class Killed:
    """What came of it."""

    folder: RunFolder
    blows: list[tuple[Blow, int, str]]
    """Each with the process's exit code and output."""


def toml_of(config):
    values = config.model_dump(mode="json")
    tables = {name: value for name, value in values.items() if isinstance(value, dict)}
    lines = [f"{name} = {json.dumps(value)}" for name, value in values.items() if name not in tables]
    for name, table in tables.items():
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
    return "\n".join(lines) + "\n"


def start(mlruns, *arguments):
    environment = os.environ | {
        "STAGE1_MLRUNS": str(mlruns),
        "PREFECT_API_URL": PREFECT_API_URL.value(),
        "PREFECT_HOME": str(PREFECT_HOME.value()),
    }
    code = "from flows.cli import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def wait_for(folder, blow, offset, process):
    """Until the journal says so, or the process has ended."""
    begun = time.monotonic()
    while time.monotonic() - begun < DEADLINE_SECONDS and process.poll() is None:
        entries, _ = Journal(folder.path / "journal.jsonl").read_from(offset)
        if sum(entry["event"] == blow.event for entry in entries) >= blow.number:
            return True
        time.sleep(0.005)
    return False


def strike(process, blow):
    workers = psutil.Process(process.pid).children(recursive=True)
    for number in blow.signals:
        if blow.whom == "group":
            os.killpg(process.pid, number)
        elif blow.whom == "worker":
            for worker in workers[-1:]:
                worker.send_signal(number)
        else:
            process.send_signal(number)
        time.sleep(0.2)


@pytest.fixture(scope="session")
def killed(mlruns, prefect, run, tmp_path_factory):
    generator = np.random.default_rng(4)
    config = tmp_path_factory.mktemp("killed") / "tiny.toml"
    config.write_text(toml_of(run.config))
    folder, told = RunFolder(mlruns / "stage1" / "killed"), []
    process = start(mlruns, "run", "--config", str(config), "--name", "killed")
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
        process = start(mlruns, "resume", "killed")
    output, _ = process.communicate(timeout=DEADLINE_SECONDS)
    return Killed(folder, [*told, (None, process.returncode, output)])


def figures(rollout):
    return {k: v for k, v in asdict(rollout).items() if k not in ("seconds", "trace_seconds", "remembered")}


def without_times(value):
    if isinstance(value, dict):
        return {k: without_times(v) for k, v in value.items() if not any(word in k for word in (*TIMES, "memory"))}
    return [without_times(item) for item in value] if isinstance(value, list) else value


@pytest.mark.timeout(900)
def test_it_comes_to_its_end_after_ten_blows_and_more(killed):
    assert killed.blows[-1][1] == 0, killed.blows[-1][2]
    assert killed.folder.finished
    struck = [blow for blow, code, _ in killed.blows if code != 0]
    assert len(struck) >= 10
    assert all(code == (130 if blow.signals[0] != signal.SIGKILL else -9) for blow, code, _ in killed.blows[:-1])


def test_the_bytes_are_those_of_a_run_that_was_never_disturbed(run, killed):
    names = ["library.json", "table.npz", "best_model.pt", "data/logos.npz"]
    for pattern in ("validations/*.json", "checkpoints/*.pt", "samples/*.png"):
        names += sorted(path.relative_to(run.folder.path).as_posix() for path in run.folder.path.glob(pattern))
    assert len(names) > 25
    for name in names:
        assert (killed.folder.path / name).read_bytes() == (run.folder.path / name).read_bytes(), name
    manifests = [without_times(read_json(where.path / "data/manifest.json")) for where in (killed.folder, run.folder)]
    assert manifests[0] == manifests[1]


def test_its_journal_has_every_fact_once(run, killed):
    assert [figures(r) for r in killed.folder.rollouts()] == [figures(r) for r in run.folder.rollouts()]
    for event in ("data", "library", "baselines", "validation", "comparison", "milestone", "verdict", "test"):
        ours, theirs = (
            [{k: v for k, v in entry.items() if k != "time"} for entry in where.journal.read(event)]
            for where in (killed.folder, run.folder)
        )
        assert without_times(ours) == without_times(theirs), event


def test_the_report_has_the_same_figures(run, killed):
    ours, theirs = (without_times(read_json(w.path / "stage1_final_report.json")) for w in (killed.folder, run.folder))
    for report in (ours, theirs):
        report.pop("run_name")
        report["comparison"]["about"].pop("model")
        report["rollouts"] = [{k: v for k, v in r.items() if k != "remembered"} for r in report.get("rollouts", [])]
    assert ours == theirs
    assert killed.folder.comparison().standings == run.folder.comparison().standings


def test_mlflow_has_the_same_series_each_step_once(run, killed):
    client = mlflow.MlflowClient()
    both = [mlflow_run("killed"), run.mlflow_run]
    assert both[0].info.status == "FINISHED"
    keys = [set(found.data.metrics) for found in both]
    assert keys[0] == keys[1]
    for key in keys[0]:
        series = [
            sorted((m.step, m.value) for m in client.get_metric_history(found.info.run_id, key)) for found in both
        ]
        steps = [[step for step, _ in points] for points in series]
        assert steps[0] == steps[1], key
        assert len(steps[0]) == len(set(steps[0])), key
        if not any(word in key for word in TIMES):
            assert series[0] == series[1], key


def test_mlflow_has_the_same_models_and_files_once(run, killed):
    client = mlflow.MlflowClient()
    found = []
    for one in (mlflow_run("killed"), run.mlflow_run):
        run_id, experiment = one.info.run_id, one.info.experiment_id
        models = client.search_logged_models([experiment], f"source_run_id = '{run_id}'")
        folders = (None, "checkpoints", "validation", "test")
        files = [[item.path for item in client.list_artifacts(run_id, folder)] for folder in folders]
        pictures = [item.path.split("+")[:3] for item in client.list_artifacts(run_id, "images")]
        found.append((sorted((model.name, model.status) for model in models), files, sorted(pictures)))
    assert found[0] == found[1]


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
