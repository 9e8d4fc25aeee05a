"""The comparison with every searcher on the test split, in the run: figures to MLflow, the table to the report."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from rlcore.config import Stage1Config
from rlcore.conversion.evaluator import Evaluator
from rlcore.judging.comparison import BUDGETS, compare
from rlcore.judging.reference import reference_searches
from rlcore.judging.standings import About
from rlcore.learning.agent import Agent, Checkpoint
from rlcore.reporting.comparison_page import write_comparison
from tasks.data import dataset_of
from tasks.delivery import deliver
from tasks.models import keep_best
from tasks.run import Run, StageProgress, stage

COMPARISON_SEEDS = 1
"""Runs of each search: more take minutes each; ``stage1 compare`` has time for five."""


@task(name="compare searchers", task_run_name="compare with every searcher", cache_policy=NO_CACHE)
def compare_searchers(run: Run) -> int:
    """Compares the best model with all others on the test split; returns the number of standings, 0 for none made."""
    if not run.config.comparison_traces:
        return 0
    best = keep_best(run.folder)
    files = [run.folder.comparison_file, run.path / "comparison.html"]
    if not all(file.exists() for file in files):
        _compare(run, best)
    names = [file.name for file in files]
    run.folder.journal.write_once("compared", f"episode {best.episode}", episode=best.episode, files=names)
    deliver(run)
    table = run.folder.comparison()
    return 0 if table is None else len(table.standings)


def _compare(run: Run, best: Checkpoint) -> None:
    config, folder = run.config, run.folder
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
    write_comparison(table, folder.comparison_file, run.path / "comparison.html")


def budgets_of(config: Stage1Config) -> tuple[int, ...]:
    """1, 2, 4, ... as far as the agent's traces go, and those."""
    return tuple(sorted({*(b for b in BUDGETS if b < config.steps_per_episode), config.steps_per_episode}))
