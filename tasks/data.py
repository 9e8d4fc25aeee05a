"""Data prep: logos from the source, their manifest, what is searched once per data set."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from rlcore.dataset import Dataset, build_dataset, load_dataset, manifest, save_dataset
from rlcore.evaluator import Evaluator
from rlcore.files import read_json, write_json
from rlcore.parameters import Parameters
from rlcore.reference import reference_gains
from rlcore.searchers import CLEANED_SEARCHER, PLAIN_SEARCHER, FixedSetting, Method1, Searcher
from rlcore.single_setting import best_single_setting
from tasks import tracking
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
    config = run.config
    with stage(run, "data"):
        progress = {name: StageProgress(run, f"data: {name}") for name in ("read", "measure")}
        dataset = build_dataset(config, lambda name, done, total: progress[name](done, total))
        file = save_dataset(dataset, run.folder.data)
    content = manifest(dataset)
    run.folder.journal.write("data", counts=content["counts"], skipped=len(dataset.skipped))
    tracking.log_dataset(run.mlflow_run_id, content, source=config.images)
    tracking.log_files(run.mlflow_run_id, [file, run.folder.config_file])
    return len(dataset.subjects)


def dataset_of(run: Run) -> Dataset:
    """The run's data set, from its folder."""
    return load_dataset(run.folder.data)


@task(name="find single setting", task_run_name="find the best single setting", cache_policy=NO_CACHE)
def find_single_setting(run: Run) -> Parameters:
    """Searches the best single setting on training logos; saved as ``single_setting.json``."""
    config, subjects = run.config, dataset_of(run).of("train")
    with stage(run, "single setting"), Evaluator(config.workers) as evaluator:
        found = best_single_setting(subjects, config, evaluator, StageProgress(run, "single setting"))
    file = write_json(run.path / "single_setting.json", found.as_dict())
    tracking.log_files(run.mlflow_run_id, [file])
    return found


def baselines_of(run: Run) -> list[Searcher]:
    """Plain VTracer, cleaned plain, Method 1 and the best single setting."""
    single = FixedSetting("best single setting", single_setting_of(run))
    return [PLAIN_SEARCHER, CLEANED_SEARCHER, Method1(), single]


def single_setting_of(run: Run) -> Parameters:
    """What ``find_single_setting`` found."""
    return Parameters(**read_json(run.path / "single_setting.json"))


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
