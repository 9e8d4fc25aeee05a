"""The nearest of K colours for every pixel, so that anti-aliased fringes vanish and files shrink."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from rlcore.flatness import channel_range, ridge_height

FLAT_RANGE = 12
"""A pixel is flat when no channel spans this much in its 3x3 neighbourhood (EXPERIMENTS: median cut of the same)."""

RIDGE = 24
"""A pixel is on a thin stroke when it stands out this much from both sides, in the same channel (``ridge_height``)."""

STROKE_COLOURS = 4
"""At most so many colours are found on thin strokes alone."""

STROKE_SHARE = 0.001
"""Share of the opaque pixels that such a colour needs."""

MIX_DISTANCE = 64.0
"""A colour nearer than this to the line between two known ones is taken for their blend at an anti-aliased edge."""

_SAME = 48.0
_KNOWN = 16
_BITS = 5
_ROUNDS = 8


@dataclass(frozen=True)
class Palette:
    """K colours with a 32x32x32 lookup table.

    Attributes:
        colours: uint8 ``(K, 3)``, RGB, the most frequent first.
        table: uint8 ``(32768, 4)``: the RGB of the colour nearest to each cell's centre, and 0.
    """

    colours: NDArray[np.uint8]
    table: NDArray[np.uint8]

    @classmethod
    def of(cls, rgba: NDArray[np.uint8], size: int) -> Palette:
        """At most ``size`` colours of flat opaque pixels and thin strokes; of all opaque ones where none is flat."""
        opaque = rgba[..., 3] >= 128
        inner = opaque & (channel_range(rgba, 3) < FLAT_RANGE)
        colours, weights = _histogram(rgba[inner if inner.any() else opaque][:, :3])
        thin = opaque & ~inner & (ridge_height(rgba) >= RIDGE)
        if inner.any() and thin.any():
            strokes, counts = _stroke_colours(rgba[thin][:, :3], colours, weights, STROKE_SHARE * opaque.sum())
            colours, weights = np.concatenate([colours, strokes]), np.concatenate([weights, counts])
        chosen = _cluster(colours, weights, size)
        return cls(chosen, _lookup_table(chosen))

    def flatten(self, rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A copy of ``rgba`` (uint8, ``(height, width, 4)``) with every colour at its nearest, alpha kept."""
        # whole pixels are looked up as one 32-bit number each
        flat = self.table.view(np.uint32)[:, 0].take(_cells(rgba)).view(np.uint8).reshape(rgba.shape)
        flat[..., 3] = rgba[..., 3]
        return flat


def _cells(rgba: NDArray[np.uint8]) -> NDArray[np.uint16]:
    red, green, blue = (rgba[..., channel].astype(np.uint16) for channel in range(3))
    return np.asarray(((red >> 3) << 10) | ((green >> 3) << 5) | (blue >> 3), dtype=np.uint16)


def _histogram(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean colour ``(N, 3)`` and number of pixels ``(N,)`` of every occupied cell."""
    cells = _cells(pixels)
    occupied, inverse, counts = np.unique(cells, return_inverse=True, return_counts=True)
    sums = [np.bincount(inverse, pixels[:, channel], len(occupied)) for channel in range(3)]
    return np.stack(sums, axis=1) / counts[:, None], counts.astype(np.float64)


def _stroke_colours(
    pixels: NDArray[np.uint8], colours: NDArray[np.float64], weights: NDArray[np.float64], least: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Colours of thin strokes ``(n, 3)`` that no blend of known colours explains, and their pixels ``(n,)``.

    A stroke a pixel or two wide has no flat pixel, and most of its pixels are blends with what is around it. So the
    colour farthest from all blends of the flat colours is taken first; what it explains in turn is a blend no more.
    """
    known = _cluster(colours, weights, _KNOWN).astype(np.float64)
    cells, counts = _histogram(pixels)
    found, sizes = [], []
    for _ in range(STROKE_COLOURS):
        distance = _distance_to_blends(cells, known)
        farthest = int(distance.argmax())
        if distance[farthest] <= MIX_DISTANCE:
            break
        same = ((cells - cells[farthest]) ** 2).sum(axis=1) < _SAME**2
        pixels_of_it = counts[same].sum()
        if pixels_of_it >= least:
            found.append(counts[same] @ cells[same] / pixels_of_it)
            sizes.append(pixels_of_it)
            known = np.vstack([known, found[-1]])
        cells, counts = cells[~same], counts[~same]
        if not len(cells):
            break
    return np.array(found).reshape(-1, 3), np.array(sizes)


def _distance_to_blends(cells: NDArray[np.float64], known: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance of each colour ``(N, 3)`` to the nearest segment between two of the ``known`` ones: shape ``(N,)``."""
    first, second = np.triu_indices(len(known))
    start, along = known[first], known[second] - known[first]
    length = np.maximum((along**2).sum(axis=1), 1e-9)
    share = np.clip((cells @ along.T - (start * along).sum(axis=1)) / length, 0, 1)
    nearest = start + share[..., None] * along
    return np.asarray(np.sqrt(((cells[:, None] - nearest) ** 2).sum(axis=2).min(axis=1)))


def _cluster(colours: NDArray[np.float64], weights: NDArray[np.float64], size: int) -> NDArray[np.uint8]:
    """Weighted k-means; starts at the commonest colour, then where count x squared distance is largest.

    The start is k-means++ (Arthur and Vassilvitskii 2007) with its draw replaced by the maximum: no random state.
    """
    centres = [colours[int(np.argmax(weights))]]
    distance = ((colours - centres[0]) ** 2).sum(axis=1)
    while len(centres) < min(size, len(colours)):
        worst = int(np.argmax(weights * distance))
        if distance[worst] < 1.0:
            break
        centres.append(colours[worst])
        distance = np.minimum(distance, ((colours - centres[-1]) ** 2).sum(axis=1))
    found = np.array(centres)
    for _ in range(_ROUNDS):
        nearest = ((colours[:, None] - found[None]) ** 2).sum(axis=2).argmin(axis=1)
        totals = np.bincount(nearest, weights, len(found))
        for channel in range(3):
            sums = np.bincount(nearest, weights * colours[:, channel], len(found))
            found[:, channel] = np.where(totals > 0, sums / np.maximum(totals, 1), found[:, channel])
    return np.asarray(np.rint(found), dtype=np.uint8)


def _lookup_table(colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
    levels = (np.arange(2**_BITS, dtype=np.float32) + 0.5) * 2 ** (8 - _BITS)
    centres = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(-1, 3)
    targets = colours.astype(np.float32)
    # |a - b|^2 less the |a|^2 that all share
    scores = (targets**2).sum(axis=1) - 2 * cv2.gemm(centres, targets, 1.0, None, 0.0, flags=cv2.GEMM_2_T)  # type: ignore[call-overload]
    table = np.zeros((len(centres), 4), dtype=np.uint8)
    table[:, :3] = colours[scores.argmin(axis=1)]
    return table
