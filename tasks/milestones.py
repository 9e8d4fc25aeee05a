"""Milestones, each written down once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from rlcore.records import Milestone
from tasks.run import Run


def announce(run: Run, milestones: Sequence[Milestone]) -> None:
    """Writes them into the journal; from there Prefect's automations hear of them (``tasks.prefect_sink``)."""
    for milestone in milestones:
        run.folder.journal.write_once("milestone", milestone.name, **asdict(milestone))
