"""Degradation: a validation that is worse than the best one by more than chance."""

from __future__ import annotations

from rlcore.config import Stage1Config
from rlcore.quality_assurance.history import History
from rlcore.quality_assurance.reading import Check, Reading
from rlcore.records import Comparison


def degradation(config: Stage1Config, history: History) -> Reading | None:
    """The last validation's gain against the best one's, paired by logo.

    Raises:
        ValueError: they are not of the same logos.
    """
    if history.last is None or history.best is None:
        return None
    change = Comparison.of(history.last.validation, history.best).gain
    if -change.mean <= config.qa.degradation_margin or change.high >= 0:
        return None
    message = (
        f"validation gain is {-change.mean:.3f} under that of episode {history.best.episode}"
        f" (95 % interval {-change.high:.3f} to {-change.low:.3f})"
    )
    advice = "The best model is kept; lower ppo.learning_rate if it goes on."
    return Reading("medium", message, -change.mean, config.qa.degradation_margin, advice)


CHECKS = (Check("validation gain", "degradation", degradation),)
"""After each validation."""
