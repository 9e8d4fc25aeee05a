"""A run is closed whatever happens in it."""

import re
import time
from pathlib import Path

import mlflow
import pytest

from rlcore.errors import ConfigError
from tasks.opening import new_run_name, open_run
from tasks.run import StageProgress, mlruns_folder, stage
from tests.conftest import small_config


@pytest.fixture(scope="module", autouse=True)
def mlruns(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    before = mlflow.get_tracking_uri()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STAGE1_MLRUNS", str(folder))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        yield folder
    mlflow.set_tracking_uri(before)


def status(run):
    return mlflow.get_run(run.mlflow_run_id).info.status


def test_a_run_is_running_then_finished(config, mlruns):
    with open_run(config, "fine") as run:
        assert status(run) == "RUNNING"
        assert run.path == mlruns / "stage1" / "fine"
        assert run.config == config
    assert status(run) == "FINISHED"
    events = run.folder.journal.read()
    assert [entry["event"] for entry in events if entry["event"] != "memory"] == ["run", "ended"]
    assert (events[0]["target_episodes"], events[0]["chunks"]) == (60, 2)


@pytest.mark.parametrize(
    ("error", "ended"), [(ValueError("broken"), "FAILED"), (KeyboardInterrupt(), "KILLED"), (SystemExit(3), "KILLED")]
)
def test_what_goes_wrong_is_written_down_and_raised(config, error, ended):
    with pytest.raises(type(error)), open_run(config, f"wrong-{type(error).__name__}") as run:
        raise error
    assert status(run) == ended
    last = run.folder.journal.read("ended")[-1]
    assert (last["status"], last["reason"]) == (ended, f"{type(error).__name__}: {error}")


def test_a_name_is_used_once(config):
    with open_run(config, "twice"):
        pass
    with pytest.raises(ConfigError, match="run 'twice' exists already"), open_run(config, "twice"):
        pytest.fail("it was opened")


def test_names_are_made_of_category_seed_and_time():
    name = new_run_name(small_config(seed=7, category="all"))
    assert re.fullmatch(r"ppo-all-s7-\d{8}-\d{6}", name)


def test_runs_are_kept_in_the_working_directory_unless_told_otherwise(monkeypatch, tmp_path):
    monkeypatch.delenv("STAGE1_MLRUNS")
    monkeypatch.chdir(tmp_path)
    assert mlruns_folder() == tmp_path / "mlruns"
    monkeypatch.setenv("STAGE1_MLRUNS", "elsewhere")
    assert mlruns_folder() == Path(tmp_path / "elsewhere")


def test_a_stage_is_timed(config):
    with open_run(config, "timed") as run, stage(run, "data"):
        time.sleep(0.05)
    assert run.folder.journal.read("stage_begin")[0]["stage"] == "data"
    assert 0.05 <= run.folder.seconds()["data"] < 5


def test_progress_is_written_at_most_once_a_second_and_at_the_end(config):
    with open_run(config, "progress") as run:
        progress = StageProgress(run, "data")
        for done in range(1, 101):
            progress(done, 100)
    written = [(entry["stage"], entry["done"], entry["total"]) for entry in run.folder.journal.read("progress")]
    assert written[0] == ("data", 1, 100)
    assert written[-1] == ("data", 100, 100)
    assert len(written) <= 4
