"""Which checkpoint is gone on from."""

from dataclasses import replace

import pytest

from rlcore.errors import CheckpointError
from rlcore.learning.checkpoints import carry_out_rollback, latest_checkpoint
from rlcore.run_folder import RunFolder


@pytest.fixture
def folder(tmp_path):
    return RunFolder(tmp_path / "mlruns" / "stage1" / "a run")


def checkpoints(folder, start, *episodes):
    for episode in episodes:
        replace(start, episode=episode).save(folder.checkpoint(episode))


def test_the_latest_whole_checkpoint_is_gone_on_from(folder, start):
    checkpoints(folder, start, 0, 15, 30)
    assert latest_checkpoint(folder).episode == 30
    for episode, damaged in ((30, b""), (15, b"stage1-checkpoint 5 abc\nrubbish")):
        folder.checkpoint(episode).write_bytes(damaged)
    assert latest_checkpoint(folder).episode == 0
    assert list(folder.checkpoints()) == [0]
    aside = sorted(path.name for path in (folder.path / "checkpoints").glob("*.damaged"))
    assert aside == ["episode-000015.pt.damaged", "episode-000030.pt.damaged"]
    told = folder.journal.read("damaged")
    assert [entry["file"] for entry in told] == ["episode-000030.pt", "episode-000015.pt"]
    assert "checksum" in told[1]["reason"]


def test_without_a_whole_checkpoint_there_is_nothing_to_go_on_from(folder, start):
    checkpoints(folder, start, 0)
    folder.checkpoint(0).write_bytes(b"")
    with pytest.raises(CheckpointError, match="no checkpoint that could be gone on from"):
        latest_checkpoint(folder)


def test_a_rollback_is_carried_out_once_however_often_it_is_asked(folder, start):
    checkpoints(folder, start, 0, 30, 40, 45)
    carry_out_rollback(folder)
    assert list(folder.checkpoints()) == [0, 30, 40, 45]
    folder.journal.write_once("rollback", "1", number=1, episode=30, reason="broken")
    for _ in range(2):
        carry_out_rollback(folder)
        assert list(folder.checkpoints()) == [0, 30]
        assert latest_checkpoint(folder).rollbacks == 1
        checkpoints(folder, latest_checkpoint(folder), 30)
    # what is trained after it stays
    checkpoints(folder, latest_checkpoint(folder), 35)
    carry_out_rollback(folder)
    assert list(folder.checkpoints()) == [0, 30, 35]


def test_what_is_not_damaged_is_not_set_aside(folder, start):
    checkpoints(folder, start, 0, 15)
    other = folder.checkpoint(15).read_bytes().replace(b"checkpoint 5 ", b"checkpoint 4 ", 1)
    folder.checkpoint(15).write_bytes(other)
    with pytest.raises(CheckpointError, match="format 4, this version reads 5"):
        latest_checkpoint(folder)
    assert list(folder.checkpoints()) == [0, 15]
    assert folder.journal.read("damaged") == []
