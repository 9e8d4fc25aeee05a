"""The QA gate: each check at its edge, and what it decides."""

import math

import pytest

from rlcore.quality_assurance import (
    COLLAPSE_GAIN,
    FAILED_SHARE,
    GAP,
    QUALITY_DROP,
    STAGNATION_RISE,
    best_validation,
    judge,
    validations_without_improvement,
)
from tests.conftest import small_config
from tests.rlcore.made import rollout, validation

CONFIG = small_config(target_episodes=1000, early_stopping_patience=2, success_rate_threshold=0.5)
RISING = [rollout(gain) for gain in (0.8, 0.9, 1.0, 1.1)]
BETTER = [validation(0.9), validation(1.0)]


def judged(rollouts=RISING, validations=BETTER, config=CONFIG, **values):
    return judge(config, rollouts, validations, **values)


def kinds(verdict):
    return [(alert.kind, alert.severity) for alert in verdict.alerts]


def test_a_good_chunk_goes_on_without_alerts():
    verdict = judged()
    assert (verdict.decision, verdict.stops, verdict.alerts) == ("continue", False, ())
    assert verdict.episode == RISING[-1].episode
    assert verdict.reason == "success rate 0.0%, the best validation so far"


@pytest.mark.parametrize(
    ("measured", "trips"), [(COLLAPSE_GAIN - 0.001, True), (COLLAPSE_GAIN, False), (COLLAPSE_GAIN + 0.001, False)]
)
def test_a_collapsed_reward_is_a_failure(measured, trips):
    verdict = judged([rollout(measured)] * 4)
    assert (("failure", "critical") in kinds(verdict)) == trips
    assert verdict.decision == ("failure" if trips else "continue")
    assert ("collapsed" in verdict.reason) == trips


def test_a_collapse_is_of_the_chunks_mean():
    assert judged([rollout(0.0), rollout(0.0), rollout(0.0), rollout(0.3)]).decision == "continue"


@pytest.mark.parametrize(("failed", "trips"), [(20, False), (21, True)])
def test_failed_traces_over_two_percent_are_told(failed, trips):
    assert FAILED_SHARE == 0.02
    verdict = judged([rollout(1.0, failed_traces=0), rollout(2.0, failed_traces=2 * failed)])
    assert (("failure", "medium") in kinds(verdict)) == trips
    assert verdict.decision == "continue"
    if trips:
        assert verdict.alerts[0].measured == pytest.approx(0.021)


@pytest.mark.parametrize(
    ("rise", "trips"), [(STAGNATION_RISE + 1e-6, False), (STAGNATION_RISE - 1e-6, True), (-1, True)]
)
def test_a_chunk_that_learned_nothing_is_told(rise, trips):
    verdict = judged([rollout(2.0), rollout(2.0), rollout(2.0 + rise), rollout(2.0 + rise)], [validation(3.0)])
    assert (kinds(verdict) == [("stagnation", "low")]) == trips
    assert verdict.decision == "continue"


def test_one_rollout_has_no_halves():
    assert judged([rollout(1.0)]).alerts == ()


@pytest.mark.parametrize(("quality", "trips"), [(0.9 - QUALITY_DROP + 1e-6, False), (0.9 - QUALITY_DROP - 1e-6, True)])
def test_a_drop_of_quality_is_told(quality, trips):
    verdict = judged(validations=[validation(0.8, quality=0.9), validation(0.9), validation(1.0, quality=quality)])
    assert (kinds(verdict) == [("degradation", "medium")]) == trips


@pytest.mark.parametrize(("gap", "trips"), [(GAP - 1e-6, False), (GAP + 1e-6, True)])
def test_training_gain_far_above_validation_gain_is_told(gap, trips):
    mean = 0.95  # of RISING
    verdict = judged(validations=[validation(0.1), validation(mean - gap)])
    assert (kinds(verdict) == [("overfitting", "medium")]) == trips


@pytest.mark.parametrize(("seconds", "trips"), [(5.0, False), (14.9, False), (15.2, True)])
def test_a_third_of_the_usual_velocity_is_told(seconds, trips):
    gains = (0.7, 0.8, 0.9, 1.0, 1.1, 1.2)
    rollouts = [rollout(gain) for gain in gains[:4]] + [rollout(gain, seconds=seconds) for gain in gains[4:]]
    verdict = judged(rollouts)
    assert (kinds(verdict) == [("performance", "low")]) == trips


