"""How much the colour changes around each pixel: flat areas, smooth ramps and edges are told apart by it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def channel_range(rgba: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Largest minus smallest value in the ``side`` x ``side`` box around each pixel, worst channel.

    ``rgba``: uint8 ``(height, width, 4)``; alpha counts as a channel. Returns uint8 ``(height, width)``.
    """
    box = np.ones((side, side), dtype=np.uint8)
    spans = cv2.subtract(cv2.dilate(rgba, box), cv2.erode(rgba, box))
    return spans.max(axis=2)  # type: ignore[no-any-return]
