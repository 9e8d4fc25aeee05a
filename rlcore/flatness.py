"""How much the colour changes around each pixel: flat areas, smooth ramps and edges are told apart by it."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray


def channel_range(rgba: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Largest minus smallest value in the ``side`` x ``side`` box around each pixel, worst channel.

    ``rgba``: uint8 ``(height, width, 4)``; alpha counts as a channel. Returns uint8 ``(height, width)``.
    """
    box = np.ones((side, side), dtype=np.uint8)
    spans = cv2.subtract(cv2.dilate(rgba, box), cv2.erode(rgba, box))
    return _highest_channel(spans)


def ridge_height(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """How much each pixel stands out from both sides, in some direction (of four): uint8 ``(height, width)``.

    The smaller of its two differences, in a channel, from the pixels one or two steps away, where both go the same
    way: a line up to three pixels wide shows, an edge doesn't, nor does a ramp. Alpha counts as a channel; beyond the
    border, a pixel repeats.
    """
    height, width = rgba.shape[:2]
    padded = cv2.copyMakeBorder(rgba, 2, 2, 2, 2, cv2.BORDER_REPLICATE)
    highest: NDArray[Any] = np.zeros_like(rgba)
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1), (0, 2), (2, 0), (2, 2), (2, -2)):
        one = padded[2 - down : 2 - down + height, 2 - right : 2 - right + width]
        other = padded[2 + down : 2 + down + height, 2 + right : 2 + right + width]
        above = cv2.min(cv2.subtract(rgba, one), cv2.subtract(rgba, other))
        below = cv2.min(cv2.subtract(one, rgba), cv2.subtract(other, rgba))
        highest = cv2.max(highest, cv2.max(above, below))
    return _highest_channel(highest)


def _highest_channel(values: NDArray[Any]) -> NDArray[np.uint8]:
    """``values.max(axis=2)`` of four channels, in a tenth of numpy's time."""
    first, second, third, fourth = cv2.split(values)
    return np.asarray(cv2.max(cv2.max(first, second), cv2.max(third, fourth)), dtype=np.uint8)
