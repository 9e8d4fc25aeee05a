"""How well a training is."""

import pytest

from rlcore.progress.health import indicators, score
from rlcore.progress.state import RunState
from tests.conftest import small_config
from tests.rlcore.made import alert, rollout

CONFIG = small_config(qa={"kl_limit": 1.0, "entropy_floor": 0.01, "high_failed_share": 0.25})
HEALTHY = {"approx_kl": 0.1, "entropy_loss": -1.0, "explained_variance": 0.5}


def health(train, failed_traces=0, rollouts=3):
    made = rollout(train=train, failed_traces=failed_traces, traces=80).as_dict()
    entries = [{"event": "rollout", "time": 1.0, "rollbacks": 0, "rollout": made} for _ in range(rollouts)]
    found = indicators(CONFIG, RunState.of(entries))
    return {one.name: one for one in found}, score(found)


def test_a_healthy_training():
    found, total = health(HEALTHY)
    assert list(found) == ["approximate KL", "entropy", "explained variance", "failed traces"]
    assert [one.headroom for one in found.values()] == pytest.approx([0.9, 1.0, 1.0, 1.0])
    assert total == pytest.approx(90)


@pytest.mark.parametrize(
    ("change", "name", "headroom"),
    [
        ({"approx_kl": 0.5}, "approximate KL", 0.5),
        ({"approx_kl": 3.0}, "approximate KL", 0.0),
        ({"entropy_loss": -0.01}, "entropy", 0.0),
        ({"entropy_loss": -0.055}, "entropy", 0.5),
        ({"explained_variance": -0.25}, "explained variance", 0.75),
        ({"explained_variance": -9.0}, "explained variance", 0.0),
    ],
)
def test_the_worst_indicator_is_the_score(change, name, headroom):
    found, total = health(HEALTHY | change)
    assert found[name].headroom == pytest.approx(headroom)
    assert total == pytest.approx(min(90, 100 * headroom))


def test_failed_traces_count():
    found, total = health(HEALTHY, failed_traces=10)
    assert found["failed traces"].value == 0.125
    assert total == pytest.approx(50)
    assert health(HEALTHY, failed_traces=20)[1] == 0


@pytest.mark.parametrize(("severity", "most"), [("low", 90), ("medium", 49), ("high", 15), ("critical", 0)])
def test_an_open_alert_about_a_failure_allows_no_good_score(severity, most):
    found = list(health(HEALTHY)[0].values())
    assert score(found, [alert(kind="failure", severity=severity)]) == pytest.approx(most)
    assert score(found, [alert(kind="performance", severity=severity)]) == pytest.approx(90)


def test_a_policy_with_one_option_has_no_entropy_to_lose():
    config = small_config(library_size=1, library_moves=0)
    made = rollout(train=HEALTHY | {"entropy_loss": 0.0}).as_dict()
    state = RunState.of([{"event": "rollout", "time": 1.0, "rollbacks": 0, "rollout": made}])
    assert [one.value for one in indicators(config, state) if one.name == "entropy"] == [None]


def test_what_was_not_recorded_says_nothing():
    found, total = health({})
    assert [found[name].value for name in found] == [None, None, None, 0.0]
    assert total == 100
    assert score(indicators(CONFIG, RunState())) is None
