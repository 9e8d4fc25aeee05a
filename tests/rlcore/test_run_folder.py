"""Where a run keeps what."""

from dataclasses import asdict, replace

import pytest

from rlcore.errors import ConfigError, Stage1Error
from rlcore.records import Verdict
from rlcore.run_folder import RunFolder
from tests.rlcore.made import alert, rollout, validation


@pytest.fixture
def folder(tmp_path):
    return RunFolder(tmp_path / "mlruns" / "stage1" / "a run")


def test_names(folder, tmp_path):
    assert folder.name == "a run"
    assert folder.checkpoint(500).relative_to(folder.path).as_posix() == "checkpoints/episode-000500.pt"
    assert folder.reference_cache == tmp_path / "mlruns" / "cache" / "reference"
    assert RunFolder(folder.path.with_name("another")).reference_cache == folder.reference_cache


def test_the_config_comes_back(folder, config):
    folder.write_config(config)
    assert folder.config() == config


def test_validations_come_in_the_order_of_their_episodes(folder):
    kept = [validation(float(episode), episode) for episode in (1000, 0, 500)]
    for one in kept:
        folder.write_validation(one)
    folder.write_validation(validation(9.0, 500), "test")
    folder.write_validation(validation(8.0), "baseline-test-1")
    folder.write_validation(validation(7.0), "baseline-test-0")
    folder.write_validation(validation(6.0), "baseline-validation-0")
    assert folder.validations() == [kept[1], kept[2], kept[0]]
    assert folder.validation("test") == validation(9.0, 500)
    assert [one.headline().gain for one in folder.baselines("test")] == [7.0, 8.0]
    assert [one.headline().gain for one in folder.baselines("validation")] == [6.0]


def test_an_empty_folder_has_nothing(folder):
    assert (folder.validations(), folder.rollouts(), folder.verdicts(), folder.seconds()) == ([], [], [], {})
    with pytest.raises((OSError, Stage1Error)):
        folder.config()


def test_rollouts_and_verdicts_come_back_from_the_journal(folder):
    made = [rollout(1.0, 10), rollout(1.5, 20, train={"value_loss": 0.25})]
    verdicts = [Verdict(10, "continue", "fine"), Verdict(20, "early_stopping", "done", (alert(),))]
    for one in made:
        folder.journal.write("rollout", rollbacks=0, rollout=one.as_dict())
    for verdict in verdicts:
        folder.journal.write("verdict", verdict=asdict(verdict))
    assert folder.rollouts() == made
    assert folder.verdicts() == verdicts


def test_seconds_of_a_stage_add_up(folder):
    for stage, seconds in (("training", 1.5), ("data", 2.0), ("training", 3.0)):
        folder.journal.write("stage", stage=stage, seconds=seconds)
    assert folder.seconds() == {"training": 4.5, "data": 2.0}


def checkpoints(folder, start, *episodes):
    for episode in episodes:
        replace(start, episode=episode).save(folder.checkpoint(episode))


def test_every_chunks_checkpoints_and_the_last_two_are_kept(folder, start, config):
    folder.write_config(config)  # chunks of 30, 60 episodes in all
    checkpoints(folder, start, 0, 10, 15, 30, 40, 45, 50)
    folder.prune_checkpoints()
    assert list(folder.checkpoints()) == [0, 30, 45, 50]
    folder.prune_checkpoints()
    assert list(folder.checkpoints()) == [0, 30, 45, 50]


def test_what_a_rollback_took_back_is_no_part_of_the_run(folder):
    for number, (episode, gain) in enumerate([(10, 1.0), (20, 2.0), (30, 3.0)]):
        folder.journal.write_once("rollout", str(number), rollbacks=0, rollout=rollout(gain, episode).as_dict())
    assert folder.trained_episodes == 30
    folder.journal.write_once("rollback", "1", number=1, episode=10, reason="broken")
    assert folder.trained_episodes == 10
    folder.journal.write_once("rollout", "again", rollbacks=1, rollout=rollout(2.5, 20).as_dict())
    assert [(one.episode, one.gain) for one in folder.rollouts()] == [(10, 1.0), (20, 2.5)]
    assert (folder.trained_episodes, folder.rollbacks) == (20, 1)


@pytest.mark.parametrize(
    ("ends", "finished"),
    [([], False), ([True], False), ([False], True), ([True, False], True), ([False, True], False)],
)
def test_a_run_is_finished_when_its_last_end_was_final(folder, ends, finished):
    for resumable in ends:
        folder.journal.write("ended", status="KILLED" if resumable else "FINISHED", resumable=resumable)
    assert folder.finished == finished


@pytest.mark.parametrize(
    ("content", "told"), [('{"seed": -1}', "seed: "), ('{"nonsense": 1}', "nonsense: "), ("{", "")]
)
def test_a_config_that_can_not_be_read_is_named(folder, content, told):
    folder.path.mkdir(parents=True)
    folder.config_file.write_text(content)
    with pytest.raises(ConfigError, match=rf"config\.json: {told}"):
        folder.config()


def test_a_run_of_an_earlier_version_is_not_gone_on_with(folder):
    folder.journal.path.parent.mkdir(parents=True)
    folder.journal.path.write_text('{"time": 1, "event": "ended", "status": "KILLED", "reason": ""}\n')
    assert folder.finished
