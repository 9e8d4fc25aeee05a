"""Intervals that mean something: interquartile mean and the paired bootstrap, both seeded.

IQM and its use in reinforcement learning: Agarwal et al. 2021 (https://arxiv.org/abs/2108.13264).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

RESAMPLES = 2000
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Difference:
    """Mean of paired differences a - b with its 95 % interval, over ``pairs`` logos."""

    mean: float
    low: float
    high: float
    pairs: int

    @property
    def is_positive(self) -> bool:
        """Whether the whole interval lies above zero."""
        return self.low > 0


def interquartile_mean(values: Sequence[float]) -> float:
    """Mean of the middle half of the values; NaN for none."""
    return float(stats.trim_mean(np.asarray(values, dtype=np.float64), 0.25)) if len(values) else float("nan")


def paired_difference(a: Sequence[float], b: Sequence[float], seed: int = 0) -> Difference:
    """Mean of ``a - b`` with a percentile-bootstrap interval over the pairs (2000 resamples).

    Raises:
        ValueError: different lengths, or no pair.
    """
    if len(a) != len(b) or not len(a):
        raise ValueError(f"{len(a)} and {len(b)} values: pairs are needed, one at least")
    differences = np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64)
    draws = np.random.default_rng(seed).integers(0, len(differences), (RESAMPLES, len(differences)))
    means = differences[draws].mean(axis=1)
    low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Difference(float(differences.mean()), float(low), float(high), len(differences))
