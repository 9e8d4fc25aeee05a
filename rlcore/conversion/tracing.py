"""One conversion: logo + parameters -> SVG -> rendered again -> quality and bytes. A pure function.

``preparation`` (supersample, palette, alpha clean-up) -> VTracer in memory -> ``paths`` -> Skia -> SSIM.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import vtracer

from rlcore.conversion.paths import compacted, redrawn
from rlcore.conversion.preparation import VTracerInput, palette_of, vtracer_input
from rlcore.errors import RenderError, is_rust_panic
from rlcore.logos import Logo
from rlcore.parameters import Parameters
from rlcore.rendering import render
from rlcore.similarity import Similarity

CONVERSION_VERSION = 7
"""Raised with every change of what a conversion gives: what is cached on disk depends on it."""

OVERSIZE_BYTES = 4_000_000
"""An SVG above this is a failed trace: rendering it costs more than it can be worth."""

RAW_OVERSIZE_BYTES = 4 * OVERSIZE_BYTES
"""So is one that VTracer wrote longer than this: rewriting it takes more memory than a worker should have."""

_VTRACER_MODES = {"spline": "spline", "polygon": "polygon", "outline": "none"}


@dataclass(frozen=True, slots=True)
class Trace:
    """What one conversion gave.

    Attributes:
        quality: SSIM in [-1, 1] on RGB over the matte; 0 if it failed.
        size_bytes: bytes of the SVG; 0 if it failed.
        seconds: wall time of the whole trace (not reproducible, so it decides nothing).
        vtracer_seconds: wall time inside VTracer alone.
        failure: None, or why there is no SVG: ``panic``, ``error``, ``oversize``, ``unrenderable``, and in a worker
            ``timeout``, ``memory``, ``crash``.
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
    return traces(logo, [parameters], keep_svg)[0]


def traces(logo: Logo, settings: Sequence[Parameters], keep_svg: bool = False) -> list[Trace]:
    """A trace for each of the settings, in their order.

    Neighbours with the same ``Parameters.conversion()`` share what VTracer wrote: at supersample 4 the second takes
    3 ms where the first takes 50. Their ``seconds`` are those of a trace of its own all the same.
    """
    found: list[Trace] = []
    last: _Converted | None = None
    for parameters in settings:
        if last is None or last.by != parameters.conversion():
            last = _converted(logo, parameters.conversion())
        found.append(_measured(logo, parameters, last, keep_svg))
    return found


@dataclass(frozen=True, slots=True)
class _Converted:
    """What VTracer wrote, in the logo's size; ``seconds`` with the preparation of its input."""

    by: Parameters
    svg: bytes
    seconds: float
    vtracer_seconds: float
    failure: str | None = None


def _converted(logo: Logo, parameters: Parameters) -> _Converted:
    start = time.perf_counter()
    source = vtracer_input(logo, parameters.supersample, parameters.palette_size, parameters.clean_alpha)
    before = time.perf_counter()
    try:
        svg = convert(source.png, parameters)
    except ConversionError as failure:
        return _Converted(parameters, b"", time.perf_counter() - start, 0.0, failure.kind)
    vtracer_seconds = time.perf_counter() - before
    if len(svg) > RAW_OVERSIZE_BYTES:
        return _Converted(parameters, b"", time.perf_counter() - start, vtracer_seconds, "oversize")
    height, width = logo.rgba.shape[:2]
    return _Converted(parameters, _sized(svg, width, height, source), time.perf_counter() - start, vtracer_seconds)


def _measured(logo: Logo, parameters: Parameters, converted: _Converted, keep_svg: bool) -> Trace:
    if converted.failure is not None:
        return failed(converted.failure, converted.seconds)
    start = time.perf_counter() - converted.seconds
    svg = converted.svg
    if parameters.mode == "outline":
        scale = parameters.grid / parameters.supersample
        svg = redrawn(svg, parameters.simplify * parameters.supersample, scale)
    elif parameters.compact:
        svg = compacted(svg, parameters.simplify * parameters.supersample)
    if len(svg) > OVERSIZE_BYTES:
        return failed("oversize", time.perf_counter() - start)
    height, width = logo.rgba.shape[:2]
    try:
        picture = render(svg, width, height, logo.matte)
    except RenderError:
        return failed("unrenderable", time.perf_counter() - start)
    quality = _similarity(logo).of(picture)
    seconds = time.perf_counter() - start
    return Trace(quality, len(svg), seconds, converted.vtracer_seconds, svg=svg if keep_svg else None)


class ConversionError(Exception):
    """VTracer gave no SVG; ``kind`` is ``panic`` or ``error``."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind


def convert(encoded: bytes, parameters: Parameters) -> bytes:
    """VTracer on an encoded image.

    Raises:
        ConversionError: VTracer panicked or refused the image.
    """
    try:
        svg: str = vtracer.convert_raw_image_to_svg(
            encoded,
            img_format="png",
            colormode=parameters.color_mode,
            hierarchical=parameters.hierarchical,
            mode=_VTRACER_MODES[parameters.mode],
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
        if is_rust_panic(error):
            raise ConversionError("panic", str(error)) from None
        if type(error) is Exception:  # what the binding raises on an image it can't read
            raise ConversionError("error", str(error)) from None
        raise
    return svg.encode()


def _sized(svg: bytes, width: int, height: int, source: VTracerInput) -> bytes:
    """Gives an SVG of a prepared raster the logo's size back, through its ``viewBox``."""
    if source.size == (width, height) and source.view == (0, 0, width, height):
        return svg
    raster = b'width="%d" height="%d"' % source.size
    view = b'viewBox="%d %d %d %d"' % source.view
    head, found, tail = svg.partition(raster)
    if not found:
        raise RuntimeError(f"VTracer's header changed: no {raster!r} in {svg[:200]!r}")
    return head + b'width="%d" height="%d" %b' % (width, height, view) + tail


def forget() -> None:
    """Lets go of what is kept of logos for their next traces: of large ones that is a lot, and who is done has none."""
    for kept in (vtracer_input, palette_of, _similarity):
        kept.cache_clear()


# sized for the logos of one rollout: an entry takes 2 MB at 256 px
@lru_cache(maxsize=64)
def _similarity(logo: Logo) -> Similarity:
    return Similarity(logo.on_matte)
