"""Failures: each check just over its threshold and just not."""

import pytest

from rlcore.quality_assurance import Monitor
from tests.rlcore.made import rollout
from tests.rlcore.quality_assurance.made_runs import CONFIG, FIGURES, folded, found, good, updates


def test_a_healthy_run_has_no_alert():
    assert folded(good(40)).alerts == ()


def test_a_loss_that_is_no_number_is_critical():
    [alert] = Monitor(CONFIG).take_broken(30, "value_net.bias is not finite")
    assert (alert.kind, alert.check, alert.severity, alert.episode) == ("failure", "non-finite", "critical", 30)
    assert alert.message == "value_net.bias is not finite"
    assert (alert.measured, alert.threshold) == (1, 0)
    assert "ppo.learning_rate" in alert.recommendation


@pytest.mark.parametrize("name", ["value_loss", "policy_gradient_loss"])
@pytest.mark.parametrize(
    ("losses", "trips"),
    [
        ([0.5, 0.4, 0.5, 50.1], True),
        ([0.5, 0.4, 0.5, 50.0], False),
        ([-0.5, -0.4, -0.5, -50.1], True),
        # what is usual is the median, which one outlier does not move
        ([0.5, 49.0, 0.5, 50.1], True),
        # small losses grow without harm
        ([1e-5, 1e-5, 1e-5, 9.9], False),
        ([1e-5, 1e-5, 1e-5, 10.1], True),
        # two rollouts have no usual loss
        ([0.5, 1e6], False),
        ([0.5, 0.5, 1e6], True),
    ],
)
def test_a_loss_explodes_at_a_hundred_times_its_median(name, losses, trips):
    monitor = folded(updates(name, losses))
    assert found(monitor) == ([("loss", "critical")] if trips else [])
    if trips:
        assert monitor.alerts[0].measured == abs(losses[-1])
        assert "exploded" in monitor.alerts[0].message


@pytest.mark.parametrize(("entropy", "trips"), [(0.0019, True), (0.0021, False), (0.0, True)])
def test_a_policy_without_entropy_collapsed(entropy, trips):
    monitor = folded(updates("entropy_loss", [-1.5, -entropy]))
    assert found(monitor) == ([("entropy", "critical")] if trips else [])


def test_a_policy_that_has_nothing_to_choose_from_did_not_collapse():
    single = CONFIG.model_copy(update={"library_size": 1, "library_moves": 0})
    assert folded(updates("entropy_loss", [0.0, 0.0]), single).alerts == ()
    two = CONFIG.model_copy(update={"library_size": 1, "library_moves": 1})
    assert found(folded(updates("entropy_loss", [0.0, 0.0]), two)) == [("entropy", "critical")]


@pytest.mark.parametrize(
    ("divergences", "trips"),
    [
        ([1.2, 1.1, 0.8], True),
        ([1.2, 1.0, 0.8], False),
        ([0.01, 0.01, 2.9], False),
        ([0.01, 0.01, 3.1], True),
        # three rollouts have a mean, and the fourth forgets the first
        ([9.0, 9.0], False),
        ([0.9, 0.01, 0.01, 2.9], False),
        ([0.9, 0.01, 0.01, 2.99], True),
    ],
)
def test_updates_that_go_too_far_are_critical(divergences, trips):
    monitor = folded(updates("approx_kl", divergences))
    assert found(monitor) == ([("kl", "critical")] if trips else [])


@pytest.mark.parametrize(
    ("spreads", "trips"),
    [([0.0, 0.0, 0.0], True), ([0.0, 0.0], False), ([0.5, 0.0, 1e-6, 0.0], True), ([0.0, 0.0, 1.1e-6], False)],
)
def test_a_reward_that_is_always_the_same_is_critical(spreads, trips):
    monitor = folded(updates("reward_spread", spreads))
    assert found(monitor) == ([("constant reward", "critical")] if trips else [])


@pytest.mark.parametrize(("gain", "trips"), [(0.049, True), (0.05, False), (0.051, False)])
def test_a_collapsed_reward_is_critical(gain, trips):
    monitor = folded([rollout(gain, 10 * number) for number in (1, 2, 3)])
    assert found(monitor) == ([("reward", "critical")] if trips else [])


def test_a_collapse_is_of_the_windows_mean():
    assert folded([rollout(gain) for gain in (0.3, 0.0, 0.0, 0.0)]).alerts == ()
    assert found(folded([rollout(gain) for gain in (0.3, 0.0, 0.0, 0.0, 0.0)])) == [("reward", "critical")]
    assert folded([rollout(0.0), rollout(0.0)]).alerts == ()


@pytest.mark.parametrize(
    ("failed", "severity"),
    [(20, None), (21, "medium"), (250, "medium"), (251, "high"), (500, "high"), (501, "critical"), (1000, "critical")],
)
def test_failed_traces_are_the_worse_the_more_they_are(failed, severity):
    monitor = folded(good(4, failed_traces=failed))
    assert found(monitor) == ([("failed traces", severity)] if severity else [])
    if severity:
        assert monitor.alerts[0].measured == failed / 1000
        assert f"{failed / 1000:.1%} of the traces failed" in monitor.alerts[0].message


def test_the_share_of_failed_traces_is_the_windows():
    calm, bad = good(3), good(1, 4, failed_traces=80)
    assert folded([*calm, *bad]).alerts == ()
    assert found(folded([*calm[:2], *bad])) == [("failed traces", "medium")]


def test_rollouts_without_figures_or_traces_tell_nothing():
    assert folded(good(10, train={}, traces=0)).alerts == ()
    assert FIGURES.keys() >= {"value_loss", "policy_gradient_loss", "entropy_loss", "approx_kl"}
