"""Velocity and the time to go."""

import numpy as np
import pytest

from rlcore.progress.pace import time_left, velocity
from tests.rlcore.made import rollout


def test_velocity_is_over_the_last_ten_rollouts():
    slow, fast = rollout(seconds=100.0), rollout(seconds=2.0)
    assert velocity([slow, *[fast] * 10]) == 5.0
    assert velocity([slow, fast]) == pytest.approx(20 / 102)
    assert velocity([]) == 0.0


def test_time_left_at_an_even_pace_has_no_range():
    found = time_left([rollout(episode=20, seconds=5.0)] * 3, 100)
    assert (found.seconds, found.low, found.high) == (40.0, 40.0, 40.0)


def test_validations_take_their_time():
    found = time_left([rollout(episode=20, seconds=5.0)] * 3, 100, validations_left=2, validation_seconds=30.0)
    assert (found.seconds, found.low, found.high) == (100.0, 100.0, 100.0)


def test_at_the_end_nothing_is_left():
    found = time_left([rollout(episode=100, seconds=5.0)] * 3, 100)
    assert (found.seconds, found.low, found.high) == (0.0, 0.0, 0.0)


def test_without_a_pace_it_is_unknown():
    assert time_left([], 100) is None
    assert time_left([rollout(seconds=0.0)] * 3, 100) is None
    assert time_left([rollout(seconds=5.0)], 100) is None


@pytest.mark.parametrize("known", [2, 3, 5, 10, 20])
def test_the_range_holds_the_end_of_nineteen_in_twenty_trainings(known):
    """Rollouts take 10 seconds, by chance a tenth more or less; after some of 100 the rest is foretold."""
    random, inside = np.random.default_rng(3), []
    for _ in range(600):
        seconds = random.normal(10, 1, 100)
        done = [rollout(episode=10 * (i + 1), seconds=float(s)) for i, s in enumerate(seconds[:known])]
        found = time_left(done, 1000)
        inside.append(found.low <= seconds[known:].sum() <= found.high)
    assert 0.93 <= np.mean(inside) <= 0.97
