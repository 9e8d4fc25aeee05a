"""Another place for runs, and back."""

import os

import mlflow
import pytest

from rlcore.errors import ConfigError
from tasks.elsewhere import runs_kept_in
from tasks.store import mlruns_folder
from tasks.tracking import store_uri


@pytest.fixture(autouse=True)
def _no_server(monkeypatch):
    before = mlflow.get_tracking_uri()
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    yield
    mlflow.set_tracking_uri(before)


def point_mlflow_at(folder):
    """As every run does; MLflow leaves the address in the environment, for processes that this one starts."""
    mlflow.set_tracking_uri(store_uri(folder))


def test_runs_are_kept_there_and_then_where_they_were(mlruns, tmp_path):
    point_mlflow_at(mlruns)
    with runs_kept_in(tmp_path):
        assert mlruns_folder() == tmp_path
        assert store_uri(mlruns_folder()) == f"sqlite:///{tmp_path / 'mlflow.db'}"
        point_mlflow_at(tmp_path)
    assert mlruns_folder() == mlruns
    assert store_uri(mlruns_folder()) == mlflow.get_tracking_uri() == f"sqlite:///{mlruns / 'mlflow.db'}"


def test_nothing_is_left_behind_where_nothing_was(monkeypatch, tmp_path):
    monkeypatch.delenv("STAGE1_MLRUNS", raising=False)
    mlflow.set_tracking_uri(None)
    with runs_kept_in(tmp_path):
        point_mlflow_at(tmp_path)
    assert "STAGE1_MLRUNS" not in os.environ
    assert "MLFLOW_TRACKING_URI" not in os.environ
    assert not mlflow.is_tracking_uri_set()


def test_a_server_of_mlflows_stays(monkeypatch, tmp_path):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    with runs_kept_in(tmp_path):
        assert store_uri(mlruns_folder()) == "http://127.0.0.1:5000"
    assert os.environ["MLFLOW_TRACKING_URI"] == "http://127.0.0.1:5000"


def test_one_at_a_time(tmp_path):
    with runs_kept_in(tmp_path), pytest.raises(ConfigError, match="another training goes on"), runs_kept_in(tmp_path):
        pytest.fail("it was opened")
    with runs_kept_in(tmp_path):
        pass
