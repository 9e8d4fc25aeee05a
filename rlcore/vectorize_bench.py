"""What ``vectorize`` takes with a budget of one trace, beside what its traces take alone."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rlcore.conversion.preparation import encoded
from rlcore.conversion.tracing import forget, trace
from rlcore.logos import Logo
from rlcore.parameters import CLEANED_PLAIN, PLAIN
from rlcore.pretrained import pretrained
from rlcore.vectorizing import vectorize


@dataclass(frozen=True, slots=True)
class VectorizeTimes:
    """Seconds for a logo: the whole call, its traces alone (two for plain VTracer, one), VTracer alone in these."""

    call: float
    traces: float
    vtracer: float

    @property
    def added(self) -> float:
        """By reading, features, the agent and delivery."""
        return self.call - self.traces


def vectorize_times(logos: Sequence[Logo], rounds: int) -> list[VectorizeTimes]:
    """The median round (by what is added) of each logo, with the model in the package, in this process.

    Logos whose one trace is no better than plain VTracer are left out: the result does not tell what was traced.
    """
    pretrained()
    found = []
    for logo in logos:
        content, longest = encoded(logo.rgba), max(logo.rgba.shape[:2])
        result = vectorize(content, budget=1, working_size=longest)
        if result.is_plain:
            continue
        settings = [PLAIN, *([CLEANED_PLAIN] if logo.has_alpha else []), result.parameters]
        times = []
        for _ in range(rounds):
            start = time.perf_counter()
            vectorize(content, budget=1, working_size=longest)
            middle = time.perf_counter()
            traces = [trace(logo, parameters) for parameters in settings]
            end = time.perf_counter()
            forget()
            times.append(VectorizeTimes(middle - start, end - middle, sum(one.vtracer_seconds for one in traces)))
        found.append(sorted(times, key=lambda one: one.added)[len(times) // 2])
    return found


def vectorize_figures(times: Sequence[VectorizeTimes]) -> dict[str, float]:
    """Means in ms, and the greatest addition; nothing where no logo was timed."""
    if not times:
        return {}
    means = {name: 1000 * float(np.mean([getattr(one, name) for one in times])) for name in ("call", "vtracer")}
    added = [1000 * one.added for one in times]
    return {
        "vectorize_ms": means["call"],
        "vectorize_vtracer_ms": means["vtracer"],
        "vectorize_added_ms": float(np.mean(added)),
        "vectorize_added_most_ms": max(added),
    }
