"""Speed, as ratios measured side by side in one run: absolute times say more about the machine than about the code."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from scipy.stats import qmc

from rlcore.config import Stage1Config, load_config
from rlcore.conversion.evaluator import TRACE_TIME_LIMIT_SECONDS, Evaluator
from rlcore.conversion.preparation import vtracer_input
from rlcore.conversion.tracing import Trace, convert, trace
from rlcore.data.dataset import default_source, examine
from rlcore.data.reading import file_names
from rlcore.episode import Subject
from rlcore.errors import DataError, UnusableFileError
from rlcore.learning.agent import Checkpoint
from rlcore.learning.library_search import library_of
from rlcore.learning.plan import Segment
from rlcore.learning.training import train_segment, untrained
from rlcore.logos import Logo, load_logo
from rlcore.parameters import PLAIN, Parameters
from rlcore.records import Rollout
from rlcore.run_folder import RunFolder, write_rollout
from rlcore.vectorize_bench import vectorize_figures, vectorize_times
from rlcore.workers import WorkerPool

ROUNDS = 7
EPISODES = 100
SETTINGS = 16
"""Quasi-random settings that the agent chooses from: how good they are does not matter here."""

MOVES = 8

JOURNAL_EPISODES = 5000
"""What writing into a journal costs is measured at the end of so long a training."""


@dataclass(frozen=True, slots=True)
class _TraceTimes:
    """Seconds per logo, the median of the rounds: inside VTracer alone, and the full trace."""

    vtracer: float
    trace: float


def run_bench(images: str, logos: int, workers: int) -> dict[str, Any]:
    """Measures on ``logos`` evenly spaced logos of a source; the README says how to read the result.

    Raises:
        DataError: the source has none that can be used.
    """
    config = bench_config(images, workers)
    subjects = bench_subjects(config, logos)
    with WorkerPool(1, 10 * TRACE_TIME_LIMIT_SECONDS) as single:
        [times] = single.run(_trace_times, [([s.logo for s in subjects],)], _lost)
        [calls] = single.run(vectorize_times, [([s.logo for s in subjects], min(ROUNDS, 3))], _lost)
        jobs, seconds, journal_seconds = _train(config, subjects)
        [alone] = single.run(_seconds_alone, [(jobs,)], _lost)
    vtracer, full = (float(np.mean([getattr(t, name) for t in times])) for name in ("vtracer", "trace"))
    return {
        "logos": len(subjects),
        "working_size_px": config.working_size,
        "workers": workers,
        "vtracer_ms": 1000 * vtracer,
        "trace_ms": 1000 * full,
        "step_overhead": full / vtracer,
        "training_steps": len(jobs),
        "training_step_ms": 1000 * seconds / len(jobs),
        "training_trace_alone_ms": 1000 * alone,
        "training_traces_per_second": len(jobs) / seconds,
        "training_efficiency": (len(jobs) / seconds) / (workers / alone),
        "journal_share": journal_seconds / seconds,
        **vectorize_figures(calls),
    }


def bench_config(images: str, workers: int) -> Stage1Config:
    """A short training on logos of every category."""
    settings = {"images": images, "workers": workers, "category": "all", "target_episodes": EPISODES}
    return load_config(None, settings | {"library_moves": MOVES})


def _lost(kind: str) -> Any:
    raise RuntimeError(f"the measuring process ended in a {kind}")


def bench_subjects(config: Stage1Config, count: int) -> list[Subject]:
    """``count`` logos, evenly spaced over the source.

    Raises:
        DataError: none of them can be used.
    """
    folder = default_source() if config.images == "default" else Path(config.images)
    names = file_names(folder)
    chosen = [names[int(index)] for index in np.linspace(0, len(names) - 1, min(count, len(names)))]
    found = []
    for name in chosen:
        try:
            subject = examine(load_logo(folder / name, config.working_size, name), "all")
        except UnusableFileError:
            continue
        if isinstance(subject, Subject):
            found.append(subject)
    if not found:
        raise DataError(f"images = {config.images!r}: none of {len(chosen)} files can be used")
    return found


def _trace_times(logos: Sequence[Logo]) -> list[_TraceTimes]:
    """Plain VTracer's parameters without supersample or palette, in turns: VTracer alone, the full trace."""
    found = []
    for logo in logos:
        source = vtracer_input(logo, PLAIN.supersample, PLAIN.palette_size, PLAIN.clean_alpha)
        alone, full = [], []
        trace(logo, PLAIN)
        for _ in range(ROUNDS):
            start = time.perf_counter()
            convert(source.png, PLAIN)
            middle = time.perf_counter()
            trace(logo, PLAIN)
            alone.append(middle - start)
            full.append(time.perf_counter() - middle)
        found.append(_TraceTimes(float(np.median(alone)), float(np.median(full))))
    return found


class _Recording(Evaluator):
    """Keeps a list of what it really traced: not of what it remembered."""

    def __init__(self, workers: int) -> None:
        super().__init__(workers)
        self.jobs: dict[tuple[str, Parameters], tuple[Logo, Parameters]] = {}

    def traces(self, jobs: Sequence[tuple[Logo, Parameters]], keep_svg: bool = False) -> list[Trace]:
        self.jobs |= {(logo.digest, parameters.canonical()): (logo, parameters) for logo, parameters in jobs}
        return super().traces(jobs, keep_svg)


def _journal_seconds(rollouts: Sequence[Rollout]) -> float:
    """Writing them into a journal, as a run does, at the end of a training of 5000 episodes: looking takes its time."""
    with TemporaryDirectory() as folder:
        journal = RunFolder(Path(folder)).journal
        for number in range(JOURNAL_EPISODES // rollouts[0].episodes):
            write_rollout(journal, replace(rollouts[0], episode=-number), rollbacks=0)
        start = time.perf_counter()
        for rollout in rollouts:
            write_rollout(journal, rollout, rollbacks=0)
        return time.perf_counter() - start


def _train(config: Stage1Config, subjects: Sequence[Subject]) -> tuple[list[tuple[Logo, Parameters]], float, float]:
    """Trains a segment for real, with nothing remembered before it; returns its traces, its seconds, the journal's."""
    policy = policy_of(config, subjects)
    evaluator = _Recording(config.workers)
    rollouts: list[Rollout] = []
    with evaluator:
        evaluator.traces([(subject.logo, PLAIN) for subject in subjects])  # workers are up, caches as in mid-training
        evaluator.jobs.clear()
        start = time.perf_counter()
        train_segment(policy, Segment(0, 0, EPISODES), subjects, evaluator, rollouts.append)
        return list(evaluator.jobs.values()), time.perf_counter() - start, _journal_seconds(rollouts)


def policy_of(config: Stage1Config, subjects: Sequence[Subject]) -> Checkpoint:
    """An untrained policy that chooses among quasi-random settings."""
    with Evaluator(config.workers) as evaluator:
        library, table = library_of(_settings(config), subjects, subjects[:MOVES], config, evaluator)
    return untrained(config, library, table, subjects)


def _settings(config: Stage1Config) -> list[Parameters]:
    space = config.action_space
    points = qmc.Sobol(space.size, rng=config.seed).random(SETTINGS)
    return [space.decode(point) for point in (2 * points - 1).astype(np.float32)]


def _seconds_alone(jobs: Sequence[tuple[Logo, Parameters]]) -> float:
    """Mean seconds of a trace, one after the other in one process."""
    start = time.perf_counter()
    for logo, parameters in jobs:
        trace(logo, parameters)
    return (time.perf_counter() - start) / len(jobs)
