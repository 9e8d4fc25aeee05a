"""Milestones, told to the journal and, as events, to Prefect's automations."""

from __future__ import annotations

from collections.abc import Sequence

from prefect.events import emit_event

from rlcore.progress import Milestone
from tasks.run import Run


def announce(run: Run, milestones: Sequence[Milestone]) -> None:
    """Emits a ``stage1.milestone`` event for each, where the config asks for it; the journal has them always."""
    for milestone in milestones:
        run.folder.journal.write("milestone", name=milestone.name, episode=milestone.episode, message=milestone.message)
        if run.config.milestone_notifications:
            emit_event(
                "stage1.milestone",
                resource={
                    "prefect.resource.id": f"stage1.run.{run.folder.name}",
                    "prefect.resource.name": run.folder.name,
                },
                payload={"name": milestone.name, "episode": milestone.episode, "message": milestone.message},
            )
