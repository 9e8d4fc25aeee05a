"""Promotion: whether a new version of the model takes the champion's place. It decides, and touches nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from rlcore.records import SEVERITIES, Alert, Severity
from rlcore.statistics import Difference

BLOCKING: Severity = "high"
"""An open alert of this severity, or of a worse one, keeps a version from being promoted."""

Answer = Literal["promoted", "kept", "waits"]


@dataclass(frozen=True, slots=True)
class Match:
    """Challenger and champion in the same harness, on logos that neither was trained on.

    Attributes:
        gain: challenger's best gain minus the champion's, paired by logo; None where no logo was left.
        excluded: test logos left out, because one of the two was trained on them or on a twin of them.
        traces: budget of both, per logo.
        note: what else has to be known of it.
    """

    gain: Difference | None
    excluded: int
    traces: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Approval:
    """What a person answered when asked."""

    approved: bool
    by: str = ""
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """All that a decision is made from.

    Attributes:
        version: of the challenger.
        success_rate: on its own test split.
        success_rate_threshold: what stage 1 is reached at.
        champion: version of the champion at that moment; empty: there is none.
        match: against it.
        open_alerts: of its training.
    """

    version: str
    success_rate: float
    success_rate_threshold: float
    champion: str = ""
    match: Match | None = None
    open_alerts: tuple[Alert, ...] = ()


@dataclass(frozen=True, slots=True)
class Promotion:
    """A decision: ``promoted``, ``kept`` (the champion stays), or ``waits`` for a person.

    Attributes:
        reason: in a sentence.
        approval: None where nobody was asked.
    """

    candidate: Candidate
    answer: Answer
    reason: str
    approval: Approval | None = None

    def as_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)


def decide(candidate: Candidate, require_approval: bool = False, approval: Approval | None = None) -> Promotion:
    """Whether the challenger becomes champion.

    Without a champion it has to reach the stage's target; against one, the 95 % interval of the paired difference in
    gain has to lie above zero. No alert at ``BLOCKING`` or above may be open. A person is asked last: only about a
    version that is good enough.
    """
    good, reason = _figures(candidate)
    blocking = blocking_alerts(candidate.open_alerts)
    if good and blocking:
        good, reason = False, f"{reason}; but an alert is open: {'; '.join(map(_told, blocking))}"
    if not good or not require_approval:
        return Promotion(candidate, "promoted" if good else "kept", reason)
    if approval is None:
        return Promotion(candidate, "waits", f"{reason}; a person has to approve")
    by = f" by {approval.by}" if approval.by else ""
    said = f"{'approved' if approval.approved else 'refused'}{by}" + (
        f": {approval.comment}" if approval.comment else ""
    )
    return Promotion(candidate, "promoted" if approval.approved else "kept", f"{reason}; {said}", approval)


def blocking_alerts(alerts: Sequence[Alert]) -> tuple[Alert, ...]:
    """Those at ``BLOCKING`` or above."""
    least = SEVERITIES.index(BLOCKING)
    return tuple(alert for alert in alerts if SEVERITIES.index(alert.severity) >= least)


def _figures(candidate: Candidate) -> tuple[bool, str]:
    match = candidate.match
    if match is None:
        reached = candidate.success_rate >= candidate.success_rate_threshold
        side = "reaches" if reached else "stays under"
        rates = f"{candidate.success_rate:.1%} {side} {candidate.success_rate_threshold:.0%}"
        return reached, f"there is no champion; success rate {rates}"
    rival = f"the champion's (version {candidate.champion})"
    if match.gain is None:
        why = match.note or "one of the two was trained on each of their test logos"
        return False, f"its gain can't be held against {rival}: {why}"
    gain = match.gain
    figures = f"{gain.mean:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}], 95 % interval over {gain.pairs} logos"
    if gain.is_positive:
        return True, f"its gain is above {rival}: {figures}"
    side = "below" if gain.high < 0 else "not distinguishable from"
    return False, f"its gain is {side} {rival}: {figures}"


def _told(alert: Alert) -> str:
    return f"{alert.severity} {alert.kind} ({alert.check}), {alert.message}"
