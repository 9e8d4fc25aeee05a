"""The study of PPO's settings: its run, what is prepared once for all trials, the trials, what it leaves behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import optuna
import pandas as pd
from prefect import task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE

from rlcore.config import Stage1Config
from rlcore.conversion.evaluator import Evaluator
from rlcore.errors import ConfigError, NonFiniteError
from rlcore.files import write_bytes, write_text
from rlcore.learning.agent import Checkpoint
from rlcore.learning.tuning import Bench, Outcome
from rlcore.learning.tuning_study import (
    begin_trial,
    end_trial,
    open_study,
    record_of,
    revive,
    set_baseline,
    settings_of,
)
from rlcore.records import Rollout
from rlcore.reporting.tuning_figure import study_figure
from rlcore.reporting.tuning_findings import toml_of, trial_rows
from rlcore.run_folder import RunFolder
from tasks import metrics, tracking
from tasks.data import dataset_of, prepare_data, search_library, training_logos_of
from tasks.opening import alone, closed_in_the_end, status_after
from tasks.run import Run, StageProgress, stage
from tasks.store import mlruns_folder
from tasks.training import make_policy

_RUN_ID = "mlflow_run_id"
_TERMS = "terms"


def study_folder(config: Stage1Config, name: str = "") -> RunFolder:
    """``<mlruns>/tune/<study>``; without a name it is ``tune-<category>-s<seed>``."""
    return RunFolder(mlruns_folder() / "tune" / (name or f"tune-{config.category}-s{config.seed}"))


def study_of(folder: RunFolder) -> optuna.Study:
    """The folder's study in ``<mlruns>/tune.db``."""
    return open_study(folder.path.parent.parent / "tune.db", folder.name)


@contextmanager
def open_study_run(config: Stage1Config, name: str, seeds: int, trials: int) -> Iterator[Run]:
    """Begins a study or takes it up again, with the same folder and the same MLflow run; closes both in the end.

    Raises:
        ConfigError: another process is at it, or it was begun with another configuration.
    """
    folder = study_folder(config, name)
    with alone(folder, "study"):
        study = study_of(folder)
        _check_terms(study, folder, config, seeds)
        folder.write_config(config)
        run = Run(path=folder.path, mlflow_run_id=_parent_run(study, config))
        for died in revive(study):
            if _RUN_ID in died.user_attrs:
                tracking.finish_run(died.user_attrs[_RUN_ID], "KILLED")
        ended = len(record_of(study).trials)
        folder.journal.write("study", trials=trials, ended=ended, episodes=seeds * config.target_episodes)
        with closed_in_the_end(run):
            yield run


def _check_terms(study: optuna.Study, folder: RunFolder, config: Stage1Config, seeds: int) -> None:
    """Keeps what makes values comparable; the number of workers is not among it."""
    terms = {"seeds": seeds, **tracking.flat(config.model_dump(mode="json", exclude={"workers"}))}
    known = study.user_attrs.get(_TERMS)
    if known is None:
        if folder.config_file.exists():
            raise ConfigError(f"{folder.path} is of a study that is not in the database: choose another name")
        study.set_user_attr(_TERMS, terms)
    elif known != terms:
        changed = [
            f"{key} = {known.get(key)!r}, not {value!r}" for key, value in terms.items() if known.get(key) != value
        ]
        raise ConfigError(f"study {folder.name!r} was begun with {'; '.join(changed)}: choose another name")


def _parent_run(study: optuna.Study, config: Stage1Config) -> str:
    if _RUN_ID in study.user_attrs:
        tracking.use_store(mlruns_folder())
        return tracking.reopen_run(study.user_attrs[_RUN_ID], config)
    run_id = tracking.start_run(study_folder(config, study.study_name).path, config)
    study.set_user_attr(_RUN_ID, run_id)
    return run_id


def prepare_study(run: Run) -> None:
    """Data, library and the warm-started policy that every trial begins with: made once for a study."""
    steps: list[tuple[Path, Callable[[Run], int]]] = [
        (run.folder.data / "manifest.json", prepare_data),
        (run.folder.library, search_library),
        (run.folder.checkpoint(0), make_policy),
    ]
    for made, make in steps:
        if not made.exists():
            make(run)


@contextmanager
def open_bench(run: Run) -> Iterator[Bench]:
    """What all trials share; the evaluator's memory grows from trial to trial."""
    config = run.config
    validation = dataset_of(run).of("validation", config.category)
    with Evaluator(config.workers) as evaluator:
        yield Bench(Checkpoint.load(run.folder.checkpoint(0)), training_logos_of(run), validation, evaluator)


