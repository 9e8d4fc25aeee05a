"""The QA gate as a task."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from rlcore.learning.plan import plan_chunks
from rlcore.quality_assurance import judge
from rlcore.records import Verdict
from tasks.delivery import deliver
from tasks.run import Run
from tasks.stopping import hours_gone, out_of_time


@task(name="quality gate", task_run_name="quality gate after chunk {chunk}", cache_policy=NO_CACHE)
def quality_gate(run: Run, chunk: int) -> Verdict:
    """Judges the chunk; the verdict goes into the journal and MLflow."""
    folder, config = run.folder, run.config
    begun, end = (chunk - 1) * config.validation_frequency, plan_chunks(config)[chunk - 1][-1].end_episode
    known = [verdict for verdict in folder.verdicts() if verdict.episode == end]
    if known and not out_of_time():  # the run is taken up again, and was past this chunk
        return known[-1]
    rollouts = [rollout for rollout in folder.rollouts() if rollout.episode > begun]
    broken = [entry["reason"] for entry in folder.journal.read("broken") if entry["chunk"] == chunk]
    verdict = judge(config, rollouts, folder.validations(), broken[-1] if broken else "", hours_gone())
    folder.journal.write_once("verdict", f"episode {verdict.episode}: {verdict.decision}", verdict=asdict(verdict))
    deliver(run)
    return verdict


REJECTED = "Rejected"
STATE_NAMES = {
    "target_reached": "Target reached",
    "early_stopping": "Stopped early",
    "out_of_time": "Out of time",
    "continue": "Completed",
}


def closing_state(run: Run) -> State[Path]:
    """The flow's final state, named by the last verdict: ``Rejected`` (failed) where training broke."""
    verdict = run.folder.verdicts()[-1]
    if verdict.decision == "failure":
        return Failed(name=REJECTED, message=verdict.reason)
    return Completed(name=STATE_NAMES[verdict.decision], message=verdict.reason, data=run.path)
