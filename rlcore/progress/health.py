"""How well a training is: what is left of the way from a healthy figure to the QA system's threshold, per indicator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from rlcore.config import Stage1Config
from rlcore.progress.state import RunState
from rlcore.records import Alert, Severity

LAST_ROLLOUTS = 3
"""Rollouts that an indicator is averaged over."""


@dataclass(frozen=True, slots=True)
class Indicator:
    """One figure of a training.

    Attributes:
        value: mean of the last three rollouts; None where it was not recorded.
        limit: where trouble begins, in the figure's unit.
        headroom: 1 is healthy, 0 is at the limit or beyond; None without a value.
        meaning: what it says, in a few words.
    """

    name: str
    value: float | None
    limit: float
    headroom: float | None
    meaning: str


def indicators(config: Stage1Config, state: RunState) -> list[Indicator]:
    """KL, entropy, explained variance and failed traces, in this order."""
    qa = config.qa
    has_choice = config.library_size + config.library_moves > 1
    entropy = _recent(state, "train/entropy_loss") if has_choice else None
    return [
        _indicator("approximate KL", _recent(state, "train/approx_kl"), qa.kl_limit,
                   lambda value: 1 - value / qa.kl_limit, "nats that an update moves the policy"),
        # ten times the floor is as good as any more: a policy that knows what it wants is not broken
        _indicator("entropy", None if entropy is None else -entropy, qa.entropy_floor,
                   lambda value: (value - qa.entropy_floor) / (9 * qa.entropy_floor or 1.0),
                   "nats; a policy under the limit always chooses the same"),
        # 0 is a critic that knows no more than the mean, -1 one that is twice as wrong as that
        _indicator("explained variance", _recent(state, "train/explained_variance"), -1.0,
                   lambda value: 1 + min(value, 0.0), "share of the returns' variance that the critic foresees"),
        _indicator("failed traces", _recent(state, "rollout/failed_share"), qa.high_failed_share,
                   lambda value: 1 - value / (qa.high_failed_share or 1.0), "share of the traces without a result"),
    ]  # fmt: skip


def _recent(state: RunState, name: str) -> float | None:
    values = state.series[name].y[-LAST_ROLLOUTS:] if name in state.series else []
    return fmean(values) if values else None


def _indicator(
    name: str, value: float | None, limit: float, headroom: Callable[[float], float], meaning: str
) -> Indicator:
    left = None if value is None else min(1.0, max(0.0, headroom(value)))
    return Indicator(name, value, limit, left, meaning)


MOST_WITH_ALERT: dict[Severity, float] = {"low": 1.0, "medium": 0.49, "high": 0.15, "critical": 0.0}
"""Headroom that is left at most while an alert about a failure is open."""


def score(found: list[Indicator], alerts: Sequence[Alert] = ()) -> float | None:
    """0 to 100: the worst indicator's headroom, and no better than open alerts allow; None before the first rollout.

    ``alerts``: those that are open; only failures are about how well training goes.
    """
    known = [indicator.headroom for indicator in found if indicator.headroom is not None]
    capped = [MOST_WITH_ALERT[alert.severity] for alert in alerts if alert.kind == "failure"]
    return 100 * min([*known, *capped]) if known else None
