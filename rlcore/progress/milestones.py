"""Milestones: what is worth telling once in a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rlcore.config import Stage1Config
from rlcore.judging.validation import Validation
from rlcore.records import Milestone

EPISODE_SHARES = (0.2, 0.5, 1.0)
"""Of the target: 1000, 2500 and 5000 of 5000."""

SUCCESS_RATES = (0.5, 0.7, 0.8)
QUALITIES = (0.7, 0.8)
"""Beside the config's targets."""


def episode_milestones(config: Stage1Config, before: int, after: int) -> list[Milestone]:
    """The shares of the target that lie in ``before`` < episode <= ``after``."""
    target = config.target_episodes
    return [
        Milestone(f"episodes-{round(share * 100)}", after, f"{share:.0%} of {target:,} episodes done")
        for share in EPISODE_SHARES
        if before < share * target <= after
    ]


def validation_milestones(config: Stage1Config, validations: Sequence[Validation]) -> list[Milestone]:
    """What the last of ``validations`` reached for the first time: a success rate, a quality, a new best gain."""
    earlier, last = validations[:-1], validations[-1]
    return [*_rates(config, earlier, last), *_qualities(config, earlier, last), *_best(earlier, last)]


def _rates(config: Stage1Config, earlier: Sequence[Validation], last: Validation) -> Iterator[Milestone]:
    most, rate = max((v.headline().success_rate for v in earlier), default=-1.0), last.headline().success_rate
    for share in SUCCESS_RATES:
        if most < share <= rate and share != config.success_rate_threshold:
            message = f"success rate {rate:.1%}, over {share:.0%}, on the validation logos"
            yield Milestone(f"success-{round(share * 100)}", last.episode, message)
    if most < config.success_rate_threshold <= rate:
        message = f"success rate {rate:.1%} reaches the target of {config.success_rate_threshold:.0%}"
        yield Milestone("target-reached", last.episode, message)


def _qualities(config: Stage1Config, earlier: Sequence[Validation], last: Validation) -> Iterator[Milestone]:
    most, quality = max((v.headline().quality for v in earlier), default=-1.0), last.headline().quality
    for bar in sorted({*QUALITIES, config.quality_target}):
        if most < bar <= quality:
            target = ", the config's target," if bar == config.quality_target else ""
            message = f"mean quality {quality:.4f}, over {bar:g}{target} on the validation logos"
            yield Milestone(f"quality-{bar:g}", last.episode, message)


def _best(earlier: Sequence[Validation], last: Validation) -> Iterator[Milestone]:
    gain = last.headline().gain
    if earlier and gain > max(validation.headline().gain for validation in earlier):
        yield Milestone(f"best-gain-{last.episode}", last.episode, f"best validation gain so far: {gain:.3f}")
