"""The record of a library on the training logos, and the portfolio picked from it."""

import dataclasses
import itertools

import numpy as np
import pytest

from rlcore.conversion.evaluator import Evaluator
from rlcore.conversion.tracing import trace
from rlcore.gain import Weights, gain, is_deliverable
from rlcore.learning.trace_table import TraceTable, greedy_portfolio, tabulate
from rlcore.parameters import CLEANED_PLAIN, PLAIN, Parameters
from tests.rlcore import made

PANICS = dataclasses.replace(CLEANED_PLAIN, max_iterations=0)
POOR = Parameters(mode="polygon", palette_size=2, color_precision=2, filter_speckle=10)
REAL = (Parameters(supersample=2), PANICS, POOR, Parameters(mode="polygon", supersample=3, palette_size=8).canonical())


@pytest.fixture(scope="module")
def few(subjects):
    """More than are traced side by side."""
    return subjects[:11]


@pytest.fixture(scope="module")
def real(few, evaluator):
    return tabulate(REAL, few, evaluator)


def test_every_entry_is_the_trace_of_its_setting_and_its_logo(real, few):
    for (row, setting), (column, subject) in itertools.product(enumerate(REAL), enumerate(few)):
        result = trace(subject.logo, setting)
        assert (real.quality[row, column], real.size_bytes[row, column]) == (result.quality, result.size_bytes)
        assert real.plain_quality[column] == subject.plain.quality
        assert real.plain_bytes[column] == subject.plain.size_bytes


@pytest.mark.parametrize("weights", [Weights(), Weights(2.0, 0.25), Weights(1.0, 4.0), Weights(1.0, 0.0)])
def test_gains_are_those_of_the_gain_with_plain_kept(real, few, weights):
    gains = real.gains(weights)
    assert gains.shape == (len(REAL), len(few))
    kept = 0
    for (row, setting), (column, subject) in itertools.product(enumerate(REAL), enumerate(few)):
        result = trace(subject.logo, setting)
        worth = max(0.0, gain(result, subject.plain, weights)) if is_deliverable(result, subject.plain) else 0.0
        assert gains[row, column] == pytest.approx(worth, abs=1e-12)
        kept += worth == 0
    assert kept > len(few)  # all that panic, and some that are poor
    assert (gains > 0).any()
    for column in range(len(few)):
        np.testing.assert_array_equal(real.gains_of(column, weights), gains[:, column])


def test_gains_by_hand():
    table = made.table([[1.0, 0.0], [-1.0, 3.0]])
    smaller = dataclasses.replace(table, size_bytes=np.array([[512.0, 1024.0], [256.0, 2048.0]]))
    np.testing.assert_allclose(table.gains(Weights(1.0, 0.5)), [[1, 0], [0, 3]])
    np.testing.assert_allclose(smaller.gains(Weights(1.0, 0.5)), [[1.5, 0], [0, 2.5]])
    np.testing.assert_allclose(smaller.gains(Weights(2.0, 4.0)), [[6, 0], [0, 2]])


def test_a_perfect_copy_does_not_win_without_end():
    table = dataclasses.replace(made.table([[0.0]]), quality=np.array([[1.0]]))
    assert table.gains(Weights())[0, 0] == pytest.approx(np.log2(0.5 / 1e-4))


def test_recorded_traces_come_back_but_for_failed_ones(real, few):
    assert real.trace(1, 4) is None
    for row, column in ((0, 0), (3, 10), (2, 5)):
        expected = trace(few[column].logo, REAL[row])
        got = real.trace(row, column)
        assert (got.quality, got.size_bytes, got.failure) == (expected.quality, expected.size_bytes, None)
    remembered = real.traces(REAL, few)
    assert set(remembered) == {(s.logo.digest, setting) for s in few for setting in REAL if setting != PANICS}
    for row, column in ((0, 1), (3, 9)):
        assert remembered[few[column].logo.digest, REAL[row]] == real.trace(row, column)


def test_saved_and_read_again(real, tmp_path):
    again = TraceTable.load(real.save(tmp_path / "deep" / "table.npz"))
    for field in dataclasses.fields(TraceTable):
        one, other = getattr(real, field.name), getattr(again, field.name)
        assert other.dtype == np.float64
        np.testing.assert_array_equal(one, other)
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["table.npz"]


def test_each_pair_is_asked_once_and_logos_are_told(few):
    told = []
    with Evaluator() as own:
        tabulate(REAL[2:], few, own, told.append)
        assert (own.statistics.asked, own.statistics.remembered) == (2 * len(few), 0)
    assert told == [8, 3]


def test_workers_change_nothing(real, few):
    with Evaluator(2) as two:
        np.testing.assert_array_equal(tabulate(REAL, few, two).quality, real.quality)


GAINS = np.array(
    [
        [4.0, 0.0, 0.0],  # 1st alone: mean 4/3
        [3.0, 3.0, 0.0],  # best alone: mean 2
        [0.0, 2.5, 2.0],  # adds 2 to the second logo's 3: mean + 2/3
        [3.5, 3.5, 0.0],  # best of all alone: 7/3
        [0.0, 0.0, 0.0],
    ]
)


def test_a_portfolio_picked_by_hand():
    # row 3 (7/3); then row 2 adds 2/3, row 0 adds 1/6; then row 0; rows 1 and 4 add nothing: the first of equals
    assert greedy_portfolio(GAINS, 5) == [3, 2, 0, 1, 4]
    assert greedy_portfolio(GAINS, 2) == [3, 2]
    assert greedy_portfolio(GAINS, 9) == [3, 2, 0, 1, 4]
    assert greedy_portfolio(GAINS, 0) == []


def test_all_that_was_picked_before_counts_and_not_the_last_alone():
    gains = np.array([[4.0, 0.0, 0.0], [0.0, 3.0, 0.0], [3.9, 0.0, 0.5], [0.0, 0.0, 1.0]])
    assert greedy_portfolio(gains, 4)[:3] == [2, 1, 3]
    assert greedy_portfolio(gains[[0, 1, 3]], 3) == [0, 1, 2]
    gains[2, 2] = 0.05  # now the first is best alone, and what it covers is not covered again
    assert greedy_portfolio(gains, 3) == [0, 1, 3]


def test_what_is_worse_than_plain_adds_nothing():
    assert greedy_portfolio(np.array([[-9.0, 1.0], [0.0, 0.9], [0.5, 0.0]]), 3) == [0, 2, 1]


def test_ties_go_to_the_first():
    assert greedy_portfolio(np.ones((4, 3)), 3) == [0, 1, 2]


def test_plain_has_no_gain_on_itself(few, evaluator):
    assert not tabulate([PLAIN], few, evaluator).gains(Weights()).any()
