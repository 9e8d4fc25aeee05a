"""The study: trials in an Optuna database, so that a tuning that was interrupted goes on where it was.

What is suggested next depends on the seed and the trials that ended alone, not on how often the study was interrupted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from filelock import FileLock
from optuna.trial import FrozenTrial, Trial, TrialState

from rlcore.config import PPOSettings
from rlcore.learning.tuning import SPACE, nearest_params, suggested

optuna.logging.set_verbosity(optuna.logging.WARNING)  # else a line on stderr for every trial

_SETTINGS = "settings"
_FAILURE = "failure"
_BASELINE = "baseline"


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """A trial that ended.

    Attributes:
        number: in the study, from 0; 0 are the settings that the study was begun with.
        settings: all of PPO's.
        value: the objective; None where the trial failed.
        seconds: wall time.
        failure: why it failed; empty where it did not.
    """

    number: int
    settings: PPOSettings
    value: float | None
    seconds: float
    failure: str


@dataclass(frozen=True, slots=True)
class StudyRecord:
    """A study so far.

    Attributes:
        name: its name.
        baseline: the objective of the start without any PPO; None before it was measured.
        trials: those that ended, in order; trials that were killed are not among them.
    """

    name: str
    baseline: float | None
    trials: tuple[TrialRecord, ...]

    @property
    def ranking(self) -> list[tuple[float, TrialRecord]]:
        """Values and trials, the best first; without those that failed."""
        rated = [(trial.value, trial) for trial in self.trials if trial.value is not None]
        return sorted(rated, key=lambda pair: -pair[0])

    @property
    def default(self) -> TrialRecord | None:
        """The trial of the settings that the study was begun with: the first that ended."""
        return self.trials[0] if self.trials else None


def open_study(database: Path, name: str) -> optuna.Study:
    """The study of that name in an SQLite database; both are made where there is none."""
    database.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(database.with_name(f".{database.name}.lock")):  # two processes making its tables would clash
        return optuna.create_study(
            storage=f"sqlite:///{database}", study_name=name, direction="maximize", load_if_exists=True
        )


def revive(study: optuna.Study) -> list[FrozenTrial]:
    """Marks trials that a killed process left behind as failed and queues their settings again; returns them."""
    died = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    for trial in died:
        study.tell(trial.number, state=TrialState.FAIL)
        if _SETTINGS in trial.user_attrs:
            _queue(study, trial.params, trial.user_attrs[_SETTINGS])
    return died


def _queue(study: optuna.Study, params: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    study.enqueue_trial(dict(params), user_attrs={_SETTINGS: dict(settings)})


def begin_trial(study: optuna.Study, base: PPOSettings, seed: int) -> Trial:
    """The next trial; the first one is ``base`` to the letter, wherever in the search space that is."""
    if not study.get_trials(deepcopy=False):
        _queue(study, nearest_params(base), base.model_dump())
    # a sampler's own random state ends with its process
    own_seed = int(np.random.SeedSequence([seed, len(record_of(study).trials)]).generate_state(1)[0])
    study.sampler = optuna.samplers.TPESampler(seed=own_seed, multivariate=True)
    trial = study.ask(dict(SPACE))
    if _SETTINGS not in trial.user_attrs:
        trial.set_user_attr(_SETTINGS, suggested(trial.params, base).model_dump())
    return trial


def settings_of(trial: Trial | FrozenTrial) -> PPOSettings:
    """The settings that a trial tries."""
    return PPOSettings.model_validate(trial.user_attrs[_SETTINGS])


def end_trial(trial: Trial, value: float | None, failure: str = "") -> None:
    """Its value, or why there is none."""
    if value is None:
        trial.set_user_attr(_FAILURE, failure)
        trial.study.tell(trial, state=TrialState.FAIL)
    else:
        trial.study.tell(trial, value)


def set_baseline(study: optuna.Study, value: float) -> None:
    """Keeps the objective of the start without any PPO."""
    study.set_user_attr(_BASELINE, value)


def record_of(study: optuna.Study) -> StudyRecord:
    """The study so far."""
    ended = [
        TrialRecord(trial.number, settings_of(trial), trial.value, _seconds(trial), trial.user_attrs.get(_FAILURE, ""))
        for trial in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.FAIL))
        if trial.state is TrialState.COMPLETE or _FAILURE in trial.user_attrs
    ]
    return StudyRecord(study.study_name, study.user_attrs.get(_BASELINE), tuple(ended))


def _seconds(trial: FrozenTrial) -> float:
    return trial.duration.total_seconds() if trial.duration is not None else 0.0
