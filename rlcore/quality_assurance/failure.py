"""Failures: trainings that broke, or that are about to."""

from __future__ import annotations

from statistics import fmean, median

from rlcore.config import Stage1Config
from rlcore.quality_assurance.history import LAST, History
from rlcore.quality_assurance.reading import Check, Reading
from rlcore.records import Severity

LOSSES = {"value_loss": "value loss", "policy_gradient_loss": "policy loss"}

_LOWER_RATE = "Lower ppo.learning_rate."


def broken(reason: str) -> Reading:
    """A loss, a gradient or a weight that is not a finite number; none is allowed."""
    return Reading("critical", reason, 1.0, 0.0, f"{_LOWER_RATE} The optimizer's state is lost with the weights.")


def loss_explosion(config: Stage1Config, history: History) -> Reading | None:
    """A loss far above its own median."""
    readings = (_explosion(config, name, history.figures(name)) for name in LOSSES)
    return next((reading for reading in readings if reading is not None), None)


def _explosion(config: Stage1Config, name: str, values: list[float]) -> Reading | None:
    if len(values) < LAST:
        return None
    *earlier, last = map(abs, values)
    usual = max(median(earlier), config.qa.least_loss)
    limit = config.qa.loss_explosion * usual
    if last <= limit:
        return None
    message = f"the {LOSSES[name]} exploded: {last:.4g}, where {usual:.4g} is usual"
    return Reading("critical", message, last, limit, f"{_LOWER_RATE} A smaller ppo.max_gradient_norm damps it too.")


def entropy_collapse(config: Stage1Config, history: History) -> Reading | None:
    """A policy that chooses one option whatever it sees."""
    entropies = [-loss for loss in history.figures("entropy_loss")]
    if not entropies or _has_one_option(config) or entropies[-1] >= config.qa.entropy_floor:
        return None
    message = f"the policy collapsed: its entropy is {entropies[-1]:.4g} nats"
    advice = f"Raise ppo.entropy_coefficient. {_LOWER_RATE}"
    return Reading("critical", message, entropies[-1], config.qa.entropy_floor, advice)


def _has_one_option(config: Stage1Config) -> bool:
    return config.library_size + config.library_moves == 1


def constant_reward(config: Stage1Config, history: History) -> Reading | None:
    """Rewards that are the same whatever is chosen: nothing can be learned from them."""
    last = history.figures("reward_spread")[-LAST:]
    if len(last) < LAST or _has_one_option(config) or max(last) > config.qa.reward_spread_floor:
        return None
    message = f"the reward is the same whatever is chosen: its deviation is {max(last):.3g}"
    advice = "Look at the traces in the journal: a wrong weight, or logos that nothing changes, make rewards equal."
    return Reading("critical", message, max(last), config.qa.reward_spread_floor, advice)


def kl_blow_up(config: Stage1Config, history: History) -> Reading | None:
    """Updates that throw the policy about."""
    last = history.figures("approx_kl")[-LAST:]
    if len(last) < LAST or fmean(last) <= config.qa.kl_limit:
        return None
    message = f"updates move the policy too far: {fmean(last):.3g} nats each"
    return Reading("critical", message, fmean(last), config.qa.kl_limit, f"{_LOWER_RATE} Or ppo.epochs.")


def reward_collapse(config: Stage1Config, history: History) -> Reading | None:
    """Episodes that gain next to nothing."""
    gains = [rollout.gain for rollout in history.rollouts]
    if len(gains) < LAST or fmean(gains) >= config.qa.reward_floor:
        return None
    message = f"the reward collapsed: mean gain {fmean(gains):.3f} over {len(gains)} rollouts"
    return Reading("critical", message, fmean(gains), config.qa.reward_floor, _LOWER_RATE)


def failed_traces(config: Stage1Config, history: History) -> Reading | None:
    """Traces that panic, time out or grow too large; inside the ranges about one in 12,000 panics."""
    failed = sum(rollout.failed_traces for rollout in history.rollouts)
    share = failed / max(1, sum(rollout.traces for rollout in history.rollouts))
    limits: dict[Severity, float] = {
        "critical": config.qa.critical_failed_share,
        "high": config.qa.high_failed_share,
        "medium": config.qa.failed_share,
    }
    broken_limits = [(severity, limit) for severity, limit in limits.items() if share > limit]
    if not broken_limits:
        return None
    severity, limit = broken_limits[0]
    advice = (
        "Look at the failures by kind in the journal; fewer tuned parameters, or a smaller working_size, avoid them."
    )
    return Reading(severity, f"{share:.1%} of the traces failed", share, limit, advice)


CHECKS = (
    Check("loss", "failure", loss_explosion),
    Check("entropy", "failure", entropy_collapse),
    Check("kl", "failure", kl_blow_up),
    Check("reward", "failure", reward_collapse),
    Check("constant reward", "failure", constant_reward),
    Check("failed traces", "failure", failed_traces),
)
"""After each rollout."""
