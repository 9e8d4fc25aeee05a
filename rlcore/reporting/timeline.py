"""What the gate said over a run, each alert told in full once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rlcore.records import Alert, Milestone, Severity, Verdict


@dataclass(frozen=True, slots=True)
class Entry:
    """A verdict with its alerts, and what was reached before it.

    Attributes:
        milestones: reached since the verdict before.
        new: alerts that no verdict before had, or not as severe.
        known: the others, which the reader has met.
    """

    verdict: Verdict
    milestones: tuple[Milestone, ...]
    new: tuple[Alert, ...]
    known: tuple[Alert, ...]


def timeline(verdicts: Iterable[Verdict], milestones: Sequence[Milestone] = ()) -> list[Entry]:
    """The verdicts in order."""
    entries: list[Entry] = []
    told = 0
    met: set[tuple[str, int, Severity]] = set()
    for verdict in verdicts:
        new = tuple(alert for alert in verdict.alerts if _identity(alert) not in met)
        reached = max(told, sum(milestone.episode <= verdict.episode for milestone in milestones))
        known = tuple(alert for alert in verdict.alerts if alert not in new)
        entries.append(Entry(verdict, tuple(milestones[told:reached]), new, known))
        told = reached
        # a rollback closes all alerts, and the same episodes come again
        met = set() if verdict.decision == "roll_back" else met | {_identity(alert) for alert in new}
    return entries


def seen(alert: Alert) -> str:
    """``at episode 2,000``, or from when to when."""
    if not alert.updates:
        return f"at episode {alert.episode:,}"
    return f"{alert.updates + 1:,} times from episode {alert.episode:,} to {alert.last_episode:,}"


def _identity(alert: Alert) -> tuple[str, int, Severity]:
    return alert.check, alert.episode, alert.severity
