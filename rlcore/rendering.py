"""SVG to pixels with Skia.

Skia's SVG module runs no script and, without a resource provider, reads no file and no address.
"""

from __future__ import annotations

import cv2
import numpy as np
import skia
from numpy.typing import NDArray

from rlcore.errors import RenderError


def _draw(svg: bytes, width: int, height: int, background: int, scale: float) -> NDArray[np.uint8]:
    # MakeCopy: a stream on Python's own buffer is read after that is gone, and gives None
    dom = skia.SVGDOM.MakeFromStream(skia.MemoryStream.MakeCopy(svg))
    if dom is None:
        raise RenderError(f"Skia can't read this SVG of {len(svg)} bytes: {svg[:60]!r}")
    dom.setContainerSize(skia.Size(width / scale, height / scale))
    pixels = np.zeros((height, width, 4), dtype=np.uint8)
    # Both types are named: the default colour type differs by platform, and a swapped red and blue looks plausible.
    # Straight alpha makes Skia blend in floats: within 1 of an exact rendering where premultiplied alpha is off by 4.
    surface = skia.Surface(pixels, skia.ColorType.kRGBA_8888_ColorType, skia.AlphaType.kUnpremul_AlphaType)
    with surface as canvas:
        canvas.clear(background)
        canvas.scale(scale, scale)
        dom.render(canvas)
    return pixels


def render(svg: bytes, width: int, height: int, matte: tuple[int, int, int]) -> NDArray[np.uint8]:
    """The SVG drawn on the matte: uint8 RGB of shape ``(height, width, 3)``, values 0..255.

    Raises:
        RenderError: Skia can't read it.
    """
    return cv2.cvtColor(_draw(svg, width, height, skia.Color(*matte), 1.0), cv2.COLOR_RGBA2RGB)  # type: ignore[return-value]


def rasterise(svg: bytes, natural_size: tuple[float, float], longest_side: int) -> NDArray[np.uint8]:
    """The SVG on nothing: uint8 RGBA with straight alpha, ``(height, width, 4)``, longest side as asked (px).

    ``natural_size``: the SVG's own width and height in its user units, both above 0.

    Raises:
        RenderError: Skia can't read it.
    """
    scale = longest_side / max(natural_size)
    width, height = (max(1, round(side * scale)) for side in natural_size)
    return _draw(svg, width, height, skia.ColorTRANSPARENT, scale)
