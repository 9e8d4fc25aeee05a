"""What tasks tell of a run while it goes on."""

import time
from pathlib import Path

import mlflow
import pytest

from tasks.opening import open_run
from tasks.run import StageProgress, stage
from tasks.store import mlruns_folder

pytestmark = pytest.mark.usefixtures("mlruns")


def status(run):
    return mlflow.get_run(run.mlflow_run_id).info.status


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
