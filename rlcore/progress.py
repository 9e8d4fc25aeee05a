"""How far a run is: milestones, velocity, time left, and the report of an hour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rlcore.config import Stage1Config
from rlcore.judging.validation import Validation
from rlcore.records import Rollout

QUARTERS = (0.25, 0.5, 0.75, 1.0)
VELOCITY_ROLLOUTS = 10
"""Rollouts that velocity is averaged over."""


@dataclass(frozen=True, slots=True)
class Milestone:
    """Something worth telling: ``name`` for machines, ``message`` for people."""

    name: str
    episode: int
    message: str


def episode_milestones(config: Stage1Config, before: int, after: int) -> list[Milestone]:
    """The quarters of the target that lie in ``before`` < episode <= ``after``."""
    target = config.target_episodes
    return [
        Milestone(f"episodes-{share:.0%}".replace("%", ""), after, f"{share:.0%} of {target} episodes done")
        for share in QUARTERS
        if before < share * target <= after
    ]


def validation_milestones(config: Stage1Config, validations: Sequence[Validation]) -> list[Milestone]:
    """What the last of ``validations`` reached for the first time: the target, a new best gain."""
    last, earlier = validations[-1], validations[:-1]
    rate, gain = last.headline().success_rate, last.headline().gain
    found = []
    if rate >= config.success_rate_threshold and all(
        validation.headline().success_rate < config.success_rate_threshold for validation in earlier
    ):
        message = f"success rate {rate:.1%} reaches the target of {config.success_rate_threshold:.0%}"
        found.append(Milestone("target-reached", last.episode, message))
    if earlier and gain > max(validation.headline().gain for validation in earlier):
        found.append(Milestone("best-gain", last.episode, f"best validation gain so far: {gain:.3f}"))
    return found


def velocity(rollouts: Sequence[Rollout]) -> float:
    """Episodes per second over the last ten rollouts; 0 before the first."""
    recent = rollouts[-VELOCITY_ROLLOUTS:]
    seconds = sum(rollout.seconds for rollout in recent)
    return sum(rollout.episodes for rollout in recent) / seconds if seconds > 0 else 0.0


def seconds_left(config: Stage1Config, rollouts: Sequence[Rollout]) -> float | None:
    """Training time to go at the present velocity, without validations; None before there is one."""
    speed = velocity(rollouts)
    return (config.target_episodes - rollouts[-1].episode) / speed if speed > 0 else None


def hourly_report(config: Stage1Config, rollouts: Sequence[Rollout], validations: Sequence[Validation]) -> str:
    """The state of a training as a short Markdown text."""
    last = rollouts[-1]
    left = seconds_left(config, rollouts)
    to_go = "unknown time" if left is None else f"{left / 60:.0f} min"
    lines = [
        f"**Episode {last.episode} of {config.target_episodes}**",
        "",
        f"- training: gain {last.gain:.3f}, success rate {last.success_rate:.1%}",
        f"- velocity: {velocity(rollouts):.2f} episodes/s, {to_go} left",
    ]
    if validations:
        headline = validations[-1].headline()
        lines.append(
            f"- validation at episode {validations[-1].episode}: gain {headline.gain:.3f}, SSIM improvement "
            f"{headline.ssim_improvement:.3f}, success rate {headline.success_rate:.1%}"
        )
    return "\n".join(lines) + "\n"
