"""What the agent sees: the logo's features, what plain VTracer made of it, and what the earlier traces gave."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rlcore.episode import Attempt, Episode
from rlcore.gain import bytes_ratio, ssim_improvement
from rlcore.learning.experience import Experience
from rlcore.learning.library import Library
from rlcore.learning.subject_entries import SUBJECT_SIZE, subject_entries
from rlcore.parameters import ActionSpace

RANK = 8
"""The option with so many-th highest expected rise is preferred by one less than the best."""

LEAST = -5.0
"""No option is preferred less, as long as it was not tried."""

TRIED = -1000.0
"""Preference of what was tried already: never again."""

ATTEMPT_SIZE = 5


def observation_size(library: Library, space: ActionSpace, budget: int) -> int:
    """Length of an observation for this library, action space and budget of traces."""
    return SUBJECT_SIZE + 2 + budget + 2 * len(library.settings) + 2 * ATTEMPT_SIZE + space.size + library.size


def observe(episode: Episode, library: Library, experience: Experience, space: ActionSpace) -> NDArray[np.float32]:
    """What the agent sees now: float32 of shape ``(observation_size,)``, in the order of this table.

    ======================  ==============================================================================
    features                ``Features.as_vector`` (20)
    plain                   log2 of its SSIM error, log2 of its bytes per pixel, cleaned plain's SSIM
                            improvement, log2 of its bytes ratio, 1 if the logo has alpha (5)
    aim                     log2 of the size weight, best gain so far / 4 (2)
    progress                one-hot of the next trace (``budget``)
    settings                1 for each that was tried; then its gain less the best gain, halved (2 x settings)
    last trace, best trace  SSIM improvement, log2 bytes ratio / 4, deliverable, success, failed (5 each)
    best parameters         its action (tuned; zeros before there is one)
    preference              of each option, 0 for the best, -1 for the ``RANK``-th: how far its expected rise
                            (``Experience``; a move's is its mean rise) is under the highest one; ``TRIED`` for
                            what was tried (options)
    ======================  ==============================================================================

    Unbounded measures are clipped: SSIM improvement to [-1, 1], the others to [-4, 4].
    """
    step = np.zeros(episode.budget, dtype=np.float32)
    if not episode.done:
        step[episode.step] = 1
    best, last = episode.best, episode.attempts[-1] if episode.attempts else None
    action = np.zeros(space.size, dtype=np.float32) if best is None else space.encode(best.parameters)
    return np.concatenate(
        [
            subject_entries(episode.subject),
            np.array([np.log2(max(episode.weights.size, 2**-10)), np.clip(episode.best_gain / 4, -4, 4)]),
            step,
            _settings(episode, library),
            *(attempt_entries(episode, place) for place in (last, best)),
            action,
            _preference(episode, library, experience),
        ]
    ).astype(np.float32)


def _settings(episode: Episode, library: Library) -> NDArray[np.float32]:
    tried = np.zeros(len(library.settings), dtype=np.float32)
    behind = np.zeros(len(library.settings), dtype=np.float32)
    for attempt in episode.attempts:
        place = library.places.get(attempt.parameters)
        if place is not None:
            tried[place] = 1
            behind[place] = np.clip((attempt.gain - episode.best_gain) / 2, -4, 0)
    return np.concatenate([tried, behind])


def attempt_entries(episode: Episode, attempt: Attempt | None) -> NDArray[np.float32]:
    """SSIM improvement, log2 bytes ratio / 4, deliverable, success, failed: float32 of shape ``(ATTEMPT_SIZE,)``."""
    vector = np.zeros(ATTEMPT_SIZE, dtype=np.float32)
    if attempt is None:
        return vector
    if attempt.trace.failure is not None:
        vector[4] = 1
        return vector
    plain = episode.subject.plain
    vector[:4] = (
        np.clip(ssim_improvement(attempt.trace.quality, plain), -1, 1),
        np.clip(np.log2(bytes_ratio(attempt.trace.size_bytes, plain)) / 4, -4, 4),
        attempt.deliverable,
        attempt.success,
    )
    return vector


def _preference(episode: Episode, library: Library, experience: Experience) -> NDArray[np.float32]:
    rises = np.concatenate([experience.expected_rises(episode, library), library.move_rises])
    tried = {attempt.parameters for attempt in episode.attempts}
    done = np.array([option in tried for option in library.options(episode)])
    # told by rank, not by ratio: good settings differ by a few per cent before the first trace, by far more after it
    left = np.sort(rises[~done])[::-1]
    spread = left[0] - left[min(RANK, len(left)) - 1] if len(left) else 0.0
    behind = (rises - left[0]) / spread if spread > 0 else np.zeros(library.size)
    return np.where(done, TRIED, np.maximum(behind, LEAST)).astype(np.float32)
