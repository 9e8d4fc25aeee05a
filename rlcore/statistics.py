"""Intervals that mean something: interquartile mean and the paired bootstrap, both seeded.

IQM and its use in reinforcement learning: Agarwal et al. 2021 (https://arxiv.org/abs/2108.13264).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

RESAMPLES = 2000
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with its 95 % interval, over ``pairs`` logos."""

    mean: float
    low: float
    high: float
    pairs: int


@dataclass(frozen=True, slots=True)
class Difference(Estimate):
    """Mean of paired differences a - b with its 95 % interval."""

    @property
    def is_positive(self) -> bool:
        """Whether the whole interval lies above zero."""
        return self.low > 0


def interquartile_mean(values: Sequence[float]) -> float:
    """Mean of the middle half of the values; NaN for none."""
    return float(stats.trim_mean(np.asarray(values, dtype=np.float64), 0.25)) if len(values) else float("nan")


def estimate(values: Sequence[float], seed: int = 0) -> Estimate:
    """Mean of the values with a percentile-bootstrap interval (2000 resamples).

    Raises:
        ValueError: no value.
    """
    return Estimate(*_bootstrap(np.asarray(values, dtype=np.float64), seed))


def paired_difference(a: Sequence[float], b: Sequence[float], seed: int = 0) -> Difference:
    """Mean of ``a - b`` with a percentile-bootstrap interval over the pairs (2000 resamples).

    Raises:
        ValueError: different lengths, or no pair.
    """
    return Difference(*_bootstrap(_differences(a, b), seed))


def probability_of_improvement(a: Sequence[float], b: Sequence[float], seed: int = 0) -> Estimate:
    """Share of the pairs in which ``a`` is above ``b``, a tie counting one half, with its bootstrap interval.

    Raises:
        ValueError: different lengths, or no pair.
    """
    return Estimate(*_bootstrap((np.sign(_differences(a, b)) + 1) / 2, seed))


def _differences(a: Sequence[float], b: Sequence[float]) -> NDArray[np.float64]:
    if len(a) != len(b) or not len(a):
        raise ValueError(f"{len(a)} and {len(b)} values: pairs are needed, one at least")
    return np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64)


def _bootstrap(values: NDArray[np.float64], seed: int) -> tuple[float, float, float, int]:
    """Mean, interval and number of the values."""
    if not len(values):
        raise ValueError("no value to take a mean of")
    draws = np.random.default_rng(seed).integers(0, len(values), (RESAMPLES, len(values)))
    means = values[draws].mean(axis=1)
    low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(values.mean()), float(low), float(high), len(values)
