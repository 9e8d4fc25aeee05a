"""Names of figures in MLflow."""

from tasks import metrics
from tests.rlcore.made import rollout


def test_after_a_rollback_the_series_have_names_of_their_own():
    first, again = (
        metrics.rollout_metrics(rollout(1.0, 50, train={"loss": 0.5}), 8, rollbacks) for rollbacks in (0, 2)
    )
    assert {key.replace("-rollback2/", "/"): value for key, value in again.items()} == first
    assert not first.keys() & again.keys()


def test_failed_traces_are_told_by_kind():
    told = metrics.rollout_metrics(rollout(1.0, 50, failures={"panic": 2, "timeout": 3}), 8)
    kinds = {key: value for key, value in told.items() if "/failed_" in key}
    assert kinds == {"episode/failed_traces": 5.0, "episode/failed_panic": 2.0, "episode/failed_timeout": 3.0}
