"""What is measured on a logo before any trace: for the observation, for Method 1 and for the category.

All features are computed on the logo as it stands on its matte, at its working size, from ``uint8`` RGB.
The category rule (DESIGN section 5) was fixed before any training and is never moved for a figure.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields

import cv2
import numpy as np
from numpy.typing import NDArray

from rlcore.flatness import channel_range
from rlcore.logos import Logo

CATEGORIES = ("simple", "text", "gradient", "complex")

RAMP_SPAN = (2, 24)
"""A pixel lies in a smooth ramp when its 5x5 neighbourhood spans this much: under it is flat, over it an edge."""
EDGE_SPAN = 24
"""A pixel lies on an edge when its 3x3 neighbourhood spans more than this in a channel."""
FLAT_DISTANCE = 12
"""Colours closer than this (largest channel) count as one flat colour."""
GRADIENT_SHARE = 0.10
SEPARATE_SHAPES = 12
SIMPLE_COLOURS = 8
SIMPLE_COVERAGE = 0.95
MIN_SHAPE_PX = 12
_TRACKED_COLOURS = 16


@dataclass(frozen=True, slots=True)
class Features:
    """One logo's measures; shares are of the opaque pixels unless it says otherwise.

    Attributes:
        edge_density: share of all pixels that Canny (100, 200) marks, 0..1. [Method 1]
        colours: number of different colours after rounding to 4 bits a channel, >= 1. [Method 1]
        entropy: Shannon entropy of the 256-bin grey histogram over its maximum of 8 bits, 0..1. [Method 1]
        corner_density: Shi-Tomasi corners (quality 0.05, distance 3 px, at most 1000) per pixel, 0..1. [Method 1]
        gradient_strength: mean Sobel magnitude over its maximum (4 * 255 * sqrt 2), 0..1. [Method 1]
        complexity: mean of min(1, 10 edge_density), entropy and min(1, log2(colours) / 12), 0..1. [Method 1]
        ramp_share: share in smooth ramps.
        edge_share: share on edges.
        flat_colours: number of flat colours with over 0.5 % of the flat pixels, 0..16.
        coverage: share of the flat pixels that the eight commonest flat colours cover.
        top_share: share of the flat pixels in the commonest flat colour.
        shapes: number of separate shapes of one flat colour with at least 12 px.
        opaque_share: share of all pixels that are opaque.
        soft_share: share of all pixels with alpha between 1 and 254.
        thickness_px: twice the mean distance of opaque off-edge pixels to the nearest edge.
        diagonal_share: share of strong gradients more than 10 degrees off the axes (of edge pixels).
        saturation: mean HSV saturation, 0..1.
        value: mean HSV value, 0..1.
        width_px, height_px: size of the logo.
    """

    edge_density: float
    colours: float
    entropy: float
    corner_density: float
    gradient_strength: float
    complexity: float
    ramp_share: float
    edge_share: float
    flat_colours: float
    coverage: float
    top_share: float
    shapes: float
    opaque_share: float
    soft_share: float
    thickness_px: float
    diagonal_share: float
    saturation: float
    value: float
    width_px: float
    height_px: float

    def as_vector(self) -> NDArray[np.float32]:
        """float32 of shape ``(20,)``: counts and lengths as log2(1 + x), the rest as they are."""
        logs = {"colours", "flat_colours", "shapes", "thickness_px", "width_px", "height_px"}
        values = zip(fields(self), astuple(self), strict=True)
        return np.array([np.log2(1 + x) if f.name in logs else x for f, x in values], dtype=np.float32)


FEATURE_COUNT = len(fields(Features))


def category_of(features: Features) -> str:
    """``gradient``, ``text``, ``simple`` or ``complex``, by DESIGN section 5's rule in its order."""
    if features.ramp_share > GRADIENT_SHARE:
        return "gradient"
    if features.shapes >= SEPARATE_SHAPES:
        return "text"
    return "simple" if features.coverage >= SIMPLE_COVERAGE else "complex"


def measure(logo: Logo) -> Features:
    """All features of a logo."""
    rgb = logo.on_matte
    grey = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    opaque = logo.rgba[..., 3] >= 128
    edges = opaque & (channel_range(logo.rgba, 3) > EDGE_SPAN)
    span = channel_range(logo.rgba, 5)
    ramps = opaque & (span >= RAMP_SPAN[0]) & (span <= RAMP_SPAN[1])
    colours, counts = _flat_colours(logo.rgba, opaque & ~edges)
    flat_total = max(1.0, float(counts.sum()))
    hsv = cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV)[opaque]
    opaque_count = int(opaque.sum())
    return Features(
        **_method1_features(rgb, grey),
        ramp_share=float(ramps.sum()) / opaque_count,
        edge_share=float(edges.sum()) / opaque_count,
        flat_colours=float((counts > 0.005 * flat_total).sum()),
        coverage=float(counts[:SIMPLE_COLOURS].sum()) / flat_total,
        top_share=float(counts[:1].sum()) / flat_total,
        shapes=float(_separate_shapes(logo.rgba, opaque, colours[:_TRACKED_COLOURS])),
        opaque_share=float(opaque.mean()),
        soft_share=float(((logo.rgba[..., 3] > 0) & (logo.rgba[..., 3] < 255)).mean()),
        thickness_px=_thickness(opaque, edges),
        diagonal_share=_diagonal_share(grey),
        saturation=float(hsv[:, 1].mean()) / 255,
        value=float(hsv[:, 2].mean()) / 255,
        width_px=float(rgb.shape[1]),
        height_px=float(rgb.shape[0]),
    )


