"""Velocity, and how long training will go on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from scipy import stats

from rlcore.records import Rollout

RECENT_ROLLOUTS = 10
"""Rollouts that velocity is averaged over."""

LEAST_ROLLOUTS = 2


@dataclass(frozen=True, slots=True)
class TimeLeft:
    """Seconds of training to go with its validations, and a 95 % range."""

    seconds: float
    low: float
    high: float


def velocity(rollouts: Sequence[Rollout]) -> float:
    """Episodes per second over the last ten rollouts; 0 before the first."""
    return mean_velocity(rollouts[-RECENT_ROLLOUTS:])


def mean_velocity(rollouts: Sequence[Rollout]) -> float:
    """Episodes per second over all of them; 0 without any."""
    seconds = sum(rollout.seconds for rollout in rollouts)
    return sum(rollout.episodes for rollout in rollouts) / seconds if seconds > 0 else 0.0


def time_left(
    rollouts: Sequence[Rollout], target_episodes: int, validations_left: int = 0, validation_seconds: float = 0.0
) -> TimeLeft | None:
    """At the pace of the last ten rollouts; None before the second, which is the first to say how they scatter.

    The range is the prediction interval of a sum: seconds per episode of the rollouts to come scatter as those of the
    ten did, about a mean that is known from ten (Student's t). How long a validation takes is taken for known.
    """
    recent = rollouts[-RECENT_ROLLOUTS:]
    if len(recent) < LEAST_ROLLOUTS or not velocity(recent):
        return None
    episodes = max(0, target_episodes - recent[-1].episode)
    middle = episodes / velocity(recent)
    paces = [rollout.seconds / rollout.episodes for rollout in recent]
    to_come = max(1.0, episodes / fmean(rollout.episodes for rollout in recent))
    quantile = float(stats.t.ppf(0.975, len(paces) - 1))
    spread = quantile * stdev(paces) * episodes * math.sqrt(1 / len(paces) + 1 / to_come)
    rest = validations_left * validation_seconds
    return TimeLeft(middle + rest, max(0.0, middle - spread) + rest, middle + spread + rest)
