"""Whether there may be a champion is told without MLflow."""

import subprocess
import sys

import mlflow
import pytest

from tasks.store import CHAMPION, MODEL, may_have_champion, mlruns_folder
from tasks.tracking import use_store


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("STAGE1_MLRUNS", str(tmp_path / "mlruns"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    before = mlflow.get_tracking_uri()
    yield mlruns_folder()
    mlflow.set_tracking_uri(before)


def test_without_a_store_there_is_none(store):
    assert not may_have_champion()
    assert not store.exists()


def test_with_a_store_it_is_looked_up(store):
    use_store(store)
    assert not may_have_champion()
    client = mlflow.MlflowClient()
    client.create_registered_model(MODEL)
    client.create_model_version(MODEL, (store / "artifacts").as_uri(), None)
    assert not may_have_champion()
    client.set_registered_model_alias(MODEL, CHAMPION, "1")
    assert may_have_champion()


def test_what_can_not_be_looked_up_is_left_to_mlflow(store, monkeypatch):
    store.mkdir()
    (store / "mlflow.db").write_bytes(b"no database")
    assert may_have_champion()
    (store / "mlflow.db").unlink()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    assert may_have_champion()


def test_the_question_brings_no_framework():
    code = "import sys, tasks.store; print(sorted({'mlflow', 'prefect'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
