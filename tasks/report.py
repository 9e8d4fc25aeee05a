"""The final report: evidence from the run's folder, files into it, all of them to MLflow, a summary to Prefect."""

from __future__ import annotations

from collections import Counter
from importlib.metadata import version
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from rlcore.conversion.evaluator import Evaluator
from rlcore.data.dataset_files import load_dataset, manifest
from rlcore.records import Comparison, Evidence
from rlcore.reporting.gallery import build_gallery
from rlcore.reporting.report import write_report
from rlcore.run_folder import RunFolder
from rlcore.statistics import paired_difference
from tasks.data import dataset_of
from tasks.delivery import deliver
from tasks.progress import write_progress
from tasks.run import RETRIES, RETRY_DELAY_SECONDS, Run, is_transient, stage

_VERSIONED = ("vtracer", "skia-python", "stable-baselines3", "torch", "gymnasium", "prefect", "mlflow", "scikit-image")


def collect_evidence(folder: RunFolder) -> Evidence:
    """Everything that the report is made from, read back from the run's folder."""
    dataset, validations, test = load_dataset(folder.data), folder.validations(), folder.validation("test")
    rollouts, verdicts = folder.rollouts(), folder.verdicts()
    baselines = folder.baselines("test")
    trained, untrained = validations[-1].of(), validations[0].of()
    memory = [entry["memory_mib"] for entry in folder.journal.read("system")]
    decision = verdicts[-1].decision if verdicts else "continue"
    return Evidence(
        run_name=folder.name,
        config=folder.config().model_dump(mode="json"),
        versions={name: version(name) for name in _VERSIONED},
        logo_counts=manifest(dataset)["counts"],
        skipped=dict(Counter(_kind(item.reason) for item in dataset.skipped).most_common()),
        rollouts=tuple(rollouts),
        validations=tuple(validations),
        verdicts=tuple(verdicts),
        test=test,
        comparisons=tuple(Comparison.of(test, baseline) for baseline in baselines),
        training_effect=paired_difference([r.gain for r in trained], [r.gain for r in untrained]),
        best_episode=test.episode,
        outcome="completed" if decision == "continue" else decision,
        seconds=folder.seconds(),
        peak_memory_mib=max(memory, default=None),
        comparison=folder.comparison(),
        milestones=tuple(folder.milestones()),
    )


def _kind(reason: str) -> str:
    """A reason without the names and figures that make each one different."""
    return reason.partition(":")[0].partition(" of ")[0]


@task(
    name="final report",
    task_run_name="final report",
    cache_policy=NO_CACHE,
    retries=RETRIES,
    retry_delay_seconds=RETRY_DELAY_SECONDS,
    retry_condition_fn=is_transient,
)
def write_final_report(run: Run) -> Path:
    """Writes the report's files and tells of them; returns the report's path."""
    evidence = collect_evidence(run.folder)
    with stage(run, "report"), Evaluator(run.config.workers) as evaluator:
        gallery = build_gallery(evidence.test, dataset_of(run).of("test"), evaluator)
        files = write_report(evidence, gallery, run.path)
    episode = evidence.rollouts[-1].episode if evidence.rollouts else 0
    progress = write_progress(run)
    names = [file.name for file in (files.json, files.summary, files.progress, files.html, progress)]
    key = f"episode {episode}, {evidence.outcome}"
    run.folder.journal.write_once("final_report", key, episode=episode, outcome=evidence.outcome, files=names)
    deliver(run)
    return files.html