def test_three_rollouts_have_no_usual_velocity():
    assert judged([rollout(0.8), rollout(0.9, seconds=500), rollout(1.0, seconds=500)]).alerts == ()


TROUBLE = {
    "rollouts": [rollout(0.03, failed_traces=500)] * 4 + [rollout(0.03, seconds=900.0)] * 2,
    "validations": [validation(2.0, quality=0.95), validation(-1.0, quality=0.8)],
}


@pytest.mark.parametrize(
    ("switch", "found"),
    [
        ("failure_detection", {"failure", "stagnation", "degradation"}),
        ("overfitting_detection", {"overfitting"}),
        ("performance_monitoring", {"performance"}),
    ],
)
def test_checks_can_be_switched_off(switch, found):
    switches = ("failure_detection", "overfitting_detection", "performance_monitoring")
    everything = {alert.kind for alert in judged(**TROUBLE).alerts}
    assert everything == {"failure", "stagnation", "degradation", "overfitting", "performance"}
    off = judged(**TROUBLE, config=CONFIG.model_copy(update={switch: False}))
    assert {alert.kind for alert in off.alerts} == everything - found
    only = judged(**TROUBLE, config=CONFIG.model_copy(update={name: name == switch for name in switches}))
    assert {alert.kind for alert in only.alerts} == found


def test_a_broken_training_is_a_failure_whatever_is_switched_off():
    off = CONFIG.model_copy(update={"failure_detection": False})
    verdict = judged(rollouts=[], config=off, broken="loss is not a number")
    assert (verdict.decision, verdict.reason, verdict.stops) == ("failure", "loss is not a number", True)
    assert kinds(verdict) == [("failure", "critical")]
    assert verdict.episode == BETTER[-1].episode


def test_patience_ends_a_training_that_no_longer_improves():
    assert judged(validations=[validation(2.0), validation(1.9)]).decision == "continue"
    verdict = judged(validations=[validation(2.0), validation(1.9), validation(2.0)])
    assert (verdict.decision, verdict.stops) == ("early_stopping", True)
    assert verdict.reason == "no better validation for 2 chunks (patience 2)"
    assert judged(validations=[validation(2.0), validation(1.9), validation(2.01)]).decision == "continue"


@pytest.mark.parametrize(("hours", "decision"), [(11.99, "continue"), (12.0, "out_of_time"), (500.0, "out_of_time")])
def test_time_runs_out(hours, decision):
    assert judged(hours=hours).decision == decision


@pytest.mark.parametrize(("success", "decision"), [(True, "target_reached"), (False, "continue")])
def test_the_last_chunk_says_whether_the_target_is_reached(success, decision):
    done = [rollout(1.0, episode=990), rollout(1.5, episode=1000)]
    worn = [validation(2.0), validation(1.9), validation(1.8, success=success)]
    verdict = judged(done, worn, hours=100)
    assert verdict.decision == decision
    assert verdict.reason.startswith("all 1000 episodes done")


def test_a_rate_just_at_the_threshold_reaches_it():
    config = CONFIG.model_copy(update={"success_rate_threshold": 1.0})
    done = [rollout(1.0, episode=990), rollout(1.5, episode=1000)]
    assert judged(done, [validation(1.0), validation(2.0, success=True)], config).decision == "target_reached"


def test_a_good_rate_before_the_end_does_not_stop():
    assert judged(validations=[validation(1.0), validation(2.0, success=True)]).decision == "continue"


def test_the_best_validation_is_the_earlier_of_equals():
    first, tie = validation(1.0, episode=30, quality=0.9), validation(5.0, episode=60, quality=0.9)
    assert best_validation([validation(9.0, quality=0.8), first, tie]) is first
    better = validation(0.0, episode=90, quality=0.5, success=True)
    assert best_validation([first, tie, better]) is better


@pytest.mark.parametrize(
    ("gains", "waited"), [([1.0], 0), ([1.0, 2.0], 0), ([1.0, 1.0], 1), ([2.0, 1.0, 1.5], 2), ([1.0, 3.0, 2.0], 1)]
)
def test_validations_without_improvement(gains, waited):
    assert validations_without_improvement([validation(gain) for gain in gains]) == waited


def test_every_alert_names_its_figure_and_what_to_do():
    for alert in judged(**TROUBLE).alerts:
        assert alert.message
        assert alert.recommendation
        assert math.isfinite(alert.measured)
        assert alert.episode == TROUBLE["rollouts"][-1].episode
