"""Validation after each chunk, and the final test: the one harness on held-out logos."""

from __future__ import annotations

from dataclasses import asdict

from prefect import task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE

from rlcore.agent import Agent, Checkpoint
from rlcore.evaluator import Evaluator
from rlcore.files import write_bytes
from rlcore.progress import validation_milestones
from rlcore.quality_assurance import best_validation
from rlcore.validation import Validation, run_searcher
from tasks import tracking
from tasks.data import baselines_of, dataset_of, references_of
from tasks.milestones import announce
from tasks.run import Run, StageProgress, stage


@task(name="validate", task_run_name="validate at episode {episode}", cache_policy=NO_CACHE)
def validate(run: Run, episode: int) -> float:
    """Judges the checkpoint of ``episode``, logs it as a model with its figures, keeps the best; returns its gain."""
    config, folder = run.config, run.folder
    checkpoint = folder.checkpoint(episode)
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
    folder.write_validation(validation)
    _tell(run, validation)
    if best_validation(folder.validations()).episode == episode:
        write_bytes(folder.best_model, checkpoint.read_bytes())
    return validation.headline().gain


def _tell(run: Run, validation: Validation) -> None:
    headline = validation.headline()
    run.folder.journal.write("validation", episode=validation.episode, headline=asdict(headline))
    model_id = tracking.log_model(run.mlflow_run_id, run.folder.checkpoint(validation.episode), validation.episode)
    tracking.log_validation(run.mlflow_run_id, validation, "validation", model_id)
    announce(run, validation_milestones(run.config, run.folder.validations()))
    rows = [{"reading": name, **asdict(summary)} for name, summary in validation.breakdown().items()]
    create_table_artifact(rows, key="stage1-validation", description=f"{run.folder.name}, episode {validation.episode}")


@task(name="validate baselines", task_run_name="baselines on {split}", cache_policy=NO_CACHE)
def validate_baselines(run: Run, split: str) -> list[str]:
    """Gives each baseline one trace on each logo of a split; returns their names."""
    config = run.config
    references = references_of(run, split)
    subjects = dataset_of(run).of(split)
    with stage(run, f"baselines: {split}"), Evaluator(config.workers) as evaluator:
        found = [run_searcher(s, subjects, 1, config, evaluator, references) for s in baselines_of(run)]
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
