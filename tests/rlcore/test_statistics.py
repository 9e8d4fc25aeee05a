"""Intervals with known answers."""

import math

import numpy as np
import pytest

from rlcore.statistics import (
    Difference,
    Estimate,
    estimate,
    interquartile_mean,
    paired_difference,
    probability_of_improvement,
)


def test_a_constant_difference_has_no_interval():
    assert paired_difference([3.0, 4.0, 5.0], [1.0, 2.0, 3.0]) == Difference(2.0, 2.0, 2.0, 3)


def test_one_pair():
    assert paired_difference([1.0], [0.5]) == Difference(0.5, 0.5, 0.5, 1)


def test_pairing_takes_the_spread_between_logos_out():
    logos = np.random.default_rng(0).normal(0, 100, 50)
    found = paired_difference(logos + 1, logos)
    assert (found.mean, found.low, found.high) == pytest.approx((1, 1, 1))
    assert found.is_positive


def test_the_sign_is_the_first_minus_the_second():
    found = paired_difference([0.0, 0.0], [1.0, 2.0])
    assert found.mean == -1.5
    assert not found.is_positive


@pytest.mark.parametrize("seed", range(5))
def test_noise_about_zero_includes_zero(seed):
    values = np.random.default_rng(seed).normal(0, 1, 200)
    values -= values.mean()
    found = paired_difference(values, np.zeros(200))
    assert found.low < 0 < found.high
    assert not found.is_positive


def test_the_interval_is_that_of_the_normal_distribution_for_many_pairs():
    values = np.random.default_rng(1).normal(0.3, 1, 400)
    found = paired_difference(values, np.zeros(400))
    half = 1.96 * values.std() / math.sqrt(400)
    assert found.low == pytest.approx(values.mean() - half, abs=0.015)
    assert found.high == pytest.approx(values.mean() + half, abs=0.015)
    assert found.mean == pytest.approx(values.mean())


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(2)
    intervals = [paired_difference(rng.normal(0.5, 1, 60), np.zeros(60), seed=turn) for turn in range(200)]
    share = np.mean([found.low <= 0.5 <= found.high for found in intervals])
    assert 0.90 <= share <= 0.98


def test_the_same_seed_gives_the_same_interval():
    a, b = np.random.default_rng(3).normal(0, 1, (2, 30))
    assert paired_difference(a, b, seed=4) == paired_difference(a, b, seed=4)
    assert paired_difference(a, b, seed=4) != paired_difference(a, b, seed=5)


@pytest.mark.parametrize(("a", "b"), [([], []), ([1.0], []), ([1.0, 2.0], [1.0])])
def test_what_is_not_paired_is_refused(a, b):
    with pytest.raises(ValueError, match=f"{len(a)} and {len(b)} values"):
        paired_difference(a, b)


def test_the_interquartile_mean_leaves_a_quarter_out_at_each_end():
    assert interquartile_mean([100, 1, 2, 3, 4, 5, 6, -100]) == 3.5
    assert interquartile_mean([7.0]) == 7.0
    assert math.isnan(interquartile_mean([]))


def test_an_estimate_is_the_difference_from_nothing():
    values = np.random.default_rng(1).normal(3, 1, 40)
    found, difference = estimate(values), paired_difference(values, np.zeros(40))
    assert (found.mean, found.low, found.high, found.pairs) == (
        difference.mean,
        difference.low,
        difference.high,
        difference.pairs,
    )


def test_probability_of_improvement_counts_ties_half():
    found = probability_of_improvement([1.0, 2.0, 3.0, 4.0], [0.0, 2.0, 4.0, 3.5])
    assert found.mean == (1 + 0.5 + 0 + 1) / 4
    assert found.low < found.mean < found.high


def test_probability_of_improvement_knows_no_sizes():
    assert probability_of_improvement([1.0, 1e9], [0.0, 0.0]) == Estimate(1.0, 1.0, 1.0, 2)
    assert probability_of_improvement([0.0, -1e9], [1e-9, 0.0]) == Estimate(0.0, 0.0, 0.0, 2)
    assert probability_of_improvement([5.0], [5.0]) == Estimate(0.5, 0.5, 0.5, 1)


def test_an_interval_of_a_probability_is_as_wide_as_a_binomials():
    ahead = [1.0] * 60 + [-1.0] * 40
    found = probability_of_improvement(ahead, [0.0] * 100)
    half = 1.96 * math.sqrt(0.6 * 0.4 / 100)
    assert (found.low, found.high) == pytest.approx((0.6 - half, 0.6 + half), abs=0.015)


def test_no_pairs_are_refused():
    with pytest.raises(ValueError, match="1 and 2 values"):
        probability_of_improvement([1.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="no value"):
        estimate([])
