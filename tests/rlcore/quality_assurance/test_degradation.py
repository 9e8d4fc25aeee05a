"""Degradation: a loss on the best validation that chance does not explain."""

import numpy as np
import pytest

from tests.rlcore.quality_assurance.made_runs import CONFIG, folded, found, measured

MARGIN = CONFIG.qa.degradation_margin
BEST = np.linspace(1, 3, 30)


@pytest.mark.parametrize(("drop", "trips"), [(MARGIN + 1e-6, True), (MARGIN - 1e-6, False), (-0.5, False)])
def test_a_drop_over_the_margin_is_told(drop, trips):
    monitor = folded([measured(BEST - 1, 0), measured(BEST, 30), measured(BEST - drop, 60)])
    assert found(monitor) == ([("validation gain", "medium")] if trips else [])
    if trips:
        assert monitor.alerts[0].measured == pytest.approx(drop)
        assert "under that of episode 30 (95 % interval 0.05" in monitor.alerts[0].message


@pytest.mark.parametrize(("spread", "trips"), [(2.0, False), (0.05, True)])
def test_a_drop_within_the_noise_is_not(spread, trips):
    """The same mean drop, once on every logo alike and once of a few logos that moved far in both directions."""
    noise = np.tile([spread, -spread], 15)
    monitor = folded([measured(BEST, 30), measured(BEST - 0.2 + noise, 60)])
    assert found(monitor) == ([("validation gain", "medium")] if trips else [])


def test_the_best_is_compared_with_not_the_one_before():
    steps = [measured(BEST - 0.03 * number, 30 * number) for number in range(3)]
    assert folded(steps[:2]).alerts == ()
    assert found(folded(steps)) == [("validation gain", "medium")]


def test_other_logos_are_refused():
    with pytest.raises(ValueError, match="not measured on the same logos"):
        folded([measured([1.0, 2.0], 0), measured([1.0], 30)])
