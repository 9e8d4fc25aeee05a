"""What ``vectorize`` adds is its call less its own traces."""

import dataclasses

import pytest

from rlcore import vectorize, vectorize_bench
from rlcore.conversion.preparation import encoded
from rlcore.data.generated import generate_logos
from rlcore.parameters import PLAIN
from rlcore.vectorize_bench import VectorizeTimes, vectorize_figures, vectorize_times


def test_the_figures_are_those_of_known_times():
    figures = vectorize_figures([VectorizeTimes(0.050, 0.041, 0.030), VectorizeTimes(0.070, 0.052, 0.040)])
    assert figures == {
        "vectorize_ms": pytest.approx(60),
        "vectorize_vtracer_ms": pytest.approx(35),
        "vectorize_added_ms": pytest.approx((9 + 18) / 2),
        "vectorize_added_most_ms": pytest.approx(18),
    }
    assert vectorize_figures([]) == {}


def test_each_logo_is_timed_whose_trace_is_known(monkeypatch):
    """Where plain VTracer is delivered, what the agent traced before is not told."""
    first, second, third = generate_logos(3, 0, 48)
    plain = encoded(second.rgba)

    def beaten(image, **settings):
        result = vectorize(image, **settings)
        return dataclasses.replace(result, parameters=PLAIN) if image == plain else result

    monkeypatch.setattr(vectorize_bench, "vectorize", beaten)
    times = vectorize_times([first, second, third], rounds=1)
    assert len(times) == 2
    for one in times:
        assert one.call > 0
        assert one.traces > one.vtracer > 0
