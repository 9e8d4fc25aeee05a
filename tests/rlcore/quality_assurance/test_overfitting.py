"""Overfitting: training rises, validation does not follow."""

import numpy as np
import pytest

from tests.rlcore.quality_assurance.made_runs import CONFIG, folded, found, good, measured

GAP = CONFIG.qa.overfitting_gap
LOGOS = np.linspace(1, 3, 30)


def run(*chunks, noise=0.0, start=2.0):
    """A validation, then chunks of four rollouts, each with a validation: by how much both have risen by then."""
    events = [measured(LOGOS, 0)]
    for number, (training, validation) in enumerate([(0.0, 0.0), *chunks]):
        gains = start + training + noise * np.array([1, -1, 1, -1])
        events += [good(1, 4 * number + place, gain=gain)[0] for place, gain in enumerate(gains, start=1)]
        events.append(measured(LOGOS + validation, 40 * (number + 1)))
    return folded(events)


def overfits(monitor):
    return ("gap", "medium") in found(monitor)


@pytest.mark.parametrize(("gap", "trips"), [(GAP + 1e-6, True), (GAP - 1e-6, False)])
def test_a_gap_over_the_threshold_is_told(gap, trips):
    monitor = run((0.1 + gap, 0.1))
    assert overfits(monitor) == trips
    if trips:
        [alert] = [alert for alert in monitor.alerts if alert.check == "gap"]
        assert (alert.kind, alert.episode, alert.measured) == ("overfitting", 80, pytest.approx(gap))


def test_both_rising_is_learning():
    assert not overfits(run((0.5, 0.5), (1.0, 1.0)))


@pytest.mark.parametrize("start", [0.5, 9.0])
def test_a_gap_that_was_there_from_the_start_is_none(start):
    assert not overfits(run((0.0, 0.0), (0.2, 0.0), start=start))
    assert overfits(run((0.0, 0.0), (0.3, 0.0), start=start))


@pytest.mark.parametrize(("noise", "trips"), [(0.3, False), (0.05, True)])
def test_a_gap_within_the_noise_of_training_is_not_told(noise, trips):
    assert overfits(run((0.3, 0.0), noise=noise)) == trips


@pytest.mark.parametrize(("spread", "trips"), [(3.0, False), (0.05, True)])
def test_a_gap_within_the_noise_of_validation_is_not_told(spread, trips):
    assert overfits(run((0.4, spread * np.tile([1, -1], 15)))) == trips


@pytest.mark.parametrize(("second", "updates"), [(0.5, 1), (0.4, 0), (0.39, 0)])
def test_only_a_gap_that_grows_is_told_again(second, updates):
    [alert] = [alert for alert in run((0.4, 0.0), (second, 0.0)).alerts if alert.check == "gap"]
    assert alert.updates == updates


def test_two_rollouts_are_too_few_to_tell():
    events = [measured(LOGOS, 0), *good(2, gain=2.0), measured(LOGOS - 5, 20)]
    assert not overfits(folded(events))


def test_one_validation_has_not_risen():
    assert folded([*good(4), *good(4, 5, gain=9.0), measured(LOGOS, 80)]).alerts == ()
