"""The QA gate: after each chunk it looks at what was trained and validated, and says whether to go on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rlcore.config import Stage1Config
from rlcore.judging.validation import Validation
from rlcore.records import Alert, Rollout, Verdict

COLLAPSE_GAIN = 0.05
"""A chunk's mean gain under this is a collapsed reward: a random policy is far above it."""

STAGNATION_RISE = 0.005
"""A chunk whose second half is not above its first by this gain learned nothing that can be seen."""

QUALITY_DROP = 0.01
"""Validation SSIM under the best so far by more than this is a drop."""

GAP = 0.5
"""Training gain above validation gain by more than this is overfitting."""

FAILED_SHARE = 0.02
"""Share of failed traces that is worth a warning; inside the ranges about one in 12,000 panics."""


def judge(
    config: Stage1Config,
    rollouts: Sequence[Rollout],
    validations: Sequence[Validation],
    broken: str = "",
    hours: float = 0.0,
) -> Verdict:
    """The verdict on the last chunk.

    Args:
        config: thresholds, patience, and which checks are on.
        rollouts: of the last chunk.
        validations: the agent's, the untrained one's first, this chunk's last.
        broken: why training could not finish the chunk (a non-finite loss); empty if it did.
        hours: since the run began.
    """
    episode = rollouts[-1].episode if rollouts else validations[-1].episode
    if broken:  # whatever is switched off: there is nothing to go on with
        return Verdict(episode, "failure", broken, (_failure(episode, broken, 0.0, 0.0),))
    alerts = _alerts(config, episode, rollouts, validations)
    critical = [alert for alert in alerts if alert.severity == "critical"]
    if critical:
        return Verdict(episode, "failure", critical[0].message, alerts)
    rate = validations[-1].headline().success_rate
    if episode >= config.target_episodes:
        reached = rate >= config.success_rate_threshold
        side = "reaches" if reached else "stays under"
        reason = f"all {episode} episodes done; success rate {rate:.1%} {side} {config.success_rate_threshold:.0%}"
        return Verdict(episode, "target_reached" if reached else "continue", reason, alerts)
    waited = validations_without_improvement(validations)
    if waited >= config.early_stopping_patience:
        reason = f"no better validation for {waited} chunks (patience {config.early_stopping_patience})"
        return Verdict(episode, "early_stopping", reason, alerts)
    if hours >= config.max_training_time_hours:
        reason = f"{hours:.2f} hours have passed, {config.max_training_time_hours:g} were given"
        return Verdict(episode, "out_of_time", reason, alerts)
    since = "the best validation so far" if not waited else f"best validation {waited} before this one"
    return Verdict(episode, "continue", f"success rate {rate:.1%}, {since}", alerts)


def best_validation(validations: Sequence[Validation]) -> Validation:
    """The one with the highest convergence score, the earliest of equals."""
    return max(validations, key=lambda validation: validation.headline().convergence_score)


def validations_without_improvement(validations: Sequence[Validation]) -> int:
    """How many of the last validations in a row did not raise the best mean gain."""
    gains = [validation.headline().gain for validation in validations]
    return len(gains) - 1 - int(np.argmax(gains))


def _alerts(
    config: Stage1Config, episode: int, rollouts: Sequence[Rollout], validations: Sequence[Validation]
) -> tuple[Alert, ...]:
    checks: list[Alert | None] = []
    if config.failure_detection:
        checks += [_collapse(episode, rollouts), _failed_traces(episode, rollouts)]
        checks += [_stagnation(episode, rollouts), _quality_drop(episode, validations)]
    if config.overfitting_detection:
        checks.append(_overfitting(episode, rollouts, validations))
    if config.performance_monitoring:
        checks.append(_slowdown(episode, rollouts))
    return tuple(alert for alert in checks if alert is not None)


def _failure(episode: int, message: str, measured: float, threshold: float) -> Alert:
    advice = "Lower ppo.learning_rate, then train again from the last checkpoint."
    return Alert("failure", "critical", episode, message, measured, threshold, advice)


def _collapse(episode: int, rollouts: Sequence[Rollout]) -> Alert | None:
    gain = float(np.mean([rollout.gain for rollout in rollouts]))
    if gain >= COLLAPSE_GAIN:
        return None
    return _failure(episode, f"the reward collapsed: mean gain {gain:.3f} in this chunk", gain, COLLAPSE_GAIN)


def _failed_traces(episode: int, rollouts: Sequence[Rollout]) -> Alert | None:
    share = sum(r.failed_traces for r in rollouts) / max(1, sum(r.traces for r in rollouts))
    if share <= FAILED_SHARE:
        return None
    message = f"{share:.1%} of the traces failed"
    advice = "Look at the failures by kind in the journal; a tighter range of the tuned parameters may avoid them."
    return Alert("failure", "medium", episode, message, share, FAILED_SHARE, advice)


def _stagnation(episode: int, rollouts: Sequence[Rollout]) -> Alert | None:
    half = len(rollouts) // 2
    if not half:
        return None
    gains = [rollout.gain for rollout in rollouts]
    rise = float(np.mean(gains[half:]) - np.mean(gains[:half]))
    if rise >= STAGNATION_RISE:
        return None
    message = f"mean gain changed by {rise:+.3f} from the first to the second half of the chunk"
    advice = "Expected near the end of a run; earlier, raise ppo.learning_rate or ppo.initial_log_spread."
    return Alert("stagnation", "low", episode, message, rise, STAGNATION_RISE, advice)


def _quality_drop(episode: int, validations: Sequence[Validation]) -> Alert | None:
    qualities = [validation.headline().quality for validation in validations]
    drop = max(qualities) - qualities[-1]
    if drop <= QUALITY_DROP:
        return None
    message = f"validation SSIM is {drop:.4f} under its best"
    advice = "The best model is kept; lower ppo.learning_rate if it goes on."
    return Alert("degradation", "medium", episode, message, drop, QUALITY_DROP, advice)


def _overfitting(episode: int, rollouts: Sequence[Rollout], validations: Sequence[Validation]) -> Alert | None:
    gap = float(np.mean([rollout.gain for rollout in rollouts])) - validations[-1].headline().gain
    if gap <= GAP:
        return None
    message = f"training gain is {gap:.2f} above validation gain"
    advice = "Add logos (a larger folder, generated_logos), or train for fewer episodes."
    return Alert("overfitting", "medium", episode, message, gap, GAP, advice)


def _slowdown(episode: int, rollouts: Sequence[Rollout]) -> Alert | None:
    velocities = [rollout.episodes_per_second for rollout in rollouts]
    if len(velocities) < 4:
        return None
    usual, last = float(np.median(velocities)), float(np.mean(velocities[-2:]))
    if last >= usual / 3:
        return None
    message = f"velocity fell to {last:.2f} episodes/s, from a median of {usual:.2f}"
    advice = "Look for another program on this machine, or a full disk."
    return Alert("performance", "low", episode, message, last, usual / 3, advice)
