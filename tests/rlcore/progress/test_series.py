"""Curves with fewer points."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlcore.progress.series import Series


def series(values):
    return Series(list(map(float, range(len(values)))), list(values))


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=500), st.integers(4, 60))
def test_a_sample_is_a_part_with_the_ends_and_the_extremes(values, points):
    whole = series(values)
    found = whole.sampled(points)
    assert len(found.x) == len(found.y) <= max(points, 4)
    assert found.x == sorted(set(found.x))
    assert [values[int(x)] for x in found.x] == found.y
    assert (found.x[0], found.x[-1]) == (whole.x[0], whole.x[-1])
    assert (min(found.y), max(found.y)) == (min(values), max(values))


def test_every_part_keeps_its_peak():
    values = np.zeros(10_000)
    peaks = range(50, 10_000, 500)
    values[list(peaks)] = 1
    found = series(values).sampled(100)
    assert [int(x) for x, y in zip(found.x, found.y, strict=True) if y == 1] == list(peaks)


def test_few_points_stay_as_they_are():
    assert series([3.0, 1.0, 2.0]).sampled(4) == series([3.0, 1.0, 2.0])
    assert Series().sampled(4) == Series()


def test_a_range_holds_both_ends():
    assert series([5.0, 6.0, 7.0, 8.0]).between(1, 2) == Series([1.0, 2.0], [6.0, 7.0])


@pytest.mark.parametrize(("last", "left"), [(-1, 0), (0, 1), (1.5, 2), (9, 4)])
def test_a_cut_forgets_what_lies_beyond(last, left):
    curve = series([5.0, 6.0, 7.0, 8.0])
    curve.cut(last)
    assert len(curve.x) == len(curve.y) == left
