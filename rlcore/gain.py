"""What a trace is worth: SSIM improvement, bytes ratio, success and gain, all against plain VTracer."""

from __future__ import annotations

import math
from dataclasses import dataclass

from rlcore.conversion.tracing import Trace

QUALITY_ERROR_FLOOR = 1e-4
"""``1 - quality`` counts as at least this, so that a perfect copy does not win without end."""

HEADROOM = 1e-3
"""A logo with ``1 - q_plain`` under this has nothing to gain and is left out of training and rates."""


@dataclass(frozen=True, slots=True)
class Weights:
    """What counts how much in the gain; the defaults make halving the error worth 1, halving the file 0.5."""

    quality: float = 1.0
    size: float = 0.5
    speed: float = 0.0


@dataclass(frozen=True, slots=True)
class Target:
    """When a logo is a success."""

    ssim_improvement: float = 0.75
    quality: float = 0.85


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a trace is measured from: plain VTracer's quality, bytes and (only for ``speed``) seconds."""

    quality: float
    size_bytes: int
    seconds: float = 0.0

    @property
    def has_headroom(self) -> bool:
        """Whether there is anything to gain."""
        return 1 - self.quality >= HEADROOM


def ssim_improvement(quality: float, baseline: Baseline) -> float:
    """Share of the baseline's SSIM error that is gone; 1 is all of it, negative is worse."""
    return (quality - baseline.quality) / (1 - baseline.quality)


def bytes_ratio(size_bytes: int, baseline: Baseline) -> float:
    """Bytes over the baseline's bytes."""
    return size_bytes / baseline.size_bytes


def is_deliverable(trace: Trace, baseline: Baseline) -> bool:
    """Whether the trace gave an SVG that is not worse than plain's."""
    return trace.failure is None and trace.quality >= baseline.quality


def is_success(trace: Trace, baseline: Baseline, target: Target) -> bool:
    """DESIGN section 1: improvement over the threshold, no more bytes, quality at its target."""
    return (
        is_deliverable(trace, baseline)
        and ssim_improvement(trace.quality, baseline) > target.ssim_improvement
        and trace.size_bytes <= baseline.size_bytes
        and trace.quality >= target.quality
    )


def gain(trace: Trace, baseline: Baseline, weights: Weights) -> float:
    """``quality_weight log2(error ratio) + size_weight log2(bytes ratio)`` (+ speed); -inf for a failed trace.

    Speed counts for nothing where the trace's seconds are not known (0): a recorded one.
    """
    if trace.failure is not None:
        return -math.inf
    value = weights.quality * math.log2(
        max(1 - baseline.quality, QUALITY_ERROR_FLOOR) / max(1 - trace.quality, QUALITY_ERROR_FLOOR)
    )
    value += weights.size * math.log2(baseline.size_bytes / trace.size_bytes)
    if weights.speed and trace.seconds:
        value += weights.speed * math.log2(baseline.seconds / trace.seconds)
    return value
