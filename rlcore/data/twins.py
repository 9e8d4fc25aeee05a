"""Near-duplicates: the same drawing again, recoloured, inverted, resized or with a changed detail.

A twin in two splits would be a lie about what the agent has not seen. The descriptor is the strength of the edges on
a coarse grid: blind to colour, so a recoloured logo is found. At a cosine over 0.93 pairs looked at by eye are the
same drawing with another colour or a small changed detail, and almost never two different ones.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

TWIN_COSINE = 0.93

_SIDE = 96
_GRID = 20
_STRONGEST_EDGE = 200.0


def edge_descriptor(rgba: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Unit vector, float32 of shape ``(400,)`` (zero for a picture without edges), of uint8 RGBA pixels."""
    height, width = rgba.shape[:2]
    side = max(height, width)
    square = np.zeros((side, side, 4), dtype=np.float32)
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = rgba
    small = cv2.resize(square, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    strength = np.hypot(cv2.Sobel(small, cv2.CV_32F, 1, 0), cv2.Sobel(small, cv2.CV_32F, 0, 1)).max(axis=2)
    # capped, so that a strong contrast counts like a medium one: recolouring changes it
    blurred = cv2.GaussianBlur(np.minimum(strength, _STRONGEST_EDGE), (0, 0), 2)
    grid = np.asarray(cv2.resize(blurred, (_GRID, _GRID), interpolation=cv2.INTER_AREA), dtype=np.float32).ravel()
    grid = grid - grid.mean()
    length = float(np.linalg.norm(grid))
    return np.asarray(grid / length if length > 1e-6 else np.zeros_like(grid), dtype=np.float32)


def twin_groups(descriptors: NDArray[np.float32]) -> NDArray[np.int64]:
    """A group number for each row of ``descriptors`` (float32 ``(N, 400)``): twins of twins share one."""
    if not len(descriptors):
        return np.zeros(0, dtype=np.int64)
    similar = descriptors @ descriptors.T > TWIN_COSINE
    groups = connected_components(similar, directed=False)[1]
    return np.asarray(groups, dtype=np.int64)
