"""SSIM in a picture's own size, whatever that is, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rlcore.logos import composite
from rlcore.rendering import render
from rlcore.similarity import WINDOW, Similarity

STRIP_PIXELS = 2**20
"""Pixels that are compared at once: SSIM takes 50 bytes for each."""


class Canvas:
    """A picture that SVGs are compared with."""

    def __init__(self, rgba: NDArray[np.uint8], matte: tuple[int, int, int]) -> None:
        """``rgba``: uint8 ``(height, width, 4)``; ``matte``: what it and every SVG stand on."""
        self._rgba = rgba
        self._matte = matte

    def ssim(self, svg: bytes) -> float:
        """SSIM in [-1, 1] of the SVG, drawn in the picture's size, as ``rlcore.similarity`` has it.

        Raises:
            RenderError: Skia can't read it.
        """
        height, width = self._rgba.shape[:2]
        picture = render(svg, width, height, self._matte)
        strips = list(self._strips())
        if len(strips) == 1:
            return self._whole.of(picture)
        total = sum((rows.stop - rows.start - WINDOW + 1) * self._of(rows).of(picture[rows]) for rows in strips)
        return float(total / (height - WINDOW + 1))

    @cached_property
    def _whole(self) -> Similarity:
        return self._of(slice(None))

    def _of(self, rows: slice) -> Similarity:
        return Similarity(composite(self._rgba[rows], self._matte))

    def _strips(self) -> Iterator[slice]:
        """Rows that are compared at once; neighbours share as many as the window reaches over."""
        height, width = self._rgba.shape[:2]
        rows = max(1, STRIP_PIXELS // width)
        last = height - WINDOW + 1
        for start in range(0, last, rows):
            yield slice(start, min(start + rows, last) + WINDOW - 1)
