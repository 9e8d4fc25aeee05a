"""Known answers, by hand."""

import math

import pytest

from rlcore.conversion.tracing import Trace, failed
from rlcore.gain import (
    HEADROOM,
    Baseline,
    Target,
    Weights,
    bytes_ratio,
    gain,
    is_deliverable,
    is_success,
    ssim_improvement,
)

PLAIN = Baseline(0.9, 1000, 0.02)


def traced(quality, size_bytes, seconds=0.01):
    return Trace(quality, size_bytes, seconds)


def test_ssim_improvement_and_bytes_ratio():
    assert ssim_improvement(0.975, PLAIN) == pytest.approx(0.75)
    assert ssim_improvement(0.9, PLAIN) == 0
    assert ssim_improvement(0.8, PLAIN) == pytest.approx(-1)
    assert ssim_improvement(1.0, PLAIN) == pytest.approx(1)
    assert bytes_ratio(250, PLAIN) == 0.25


@pytest.mark.parametrize(
    ("quality", "size_bytes", "expected"),
    [
        (0.9, 1000, 0.0),
        (0.95, 1000, 1.0),
        (0.9, 500, 0.5),
        (0.975, 250, 3.0),
        (0.8, 1000, -1.0),
        (0.9, 4000, -1.0),
    ],
)
def test_halving_the_error_is_worth_one_and_halving_the_file_a_half(quality, size_bytes, expected):
    assert gain(traced(quality, size_bytes), PLAIN, Weights()) == pytest.approx(expected)


def test_weights():
    result = traced(0.95, 250, 0.005)
    assert gain(result, PLAIN, Weights(0, 1)) == pytest.approx(2)
    assert gain(result, PLAIN, Weights(3, 0)) == pytest.approx(3)
    assert gain(result, PLAIN, Weights(0, 0, 1.5)) == pytest.approx(3)


def test_a_perfect_copy_counts_as_an_error_of_one_in_ten_thousand():
    expected = math.log2(0.1 / 1e-4)
    assert gain(traced(1.0, 1000), PLAIN, Weights()) == pytest.approx(expected)
    assert gain(traced(1 - 1e-5, 1000), PLAIN, Weights()) == pytest.approx(expected)
    assert gain(traced(1 - 2e-4, 1000), PLAIN, Weights()) == pytest.approx(expected - 1)
    assert gain(traced(1.0, 1000), Baseline(1.0, 1000), Weights()) == 0


def test_a_failed_trace_is_worth_nothing():
    assert gain(failed("panic"), PLAIN, Weights()) == -math.inf
    assert not is_deliverable(failed("timeout"), Baseline(-0.5, 10))
    assert not is_success(failed("panic"), Baseline(-0.5, 10), Target(0.0, 0.0))


def test_what_can_be_delivered():
    assert is_deliverable(traced(0.9, 9999), PLAIN)
    assert not is_deliverable(traced(0.8999, 1), PLAIN)


BINARY = Baseline(0.75, 1000)
"""Its figures are exact in binary, so that boundaries are boundaries: 0.9375 is an improvement of exactly 0.75."""


@pytest.mark.parametrize(
    ("quality", "size_bytes", "success"),
    [
        (0.9376, 1000, True),
        (0.9375, 1000, False),
        (0.9376, 1001, False),
        (1.0, 1, True),
        (0.9376, 1, True),
        (0.7, 1, False),
    ],
)
def test_success_needs_more_than_the_threshold_at_no_more_bytes(quality, size_bytes, success):
    assert is_success(traced(quality, size_bytes), BINARY, Target(0.75, 0.85)) is success


def test_success_needs_the_quality_target():
    poor = Baseline(0.0, 1000)
    assert is_success(traced(0.875, 1000), poor, Target(0.75, 0.875))
    assert not is_success(traced(0.874, 1000), poor, Target(0.75, 0.875))


def test_headroom():
    assert HEADROOM == 1e-3
    assert Baseline(0.998, 1).has_headroom
    assert not Baseline(0.9991, 1).has_headroom


def test_where_seconds_are_not_known_speed_counts_for_nothing():
    baseline, fast = Baseline(0.5, 1000, 0.4), Weights(1.0, 0.5, 2.0)
    assert gain(Trace(0.75, 1000, 0.1), baseline, fast) == pytest.approx(1 + 2 * 2)
    assert gain(Trace(0.75, 1000, 0.0), baseline, fast) == pytest.approx(1)
