"""How well a training is."""

import pytest

from rlcore.progress.health import indicators, score
from rlcore.progress.state import RunState
from tests.conftest import small_config
from tests.rlcore.made import rollout

CONFIG = small_config(qa={"kl_limit": 1.0, "entropy_floor": 0.01, "critical_failed_share": 0.5})
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
    found, total = health(HEALTHY, failed_traces=20)
    assert found["failed traces"].value == 0.25
    assert total == pytest.approx(50)


def test_what_was_not_recorded_says_nothing():
    found, total = health({})
    assert [found[name].value for name in found] == [None, None, None, 0.0]
    assert total == 100
    assert score(indicators(CONFIG, RunState())) is None
