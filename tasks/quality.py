"""The QA gate as a task."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from rlcore.config import Stage1Config
from rlcore.quality_assurance import Monitor, judge
from rlcore.records import Rollout, Verdict
from tasks import tracking
from tasks.run import Run


@task(name="quality gate", task_run_name="quality gate after chunk {chunk}", cache_policy=NO_CACHE)
def quality_gate(run: Run, chunk: int) -> Verdict:
    """Judges the run after chunk number ``chunk``; the verdict goes into the journal and MLflow."""
    folder, config = run.folder, run.config
    rollouts = folder.rollouts()
    episode = rollouts[-1].episode if rollouts else 0
    hours = (time.time() - folder.journal.read("run")[0]["time"]) / 3600
    verdict = judge(_without_rollbacks(config), monitor_of(run), folder.validations(), episode, hours=hours)
    folder.journal.write("verdict", verdict=asdict(verdict))
    tracking.log_metrics(run.mlflow_run_id, {"gate/alerts": float(len(verdict.alerts))}, verdict.episode)
    tracking.tag(run.mlflow_run_id, verdict=f"{verdict.decision}: {verdict.reason}")
    return verdict


def _without_rollbacks(config: Stage1Config) -> Stage1Config:
    # the flow has no way back yet: a critical failure ends it
    return config.model_copy(update={"qa": config.qa.model_copy(update={"most_rollbacks": 0})})


def monitor_of(run: Run) -> Monitor:
    """The run's monitor, folded from its journal."""
    monitor, memory_mib = Monitor(run.config), 0.0
    validations = {validation.episode: validation for validation in run.folder.validations()}
    for entry in run.folder.journal.read():
        match entry["event"]:
            case "rollout":
                monitor.take_rollout(Rollout(**entry["rollout"]))
            case "broken":
                monitor.take_broken(entry["episode"], entry["reason"])
            case "memory":
                memory_mib = entry["mib"]
            case "validation":
                monitor.take_validation(validations[entry["episode"]])
                if memory_mib:
                    monitor.take_memory(entry["episode"], memory_mib)
    return monitor


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
