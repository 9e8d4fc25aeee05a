"""The agent against a baseline, paired by logo."""

import pytest

from rlcore.judging.validation import LogoResult, Validation
from rlcore.records import Comparison
from tests.rlcore.made import result


def validation(results: list[LogoResult]) -> Validation:
    return Validation("agent", 0, 2, "simple", tuple(results))


def test_a_comparison_pairs_the_judged_logos():
    names = ["a", "b", "c"]
    agent = validation(
        [result(name=name, digest=name, gain=gain) for name, gain in zip(names, (3.0, 2.0, 1.0), strict=True)]
    )
    baseline = validation([result(name=name, digest=name, gain=0.5) for name in names])
    comparison = Comparison.of(agent, baseline)
    assert comparison.baseline is baseline
    assert comparison.gain.mean == pytest.approx(1.5)
    assert comparison.gain.pairs == 3
    assert comparison.gain.low < 1.5 < comparison.gain.high


def test_other_logos_are_refused():
    agent, baseline = validation([result(digest="a")]), validation([result(digest="b")])
    with pytest.raises(ValueError, match="not measured on the same logos"):
        Comparison.of(agent, baseline)
