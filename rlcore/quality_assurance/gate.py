"""The gate: after each chunk it looks at what was trained and validated, and says whether to go on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rlcore.config import Stage1Config
from rlcore.judging.validation import Validation
from rlcore.quality_assurance.monitor import Monitor
from rlcore.records import Alert, Decision, Verdict


def judge(
    config: Stage1Config,
    monitor: Monitor,
    validations: Sequence[Validation],
    episode: int,
    rollbacks: int = 0,
    hours: float = 0.0,
) -> Verdict:
    """The verdict on the last chunk.

    Args:
        config: target, patience, time, and how many rollbacks there may be.
        monitor: has taken everything that happened so far.
        validations: the agent's, the untrained one's first, this chunk's last.
        episode: episodes trained so far.
        rollbacks: how often the run was rolled back already.
        hours: since the run began.
    """
    alerts, critical = monitor.recent_alerts, monitor.critical
    if critical is not None:
        decision, reason = _after_failure(config, critical, rollbacks)
        return Verdict(episode, decision, reason, alerts, rollbacks + (decision == "roll_back"))
    if episode >= config.target_episodes:
        decision, reason = _at_the_end(config, validations[-1], episode)
    else:
        decision, reason = _on_the_way(config, validations, hours)
    return Verdict(episode, decision, reason, alerts, rollbacks)


def best_validation(validations: Sequence[Validation]) -> Validation:
    """The one with the highest convergence score, the earliest of equals."""
    return max(validations, key=lambda validation: validation.headline().convergence_score)


def validations_without_improvement(validations: Sequence[Validation]) -> int:
    """How many of the last validations in a row did not raise the best mean gain."""
    gains = [validation.headline().gain for validation in validations]
    return len(gains) - 1 - int(np.argmax(gains))


def _after_failure(config: Stage1Config, critical: Alert, rollbacks: int) -> tuple[Decision, str]:
    most = config.qa.most_rollbacks
    if rollbacks < most:
        return "roll_back", f"{critical.message}; back to the last good checkpoint, time {rollbacks + 1} of {most}"
    times = {0: "no rollback was left", 1: "after one rollback"}.get(rollbacks, f"after {rollbacks} rollbacks")
    return "failure", f"{critical.message}; {times}"


def _at_the_end(config: Stage1Config, last: Validation, episode: int) -> tuple[Decision, str]:
    rate, threshold = last.headline().success_rate, config.success_rate_threshold
    reached = rate >= threshold
    side = "reaches" if reached else "stays under"
    reason = f"all {episode} episodes done; success rate {rate:.1%} {side} {threshold:.0%}"
    return "target_reached" if reached else "continue", reason


def _on_the_way(config: Stage1Config, validations: Sequence[Validation], hours: float) -> tuple[Decision, str]:
    waited, patience = validations_without_improvement(validations), config.early_stopping_patience
    if waited >= patience:
        return "early_stopping", f"no better validation for {waited} chunks (patience {patience})"
    if hours >= config.max_training_time_hours:
        return "out_of_time", f"{hours:.2f} hours have passed, {config.max_training_time_hours:g} were given"
    since = "the best validation so far" if not waited else f"best validation {waited} before this one"
    return "continue", f"success rate {validations[-1].headline().success_rate:.1%}, {since}"
