"""The checkpoints of a run: which one is gone on from, also where a file is damaged or training went back."""

from __future__ import annotations

from dataclasses import replace

from rlcore.errors import CheckpointError, DamagedCheckpointError
from rlcore.learning.agent import Checkpoint
from rlcore.run_folder import RunFolder


def latest_checkpoint(folder: RunFolder) -> Checkpoint:
    """The last one that is whole; damaged ones on the way are set aside and written down.

    Raises:
        CheckpointError: none is whole, or one can't be read for another reason: then nothing is set aside.
    """
    for path in reversed(folder.checkpoints().values()):
        try:
            return Checkpoint.load(path)
        except DamagedCheckpointError as error:
            folder.set_aside(path, str(error))
    raise CheckpointError(f"{folder.path / 'checkpoints'}: no checkpoint that could be gone on from")


def carry_out_rollback(folder: RunFolder) -> None:
    """Makes the checkpoints what the last rollback says, where a kill came in between or it was just decided."""
    told = folder.journal.read("rollback")
    if not told:
        return
    good, number = told[-1]["episode"], told[-1]["number"]
    after = [path for episode, path in folder.checkpoints().items() if episode > good]
    checkpoint = latest_checkpoint(folder)
    if checkpoint.rollbacks == number:
        return
    for path in after:
        path.unlink(missing_ok=True)
    checkpoint = latest_checkpoint(folder)
    replace(checkpoint, rollbacks=number).save(folder.checkpoint(checkpoint.episode))
