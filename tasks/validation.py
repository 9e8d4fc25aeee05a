"""Validation after each chunk, and the final test: the one harness on held-out logos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from prefect import task
from prefect.cache_policies import NO_CACHE

from rlcore.conversion.evaluator import Evaluator
from rlcore.episode import Subject
from rlcore.files import write_bytes
from rlcore.judging.validation import Validation, run_searcher
from rlcore.learning.agent import Agent, Checkpoint
from rlcore.learning.plan import ends_chunk
from rlcore.progress.milestones import validation_milestones
from rlcore.records import Comparison
from rlcore.reporting.gallery import as_png, build_gallery, side_by_side
from rlcore.statistics import estimate
from tasks.data import baselines_of, dataset_of, references_of
from tasks.delivery import deliver
from tasks.milestones import announce
from tasks.models import keep_best
from tasks.monitoring import monitor_of
from tasks.run import Run, StageProgress, stage
from tasks.stopping import stop_if_asked

SAMPLE_LOGOS = 4


@task(name="validate", task_run_name="validate at episode {episode}", cache_policy=NO_CACHE)
def validate(run: Run, episode: int) -> float:
    """Judges the checkpoint of ``episode``, keeps the best and tells of it; returns its gain.

    Where training ended inside a chunk, or is broken, there is nothing to judge: the last gain is returned.
    """
    folder = run.folder
    if not ends_chunk(run.config, episode) or monitor_of(folder, run.config).critical is not None:
        return folder.validations()[-1].headline().gain
    if not folder.has_validation(f"episode-{episode:06d}"):
        _validate(run, episode)
    validations = folder.validations()
    judged = folder.validation_at(episode)
    keep_best(folder)
    headline = judged.headline()
    for baseline in folder.baselines("validation"):
        name, gain = baseline.searcher, Comparison.of(judged, baseline).gain
        folder.journal.write_once("comparison", f"{episode} {name}", episode=episode, baseline=name, gain=asdict(gain))
    announce(run, validation_milestones(run.config, [v for v in validations if v.episode <= episode]))
    results = judged.of()
    folder.journal.write_once(
        "validation",
        f"episode {episode}",
        episode=episode,
        headline=asdict(headline),
        gain=asdict(estimate([result.gain for result in results])),
        success_rate=asdict(estimate([float(result.success) for result in results])),
    )
    deliver(run)
    return headline.gain


def _validate(run: Run, episode: int) -> None:
    """Pictures of a few logos, then the validation itself: where it is, all is."""
    config, subjects = run.config, dataset_of(run).of("validation")
    references = references_of(run, "validation")
    with stage(run, "validation"), Evaluator(config.workers) as evaluator:
        validation = run_searcher(
            Agent(Checkpoint.load(run.folder.checkpoint(episode)), config),
            subjects,
            config.steps_per_episode,
            config,
            evaluator,
            references,
            episode,
            StageProgress(run, "validation"),
        )
        pictures = sample_pictures(validation, subjects, evaluator)
    for number, picture in enumerate(pictures, start=1):
        write_bytes(run.folder.sample(episode, number), as_png(picture))
    run.folder.write_validation(validation)


def sample_pictures(
    validation: Validation, subjects: Sequence[Subject], evaluator: Evaluator
) -> list[NDArray[np.uint8]]:
    """Original | plain | agent of a few logos, the same ones after every chunk."""
    few = replace(validation, results=validation.of()[:SAMPLE_LOGOS])
    items = build_gallery(few, subjects, evaluator, best=0, worst=0, typical=SAMPLE_LOGOS)
    return [side_by_side(item) for item in sorted(items, key=lambda item: item.result.digest)]


@task(name="validate baselines", task_run_name="baselines on {split}", cache_policy=NO_CACHE)
def validate_baselines(run: Run, split: str) -> list[str]:
    """Gives each baseline its traces on each logo of a split; returns their names."""
    folder, searchers = run.folder, baselines_of(run)
    names = [f"baseline-{split}-{index}" for index in range(len(searchers))]
    if not all(folder.has_validation(name) for name in names):
        references, subjects = references_of(run, split), dataset_of(run).of(split)
        with stage(run, f"baselines: {split}"), Evaluator(run.config.workers) as evaluator:
            for name, (searcher, traces) in zip(names, searchers, strict=True):
                found = run_searcher(searcher, subjects, traces, run.config, evaluator, references)
                folder.write_validation(found, name)
                stop_if_asked()
    folder.journal.write_once("baselines", split, split=split, searchers=[_figures(b) for b in folder.baselines(split)])
    deliver(run)
    return [searcher.name for searcher, _ in searchers]


def _figures(baseline: Validation) -> dict[str, Any]:
    """A baseline's, for the journal."""
    found = baseline.headline()
    return {
        "searcher": baseline.searcher,
        "traces": baseline.budget,
        "gain": found.gain,
        "quality": found.quality,
        "success_rate": found.success_rate,
    }


@task(name="final test", task_run_name="final test", cache_policy=NO_CACHE)
def final_test(run: Run) -> float:
    """Reads the test split, once: the best model with all its traces. Returns its success rate."""
    folder, best = run.folder, keep_best(run.folder)
    if not folder.has_validation("test") or folder.validation("test").episode != best.episode:
        folder.forget_comparison()  # of an earlier best model, where a run that was out of time was gone on with
        _final_test(run, best)
    headline = asdict(folder.validation("test").headline())
    folder.journal.write_once("test", f"episode {best.episode}", episode=best.episode, headline=headline)
    deliver(run)
    return folder.validation("test").headline().success_rate


def _final_test(run: Run, best: Checkpoint) -> None:
    config, references = run.config, references_of(run, "test")
    with stage(run, "test"), Evaluator(config.workers) as evaluator:
        test = run_searcher(
            Agent(best, config),
            dataset_of(run).of("test"),
            config.steps_per_episode,
            config,
            evaluator,
            references,
            best.episode,
            StageProgress(run, "test"),
        )
    run.folder.write_validation(test, "test")