def _method1_features(rgb: NDArray[np.uint8], grey: NDArray[np.uint8]) -> dict[str, float]:
    edge_density = float((cv2.Canny(grey, 100, 200) > 0).mean())
    coarse = (rgb >> 4).astype(np.int64)
    colours = float(np.count_nonzero(np.bincount((coarse @ np.array([256, 16, 1])).ravel())))
    shares = np.bincount(grey.ravel(), minlength=256) / grey.size
    shares = shares[shares > 0]
    entropy = max(0.0, float(-(shares * np.log2(shares)).sum()) / 8)
    corners = cv2.goodFeaturesToTrack(grey, 1000, 0.05, 3)
    magnitude = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    parts = (min(1.0, 10 * edge_density), entropy, min(1.0, float(np.log2(colours)) / 12))
    return {
        "edge_density": edge_density,
        "colours": colours,
        "entropy": entropy,
        "corner_density": (0 if corners is None else len(corners)) / grey.size,
        "gradient_strength": float(magnitude.mean()) / (4 * 255 * 2**0.5),
        "complexity": sum(parts) / 3,
    }


def _flat_colours(rgba: NDArray[np.uint8], flat: NDArray[np.bool_]) -> tuple[NDArray[np.int16], NDArray[np.int64]]:
    """Flat colours (int16 ``(N, 3)``) with their number of pixels (int64 ``(N,)``), the commonest first.

    Exact colours in falling order of count, each swallowing the later ones within ``FLAT_DISTANCE``.
    """
    pixels = rgba[flat][:, :3]
    if not len(pixels):
        return np.zeros((0, 3), dtype=np.int16), np.zeros(0, dtype=np.int64)
    packed = (pixels.astype(np.uint32) << np.array([16, 8, 0], dtype=np.uint32)).sum(axis=1, dtype=np.uint32)
    values, counts = np.unique(packed, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    values, counts = values[order], counts[order].astype(np.int64)
    colours = np.stack([(values >> shift) & 255 for shift in (16, 8, 0)], axis=1).astype(np.int16)
    heads: list[NDArray[np.int16]] = []
    totals: list[int] = []
    while len(colours) and len(heads) < 64:
        near = np.abs(colours - colours[0]).max(axis=1) < FLAT_DISTANCE
        heads.append(colours[0])
        totals.append(int(counts[near].sum()))
        colours, counts = colours[~near], counts[~near]
    # what is left after 64 colours counts as one more: it keeps the total honest
    ranked = np.argsort(-np.array(totals), kind="stable")
    rest = [int(counts.sum())] if len(counts) else []
    return np.array(heads)[ranked], np.array([totals[i] for i in ranked] + rest, dtype=np.int64)


def _separate_shapes(rgba: NDArray[np.uint8], opaque: NDArray[np.bool_], colours: NDArray[np.int16]) -> int:
    """Connected areas (8 neighbours, at least 12 px) of opaque pixels nearest to the same flat colour."""
    if not len(colours):
        return 0
    centres = colours.astype(np.float32)
    # |pixel - centre|^2 less the |pixel|^2 that all centres share; exact in float32
    distances = (centres**2).sum(axis=1) - 2 * (rgba[..., :3].astype(np.float32) @ centres.T)
    labels = distances.argmin(axis=2)
    count = 0
    for index in range(len(colours)):
        mask = (opaque & (labels == index)).astype(np.uint8)
        _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
        count += int((stats[1:, cv2.CC_STAT_AREA] >= MIN_SHAPE_PX).sum())
    return count


def _thickness(opaque: NDArray[np.bool_], edges: NDArray[np.bool_]) -> float:
    inner = (opaque & ~edges).astype(np.uint8)
    if not inner.any():
        return 1.0
    return 2.0 * float(cv2.distanceTransform(np.pad(inner, 1), cv2.DIST_L2, 3)[1:-1, 1:-1][inner > 0].mean())


def _diagonal_share(grey: NDArray[np.uint8]) -> float:
    dx, dy = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    strong = np.hypot(dx, dy) > 100
    if not strong.any():
        return 0.0
    angle = np.degrees(np.arctan2(np.abs(dy[strong]), np.abs(dx[strong])))
    return float(((angle > 10) & (angle < 80)).mean())
