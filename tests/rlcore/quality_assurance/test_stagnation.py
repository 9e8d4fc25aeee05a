"""Stagnation: no rise over the window's episodes, and under the target."""

import pytest

from tests.rlcore.quality_assurance.made_runs import CONFIG, folded, found, good, measured

RISE = CONFIG.qa.stagnation_rise


def flat(count, rise=0.0, episodes=10):
    """Rollouts whose second half is above the first by ``rise``."""
    halves = [2.0] * (count // 2) + [2.0 + rise] * (count // 2)
    return [good(1, number, 0, gain=gain, episodes=episodes)[0] for number, gain in enumerate(halves, start=1)]


@pytest.mark.parametrize(("rise", "trips"), [(RISE + 1e-6, False), (RISE - 1e-6, True), (0.0, True), (-1.0, True)])
def test_episodes_that_bring_nothing_are_told(rise, trips):
    monitor = folded(flat(8, rise))
    assert found(monitor) == ([("rolling gain", "medium")] if trips else [])
    if trips:
        assert monitor.alerts[0].measured == pytest.approx(rise)
        assert "within 80 episodes" in monitor.alerts[0].message


def test_fewer_episodes_tell_nothing():
    assert folded(flat(8)[:7]).alerts == ()
    assert folded(flat(6)).alerts == ()


def test_halves_are_of_episodes_not_of_rollouts():
    """One long rollout is as good as four short ones."""
    long = good(1, 1, 0, gain=2.0, episodes=40)
    short = [good(1, number, 0, gain=2.5)[0] for number in range(2, 6)]
    assert folded([*long, *short]).alerts == ()
    assert found(folded([*long, *good(4, 2, 0, gain=2.0)])) == [("rolling gain", "medium")]


def test_older_episodes_are_forgotten():
    monitor = folded([*good(8), *flat(8)[:7]])
    assert monitor.alerts == ()
    monitor.take_rollout(flat(8)[7])
    assert found(monitor) == [("rolling gain", "medium")]


@pytest.mark.parametrize(("success", "trips"), [(True, False), (False, True)])
def test_who_has_reached_the_target_does_not_stagnate(success, trips):
    monitor = folded([measured([1.0], success=success), *flat(8)])
    assert found(monitor) == ([("rolling gain", "medium")] if trips else [])
