"""The QA gate as a task."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from rlcore.quality_assurance import judge
from rlcore.records import Verdict
from tasks import tracking
from tasks.run import Run


@task(name="quality gate", task_run_name="quality gate after chunk {chunk}", cache_policy=NO_CACHE)
def quality_gate(run: Run, chunk: int) -> Verdict:
    """Judges the chunk; the verdict goes into the journal and MLflow."""
    folder, config = run.folder, run.config
    begun = (chunk - 1) * config.validation_frequency
    rollouts = [rollout for rollout in folder.rollouts() if rollout.episode > begun]
    broken = [entry["reason"] for entry in folder.journal.read("broken") if entry["chunk"] == chunk]
    hours = (time.time() - folder.journal.read("run")[0]["time"]) / 3600
    verdict = judge(config, rollouts, folder.validations(), broken[-1] if broken else "", hours)
    folder.journal.write("verdict", verdict=asdict(verdict))
    tracking.log_metrics(run.mlflow_run_id, {"gate/alerts": float(len(verdict.alerts))}, verdict.episode)
    tracking.tag(run.mlflow_run_id, verdict=f"{verdict.decision}: {verdict.reason}")
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
