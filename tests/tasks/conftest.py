"""A store of runs for a module."""

import mlflow
import pytest


@pytest.fixture(scope="module")
def mlruns(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    before = mlflow.get_tracking_uri()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STAGE1_MLRUNS", str(folder))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        yield folder
    mlflow.set_tracking_uri(before)
