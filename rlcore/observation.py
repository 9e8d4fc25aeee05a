"""What the agent sees: the logo's features, what plain VTracer made of it, and what the earlier traces gave."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rlcore.episode import Attempt, Episode, Subject
from rlcore.features import FEATURE_COUNT
from rlcore.gain import QUALITY_ERROR_FLOOR, bytes_ratio, ssim_improvement
from rlcore.parameters import ActionSpace

_SUBJECT_EXTRA = 5
_OUTCOME = 6


def observation_size(space: ActionSpace, budget: int) -> int:
    """Length of an observation for this action space and budget of traces."""
    return FEATURE_COUNT + _SUBJECT_EXTRA + budget + 1 + 2 * (_OUTCOME + space.size)


def observe(episode: Episode, space: ActionSpace) -> NDArray[np.float32]:
    """What the agent sees now: float32 of shape ``(observation_size,)``, in the order of this table.

    ======================  ==============================================================================
    features                ``Features.as_vector`` (20)
    plain                   log2 of its SSIM error, log2 of its bytes per pixel, cleaned plain's SSIM
                            improvement, log2 of its bytes ratio, 1 if the logo has alpha (5)
    progress                one-hot of the next trace (``budget``), share of the budget used (1)
    last trace, best trace  SSIM improvement, log2 bytes ratio, gain, deliverable, success, failed; then its
                            action (6 + tuned each; zeros before there is one)
    ======================  ==============================================================================

    Unbounded measures are clipped to [-8, 8] (gain, log ratios) and [-1, 1] (SSIM improvement).
    """
    step = np.zeros(episode.budget, dtype=np.float32)
    if not episode.done:
        step[episode.step] = 1
    last = episode.attempts[-1] if episode.attempts else None
    return np.concatenate(
        [
            episode.subject.features.as_vector(),
            _plain(episode.subject),
            step,
            np.array([episode.step / episode.budget], dtype=np.float32),
            _attempt(last, episode, space),
            _attempt(episode.best, episode, space),
        ]
    ).astype(np.float32)


def _plain(subject: Subject) -> NDArray[np.float32]:
    height, width = subject.logo.rgba.shape[:2]
    cleaned = subject.cleaned
    values = (
        np.log2(max(1 - subject.plain.quality, QUALITY_ERROR_FLOOR)),
        np.log2(subject.plain.size_bytes / (height * width)),
        np.clip(ssim_improvement(cleaned.quality, subject.plain), -1, 1),
        np.log2(bytes_ratio(cleaned.size_bytes, subject.plain)),
        float(subject.logo.has_alpha),
    )
    return np.array(values, dtype=np.float32)


def _attempt(attempt: Attempt | None, episode: Episode, space: ActionSpace) -> NDArray[np.float32]:
    vector = np.zeros(_OUTCOME + space.size, dtype=np.float32)
    if attempt is None:
        return vector
    vector[_OUTCOME:] = space.encode(attempt.parameters)
    if attempt.trace.failure is not None:
        vector[5] = 1
        return vector
    plain = episode.subject.plain
    vector[:5] = (
        np.clip(ssim_improvement(attempt.trace.quality, plain), -1, 1),
        np.clip(np.log2(bytes_ratio(attempt.trace.size_bytes, plain)), -8, 8),
        np.clip(attempt.gain, -8, 8),
        attempt.deliverable,
        attempt.success,
    )
    return vector
