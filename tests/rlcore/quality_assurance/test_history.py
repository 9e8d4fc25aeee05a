"""What the checks look at: windows that end, and the way back."""

import pytest

from rlcore.quality_assurance.history import History
from tests.rlcore.quality_assurance.made_runs import CONFIG, good, measured


@pytest.fixture
def history():
    """Twelve rollouts with a validation before them and after every four."""
    made = History(CONFIG.qa)
    made.add_validation(measured([1.0], 0))
    for number, gain in enumerate([2.0, 3.0, 2.5]):
        for rollout in good(4, 4 * number + 1):
            made.add_rollout(rollout)
        made.add_validation(measured([gain], 40 * (number + 1)))
    return made


def episodes(rollouts):
    return [rollout.episode for rollout in rollouts]


def test_windows_hold_the_first_and_the_last(history):
    assert episodes(history.rollouts) == [90, 100, 110, 120]
    assert episodes(history.first_rollouts) == [10, 20, 30, 40]
    assert len(history.gains) == 8
    assert len(history.velocities) == 12


def test_the_validations_that_matter_are_kept(history):
    kept = (history.first, history.best, history.previous.validation, history.last.validation)
    assert [validation.episode for validation in kept] == [0, 80, 80, 120]
    assert history.last.gains == tuple(rollout.gain for rollout in history.rollouts)


def test_the_best_is_the_earliest_of_equals(history):
    history.add_validation(measured([3.0], 160))
    assert history.best.episode == 80


@pytest.mark.parametrize(("episode", "best", "first"), [(120, 80, 4), (80, 80, 4), (40, 0, 4), (20, 0, 2), (0, 0, 0)])
def test_on_the_way_back_what_came_later_is_forgotten(history, episode, best, first):
    history.return_to(episode)
    assert (history.first.episode, history.best.episode, len(history.first_rollouts)) == (0, best, first)
    assert not history.rollouts
    assert not history.gains
    assert not history.velocities
    assert history.previous is history.last is None


def test_a_history_that_began_later_has_nothing_left():
    made = History(CONFIG.qa)
    made.add_validation(measured([1.0], 40))
    made.return_to(20)
    assert made.first is made.best is None


def test_figures_are_of_the_rollouts_that_have_them(history):
    assert history.figures("approx_kl") == [0.01] * 4
    for rollout in good(2, 13, train={"approx_kl": 0.5}):
        history.add_rollout(rollout)
    assert history.figures("approx_kl") == [0.01, 0.01, 0.5, 0.5]
    assert history.figures("value_loss") == [0.5, 0.5]
    assert history.figures("unknown") == []
