"""Training: one chunk of episodes, segment by segment, each ending in a checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from prefect import task
from prefect.cache_policies import NO_CACHE

from rlcore.conversion.evaluator import Evaluator
from rlcore.episode import Subject
from rlcore.errors import NonFiniteError
from rlcore.learning.agent import Checkpoint, library_versions
from rlcore.learning.checkpoints import carry_out_rollback, latest_checkpoint
from rlcore.learning.plan import Segment, plan_chunks
from rlcore.learning.trace_table import TraceTable
from rlcore.learning.training import train_segment, untrained
from rlcore.learning.transfer import carried_over
from rlcore.learning.warm_start import warm_started
from rlcore.progress.milestones import episode_milestones
from rlcore.records import Rollout
from rlcore.run_folder import write_rollout
from tasks.data import library_of, training_logos_of
from tasks.delivery import deliver
from tasks.milestones import announce
from tasks.models import start_model
from tasks.monitoring import monitor_of, tell_alerts
from tasks.progress import report_due, write_report_of_hour
from tasks.run import Run, StageProgress, stage
from tasks.stopping import stop_asked, stop_if_asked


@task(name="make policy", task_run_name="make the policy and start it warm", cache_policy=NO_CACHE)
def make_policy(run: Run) -> int:
    """Writes the checkpoint of episode 0; returns 0.

    A policy whose critic has learned from the recorded traces; or that of the model that training goes on from.
    """
    if not run.folder.checkpoints():
        _keep(run, _first_policy(run))
    _tell(run, Checkpoint.load(run.folder.checkpoint(0)))
    return 0


def _first_policy(run: Run) -> Checkpoint:
    library, table, subjects = library_of(run), TraceTable.load(run.folder.table), training_logos_of(run)
    start = start_model(run)
    if start is not None:
        return carried_over(start, run.config, library, table, subjects)
    with stage(run, "warm start"):
        policy = untrained(run.config, library, table, subjects)
        return warm_started(policy, subjects, StageProgress(run, "warm start"))


@task(name="train chunk", task_run_name="train chunk {chunk}", cache_policy=NO_CACHE)
def train_chunk(run: Run, chunk: int) -> int:
    """Trains chunk number ``chunk`` (from 1), from wherever in it the run is; returns the episode reached.

    A non-finite loss, or the end of the hours given, ends the chunk early: the quality gate answers it.

    Raises:
        Interrupted: the run was asked to stop; what was trained is kept.
    """
    folder, config, segments = run.folder, run.config, plan_chunks(run.config)[chunk - 1]
    carry_out_rollback(folder)
    checkpoint = latest_checkpoint(folder)
    _tell(run, checkpoint)
    if checkpoint.episode >= segments[-1].end_episode:
        return segments[-1].end_episode
    _note_other_versions(run, checkpoint)
    subjects, observer = training_logos_of(run), RolloutObserver(run, checkpoint)
    with stage(run, "training"), Evaluator(config.workers) as evaluator:
        if not config.speed_weight:  # a recorded trace has no seconds
            evaluator.remember(checkpoint.experience.table.traces(checkpoint.library.settings, subjects))
        for segment in segments:
            if checkpoint.episode < segment.end_episode and not observer.stops():
                checkpoint = _trained(run, checkpoint, segment, subjects, evaluator, observer)
        folder.journal.write("traces", chunk=chunk, **asdict(evaluator.statistics))
    stop_if_asked()
    return checkpoint.episode


def _trained(
    run: Run,
    checkpoint: Checkpoint,
    segment: Segment,
    subjects: Sequence[Subject],
    evaluator: Evaluator,
    observer: RolloutObserver,
) -> Checkpoint:
    """The checkpoint after the segment, kept; one that training was broken at is kept apart."""
    folder = run.folder
    try:
        after = train_segment(checkpoint, segment, subjects, evaluator, observer, observer.stops)
    except NonFiniteError as error:
        after = error.checkpoint
        after.save(folder.emergency(after.episode, after.rollbacks))
        observer.broken(after.episode, str(error))
        return checkpoint
    if observer.failed:
        after.save(folder.emergency(after.episode, after.rollbacks))
        return after
    _keep(run, after)
    folder.prune_checkpoints()
    return after


def _keep(run: Run, checkpoint: Checkpoint) -> None:
    checkpoint.save(run.folder.checkpoint(checkpoint.episode))
    _tell(run, checkpoint)


def _tell(run: Run, checkpoint: Checkpoint) -> None:
    """That it is kept; also of one that a kill kept from being told."""
    folder, episode = run.folder, checkpoint.episode
    file = folder.checkpoint(episode)
    key, name = f"episode {episode}, {checkpoint.rollbacks} rollbacks", str(file.relative_to(folder.path))
    size = file.stat().st_size
    folder.journal.write_once("checkpoint", key, episode=episode, file=name, size_bytes=size)


def _note_other_versions(run: Run, checkpoint: Checkpoint) -> None:
    """Other libraries may train to another end than those that the run was begun with."""
    now = library_versions()
    changed = [
        f"{name} {old}, now {now.get(name)}" for name, old in checkpoint.versions.items() if now.get(name) != old
    ]
    if changed:
        run.folder.journal.write_once("other_versions", "; ".join(changed), episode=checkpoint.episode)


class RolloutObserver:
    """Follows a training: journal, monitor, milestones, progress reports, delivery; and knows when it has to stop."""

    def __init__(self, run: Run, checkpoint: Checkpoint) -> None:
        self._run = run
        self._config = run.config
        self._rollbacks = checkpoint.rollbacks
        self._monitor = monitor_of(run.folder, self._config, until=checkpoint.episode)

    @property
    def failed(self) -> bool:
        """Whether training is broken: there is nothing to go on with."""
        return self._monitor.critical is not None

    def stops(self) -> bool:
        """Whether training should end at the next rollout."""
        return self.failed or stop_asked()

    def __call__(self, rollout: Rollout) -> None:
        """One rollout is done."""
        write_rollout(self._run.folder.journal, rollout, self._rollbacks)
        tell_alerts(self._run.folder, self._monitor.take_rollout(rollout), self._monitor.over)
        before = rollout.episode - rollout.episodes
        announce(self._run, episode_milestones(self._config, before, rollout.episode))
        if report_due(self._run):
            write_report_of_hour(self._run)
        deliver(self._run)

    def broken(self, episode: int, reason: str) -> None:
        """A loss or a weight is not a finite number."""
        key = f"episode {episode}, {self._rollbacks} rollbacks"
        self._run.folder.journal.write_once("broken", key, episode=episode, rollbacks=self._rollbacks, reason=reason)
        tell_alerts(self._run.folder, self._monitor.take_broken(episode, reason))
