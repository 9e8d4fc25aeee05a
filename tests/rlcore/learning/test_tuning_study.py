"""A study goes on where it was, whatever ended its process."""

import math
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from rlcore.config import PPOSettings
from rlcore.learning.tuning_study import (
    begin_trial,
    end_trial,
    open_study,
    record_of,
    revive,
    set_baseline,
    settings_of,
)

BASE = PPOSettings()


def lead(settings):
    """A figure with its best at a learning rate of 3e-4."""
    return -abs(math.log10(settings.learning_rate / 3e-4))


def play(study, trials, seed=0):
    """Begins and ends so many trials; their settings."""
    found = []
    for _ in range(trials):
        trial = begin_trial(study, BASE, seed)
        found.append(settings_of(trial))
        end_trial(trial, lead(found[-1]))
    return found


@pytest.fixture
def database(tmp_path) -> Path:
    return tmp_path / "with a space" / "tune.db"


def test_the_first_trial_is_the_default_to_the_letter(database):
    study = open_study(database, "one")
    assert BASE.entropy_coefficient == 0  # no point of a logarithmic range
    assert play(study, 1) == [BASE]
    record = record_of(study)
    assert record.default == record.trials[0]
    assert (record.default.number, record.default.settings, record.default.value) == (0, BASE, lead(BASE))


def test_the_same_seed_suggests_the_same(database):
    first, again, other = (play(open_study(database, name), 3, seed) for name, seed in (("a", 1), ("b", 1), ("c", 2)))
    assert first == again
    assert first[1] != other[1]
    assert len(set(map(str, first))) == 3


def test_a_study_taken_up_again_goes_on_as_if_it_had_not_been_left(database):
    whole = play(open_study(database, "whole"), 14)  # beyond Optuna's ten random trials
    parts = [settings for _ in range(7) for settings in play(open_study(database, "parts"), 2)]
    assert whole == parts
    assert [trial.number for trial in record_of(open_study(database, "parts")).trials] == list(range(14))


def test_a_killed_trial_is_failed_and_tried_again(database):
    whole = play(open_study(database, "whole"), 5)
    study = open_study(database, "killed")
    play(study, 2)
    killed = begin_trial(study, BASE, 0)
    study = open_study(database, "killed")
    assert [trial.number for trial in revive(study)] == [2]
    assert revive(study) == []
    assert study.trials[2].state is TrialState.FAIL
    assert len(record_of(study).trials) == 2
    again = begin_trial(study, BASE, 0)
    assert again.number == 3
    assert settings_of(again) == settings_of(killed) == whole[2]
    end_trial(again, lead(settings_of(again)))
    assert play(study, 2) == whole[3:]
    assert [trial.number for trial in record_of(study).trials] == [0, 1, 3, 4, 5]


def test_a_killed_default_is_still_the_default(database):
    study = open_study(database, "early")
    begin_trial(study, BASE, 0)
    revive(study)
    assert play(study, 1) == [BASE]
    assert record_of(study).default.number == 1


def test_a_failed_trial_counts_without_a_value(database):
    study = open_study(database, "broken")
    play(study, 1)
    end_trial(begin_trial(study, BASE, 0), None, "a loss is not a number")
    failed = record_of(study).trials[1]
    assert (failed.value, failed.failure) == (None, "a loss is not a number")
    assert [trial.number for _, trial in record_of(study).ranking] == [0]
    assert begin_trial(study, BASE, 0).number == 2


def test_the_ranking_has_the_best_first(database):
    study = open_study(database, "ranked")
    assert record_of(study).ranking == []
    assert record_of(study).default is None
    play(study, 6)
    values = [value for value, _ in record_of(study).ranking]
    assert values == sorted(values, reverse=True)
    assert record_of(study).ranking[0][0] == study.best_value


def test_the_baseline_is_kept(database):
    assert record_of(open_study(database, "kept")).baseline is None
    set_baseline(open_study(database, "kept"), 0.25)
    assert record_of(open_study(database, "kept")).baseline == 0.25
    assert optuna.get_all_study_names(f"sqlite:///{database}") == ["kept"]
