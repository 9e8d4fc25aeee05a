"""The monitor: an alert is raised once, updated, closed, raised anew; nothing grows."""

import math
import pickle

import pytest

from rlcore.quality_assurance import Monitor
from rlcore.records import SEVERITIES
from tests.rlcore.made import rollout
from tests.rlcore.quality_assurance.made_runs import CONFIG, FIGURES, folded, found, good, measured, take, updates

WINDOW = CONFIG.qa.window
COLLAPSED = FIGURES | {"entropy_loss": 0.0}


def collapsed(count, first):
    return good(count, first, train=COLLAPSED)


def test_an_alert_is_raised_once_and_then_updated():
    monitor = folded(good(5))
    told = [monitor.take_rollout(event) for event in collapsed(3, 6)]
    assert [(alert.episode, alert.last_episode, alert.updates) for [alert] in told] == [
        (60, 60, 0),
        (60, 70, 1),
        (60, 80, 2),
    ]
    assert monitor.alerts == monitor.open_alerts == (told[-1][0],)


def test_an_alert_is_closed_after_a_window_of_good_rollouts():
    monitor = folded([*collapsed(1, 1), *good(WINDOW - 1, 2)])
    assert monitor.critical is monitor.open_alerts[0]
    assert monitor.take_rollout(*good(1, WINDOW + 1)) == []
    assert monitor.critical is None
    assert monitor.open_alerts == ()
    assert len(monitor.alerts) == 1


def test_good_rollouts_count_only_in_a_row():
    monitor = folded([*collapsed(1, 1), *good(3, 2), *collapsed(1, 5), *good(3, 6)])
    assert [(alert.episode, alert.last_episode, alert.updates) for alert in monitor.open_alerts] == [(10, 50, 1)]


def test_what_comes_again_after_it_was_over_is_a_new_alert():
    monitor = folded([*collapsed(2, 1), *good(WINDOW, 3), *collapsed(1, 3 + WINDOW)])
    assert [(alert.check, alert.episode, alert.updates) for alert in monitor.alerts] == [
        ("entropy", 10, 1),
        ("entropy", 70, 0),
    ]
    assert monitor.open_alerts == monitor.alerts[1:]


def test_validations_close_an_alert_at_the_second_good_one():
    bad = [measured([2.0, 2.1]), measured([1.0, 1.1], 30)]
    monitor = folded([*bad, measured([2.0, 2.1], 60)])
    assert [alert.check for alert in monitor.open_alerts] == ["validation gain"]
    monitor.take_validation(measured([2.0, 2.1], 90))
    assert monitor.open_alerts == ()


def test_the_severity_is_the_worst_so_far():
    monitor = folded(good(1, failed_traces=30))
    assert found(monitor) == [("failed traces", "medium")]
    [worst] = monitor.take_rollout(*good(1, 2, failed_traces=990))
    assert (worst.severity, worst.episode, worst.message) == ("critical", 10, "51.0% of the traces failed")
    [milder] = monitor.take_rollout(*good(1, 3))
    assert (milder.severity, milder.message, milder.measured) == ("critical", worst.message, worst.measured)
    assert (milder.last_episode, milder.updates) == (30, 2)


def test_several_checks_have_an_alert_each():
    monitor = folded([rollout(0.0, 10 * number, failed_traces=1000, train=COLLAPSED) for number in range(1, 9)])
    assert found(monitor) == [
        ("entropy", "critical"),
        ("failed traces", "critical"),
        ("reward", "critical"),
        ("rolling gain", "medium"),
    ]
    assert monitor.critical is monitor.alerts[0]


def test_after_a_rollback_the_monitor_starts_afresh():
    monitor = folded([measured([1.0]), *collapsed(2, 1), measured([0.5], 20)])
    assert {alert.check for alert in monitor.open_alerts} == {"entropy", "validation gain"}
    monitor.rolled_back(0)
    assert (monitor.critical, monitor.open_alerts, monitor.recent_alerts) == (None, (), ())
    assert len(monitor.alerts) == 2
    assert [alert for event in (*good(2), measured([1.0], 20)) for alert in take(monitor, event)] == []
    [again] = monitor.take_rollout(*collapsed(1, 3))
    assert (again.check, again.episode, again.updates) == ("entropy", 30, 0)


def test_figures_from_before_a_rollback_are_not_looked_at():
    high = updates("approx_kl", [5.0, 5.0])
    monitor = folded(high)
    monitor.rolled_back(0)
    assert monitor.take_rollout(high[0]) == []


TROUBLE = [
    measured([2.0, 2.1]),
    *good(4),
    measured([1.0, 1.1], 40),
    *(rollout(3.0, 10 * number, failed_traces=600, seconds=500.0, train=COLLAPSED) for number in range(5, 13)),
    measured([0.9, 1.0], 120),
]
KINDS = {"failure", "stagnation", "degradation", "overfitting", "performance"}


def kinds(**switches):
    return {alert.kind for alert in folded(TROUBLE, CONFIG.model_copy(update=switches)).alerts}


@pytest.mark.parametrize(
    ("switch", "gone"),
    [
        ("failure_detection", {"failure", "stagnation", "degradation"}),
        ("overfitting_detection", {"overfitting"}),
        ("performance_monitoring", {"performance"}),
    ],
)
def test_checks_can_be_switched_off(switch, gone):
    assert kinds() == KINDS
    assert kinds(**{switch: False}) == KINDS - gone


def test_a_broken_training_is_told_whatever_is_switched_off():
    switches = ("failure_detection", "overfitting_detection", "performance_monitoring")
    monitor = folded(TROUBLE, CONFIG.model_copy(update=dict.fromkeys(switches, False)))
    assert monitor.alerts == ()
    [alert] = monitor.take_broken(130, "a loss is not a number")
    assert monitor.critical is alert


def test_every_alert_names_its_figure_and_what_to_do():
    for alert in folded(TROUBLE).alerts:
        assert alert.message
        assert alert.recommendation.endswith(".")
        assert math.isfinite(alert.measured)
        assert math.isfinite(alert.threshold)
        assert alert.severity in SEVERITIES
        assert alert.episode <= alert.last_episode


def test_performance_is_never_critical():
    monitor = folded([*good(4), *good(8, 5, seconds=1e6)])
    monitor.take_disk(120, 0, 2**50)
    for mib in (0, 1e6, 2e6):
        monitor.take_memory(120, mib)
    assert {alert.check for alert in monitor.alerts} == {"velocity", "disk", "memory"}
    assert monitor.critical is None


def test_the_same_events_give_the_same_alerts():
    assert folded(TROUBLE).alerts == folded(TROUBLE).alerts
    assert pickle.dumps(folded(TROUBLE)) == pickle.dumps(folded(TROUBLE))


def test_memory_is_bounded_over_a_hundred_thousand_rollouts():
    monitor, sizes = Monitor(CONFIG), []
    for number in range(100_000):
        monitor.take_rollout(rollout(number / 10, 10 * number, train=FIGURES))
        if number % 500 == 0:
            monitor.take_validation(measured([number / 10], 10 * number))
            monitor.take_memory(number, 1000.0)
        if number in (2_000, 99_999):
            sizes.append(len(pickle.dumps(monitor)))
    assert monitor.alerts == ()
    assert sizes[1] < 1.1 * sizes[0]
