"""One tiny real run: a temporary Prefect with a server of its own, and a temporary MLflow store."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import mlflow
import pytest
from prefect.client.schemas.objects import State
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, PREFECT_HOME, PREFECT_LOGGING_LEVEL, temporary_settings
from prefect.testing.utilities import prefect_test_harness

from flows.stage1 import stage1
from rlcore.config import Stage1Config, load_config
from rlcore.run_folder import RunFolder
from tasks import registry
from tests.conftest import SMALL

TINY = {
    "generated_logos": 80,
    "working_size": 64,
    "library_searches": 2,
    "library_traces": 8,
    "ppo": {"rollout_episodes": 5},
}
"""More logos than for the small settings, each large enough for them to differ, and a library that is found soon."""


def tiny_config(**values) -> Stage1Config:
    return load_config(None, SMALL | TINY | values)


@dataclass(frozen=True)
class Finished:
    """A run that the flow made: its folder, its configuration, its final state and its MLflow run."""

    folder: RunFolder
    config: Stage1Config
    state: State
    mlflow_run: mlflow.entities.Run


@pytest.fixture(scope="session")
def mlruns(tmp_path_factory) -> Iterator[Path]:
    """The store of all flow runs; Prefect keeps its own things in a temporary home."""
    folder = tmp_path_factory.mktemp("flow") / "mlruns"
    before = mlflow.get_tracking_uri()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STAGE1_MLRUNS", str(folder))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        yield folder
    mlflow.set_tracking_uri(before)


@pytest.fixture(scope="session")
def prefect(tmp_path_factory) -> Iterator[None]:
    settings = {
        PREFECT_HOME: tmp_path_factory.mktemp("prefect home"),
        PREFECT_LOGGING_LEVEL: "ERROR",
        # its thread costs a second a run
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,
    }
    with temporary_settings(settings), prefect_test_harness(server_startup_timeout=90):
        yield


def mlflow_run(name: str) -> mlflow.entities.Run:
    """The MLflow run of that name."""
    client = mlflow.MlflowClient()
    experiment = client.get_experiment_by_name("stage1")
    [found] = client.search_runs([experiment.experiment_id], f"attributes.run_name = '{name}'")
    return found


@pytest.fixture(scope="session")
def run(mlruns, prefect) -> Finished:
    """60 episodes in two chunks of two segments on drawn logos."""
    config = tiny_config(workers=1)
    state = stage1(config, "tiny", return_state=True)
    return Finished(RunFolder(mlruns / "stage1" / "tiny"), config, state, mlflow_run("tiny"))


LATE = ("ended", "registered", "promotion")
"""Of the journal: what a run has that is not at its end yet."""


@pytest.fixture
def no_champion(mlruns):
    """The registry without a champion; its versions stay."""
    yield
    client = mlflow.MlflowClient()
    for alias in (registry.CHAMPION, registry.CHALLENGER):
        if registry.with_alias(alias):
            client.delete_registered_model_alias(registry.MODEL, alias)
    client.set_registered_model_tag(registry.MODEL, "stage1.champions", "")


@pytest.fixture
def copied(run, mlruns, no_champion):
    """Makes runs like ``run`` which are just before the registry; of another model, with other settings."""

    def make(name, model=None, verdict=None, **settings):
        folder = RunFolder(mlruns / "stage1" / name)
        shutil.copytree(run.folder.path, folder.path, ignore=shutil.ignore_patterns("delivered", ".lock", "run.json"))
        config = tiny_config(workers=0, **({"promote": True} | settings))
        folder.write_config(config)
        for file in ("model_card.md", "promotion.json"):
            (folder.path / file).unlink(missing_ok=True)
        lines = [json.loads(line) for line in folder.journal.path.read_text().splitlines()]
        if verdict:
            [line for line in lines if line["event"] == "verdict"][-1]["verdict"]["decision"] = verdict
        kept = [json.dumps(line) for line in lines if line["event"] not in LATE]
        folder.journal.path.write_text("\n".join(kept) + "\n")
        if model is not None:
            model.save(folder.best_model)
            model.save(folder.checkpoint(model.episode))
        return folder, config

    return make
