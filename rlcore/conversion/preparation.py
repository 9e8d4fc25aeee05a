"""What is done to a logo before VTracer sees it: enlarged, flattened to a palette, its alpha cleaned up, encoded."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from rlcore.conversion.keying import is_seen_as_transparent, with_a_free_key
from rlcore.conversion.palette import Palette
from rlcore.logos import Logo


@dataclass(frozen=True, slots=True)
class VTracerInput:
    """An encoded raster, and where the logo is in it.

    Attributes:
        png: RGBA.
        size: width and height of the raster.
        view: left, top, width and height of the logo in pixels of the raster; left and top are negative where
            transparent borders are left out.
    """

    png: bytes
    size: tuple[int, int]
    view: tuple[int, int, int, int]


_WHOLE = (slice(None), slice(None))


@lru_cache(maxsize=512)
def vtracer_input(logo: Logo, supersample: int, palette_size: int, clean_alpha: bool) -> VTracerInput:
    """The prepared raster as a PNG; kept for the next trace that differs in VTracer's own settings only.

    VTracer's binding takes its input byte by byte, through a Python object each: at 1024 px a BMP of 4 MB costs 100 ms
    where this PNG of 40 kB costs 36 ms. Compression level 1 with the filter "up" is the cheapest in all.
    """
    cropped = clean_alpha and logo.has_alpha and supersample > 1
    left, above, right, below = content(logo.rgba) if cropped else (0, 0, *logo.rgba.shape[1::-1])
    rgba = prepare(logo, supersample, palette_size, clean_alpha, (slice(above, below), slice(left, right)))
    top = int(clean_alpha and logo.has_alpha and not is_seen_as_transparent(rgba))
    if top:
        rgba = np.pad(rgba, ((top, 0), (0, 0), (0, 0)))
    height, width = (side * supersample for side in logo.rgba.shape[:2])
    view = (-left * supersample, top - above * supersample, width, height)
    return VTracerInput(encoded(rgba), (rgba.shape[1], rgba.shape[0]), view)


def encoded(rgba: NDArray[np.uint8]) -> bytes:
    """Pixels (uint8 RGBA) as a PNG for which VTracer gives the same answer at each call (``keying``)."""
    options = (cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP)
    done, buffer = cv2.imencode(".png", cv2.cvtColor(with_a_free_key(rgba), cv2.COLOR_RGBA2BGRA), options)
    if not done:
        raise MemoryError(f"no PNG of {rgba.shape}")
    return buffer.tobytes()


KERNEL = 2
"""Pixels that bicubic enlargement looks at to either side."""


def content(rgba: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    """Left, top, right and bottom (without) of all that is not quite transparent, with ``KERNEL`` pixels around.

    Enlarged, it is what it is in the whole picture, to the last bit. VTracer's time goes by the area: of the default
    logos a quarter is border. Of a picture without any such pixel, it is the whole.
    """
    seen = rgba[..., 3] > 0
    columns, rows = np.flatnonzero(seen.any(axis=0)), np.flatnonzero(seen.any(axis=1))
    height, width = seen.shape
    if not len(rows):
        return 0, 0, width, height
    return (
        max(0, int(columns[0]) - KERNEL),
        max(0, int(rows[0]) - KERNEL),
        min(width, int(columns[-1]) + 1 + KERNEL),
        min(height, int(rows[-1]) + 1 + KERNEL),
    )


def prepare(
    logo: Logo, supersample: int, palette_size: int, clean_alpha: bool, window: tuple[slice, slice] = _WHOLE
) -> NDArray[np.uint8]:
    """A window (rows, columns) of the raster that VTracer gets: uint8 RGBA, enlarged, flattened to the palette."""
    own = logo.rgba[window]
    rgba = _enlarged(own, supersample, logo.has_alpha) if supersample > 1 else own
    if palette_size:
        rgba = palette_of(logo, palette_size).flatten(rgba)
    if clean_alpha and logo.has_alpha:
        rgba = rgba.copy() if rgba is own else rgba
        # VTracer traces half-transparent edge pixels as dark fringes
        rgba[..., 3] = np.where(rgba[..., 3] >= 128, np.uint8(255), np.uint8(0))
    return rgba


def _enlarged(own: NDArray[np.uint8], factor: int, has_alpha: bool) -> NDArray[np.uint8]:
    """A logo's RGBA bicubically enlarged with premultiplied alpha: a fresh uint8 RGBA array with straight alpha."""
    rgba = _premultiplied(own) if has_alpha else own
    big = cv2.resize(rgba, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    if has_alpha:
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
def palette_of(logo: Logo, size: int) -> Palette:
    """At most ``size`` colours of the logo; kept for its next traces."""
    return Palette.of(logo.rgba, size)
