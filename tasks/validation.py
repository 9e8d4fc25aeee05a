"""Validation after each chunk, and the final test: the one harness on held-out logos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

import numpy as np
from numpy.typing import NDArray
from prefect import task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE

from rlcore.conversion.evaluator import Evaluator
from rlcore.episode import Subject
from rlcore.files import write_bytes
from rlcore.judging.validation import Validation, run_searcher
from rlcore.learning.agent import Agent, Checkpoint
from rlcore.progress import validation_milestones
from rlcore.quality_assurance import best_validation
from rlcore.records import Comparison
from rlcore.reporting.gallery import build_gallery, side_by_side
from tasks import tracking
from tasks.data import baselines_of, dataset_of, references_of
from tasks.milestones import announce
from tasks.run import Run, StageProgress, stage

SAMPLE_LOGOS = 4


@task(name="validate", task_run_name="validate at episode {episode}", cache_policy=NO_CACHE)
def validate(run: Run, episode: int) -> float:
    """Judges the checkpoint of ``episode``, logs it as a model with its figures, keeps the best; returns its gain."""
    config, folder = run.config, run.folder
    checkpoint = folder.checkpoint(episode)
    if folder.has_validation(episode):  # training broke before its first checkpoint: nothing new to judge
        return folder.validations()[-1].headline().gain
    references = references_of(run, "validation")
    with stage(run, "validation"), Evaluator(config.workers) as evaluator:
        validation = run_searcher(
            Agent(Checkpoint.load(checkpoint), config),
            dataset_of(run).of("validation"),
            config.steps_per_episode,
            config,
            evaluator,
            references,
            episode,
            StageProgress(run, "validation"),
        )
        samples = sample_pictures(validation, dataset_of(run).of("validation"), evaluator)
    folder.write_validation(validation)
    _tell(run, validation, samples)
    if best_validation(folder.validations()).episode == episode:
        write_bytes(folder.best_model, checkpoint.read_bytes())
    return validation.headline().gain


def sample_pictures(
    validation: Validation, subjects: Sequence[Subject], evaluator: Evaluator
) -> list[NDArray[np.uint8]]:
    """Original | plain | agent of a few logos, the same ones after every chunk."""
    few = replace(validation, results=validation.of()[:SAMPLE_LOGOS])
    items = build_gallery(few, subjects, evaluator, best=0, worst=0, typical=SAMPLE_LOGOS)
    return [side_by_side(item) for item in sorted(items, key=lambda item: item.result.digest)]


def _tell(run: Run, validation: Validation, samples: Sequence[NDArray[np.uint8]]) -> None:
    headline, folder = validation.headline(), run.folder
    folder.journal.write("validation", episode=validation.episode, headline=asdict(headline))
    model_id = tracking.log_model(run.mlflow_run_id, folder.checkpoint(validation.episode), validation.episode)
    tracking.log_validation(run.mlflow_run_id, validation, "validation", model_id)
    for number, picture in enumerate(samples, start=1):
        tracking.log_image(run.mlflow_run_id, picture, f"validation logo {number}", validation.episode)
    comparisons = [Comparison.of(validation, baseline) for baseline in folder.baselines("validation")]
    _tell_comparisons(run, validation.episode, comparisons)
    announce(run, validation_milestones(run.config, folder.validations()))
    rows = [{"reading": name, **asdict(summary)} for name, summary in validation.breakdown().items()]
    rows += [{"reading": c.baseline.searcher, **asdict(c.baseline.headline())} for c in comparisons]
    create_table_artifact(rows, key="stage1-validation", description=f"{folder.name}, episode {validation.episode}")


def _tell_comparisons(run: Run, episode: int, comparisons: Sequence[Comparison]) -> None:
    for comparison in comparisons:
        name, gain = comparison.baseline.searcher, comparison.gain
        run.folder.journal.write("comparison", episode=episode, baseline=name, gain=asdict(gain))
        metrics = {f"ahead-of-{name.replace(' ', '_')}/{key}": value for key, value in asdict(gain).items()}
        tracking.log_metrics(run.mlflow_run_id, metrics, episode)


@task(name="validate baselines", task_run_name="baselines on {split}", cache_policy=NO_CACHE)
def validate_baselines(run: Run, split: str) -> list[str]:
    """Gives each baseline its traces on each logo of a split; returns their names."""
    config = run.config
    references = references_of(run, split)
    subjects = dataset_of(run).of(split)
    with stage(run, f"baselines: {split}"), Evaluator(config.workers) as evaluator:
        found = [
            run_searcher(searcher, subjects, traces, config, evaluator, references)
            for searcher, traces in baselines_of(run)
        ]
    for index, validation in enumerate(found):
        run.folder.write_validation(validation, f"baseline-{split}-{index}")
        prefix = f"baseline-{split}/{validation.searcher.replace(' ', '_')}"
        tracking.log_metrics(run.mlflow_run_id, tracking.summary_metrics(prefix, validation.headline()), 0)
    return [validation.searcher for validation in found]


@task(name="final test", task_run_name="final test", cache_policy=NO_CACHE)
def final_test(run: Run) -> float:
    """Reads the test split, once: the best model with all its traces. Returns its success rate."""
    config, folder = run.config, run.folder
    best = Checkpoint.load(folder.best_model)
    references = references_of(run, "test")
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
    folder.write_validation(test, "test")
    tracking.log_validation(run.mlflow_run_id, test, "test")
    return test.headline().success_rate
