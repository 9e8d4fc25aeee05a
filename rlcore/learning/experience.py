"""What the library's settings gave on the training logos, and what that says about a logo that is like some of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlcore.episode import Attempt, Episode, Subject
from rlcore.gain import QUALITY_ERROR_FLOOR, Weights
from rlcore.learning.forest import Forest, grown
from rlcore.learning.library import PORTFOLIO_WEIGHTS, Library
from rlcore.learning.subject_entries import subject_entries
from rlcore.learning.trace_table import TraceTable

FEATURE_WIDTH = 0.5
"""Width of the kernel over the logos' standardised entries (root mean square distance)."""

UNLIKE = 1e-4
"""Added to the forest's likeness: who shares no leaf may still be near."""

OUTCOME_WIDTH = 1.0
"""Width of the kernel over what the tried settings gave, in gain."""

CORRECTED_FROM = 2
"""Settings tried before everybody's gains are corrected by them: one alone says how easy a logo is, not its needs."""

OUTLIER = 3.0
"""Deviations from a setting's mean gain count at most this much in what settings have to do with each other."""

OWN_WAY = 0.03
"""Variance, in gain squared, that a setting's gain on a logo has beyond what others can tell."""

EVERYBODY = 0.2
"""Share of the weight that all training logos have alike: without it one odd neighbour would decide."""

_CLIP = 4.0


