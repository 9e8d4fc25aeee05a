"""A store that was copied, and then moved."""

import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import mlflow
import pytest

from rlcore.errors import StoreError
from rlcore.run_folder import RunFolder
from tasks import tracking
from tasks.models import load_model
from tasks.relocation import relocate

MODEL = "models:/stage1-agent/1"


def at(monkeypatch, place):
    """As in a process that was begun there: MLflow's setting of one store outlives it in the environment."""
    monkeypatch.setenv("STAGE1_MLRUNS", str(place))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture
def copy(run, tmp_path, monkeypatch):
    """A copy of the store, which knows itself by its own place, with MLflow pointed at it."""
    before = mlflow.get_tracking_uri()
    place = tmp_path / "first place"
    # by a process of its own: to open and close a database's file beside SQLite ends SQLite's locks in this one
    subprocess.run(["cp", "-a", run.folder.path.parents[1], place], check=True)
    relocate(place)
    at(monkeypatch, place)
    yield place
    mlflow.set_tracking_uri(before)


def test_a_moved_store_is_told_and_works_after_it_was_relocated(run, copy, tmp_path, monkeypatch):
    moved = tmp_path / "second place"
    copy.rename(moved)
    at(monkeypatch, moved)
    with pytest.raises(StoreError, match=f"was moved from {copy} to {moved}: stage1 relocate"):
        tracking.use_store(moved)
    told = relocate(moved)
    assert (told.before, told.after) == (copy, moved)
    assert told.entries > 0
    tracking.use_store(moved)
    model = load_model(MODEL)
    assert model.episode == run.folder.validation("test").episode
    folder = RunFolder(moved / "stage1" / run.folder.name)
    assert tracking.find_run(folder.path) == run.mlflow_run.info.run_id
    client = mlflow.MlflowClient()
    names = {item.path for item in client.list_artifacts(run.mlflow_run.info.run_id)}
    assert "report.html" in names
    local = mlflow.artifacts.download_artifacts(run_id=run.mlflow_run.info.run_id, artifact_path="report.html")
    assert Path(local).read_bytes() == (folder.path / "report.html").read_bytes()


def test_once_more_changes_nothing(copy):
    assert relocate(copy).entries == 0


def test_the_text_of_the_database_names_the_old_place_nowhere(run, copy):
    old = str(run.folder.path.parents[1])
    with closing(sqlite3.connect(copy / "mlflow.db")) as connection:
        lines = list(connection.iterdump())
    assert [line for line in lines if f"'{copy}" in line or f"'file://{copy}" in line]
    assert [line for line in lines if f"'{old}" in line or f"'file://{old}" in line] == []


def test_a_folder_without_a_store_is_refused(tmp_path):
    with pytest.raises(StoreError, match="nothing to relocate"):
        relocate(tmp_path)
