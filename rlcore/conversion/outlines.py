"""Closed outlines of many paths at once, and what makes them cheaper: fewer points at nearly the same place."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

CORNER = 2
"""A pixel outline turns a true corner where both of its edges are at least this long (px of the enlarged raster).

An edge that turns the same way at both ends is no step of a staircase, however short: a line of one px has corners.
"""

LONGER = 3
"""An edge is no step of a staircase when it is this much longer (px of the enlarged raster) than those beside it."""

REACH = 8.0
"""A vertex moves at most this many tolerances to where the fitted lines on both sides meet."""

_PARALLEL = 1e-3


@dataclass(frozen=True, slots=True)
class Outlines:
    """The closed subpaths of all paths of a file, one after the other.

    Attributes:
        points: (n, 2), int64 or float64; a cubic is three of them.
        sizes: number of points of each subpath.
        paths: index of the path of each subpath, ascending.
    """

    points: NDArray[Any]
    sizes: NDArray[np.int64]
    paths: NDArray[np.int64]

    @property
    def starts(self) -> NDArray[np.int64]:
        """Index of the first point of each subpath."""
        return np.cumsum(self.sizes) - self.sizes

    def of(self, kept: NDArray[np.bool_]) -> Outlines:
        """The points where ``kept`` says so; at least one of each subpath."""
        return replace(self, points=self.points[kept], sizes=np.add.reduceat(kept, self.starts, dtype=np.int64))

    @property
    def neighbours(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Index of the point before and of the one after each point, round every subpath."""
        index, starts = np.arange(len(self.points)), self.starts
        ends = starts + self.sizes - 1
        before, after = index - 1, index + 1
        before[starts], after[ends] = ends, starts
        return before, after

    def beginning_at(self, kept: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Indexes that turn every subpath so that it begins with its first ``kept`` point."""
        starts, sizes = np.repeat(self.starts, self.sizes), np.repeat(self.sizes, self.sizes)
        order = np.arange(len(kept)) - starts
        first = np.minimum.reduceat(np.where(kept, order, len(kept)), self.starts)
        return np.asarray(starts + (order + np.repeat(first, self.sizes)) % sizes)


def without_repeats(outlines: Outlines) -> Outlines:
    """Without points that repeat the one before; of equal ones at the end and the start, the one at the start stays."""
    points, starts = outlines.points, outlines.starts
    kept = (points != np.roll(points, 1, axis=0)).any(axis=1)
    kept[starts] = True
    left = outlines.of(kept)
    ends = left.starts + left.sizes - 1
    closing = (left.points[ends] == left.points[left.starts]).all(axis=1) & (left.sizes > 1)
    kept = np.ones(len(left.points), dtype=bool)
    kept[ends[closing]] = False
    return left.of(kept)


def with_area(outlines: Outlines) -> Outlines:
    """Without subpaths of fewer than three points: there is nothing in them to fill."""
    wanted = outlines.sizes >= 3
    points = outlines.points[np.repeat(wanted, outlines.sizes)]
    return Outlines(points, outlines.sizes[wanted], outlines.paths[wanted])


def simplified(polygons: Outlines, tolerance: float) -> Outlines:
    """The vertices that Ramer-Douglas-Peucker keeps."""
    return polygons.of(_kept(polygons, tolerance))


def middles_of_steps(pixels: Outlines) -> Outlines:
    """The middle of every step of these outlines, and their true corners; in halves of the unit (whole numbers).

    The staircase of a slanted or curved edge lies half a step to either side of it, so the middles of the steps are
    taken for points of it. An edge much longer than the steps beside it, say a flat side that runs into an arc, is no
    step: of it, two points are taken, as far from its ends as the middles of those steps are.

    Args:
        pixels: outlines of whole numbers whose edges are horizontal or vertical.
    """
    pixels = with_area(_of_corners(pixels))
    before, after = pixels.neighbours
    edges = pixels.points[after] - pixels.points
    lengths = np.abs(edges).sum(axis=1)
    left = edges[before, 0] * edges[:, 1] > edges[before, 1] * edges[:, 0]
    straight = (lengths >= CORNER) | (left == left[after])
    corner = straight & straight[before]
    between = ~(corner & corner[after])
    from_start, from_end = (np.minimum(lengths, lengths[beside[beside]]) for beside in (before, after))
    long = from_start + from_end + 2 * LONGER < 2 * lengths
    along = np.sign(edges)
    starts, ends = 2 * pixels.points, 2 * (pixels.points + edges)
    candidates = [starts, starts + along * from_start[:, None], starts + edges, ends - along * from_end[:, None]]
    both = np.stack(candidates, axis=1).reshape(-1, 2)
    kept = np.stack([corner, long & ~corner, between & ~long, long & ~corner[after]], axis=1)
    sizes = np.add.reduceat(kept.sum(axis=1), pixels.starts, dtype=np.int64)
    return replace(pixels, points=both[kept.reshape(-1)], sizes=sizes)


def straightened(middles: Outlines, tolerance: float) -> Outlines:
    """Polygons of few vertices for the outlines whose middles of steps these are; the vertices are float64.

    Ramer-Douglas-Peucker divides the middles at ``tolerance``; to each part a line is fitted (least squares along its
    length), and the vertices are where neighbouring lines meet, as in Potrace (Selinger 2003). A polygon fitted so
    lies on both sides of a curve, where one that joins points of the curve lies inside of it: at the same error it
    needs fewer vertices.

    Args:
        middles: of ``middles_of_steps``, in halves of the unit.
        tolerance: in the unit of the pixels; 0 keeps every middle of a step.
    """
    if tolerance <= 0:
        return replace(middles, points=middles.points / 2)
    kept = _kept(middles, 2 * tolerance)
    fitted = _fitted(middles, kept, 2 * tolerance * REACH)
    return replace(fitted, points=fitted.points / 2)


def _of_corners(pixels: Outlines) -> Outlines:
    """Without points in the middle of a straight edge; what encloses no area keeps its first point alone."""
    before, after = pixels.neighbours
    arriving, leaving = pixels.points - pixels.points[before], pixels.points[after] - pixels.points
    kept = arriving[:, 0] * leaving[:, 1] != arriving[:, 1] * leaving[:, 0]
    kept[pixels.starts] |= ~np.logical_or.reduceat(kept, pixels.starts)
    return pixels.of(kept)


def _kept(polygons: Outlines, tolerance: float) -> NDArray[np.bool_]:
    """Which vertices Ramer-Douglas-Peucker keeps; all of a polygon that would lose its area, however thin."""
    points = polygons.points.astype(np.int32)
    kept = np.zeros(len(points), dtype=bool)
    for start, size in zip(polygons.starts.tolist(), polygons.sizes.tolist(), strict=True):
        piece = points[start : start + size]
        fewer = cv2.approxPolyDP(piece, tolerance, closed=True)[:, 0]
        # two points left: a stroke thinner than the tolerance is part of the logo all the same
        if not 3 <= len(fewer) < size:
            kept[start : start + size] = True
            continue
        # where a polygon touches itself at a kept vertex, it keeps it every time: else it would be another shape
        kept[start : start + size] = np.isin(_keys(piece), _keys(fewer))
    return kept


def _keys(points: NDArray[Any]) -> NDArray[np.int64]:
    """One number for each point."""
    return np.asarray((points[:, 0].astype(np.int64) << 32) + points[:, 1])


def _fitted(polygons: Outlines, kept: NDArray[np.bool_], reach: float) -> Outlines:
    """The kept vertices, moved to where the lines fitted to the parts before and after them meet."""
    turned = polygons.beginning_at(kept)
    points, kept = polygons.points[turned].astype(np.float64), kept[turned]
    _, after = polygons.neighbours
    begins = np.flatnonzero(kept)
    centre, direction = _lines(points, points[after], begins, np.cumsum(kept) - 1)
    vertices = replace(polygons, points=points[kept], sizes=np.add.reduceat(kept, polygons.starts, dtype=np.int64))
    before, _ = vertices.neighbours
    other, across = direction[before], centre - centre[before]
    sine = other[:, 0] * direction[:, 1] - other[:, 1] * direction[:, 0]
    crossing = np.abs(sine) > _PARALLEL
    along = (across[:, 0] * direction[:, 1] - across[:, 1] * direction[:, 0]) / np.where(crossing, sine, 1)
    met = centre[before] + along[:, None] * other
    near = crossing & (np.hypot(*(met - vertices.points).T) <= reach)
    return replace(vertices, points=np.where(near[:, None], met, vertices.points))


def _lines(
    starts: NDArray[np.float64], ends: NDArray[np.float64], begins: NDArray[np.int64], part: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centre and direction of the line of least squares of each part: float64 of shape ``(parts, 2)`` each.

    Integrated along the part's edges, not over its points: a long straight edge counts by its length. ``begins``:
    index of the first edge of each part, ``part``: of the part of each edge.
    """
    edges = ends - starts
    lengths = np.hypot(*edges.T)
    total = np.maximum(np.add.reduceat(lengths, begins), 1e-9)
    centre = np.add.reduceat(lengths[:, None] * (starts + ends) / 2, begins) / total[:, None]
    x, y = ((starts + ends) / 2 - centre[part]).T
    wide, high = edges.T
    xx, yy, xy = (
        np.add.reduceat(lengths * moment, begins)
        for moment in (x * x + wide * wide / 12, y * y + high * high / 12, x * y + wide * high / 12)
    )
    angle = np.arctan2(2 * xy, xx - yy) / 2
    return centre, np.stack([np.cos(angle), np.sin(angle)], axis=1)