@task(name="measure start", task_run_name="measure the start without PPO", cache_policy=NO_CACHE)
def measure_start(run: Run, bench: Bench) -> float:
    """The objective of the policy that every trial begins with, measured once for a study."""
    study = study_of(run.folder)
    known = record_of(study).baseline
    if known is not None:
        return known
    with stage(run, "start without PPO"):
        outcome = Outcome((bench.judged(bench.start),))
    set_baseline(study, outcome.value)
    run.folder.journal.write("baseline", value=outcome.value)
    tracking.log_metrics(run.mlflow_run_id, {"baseline/value": outcome.value}, 0)
    _log_curves(run.mlflow_run_id, outcome)
    return outcome.value


def _log_curves(run_id: str, outcome: Outcome) -> None:
    for traces, figures in enumerate(outcome.curves(), start=1):
        tracking.log_metrics(run_id, figures, traces)


def trials_to_run(run: Run, trials: int) -> Iterator[optuna.Trial]:
    """Begins one trial after the other until the study has ``trials`` that ended."""
    study, config = study_of(run.folder), run.config
    while len(record_of(study).trials) < trials:
        yield begin_trial(study, config.ppo, config.seed)


@task(name="trial", task_run_name="trial {trial.number}", cache_policy=NO_CACHE)
def run_trial(run: Run, bench: Bench, trial: optuna.Trial, seeds: int) -> float | None:
    """Trains with the trial's settings, once for each seed, and judges; None where a training broke."""
    value, failure = None, ""
    try:
        with _child_run(run, trial) as child, stage(run, f"trial {trial.number}"):
            value = _played(run, bench, trial, seeds, child)
    except NonFiniteError as error:
        failure = str(error)
    end_trial(trial, value, failure)
    run.folder.journal.write("trial", number=trial.number, value=value, failure=failure)
    if value is not None:
        tracking.log_metrics(run.mlflow_run_id, {"trial/value": value}, trial.number)
    return value


@contextmanager
def _child_run(run: Run, trial: optuna.Trial) -> Iterator[str]:
    """The trial's MLflow run, under the study's; closed as what the trial ended with."""
    name = f"{run.folder.name}-trial-{trial.number:03d}"
    child = tracking.start_child_run(run.mlflow_run_id, name, {"ppo": settings_of(trial).model_dump()})
    trial.set_user_attr(_RUN_ID, child)
    try:
        yield child
    except BaseException as error:
        tracking.tag(child, reason=f"{type(error).__name__}: {error}")
        tracking.finish_run(child, status_after(error))
        raise
    tracking.finish_run(child, "FINISHED")


def _played(run: Run, bench: Bench, trial: optuna.Trial, seeds: int, child: str) -> float:
    """The trial's value, with all figures in its MLflow run."""
    settings, config = settings_of(trial), run.config
    observers = [_TrialObserver(run, trial.number, seed, seeds, child) for seed in range(seeds)]
    trained = [bench.trained(settings, seed, observer) for seed, observer in enumerate(observers)]
    outcome = Outcome(tuple(bench.judged(checkpoint) for checkpoint in trained))
    velocity = seeds * config.target_episodes / sum(observer.seconds for observer in observers)
    tracking.log_metrics(child, {"trial/value": outcome.value, "trial/episodes_per_second": velocity}, trial.number)
    for seed, value in enumerate(outcome.values):
        tracking.log_metrics(child, {"trial/value_by_seed": value}, seed)
    _log_curves(child, outcome)
    return outcome.value


class _TrialObserver:
    """Logs each rollout of one training; those of several seeds follow each other on one axis."""

    def __init__(self, run: Run, trial: int, seed: int, seeds: int, child: str) -> None:
        self.seconds = 0.0
        self._child = child
        self._steps = run.config.steps_per_episode
        self._before = seed * run.config.target_episodes
        self._total = seeds * run.config.target_episodes
        self._progress = StageProgress(run, f"trial {trial}")

    def __call__(self, rollout: Rollout) -> None:
        """One rollout is done."""
        self.seconds += rollout.seconds
        episode = self._before + rollout.episode
        tracking.log_metrics(self._child, metrics.rollout_metrics(rollout, self._steps), episode)
        self._progress(episode, self._total)


@task(name="report study", task_run_name="report the study", cache_policy=NO_CACHE)
def report_study(run: Run) -> Path:
    """Table, figure and best settings, in the folder and in the study's MLflow run; returns the folder."""
    study, path = record_of(study_of(run.folder)), run.path
    rows = trial_rows(study)
    files = [
        write_text(path / "trials.csv", pd.DataFrame(rows).to_csv(index=False)),
        write_bytes(path / "tuning.png", study_figure(study)),
    ]
    if study.ranking:
        value, best = study.ranking[0]
        files.append(write_text(path / "ppo.toml", toml_of(best.settings)))
        figures = {"value": value, "trial": best.number, **best.settings.model_dump()}
        tracking.log_metrics(run.mlflow_run_id, {f"best/{key}": figure for key, figure in figures.items()}, best.number)
    tracking.log_files(run.mlflow_run_id, files)
    create_table_artifact(rows, key="stage1-tune", description=f"Study {study.name}")
    return path
