"""The comparison with every searcher on the test split, in the run: figures to MLflow, the table to the report."""

from __future__ import annotations

from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from rlcore.config import Stage1Config
from rlcore.conversion.evaluator import Evaluator
from rlcore.files import read_json
from rlcore.judging.comparison import BUDGETS, compare
from rlcore.judging.reference import reference_searches
from rlcore.judging.standings import About, ComparisonTable
from rlcore.learning.agent import Agent, Checkpoint
from rlcore.reporting.comparison_page import write_comparison
from rlcore.run_folder import RunFolder
from tasks import tracking
from tasks.data import dataset_of
from tasks.run import Run, StageProgress, stage

COMPARISON_SEEDS = 1
"""Runs of each search: more take minutes each; ``stage1 compare`` has time for five."""


@task(name="compare searchers", task_run_name="compare with every searcher", cache_policy=NO_CACHE)
def compare_searchers(run: Run) -> int:
    """Compares the best model with all others on the test split; returns the number of standings, 0 for none made."""
    config, folder = run.config, run.folder
    if not config.comparison_traces:
        return 0
    best = Checkpoint.load(folder.best_model)
    with stage(run, "comparison"), Evaluator(config.workers) as evaluator:
        progress: dict[str, StageProgress] = {}

        def told(name: str, done: int, total: int) -> None:
            progress.setdefault(name, StageProgress(run, f"comparison: {name}"))(done, total)

        judged = dataset_of(run).of("test", config.category)
        table = compare(
            [Agent(best, config)],
            [best.library.portfolio(config.size_weight)],
            dataset_of(run).of("test"),
            config,
            evaluator,
            About(folder.name, f"{config.images}, test split", len(dataset_of(run).of("train"))),
            budgets=budgets_of(config),
            seeds=COMPARISON_SEEDS,
            most_traces=config.comparison_traces,
            references=reference_searches(judged, config, evaluator, folder.reference_cache),
            cache=folder.reference_cache.parent / "search",
            on_progress=told,
        )
    files = write_comparison(table, comparison_file(folder), run.path / "comparison.html")
    tracking.log_metrics(run.mlflow_run_id, comparison_metrics(table), best.episode)
    tracking.log_files(run.mlflow_run_id, files)
    return len(table.standings)


def budgets_of(config: Stage1Config) -> tuple[int, ...]:
    """1, 2, 4, ... as far as the agent's traces go, and those."""
    return tuple(sorted({*(b for b in BUDGETS if b < config.steps_per_episode), config.steps_per_episode}))


def comparison_file(folder: RunFolder) -> Path:
    """Where a run keeps its comparison."""
    return folder.path / "comparison.json"


def comparison_of(folder: RunFolder) -> ComparisonTable | None:
    """The comparison of a run; None if none was made."""
    path = comparison_file(folder)
    return ComparisonTable.from_dict(read_json(path)) if path.exists() else None


def comparison_metrics(table: ComparisonTable) -> dict[str, float | None]:
    """``comparison-<searcher>-<traces>/<measure>``: means, IQM, the agent's lead; and the traces that it saves."""
    metrics: dict[str, float | None] = {}
    for standing in table.standings:
        prefix = f"comparison-{_key(standing.searcher)}-{standing.traces}"
        metrics |= tracking.summary_metrics(prefix, standing.summary)
        metrics[f"{prefix}/gain_iqm"] = standing.gain_iqm
        if standing.lead is not None:
            gain = standing.lead.gain
            metrics |= {
                f"{prefix}/agent_ahead": gain.mean,
                f"{prefix}/agent_ahead_low": gain.low,
                f"{prefix}/agent_ahead_high": gain.high,
                f"{prefix}/agent_better_on": standing.lead.probability.mean,
            }
    metrics |= {f"comparison-traces_needed/{_key(s.searcher)}": s.needed for s in table.savings}
    return metrics


def _key(searcher: str) -> str:
    return searcher.replace(" ", "_")
