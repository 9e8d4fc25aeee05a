"""Data prep: logos from the source, their manifest, what is searched once per data set."""

from __future__ import annotations

from dataclasses import asdict

from prefect import task
from prefect.cache_policies import NO_CACHE

from rlcore.conversion.evaluator import Evaluator
from rlcore.data.dataset import Dataset, build_dataset
from rlcore.data.dataset_files import load_dataset, manifest, save_dataset
from rlcore.episode import Subject
from rlcore.files import read_json, write_json
from rlcore.judging.reference import reference_gains
from rlcore.judging.searchers import CLEANED_SEARCHER, PLAIN_SEARCHER, FixedSetting, Method1, Searcher, Sequential
from rlcore.judging.single_setting import best_single_setting
from rlcore.learning.library import Library
from rlcore.learning.library_search import carried_library, find_library
from tasks.delivery import deliver
from tasks.models import start_model
from tasks.run import RETRIES, RETRY_DELAY_SECONDS, Run, StageProgress, is_transient, stage


@task(
    name="prepare data",
    task_run_name="prepare data",
    cache_policy=NO_CACHE,
    retries=RETRIES,
    retry_delay_seconds=RETRY_DELAY_SECONDS,
    retry_condition_fn=is_transient,
)
def prepare_data(run: Run) -> int:
    """Builds the data set, saves it in the run and logs its manifest; returns the number of logos."""
    if not (run.folder.data / "manifest.json").exists():
        with stage(run, "data"):
            progress = {name: StageProgress(run, f"data: {name}") for name in ("read", "measure")}
            start = start_model(run)
            seen = start.experience.digests if start else ()
            dataset = build_dataset(run.config, lambda name, done, total: progress[name](done, total), frozenset(seen))
            save_dataset(dataset, run.folder.data)
    dataset = dataset_of(run)
    run.folder.journal.write_once("data", "", counts=manifest(dataset)["counts"], skipped=len(dataset.skipped))
    deliver(run)
    return len(dataset.subjects)


def dataset_of(run: Run) -> Dataset:
    """The run's data set, from its folder."""
    return load_dataset(run.folder.data)


@task(name="search library", task_run_name="search settings for the library", cache_policy=NO_CACHE)
def search_library(run: Run) -> int:
    """Finds what the agent can choose from on training logos: ``library.json``, ``table.npz``; returns its size.

    The best single setting of CMA-ES is a candidate like others: the library's portfolios say what the best is.
    Where training goes on from a model, it is that model's, measured on the training logos.
    """
    if not run.folder.library.exists():
        _search_library(run)
    library = library_of(run)
    run.folder.journal.write_once("library", "", size=library.size)
    deliver(run)
    return library.size


def _search_library(run: Run) -> None:
    config, subjects = run.config, training_logos_of(run)
    start, progress = start_model(run), StageProgress(run, "library")
    with stage(run, "library"), Evaluator(config.workers) as evaluator:
        if start is None:
            single = best_single_setting(subjects, config, evaluator, StageProgress(run, "library: single setting"))
            library, table = find_library(single, subjects, config, evaluator, progress)
        else:
            library, table = carried_library(start.library, subjects, config, evaluator, progress)
        run.folder.journal.write("traces", chunk=0, **asdict(evaluator.statistics))
    table.save(run.folder.table)
    write_json(run.folder.library, library.as_dict())  # the last: where it is, both are


def training_logos_of(run: Run) -> tuple[Subject, ...]:
    """The logos that are trained on."""
    return dataset_of(run).of("train", run.config.category)


def library_of(run: Run) -> Library:
    """What ``search_library`` found."""
    return Library.from_dict(read_json(run.folder.library))


def baselines_of(run: Run) -> list[tuple[Searcher, int]]:
    """What the agent is held against after every chunk, each with its number of traces per logo."""
    portfolio = library_of(run).portfolio(run.config.size_weight)
    fixed: list[Searcher] = [
        PLAIN_SEARCHER,
        CLEANED_SEARCHER,
        Method1(),
        FixedSetting("best single setting", portfolio[0]),
    ]
    steps = run.config.steps_per_episode
    return [*((searcher, 1) for searcher in fixed), (Sequential("portfolio", portfolio), steps)]


@task(
    name="search references",
    task_run_name="search reference gains: {split}",
    cache_policy=NO_CACHE,
    retries=RETRIES,
    retry_delay_seconds=RETRY_DELAY_SECONDS,
    retry_condition_fn=is_transient,
)
def search_references(run: Run, split: str) -> int:
    """Finds what is achievable for each judged logo of a split; cached for all runs. Returns the number of logos."""
    return len(references_of(run, split))


def references_of(run: Run, split: str) -> dict[str, float]:
    """Reference gains of the judged category, from the cache or searched now."""
    config = run.config
    subjects = dataset_of(run).of(split, config.category)
    with stage(run, f"references: {split}"), Evaluator(config.workers) as evaluator:
        progress = StageProgress(run, f"references: {split}")
        return reference_gains(subjects, config, evaluator, run.folder.reference_cache, progress)
