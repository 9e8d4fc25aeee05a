"""The best model is kept whole, and found by path or by its name in MLflow."""

from dataclasses import replace

import pytest

from rlcore.errors import CheckpointError
from rlcore.learning.agent import Checkpoint
from rlcore.run_folder import RunFolder
from tasks.models import keep_best, load_model, start_model
from tasks.run import Run
from tests.conftest import small_config
from tests.rlcore.made import validation


@pytest.fixture
def folder(tmp_path, start):
    """Validated at the episodes 0, 30 and 60; the best is that of 30."""
    made = RunFolder(tmp_path / "run")
    for episode, quality in ((0, 0.8), (30, 0.95), (60, 0.9)):
        replace(start, episode=episode).save(made.checkpoint(episode))
        made.write_validation(validation(1.0, episode, quality=quality))
    return made


def test_the_best_is_that_of_the_best_validation(folder):
    assert keep_best(folder).episode == 30
    assert folder.best_model.read_bytes() == folder.checkpoint(30).read_bytes()


def test_a_whole_best_model_is_left_alone_whatever_became_of_its_checkpoint(folder):
    keep_best(folder)
    kept = folder.best_model.read_bytes()
    folder.checkpoint(30).write_bytes(b"stage1-checkpoint 5 damaged")
    assert keep_best(folder).episode == 30
    assert folder.best_model.read_bytes() == kept


def test_a_damaged_best_model_is_copied_again(folder):
    keep_best(folder)
    folder.best_model.write_bytes(folder.best_model.read_bytes()[:-1])
    assert keep_best(folder).episode == 30
    assert Checkpoint.load(folder.best_model).episode == 30
    assert folder.best_model.with_name("best_model.pt.damaged").exists()


def test_a_damaged_checkpoint_becomes_no_best_model(folder):
    folder.checkpoint(30).write_bytes(b"stage1-checkpoint 5 damaged")
    with pytest.raises(CheckpointError, match=r"episode-000030\.pt: damaged"):
        keep_best(folder)
    assert not folder.best_model.exists()


def test_an_earlier_best_gives_way_to_a_better_one(folder):
    keep_best(folder)
    folder.write_validation(validation(1.0, 60, quality=0.99))
    assert keep_best(folder).episode == 60


def test_a_model_is_loaded_by_its_path(folder):
    assert load_model(str(folder.checkpoint(60))).episode == 60
    with pytest.raises(CheckpointError, match="no such checkpoint"):
        load_model(str(folder.path / "nothing.pt"))


def test_a_model_is_loaded_by_the_name_of_its_run(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("STAGE1_MLRUNS", str(tmp_path))
    keep_best(folder)
    folder.path.parent.joinpath("stage1").mkdir()
    folder.path.rename(tmp_path / "stage1" / "earlier")
    assert load_model("earlier").episode == 30


@pytest.fixture
def later(tmp_path, folder):
    """Makes a run that goes on from ``folder``'s last checkpoint."""

    def make(**values):
        run = Run(path=tmp_path / "later", mlflow_run_id="")
        run.folder.write_config(small_config(**({"start_from": str(folder.checkpoint(60))} | values)))
        return run

    return make


def test_what_training_goes_on_from_is_kept_as_it_was_then(later, folder):
    run = later()
    assert start_model(run).episode == 60
    folder.checkpoint(60).write_bytes(folder.checkpoint(30).read_bytes())
    assert start_model(run).episode == 60
    assert start_model(later(start_from="")) is None


def test_a_model_that_a_run_can_not_go_on_from_is_not_kept(later):
    run = later(steps_per_episode=5)
    with pytest.raises(CheckpointError, match="steps_per_episode = 3, this run has 5"):
        start_model(run)
    assert not run.folder.start_model.exists()
