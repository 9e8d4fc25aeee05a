"""Training: one chunk of episodes, segment by segment, each ending in a checkpoint."""

from __future__ import annotations

import time
from dataclasses import asdict

from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from rlcore.conversion.evaluator import Evaluator
from rlcore.errors import NonFiniteError
from rlcore.learning.agent import Checkpoint
from rlcore.learning.plan import plan_chunks
from rlcore.learning.trace_table import TraceTable
from rlcore.learning.training import train_segment, untrained
from rlcore.learning.warm_start import warm_started
from rlcore.progress import episode_milestones, hourly_report
from rlcore.records import Rollout
from tasks import tracking
from tasks.data import library_of, training_logos_of
from tasks.milestones import announce
from tasks.run import Run, StageProgress, stage


@task(name="make policy", task_run_name="make the policy and start it warm", cache_policy=NO_CACHE)
def make_policy(run: Run) -> int:
    """Writes the checkpoint of episode 0: a policy that has learned from the library's recorded traces; returns 0."""
    subjects = training_logos_of(run)
    with stage(run, "warm start"):
        policy = untrained(run.config, library_of(run), TraceTable.load(run.folder.table), subjects)
        policy = warm_started(policy, subjects, StageProgress(run, "warm start"))
    policy.save(run.folder.checkpoint(0))
    return policy.episode


@task(name="train chunk", task_run_name="train chunk {chunk}", cache_policy=NO_CACHE)
def train_chunk(run: Run, chunk: int, episode: int) -> int:
    """Trains chunk number ``chunk`` (from 1) from the checkpoint of ``episode``; returns the episode reached.

    A non-finite loss ends the chunk early: it is written down, and the quality gate answers it.
    """
    config, folder = run.config, run.folder
    subjects = training_logos_of(run)
    checkpoint = Checkpoint.load(folder.checkpoint(episode))
    observer = RolloutObserver(run)
    with stage(run, "training"), Evaluator(config.workers) as evaluator:
        if not config.speed_weight:  # a recorded trace has no seconds
            evaluator.remember(checkpoint.experience.table.traces(checkpoint.library.settings, subjects))
        for segment in plan_chunks(config)[chunk - 1]:
            try:
                checkpoint = train_segment(checkpoint, segment, subjects, evaluator, observer)
            except NonFiniteError as error:
                folder.journal.write("broken", episode=checkpoint.episode, chunk=chunk, reason=str(error))
                return checkpoint.episode
            checkpoint.save(folder.checkpoint(checkpoint.episode))
        folder.journal.write("traces", chunk=chunk, **asdict(evaluator.statistics))
    return checkpoint.episode


class RolloutObserver:
    """Writes each rollout into the journal and MLflow, announces milestones, reports every hour."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._config = run.config
        begun = run.folder.journal.read("run")[0]["time"]
        reports = run.folder.journal.read("hourly_report")
        self._last_report = reports[-1]["time"] if reports else begun

    def __call__(self, rollout: Rollout) -> None:
        """One rollout is done."""
        self._run.folder.journal.write("rollout", rollout=rollout.as_dict())
        tracking.log_rollout(self._run.mlflow_run_id, rollout, self._config.steps_per_episode)
        before = rollout.episode - rollout.episodes
        announce(self._run, episode_milestones(self._config, before, rollout.episode))
        if self._config.hourly_reports and time.time() - self._last_report >= 3600:
            self._report()

    def _report(self) -> None:
        self._last_report = time.time()
        folder = self._run.folder
        text = hourly_report(self._config, folder.rollouts(), folder.validations())
        folder.journal.write("hourly_report", text=text)
        create_markdown_artifact(text, key="stage1-hourly-report", description=f"Progress of {folder.name}")
