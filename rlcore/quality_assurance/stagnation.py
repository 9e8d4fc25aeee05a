"""Stagnation: episodes that bring nothing, while the target is not reached."""

from __future__ import annotations

from collections.abc import Iterable

from rlcore.config import Stage1Config
from rlcore.quality_assurance.history import History
from rlcore.quality_assurance.reading import Check, Reading


def stagnation(config: Stage1Config, history: History) -> Reading | None:
    """No rise from the first to the second half of the last ``stagnation_episodes``, under the target success rate."""
    wanted = config.qa.stagnation_episodes
    if sum(episodes for episodes, _ in history.gains) < wanted:
        return None
    half = _newest(history.gains, wanted / 2)
    rise = _mean(list(history.gains)[-half:]) - _mean(list(history.gains)[:-half])
    if rise >= config.qa.stagnation_rise or _target_is_reached(config, history):
        return None
    message = f"mean gain changed by {rise:+.3f} within {wanted} episodes"
    advice = "Stop here, or try another ppo.learning_rate; stage1 tune searches one. More logos may help too."
    return Reading("medium", message, rise, config.qa.stagnation_rise, advice)


def _target_is_reached(config: Stage1Config, history: History) -> bool:
    last = history.last
    return last is not None and last.validation.headline().success_rate >= config.success_rate_threshold


def _newest(gains: Iterable[tuple[int, float]], episodes: float) -> int:
    """How many of the newest rollouts have so many episodes together; at least one rollout is older."""
    sizes = [size for size, _ in gains]
    count = 1
    while count < len(sizes) - 1 and sum(sizes[-count:]) < episodes:
        count += 1
    return count


def _mean(gains: Iterable[tuple[int, float]]) -> float:
    pairs = list(gains)
    return sum(size * gain for size, gain in pairs) / sum(size for size, _ in pairs)


CHECKS = (Check("rolling gain", "stagnation", stagnation),)
"""After each rollout."""
