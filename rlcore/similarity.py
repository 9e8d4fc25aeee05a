"""SSIM on RGB, equal to scikit-image's within 1e-6 and some ten times faster.

The 7x7 box sums are taken on integers, so that they are exact, and the logo's own are computed once.
Formula: Wang et al. 2004 (https://doi.org/10.1109/TIP.2003.819861) as
``skimage.metrics.structural_similarity(a, b, channel_axis=2, data_range=255)`` computes it: uniform window,
sample covariance (factor 49/48), mean over the image less a border of 3 px and over the channels.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

WINDOW = 7
"""Side of the box in px; no image side may be shorter."""

_COUNT = WINDOW * WINDOW
_BORDER = WINDOW // 2
# the formula's constants, scaled like the integer sums that they are added to
_C1 = np.float32((0.01 * 255) ** 2 * _COUNT**2)
_C2 = np.float32((0.03 * 255) ** 2 * _COUNT * (_COUNT - 1))


def _box_sum(plane: NDArray[np.uint8] | NDArray[np.uint16]) -> NDArray[np.int32]:
    return cv2.boxFilter(plane, cv2.CV_32S, (WINDOW, WINDOW), normalize=False)  # type: ignore[return-value]


class _Plane:
    """One channel: small enough that what is computed on it stays in the processor's cache."""

    def __init__(self, plane: NDArray[np.uint8]) -> None:
        self._plane = plane.astype(np.uint16)
        self._sum = _box_sum(plane)
        self._sum_squared = self._sum * self._sum
        self._squares = _COUNT * _box_sum(self._plane * self._plane)

    def similarity(self, plane: NDArray[np.uint8]) -> float:
        """Mean SSIM of another plane against this one, borders left out."""
        wide = plane.astype(np.uint16)
        total = _box_sum(plane)
        cross = self._sum * total
        squares_of_sums = self._sum_squared + total * total
        covariance = _COUNT * _box_sum(self._plane * wide) - cross
        variances = self._squares + _COUNT * _box_sum(wide * wide) - squares_of_sums
        # all int32 and exact up to here: at most 2 * 49 * 49 * 255 ** 2 = 3.2e8
        above = _shifted(2 * cross, _C1) * _shifted(2 * covariance, _C2)
        ratio = above / (_shifted(squares_of_sums, _C1) * _shifted(variances, _C2))
        # the border was computed too: cropping earlier would make every step above slower
        return cv2.mean(ratio[_BORDER:-_BORDER, _BORDER:-_BORDER])[0]


def _shifted(values: NDArray[np.int32], constant: np.float32) -> NDArray[np.float32]:
    result = values.astype(np.float32)
    result += constant
    return result


class Similarity:
    """SSIM against one fixed image, whose moments are computed once."""

    def __init__(self, rgb: NDArray[np.uint8]) -> None:
        """``rgb``: uint8 of shape ``(height, width, 3)``, both sides at least 7.

        Raises:
            ValueError: another shape or dtype.
        """
        if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or min(rgb.shape[:2]) < WINDOW:
            raise ValueError(f"image {rgb.dtype} {rgb.shape}: needs uint8 (height >= 7, width >= 7, 3)")
        self._shape = rgb.shape
        self._planes = [_Plane(np.asarray(plane, dtype=np.uint8)) for plane in cv2.split(rgb)]

    def of(self, rgb: NDArray[np.uint8]) -> float:
        """SSIM in [-1, 1] of an image of the same shape and dtype against the fixed one; 1 is identical.

        Raises:
            ValueError: another shape or dtype.
        """
        if rgb.shape != self._shape or rgb.dtype != np.uint8:
            raise ValueError(f"image {rgb.dtype} {rgb.shape}: needs uint8 {self._shape}")
        pairs = zip(self._planes, cv2.split(rgb), strict=True)
        return sum(mine.similarity(np.asarray(other, dtype=np.uint8)) for mine, other in pairs) / len(self._planes)
