"""Every setting of a library on every training logo: what portfolios are picked from and the policy starts with."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rlcore.conversion.evaluator import Evaluator
from rlcore.conversion.tracing import Trace
from rlcore.episode import Subject
from rlcore.files import write_bytes
from rlcore.gain import QUALITY_ERROR_FLOOR, Weights
from rlcore.parameters import Parameters

_TOGETHER = 8
"""Logos traced side by side: enough that the workers never wait for one slow trace."""


@dataclass(frozen=True)
class TraceTable:
    """What each setting gave for each logo; float64 of shape ``(settings, logos)``.

    Attributes:
        quality: SSIM; 0 where the trace failed.
        size_bytes: bytes of the SVG; 0 where the trace failed.
        plain_quality, plain_bytes: plain VTracer's, float64 of shape ``(logos,)``.
    """

    quality: NDArray[np.float64]
    size_bytes: NDArray[np.float64]
    plain_quality: NDArray[np.float64]
    plain_bytes: NDArray[np.float64]

    @cached_property
    def _ratios(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """log2 of the error ratio and of the bytes ratio; -inf where plain is kept whatever the weights."""
        deliverable = (self.size_bytes > 0) & (self.quality >= self.plain_quality)
        left = np.maximum(1 - self.quality, QUALITY_ERROR_FLOOR)
        error = np.log2(np.maximum(1 - self.plain_quality, QUALITY_ERROR_FLOOR) / left)
        return np.where(deliverable, error, -np.inf), np.log2(self.plain_bytes / np.maximum(self.size_bytes, 1))

    def gains(self, weights: Weights) -> NDArray[np.float64]:
        """Gain of each setting on each logo, 0 where plain is kept: float64 of shape ``(settings, logos)``.

        Seconds are not recorded, so the speed weight counts for nothing here.
        """
        error, size = self._ratios
        return np.asarray(np.maximum(weights.quality * error + weights.size * size, 0.0))

    def gains_of(self, logo: int, weights: Weights) -> NDArray[np.float64]:
        """The same for one logo: float64 of shape ``(settings,)``."""
        error, size = self._ratios
        return np.asarray(np.maximum(weights.quality * error[:, logo] + weights.size * size[:, logo], 0.0))

    def trace(self, setting: int, logo: int) -> Trace | None:
        """The recorded trace; None where it failed (its kind of failure is not kept)."""
        size = int(self.size_bytes[setting, logo])
        return Trace(float(self.quality[setting, logo]), size, 0.0) if size else None

    def traces(
        self, settings: Sequence[Parameters], subjects: Sequence[Subject]
    ) -> dict[tuple[str, Parameters], Trace]:
        """The recorded traces by digest and parameters, for ``Evaluator.remember``; rows and columns in this order."""
        pairs = product(enumerate(settings), enumerate(subjects))
        found = {(s.logo.digest, setting): self.trace(row, column) for (row, setting), (column, s) in pairs}
        return {key: trace for key, trace in found.items() if trace is not None}

    def beside(self, other: TraceTable, logos: Sequence[int]) -> TraceTable:
        """With some of the logos (columns) of another table of the same settings behind its own."""
        pairs = ((getattr(self, field.name), getattr(other, field.name)) for field in fields(self))
        return TraceTable(*(np.concatenate([own, others[..., list(logos)]], axis=-1) for own, others in pairs))

    def save(self, path: Path) -> Path:
        """Writes it beside and renames."""
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **{field.name: getattr(self, field.name) for field in fields(self)})
        return write_bytes(path, buffer.getvalue())

    @classmethod
    def load(cls, path: Path) -> TraceTable:
        """What ``save`` wrote."""
        with path.open("rb") as file, np.load(file, allow_pickle=False) as content:
            return cls(**{field.name: content[field.name] for field in fields(cls)})


def tabulate(
    settings: Sequence[Parameters],
    subjects: Sequence[Subject],
    evaluator: Evaluator,
    on_logos: Callable[[int], None] | None = None,
) -> TraceTable:
    """Traces every subject with every setting; ``on_logos`` is told of every few logos done."""
    quality = np.zeros((len(settings), len(subjects)))
    size_bytes = quality.copy()
    for start in range(0, len(subjects), _TOGETHER):
        batch = subjects[start : start + _TOGETHER]
        traces = evaluator.traces([(subject.logo, setting) for subject in batch for setting in settings])
        for number, trace in enumerate(traces):
            column, row = divmod(number, len(settings))
            quality[row, start + column], size_bytes[row, start + column] = trace.quality, trace.size_bytes
        if on_logos is not None:
            on_logos(len(batch))
    plain_quality = np.array([subject.plain.quality for subject in subjects])
    plain_bytes = np.array([subject.plain.size_bytes for subject in subjects], dtype=np.float64)
    return TraceTable(quality, size_bytes, plain_quality, plain_bytes)


def greedy_portfolio(gains: NDArray[np.float64], size: int) -> list[int]:
    """Indexes of the settings that, added one by one, raise the mean best gain the most; ties go to the first.

    ``gains`` has shape ``(settings, logos)``. Greedy is within 1 - 1/e of the best portfolio (Nemhauser et al. 1978).
    """
    best = np.zeros(gains.shape[1])
    chosen: list[int] = []
    for _ in range(min(size, len(gains))):
        means = np.maximum(gains, best).mean(axis=1)
        means[chosen] = -np.inf
        chosen.append(int(np.argmax(means)))
        best = np.maximum(best, gains[chosen[-1]])
    return chosen
