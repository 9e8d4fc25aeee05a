"""The QA gate as a task, and what it does."""

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
from tasks.monitoring import look_at_disk, monitor_of, tell_alerts
from tasks.progress import write_progress
from tasks.run import REJECTED, Run
from tasks.stopping import hours_gone

NOT_FINAL = ("roll_back", "out_of_time")
"""Decisions that a run goes on after: then the chunk is judged again."""


@task(name="quality gate", task_run_name="quality gate after chunk {chunk}", cache_policy=NO_CACHE)
def quality_gate(run: Run, chunk: int) -> Verdict:
    """Judges the run after chunk number ``chunk``, and goes back to the last good checkpoint where that is due."""
    folder, config = run.folder, run.config
    end = plan_chunks(config)[chunk - 1][-1].end_episode
    known = [v for v in folder.verdicts() if v.episode == end and v.decision not in NOT_FINAL]
    if known:  # the run is taken up again, and was past this chunk
        return known[-1]
    episode = folder.trained_episodes
    look_at_disk(folder, config, episode)
    monitor, rollbacks = monitor_of(folder, config), folder.rollbacks
    tell_alerts(folder, monitor.recent_alerts, monitor.over)
    verdict = judge(config, monitor, folder.validations(), episode, rollbacks, hours_gone())
    key = f"episode {verdict.episode}: rollbacks {rollbacks}: {verdict.decision}"
    folder.journal.write_once("verdict", key, verdict=asdict(verdict))
    if verdict.decision == "roll_back":
        _roll_back(run, verdict)
    write_progress(run)
    deliver(run)
    return verdict


def _roll_back(run: Run, verdict: Verdict) -> None:
    """To the last checkpoint that was validated; the next training carries it out, now or after a kill."""
    good = run.folder.validations()[-1].episode
    number = verdict.rollbacks
    run.folder.journal.write_once("rollback", str(number), number=number, episode=good, reason=verdict.reason)


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
