"""The gate: what it decides, and why."""

import pytest

from rlcore.quality_assurance import Monitor, best_validation, judge, validations_without_improvement
from tests.conftest import small_config
from tests.rlcore.made import validation
from tests.rlcore.quality_assurance.made_runs import folded, good

CONFIG = small_config(target_episodes=1000, early_stopping_patience=2, success_rate_threshold=0.5)
BETTER = [validation(0.9), validation(1.0)]


def judged(validations=BETTER, monitor=None, config=CONFIG, episode=30, **values):
    return judge(config, monitor or Monitor(config), validations, episode, **values)


def broken():
    monitor = Monitor(CONFIG)
    monitor.take_broken(30, "loss is not a number")
    return monitor


def test_a_good_chunk_goes_on_without_alerts():
    verdict = judged()
    assert (verdict.decision, verdict.stops, verdict.alerts, verdict.rollbacks) == ("continue", False, (), 0)
    assert verdict.episode == 30
    assert verdict.reason == "success rate 0.0%, the best validation so far"


@pytest.mark.parametrize(
    ("before", "decision", "after", "told"),
    [
        (0, "roll_back", 1, "back to the last good checkpoint, time 1 of 2"),
        (1, "roll_back", 2, "back to the last good checkpoint, time 2 of 2"),
        (2, "failure", 2, "after 2 rollbacks"),
    ],
)
def test_a_critical_failure_rolls_back_twice_and_then_ends_the_run(before, decision, after, told):
    verdict = judged(monitor=broken(), rollbacks=before)
    assert (verdict.decision, verdict.stops, verdict.rollbacks) == (decision, decision == "failure", after)
    assert verdict.reason == f"loss is not a number; {told}"
    assert [alert.check for alert in verdict.alerts] == ["non-finite"]


@pytest.mark.parametrize(("most", "told"), [(0, "no rollback was left"), (1, "after one rollback")])
def test_how_many_rollbacks_there_may_be_is_a_setting(most, told):
    config = small_config(qa={"most_rollbacks": most})
    verdict = judged(monitor=broken(), config=config, rollbacks=most)
    assert (verdict.decision, verdict.reason) == ("failure", f"loss is not a number; {told}")


def test_a_failure_comes_before_a_reached_target_and_the_end_of_time():
    done = [validation(1.0), validation(2.0, success=True)]
    assert judged(done, broken(), episode=1000, hours=100).decision == "roll_back"


def test_a_failure_that_was_rolled_back_is_no_reason_any_more():
    monitor = broken()
    monitor.rolled_back(0)
    verdict = judged(monitor=monitor, rollbacks=1)
    assert (verdict.decision, verdict.alerts, verdict.rollbacks) == ("continue", (), 1)


def test_a_worker_that_always_times_out_is_a_critical_failure():
    monitor = folded(good(1, failed_traces=1000), CONFIG)
    verdict = judged(monitor=monitor)
    assert verdict.decision == "roll_back"
    assert verdict.reason.startswith("100.0% of the traces failed")


@pytest.mark.parametrize(("failed", "severity"), [(30, "medium"), (300, "high")])
def test_what_is_not_critical_goes_on_with_its_recommendation(failed, severity):
    verdict = judged(monitor=folded(good(1, failed_traces=failed), CONFIG))
    assert verdict.decision == "continue"
    assert [alert.severity for alert in verdict.alerts] == [severity]
    assert verdict.alerts[0].recommendation


def test_what_was_over_before_the_chunk_ended_is_told_once():
    chunk = [*good(1, failed_traces=300), *good(20, 2, rise=0.0), validation(1.0)]
    once, twice = folded(chunk, CONFIG), folded([*chunk, *good(4, 22, rise=0.0), validation(1.1)], CONFIG)
    assert [alert.check for alert in judged(monitor=once).alerts] == ["failed traces"]
    assert once.open_alerts == ()
    assert judged(monitor=twice).alerts == ()


def test_patience_ends_a_training_that_no_longer_improves():
    assert judged([validation(2.0), validation(1.9)]).decision == "continue"
    verdict = judged([validation(2.0), validation(1.9), validation(2.0)])
    assert (verdict.decision, verdict.stops) == ("early_stopping", True)
    assert verdict.reason == "no better validation for 2 chunks (patience 2)"
    assert judged([validation(2.0), validation(1.9), validation(2.01)]).decision == "continue"


@pytest.mark.parametrize(("hours", "decision"), [(11.99, "continue"), (12.0, "out_of_time"), (500.0, "out_of_time")])
def test_time_runs_out(hours, decision):
    assert judged(hours=hours).decision == decision


@pytest.mark.parametrize(("success", "decision"), [(True, "target_reached"), (False, "continue")])
def test_the_last_chunk_says_whether_the_target_is_reached(success, decision):
    worn = [validation(2.0), validation(1.9), validation(1.8, success=success)]
    verdict = judged(worn, episode=1000, hours=100)
    assert verdict.decision == decision
    assert verdict.reason.startswith("all 1000 episodes done")


def test_a_rate_just_at_the_threshold_reaches_it():
    config = CONFIG.model_copy(update={"success_rate_threshold": 1.0})
    reached = judged([validation(1.0), validation(2.0, success=True)], config=config, episode=1000)
    assert reached.decision == "target_reached"


def test_a_good_rate_before_the_end_does_not_stop():
    assert judged([validation(1.0), validation(2.0, success=True)], episode=999).decision == "continue"


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
