"""Overfitting: the gain on training logos leaves the gain on validation logos behind."""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot, sqrt
from statistics import fmean, variance

from rlcore.config import Stage1Config
from rlcore.quality_assurance.history import LAST, History, Standing
from rlcore.quality_assurance.reading import Check, Reading
from rlcore.records import Comparison

_DEVIATIONS = 1.96
"""Of a normal distribution, half of its 95 % interval."""


def overfitting(config: Stage1Config, history: History) -> Reading | None:
    """The training gain rose more than the validation gain, beyond noise, and more than at the previous validation.

    Rises, because the logos of two splits differ from the start: both are counted from the first validation and the
    first rollouts.

    Raises:
        ValueError: the validations are not of the same logos.
    """
    if history.last is None or history.last.validation is history.first:
        return None
    if min(len(history.first_rollouts), len(history.last.gains)) < LAST:
        return None
    gap, noise = _gap(history, history.last)
    before = 0.0 if history.previous is None or not history.previous.gains else _gap(history, history.previous)[0]
    if gap <= max(config.qa.overfitting_gap, noise, before):
        return None
    message = f"training gain rose {gap:.2f} more than validation gain (noise {noise:.2f})"
    advice = "Add logos (a larger folder, generated_logos), or train for fewer episodes."
    return Reading("medium", message, gap, config.qa.overfitting_gap, advice)


def _gap(history: History, standing: Standing) -> tuple[float, float]:
    """How much more training rose than validation, and half the 95 % interval of that."""
    assert history.first is not None  # there is a standing
    start = [rollout.gain for rollout in history.first_rollouts]
    validation = Comparison.of(standing.validation, history.first).gain
    training_noise = _DEVIATIONS * sqrt(_squared_error(start) + _squared_error(standing.gains))
    gap = fmean(standing.gains) - fmean(start) - validation.mean
    return gap, hypot(training_noise, (validation.high - validation.low) / 2)


def _squared_error(gains: Sequence[float]) -> float:
    """Of the mean."""
    return variance(gains) / len(gains) if len(gains) > 1 else 0.0


CHECKS = (Check("gap", "overfitting", overfitting),)
"""After each validation."""