@dataclass(frozen=True)
class Experience:
    """Recorded traces of a library's settings on the training logos.

    Attributes:
        table: settings by training logos.
        entries: ``subject_entries`` of the training logos, float32 of shape ``(logos, SUBJECT_SIZE)``.
        digests: of the training logos, in the table's order.
        forest: which of them are like a logo.
    """

    table: TraceTable
    entries: NDArray[np.float32]
    digests: tuple[str, ...]
    forest: Forest

    @classmethod
    def of(cls, table: TraceTable, subjects: Sequence[Subject]) -> Experience:
        """``subjects``: the table's logos, in its order."""
        entries = np.stack([subject_entries(subject) for subject in subjects])
        return cls._grown(table, entries, tuple(subject.logo.digest for subject in subjects))

    @classmethod
    def _grown(cls, table: TraceTable, entries: NDArray[np.float32], digests: tuple[str, ...]) -> Experience:
        forest = grown(entries, [table.gains(Weights(size=weight)) for weight in PORTFOLIO_WEIGHTS])
        return cls(table, entries, digests, forest)

    def with_earlier(self, earlier: Experience) -> Experience:
        """Its own logos, then those of ``earlier`` that are not among them; both are of the same library's settings."""
        others = {digest: column for digest, column in earlier.columns.items() if digest not in self.columns}
        columns = list(others.values())
        entries = np.concatenate([self.entries, earlier.entries[columns]])
        return self._grown(self.table.beside(earlier.table, columns), entries, (*self.digests, *others))

    def as_dict(self) -> dict[str, Any]:
        """All of it, as arrays in dicts, and a list of digests."""
        return {
            "table": {field.name: getattr(self.table, field.name) for field in fields(self.table)},
            "entries": self.entries,
            "digests": list(self.digests),
            "forest": self.forest.as_dict(),
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Experience:
        """What ``as_dict`` gave."""
        table, forest = TraceTable(**content["table"]), Forest.from_dict(content["forest"])
        return cls(table, content["entries"], tuple(content["digests"]), forest)

    def best_gain(self, episode: Episode) -> float:
        """The highest recorded gain on this episode's logo with its weights; 0 for a logo that is not recorded."""
        column = self.columns.get(episode.subject.logo.digest)
        return 0.0 if column is None else float(self.table.gains_of(column, episode.weights).max())

    def expected_rises(self, episode: Episode, library: Library) -> NDArray[np.float64]:
        """By how much each setting can be expected to raise the best gain next: float64 of shape ``(settings,)``.

        A weighted mean over the training logos, a logo itself left out: those weigh most that look alike, to the
        forest and to a Gaussian kernel over the entries, and on which the settings tried so far gave alike. With
        equal weights it is what a greedy portfolio is picked by. From the second setting on, the others' gains are
        corrected by how far theirs with the tried settings are from the ones seen here.
        """
        gains = self.table.gains(episode.weights)
        tried = [(place, a) for a in episode.attempts if (place := library.places.get(a.parameters)) is not None]
        places = [place for place, _ in tried]
        own = np.array([max(0.0, attempt.gain) if attempt.deliverable else 0.0 for _, attempt in tried])
        if len(tried) < CORRECTED_FROM:
            # what moves have added beyond the settings is above everybody's own
            above = gains[places].max(axis=0, initial=0.0) + episode.best_gain - own.max(initial=0.0)
        else:
            gains, above = self._corrected(gains, places, own, self._others(episode)), episode.best_gain
        rises = np.maximum(gains - above, 0.0) @ self._weights(episode, tried)
        rises[places] = 0.0
        return np.asarray(rises)

    @staticmethod
    def _corrected(
        gains: NDArray[np.float64], places: Sequence[int], own: NDArray[np.float64], others: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """Everybody's gains as they would be had the tried settings given them what they gave here.

        Each setting's gain is shifted by linear regression on those of the tried ones: the update of an ensemble
        Kalman filter (Evensen 2003), with the training logos as the ensemble.
        """
        deviations = gains[:, others] - gains[:, others].mean(axis=1, keepdims=True)
        clipped = np.clip(deviations, -OUTLIER, OUTLIER)
        covariance = clipped[places] @ clipped.T / clipped.shape[1]
        told = covariance[:, places] + OWN_WAY * np.eye(len(places))
        return np.asarray(gains + np.linalg.solve(told, covariance).T @ (own[:, None] - gains[places]))

    def _weights(self, episode: Episode, tried: Sequence[tuple[int, Attempt]]) -> NDArray[np.float64]:
        """Of the training logos, float64 of shape ``(logos,)``; they add up to 1."""
        own = self.columns.get(episode.subject.logo.digest)
        closeness = self._closeness(subject_entries(episode.subject), own)
        for place, attempt in tried:
            error, size = (measure[place] for measure in self._outcomes)
            own_error, own_size = _outcome(attempt, episode)
            distance = (episode.weights.quality * (error - own_error)) ** 2
            distance += (episode.weights.size * (size - own_size)) ** 2
            closeness -= distance / (2 * OUTCOME_WIDTH**2)
        others = self._others(episode)
        kernel = np.where(others, np.exp(closeness - closeness[others].max()), 0.0)
        return np.asarray((1 - EVERYBODY) * kernel / kernel.sum() + EVERYBODY * others / others.sum())

    def _others(self, episode: Episode) -> NDArray[np.bool_]:
        """Which training logos are not the episode's own; all of them if it is the only one there is."""
        others = np.ones(len(self.digests), dtype=bool)
        own = self.columns.get(episode.subject.logo.digest)
        if own is not None and len(others) > 1:
            others[own] = False
        return others

    def _closeness(self, entries: NDArray[np.float32], own: int | None) -> NDArray[np.float64]:
        """Of each training logo before any trace, as a logarithm: float64 of shape ``(logos,)``."""
        mean, deviation = self._scaling
        seen = np.clip((entries - mean) / deviation, -_CLIP, _CLIP)
        distance = ((self._standardised - seen) ** 2).mean(axis=1)
        likeness = self.forest.likeness(entries, own)
        return np.asarray(np.log(likeness + UNLIKE) - distance / (2 * FEATURE_WIDTH**2))

    @cached_property
    def _outcomes(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """log2 of the error ratio and of the bytes ratio of each setting on each training logo, clipped."""
        table = self.table
        error = np.log2((1 - table.plain_quality) / np.maximum(1 - table.quality, QUALITY_ERROR_FLOOR))
        size = np.log2(table.plain_bytes / np.maximum(table.size_bytes, 1))
        return _clipped(error, size, table.size_bytes > 0)

    @cached_property
    def columns(self) -> dict[str, int]:
        """The table's column of each training logo, by digest."""
        return {digest: column for column, digest in enumerate(self.digests)}

    @cached_property
    def _scaling(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return self.entries.mean(axis=0), self.entries.std(axis=0) + np.float32(1e-6)

    @cached_property
    def _standardised(self) -> NDArray[np.float32]:
        mean, deviation = self._scaling
        return np.asarray(np.clip((self.entries - mean) / deviation, -_CLIP, _CLIP))


def _outcome(attempt: Attempt, episode: Episode) -> tuple[float, float]:
    plain, trace = episode.subject.plain, attempt.trace
    left = max(1 - trace.quality, QUALITY_ERROR_FLOOR)
    error, size = _clipped(
        np.log2([(1 - plain.quality) / left]),
        np.log2([plain.size_bytes / max(trace.size_bytes, 1)]),
        np.array([trace.failure is None]),
    )
    return float(error[0]), float(size[0])


def _clipped(
    error: NDArray[np.float64], size: NDArray[np.float64], worked: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A failed trace counts as one of four times the error and four times the bytes."""
    return np.where(worked, np.clip(error, -2, 12), -2.0), np.where(worked, np.clip(size, -2, 8), -2.0)
