"""What is done to a logo before VTracer sees it: enlarged, flattened to a palette, its alpha cleaned up, encoded."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from rlcore.logos import Logo
from rlcore.palette import Palette


@dataclass(frozen=True, slots=True)
class VTracerInput:
    """An encoded raster with the window of it, in its pixels, that shows the logo."""

    png: bytes
    top: int
    width: int
    height: int


@lru_cache(maxsize=512)
def vtracer_input(logo: Logo, supersample: int, palette_size: int, clean_alpha: bool) -> VTracerInput:
    """The prepared raster as a PNG; kept for the next trace that differs in VTracer's own settings only.

    VTracer's binding takes its input byte by byte, through a Python object each: at 1024 px a BMP of 4 MB costs 100 ms
    where this PNG of 40 kB costs 36 ms. Compression level 1 with the filter "up" is the cheapest in all.
    """
    rgba = prepare(logo, supersample, palette_size, clean_alpha)
    height, width = rgba.shape[:2]
    top = int(clean_alpha and logo.has_alpha and not is_seen_as_transparent(rgba))
    if top:
        rgba = np.pad(rgba, ((top, 0), (0, 0), (0, 0)))
    options = (cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP)
    done, buffer = cv2.imencode(".png", cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGRA), options)
    if not done:
        raise MemoryError(f"no PNG of {rgba.shape}")
    return VTracerInput(buffer.tobytes(), top, width, height)


def is_seen_as_transparent(rgba: NDArray[np.uint8]) -> bool:
    """Whether VTracer heeds the alpha of this raster, or paints its transparent pixels black.

    It looks at five rows and wants 0.4 transparent pixels per pixel of width among them (``should_key_image`` in its
    converter; seen on 0.6.15). One transparent row on top, outside of the picture, makes it heed a few pixels too.
    """
    height, width = rgba.shape[:2]
    rows = (0, height // 4, height // 2, 3 * height // 4, height - 1)
    transparent = sum(int(np.count_nonzero(rgba[row, :, 3] == 0)) for row in rows)
    return transparent >= int(width * 2 * 0.2)


def prepare(logo: Logo, supersample: int, palette_size: int, clean_alpha: bool) -> NDArray[np.uint8]:
    """The raster that VTracer gets: uint8 RGBA, ``supersample`` times the logo's size, flattened to the palette."""
    rgba = _enlarged(logo, supersample) if supersample > 1 else logo.rgba
    if palette_size:
        rgba = _palette(logo, palette_size).flatten(rgba)
    if clean_alpha and logo.has_alpha:
        rgba = rgba.copy() if rgba is logo.rgba else rgba
        # VTracer traces half-transparent edge pixels as dark fringes
        rgba[..., 3] = np.where(rgba[..., 3] >= 128, np.uint8(255), np.uint8(0))
    return rgba


def _enlarged(logo: Logo, factor: int) -> NDArray[np.uint8]:
    """The logo bicubically enlarged with premultiplied alpha: a fresh uint8 RGBA array with straight alpha."""
    rgba = _premultiplied(logo.rgba) if logo.has_alpha else logo.rgba
    big = cv2.resize(rgba, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    if logo.has_alpha:
        # only pixels beside the edges, a few per cent, differ from their straight form; alpha over 255 included:
        # clipped before the division, a flat colour of 128 would end in a rim of 158
        pixels = big.reshape(-1, 4)
        alpha = pixels[:, 3]
        soft = np.flatnonzero((alpha > 0) & (alpha != 255))
        pixels[soft, :3] = np.rint(pixels[soft, :3] * (255 / alpha[soft, None].astype(np.float32)))
        big = cv2.add(big, 0.0, dtype=cv2.CV_8U)  # type: ignore[call-overload]
    return big  # type: ignore[return-value]


def _premultiplied(rgba: NDArray[np.uint8]) -> NDArray[np.int16]:
    """int16, so that the kernel's overshoot is kept."""
    result = rgba.astype(np.int16)
    result[..., :3] = np.rint(rgba[..., :3] * (rgba[..., 3:] / np.float32(255)))
    return result


@lru_cache(maxsize=256)
def _palette(logo: Logo, size: int) -> Palette:
    return Palette.of(logo.rgba, size)
