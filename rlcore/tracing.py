"""One conversion: logo + parameters -> SVG -> rendered again -> quality and bytes. A pure function.

``prepare`` (supersample, palette, alpha clean-up) -> VTracer in memory -> Skia -> SSIM.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import vtracer
from numpy.typing import NDArray

from rlcore.errors import RenderError
from rlcore.logos import Logo
from rlcore.palette import Palette
from rlcore.parameters import Parameters
from rlcore.rendering import render
from rlcore.similarity import Similarity

OVERSIZE_BYTES = 4_000_000
"""An SVG above this is a failed trace: rendering it costs more than it can be worth."""


@dataclass(frozen=True, slots=True)
class Trace:
    """What one conversion gave.

    Attributes:
        quality: SSIM in [-1, 1] on RGB over the matte; 0 if it failed.
        size_bytes: bytes of the SVG; 0 if it failed.
        seconds: wall time of the whole trace (not reproducible, so it decides nothing).
        vtracer_seconds: wall time inside VTracer alone.
        failure: None, or why there is no SVG: ``panic``, ``error``, ``oversize``, ``unrenderable``, ``timeout``,
            ``crash``.
        svg: the SVG where it was asked for.
    """

    quality: float
    size_bytes: int
    seconds: float
    vtracer_seconds: float = 0.0
    failure: str | None = None
    svg: bytes | None = None


def failed(failure: str, seconds: float = 0.0) -> Trace:
    """A trace that gave no SVG."""
    return Trace(0.0, 0, seconds, failure=failure)


def trace(logo: Logo, parameters: Parameters, keep_svg: bool = False) -> Trace:
    """Converts ``logo`` with ``parameters`` and measures the result; failures come back as a ``Trace`` too."""
    start = time.perf_counter()
    encoded = _encode(prepare(logo, parameters))
    before = time.perf_counter()
    try:
        svg = _convert(encoded, parameters)
    except ConversionError as failure:
        return failed(failure.kind, time.perf_counter() - start)
    vtracer_seconds = time.perf_counter() - before
    height, width = logo.rgba.shape[:2]
    svg = _sized(svg, width, height, parameters.supersample)
    if len(svg) > OVERSIZE_BYTES:
        return failed("oversize", time.perf_counter() - start)
    try:
        picture = render(svg, width, height, logo.matte)
    except RenderError:
        return failed("unrenderable", time.perf_counter() - start)
    quality = _similarity(logo).of(picture)
    seconds = time.perf_counter() - start
    return Trace(quality, len(svg), seconds, vtracer_seconds, svg=svg if keep_svg else None)


class ConversionError(Exception):
    """VTracer gave no SVG; ``kind`` is ``panic`` or ``error``."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind


def _convert(encoded: bytes, parameters: Parameters) -> bytes:
    """VTracer on an encoded image.

    Raises:
        ConversionError: VTracer panicked or refused the image.
    """
    try:
        svg: str = vtracer.convert_raw_image_to_svg(
            encoded,
            img_format="bmp",
            colormode="color",
            hierarchical=parameters.hierarchical,
            mode=parameters.mode,
            filter_speckle=parameters.filter_speckle,
            color_precision=parameters.color_precision,
            layer_difference=parameters.layer_difference,
            corner_threshold=parameters.corner_threshold,
            length_threshold=parameters.length_threshold,
            max_iterations=parameters.max_iterations,
            splice_threshold=parameters.splice_threshold,
            path_precision=parameters.path_precision,
        )
    except BaseException as error:
        # A Rust panic arrives as pyo3_runtime.PanicException, a BaseException that can't be imported to be named.
        if type(error).__name__ == "PanicException":
            raise ConversionError("panic", str(error)) from None
        if type(error) is Exception:  # what the binding raises on an image it can't read
            raise ConversionError("error", str(error)) from None
        raise
    return svg.encode()


def prepare(logo: Logo, parameters: Parameters) -> NDArray[np.uint8]:
    """The raster that VTracer gets: uint8 RGBA, ``supersample`` times the logo's size, flattened to the palette."""
    rgba = _enlarged(logo, parameters.supersample) if parameters.supersample > 1 else logo.rgba
    if parameters.palette_size:
        rgba = _palette(logo, parameters.palette_size).flatten(rgba)
    if parameters.clean_alpha and logo.has_alpha:
        rgba = rgba.copy() if rgba is logo.rgba else rgba
        # VTracer traces half-transparent edge pixels as dark fringes
        rgba[..., 3] = np.where(rgba[..., 3] >= 128, np.uint8(255), np.uint8(0))
    return rgba


def _enlarged(logo: Logo, factor: int) -> NDArray[np.uint8]:
    """The logo bicubically enlarged with premultiplied alpha: a fresh uint8 RGBA array with straight alpha."""
    rgba = _premultiplied(logo.rgba) if logo.has_alpha else logo.rgba
    big: NDArray[np.uint8] = cv2.resize(rgba, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)  # type: ignore[assignment]
    if logo.has_alpha:
        # only half-transparent pixels, a few per cent at the edges, differ from their straight form
        soft = np.flatnonzero((big[..., 3] > 0) & (big[..., 3] < 255))
        pixels = big.reshape(-1, 4)[soft].astype(np.float32)
        pixels[:, :3] *= 255 / pixels[:, 3:]
        big.reshape(-1, 4)[soft] = np.clip(np.rint(pixels), 0, 255).astype(np.uint8)
    return big


def _premultiplied(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    result = rgba.copy()
    result[..., :3] = np.rint(rgba[..., :3] * (rgba[..., 3:] / np.float32(255)))
    return result


def _encode(rgba: NDArray[np.uint8]) -> bytes:
    # BMP keeps alpha and costs a memory copy: 0.4 ms at 768 px, where the fastest PNG takes 10.5 ms
    done, buffer = cv2.imencode(".bmp", cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGRA))
    if not done:
        raise MemoryError(f"no BMP of {rgba.shape}")
    return buffer.tobytes()


def _sized(svg: bytes, width: int, height: int, supersample: int) -> bytes:
    """Gives an SVG of an enlarged raster the logo's size back, through its ``viewBox``."""
    if supersample == 1:
        return svg
    big_width, big_height = width * supersample, height * supersample
    enlarged = f'width="{big_width}" height="{big_height}"'.encode()
    sized = f'width="{width}" height="{height}" viewBox="0 0 {big_width} {big_height}"'.encode()
    head, found, tail = svg.partition(enlarged)
    if not found:
        raise RuntimeError(f"VTracer's header changed: no {enlarged!r} in {svg[:200]!r}")
    return head + sized + tail


# sized for the logos of one rollout: an entry takes 2 MB at 256 px
@lru_cache(maxsize=64)
def _similarity(logo: Logo) -> Similarity:
    return Similarity(logo.on_matte)


@lru_cache(maxsize=256)
def _palette(logo: Logo, size: int) -> Palette:
    return Palette.of(logo.rgba, size)
