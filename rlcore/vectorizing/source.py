"""A picture of any kind, in its own size and in the one that it is traced in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from rlcore.errors import UnusableFileError
from rlcore.logos import Logo, make_logo, pixels, read_file, read_raster
from rlcore.svg_files import read_svg, svg_size
from rlcore.vectorizing.options import Colour

Image: TypeAlias = Path | str | bytes | PIL.Image.Image | NDArray[np.uint8]
"""A path, a file's content, a Pillow image, or uint8 pixels: grey ``(h, w)``, RGB ``(h, w, 3)`` or RGBA."""

AUTO_PX = 512
"""Longest side that ``auto`` traces pictures in; smaller ones are traced in their own size.

At 256 px half of ten drawings of 2048 px came out no better than plain VTracer, at 512 three, as at 1024, which takes
five times as long (docs/vectorize.md).
"""

SVG_PX = 256
"""Least that ``auto`` draws an SVG at: its own size says little, an icon of 16 px may be drawn in fine detail."""


@dataclass(frozen=True)
class Source:
    """A picture that can be traced.

    Attributes:
        logo: the pixels that are traced, on the matte that all measures are taken on.
        own: uint8 RGBA ``(height, width, 4)``, in the picture's own size; the logo's pixels where that is no larger.
        size: width and height that its SVG is to have.
        background: colour that its SVG is to have under the logo.
    """

    logo: Logo
    own: NDArray[np.uint8]
    size: tuple[float, float]
    background: Colour | None

    @property
    def is_reduced(self) -> bool:
        """Whether it is traced in a smaller size than its own."""
        return self.own.shape != self.logo.rgba.shape


def read_source(image: Image, name: str, working_size: int | None, background: Colour | None) -> Source:
    """Reads a picture; ``working_size`` None: ``auto``.

    Raises:
        UnusableFileError: it can't be read, or has no area that could be traced.
    """
    own, size = _pixels(image, working_size)
    longest = max(own.shape[:2])
    logo = make_logo(name, own, min(longest, working_size or AUTO_PX))
    if background is not None and logo.has_alpha:
        # told apart from the same pixels on another ground, since measures are remembered by digest
        logo = replace(logo, matte=background, digest=f"{logo.digest} on {background}")
    else:
        background = None
    is_own = logo.rgba.shape == own.shape
    return Source(logo, logo.rgba if is_own else own, size, background)


def name_of(image: Image) -> str:
    """The path of an image that is given by one."""
    return str(image) if isinstance(image, (Path, str)) else "image"


def _pixels(image: Image, working_size: int | None) -> tuple[NDArray[np.uint8], tuple[float, float]]:
    """Pixels in the picture's own size, and the width and height of its SVG."""
    if isinstance(image, (Path, str)):
        content, format_name = read_file(Path(image))
        return _decoded(content, format_name, working_size)
    if isinstance(image, bytes):
        is_svg = image.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<"
        return _decoded(image, "SVG" if is_svg else None, working_size)
    rgba = pixels(image) if isinstance(image, PIL.Image.Image) else _from_array(image)
    return rgba, (rgba.shape[1], rgba.shape[0])


def _decoded(
    content: bytes, format_name: str | None, working_size: int | None
) -> tuple[NDArray[np.uint8], tuple[float, float]]:
    if format_name != "SVG":
        rgba = read_raster(content, format_name)
        return rgba, (rgba.shape[1], rgba.shape[0])
    size = svg_size(content)
    drawn = working_size or min(max(round(max(size)), SVG_PX), AUTO_PX)
    return read_svg(content, drawn), size


def _from_array(array: object) -> NDArray[np.uint8]:
    if not isinstance(array, np.ndarray):
        raise UnusableFileError(f"{type(array).__name__}: read are paths, bytes, Pillow images and numpy arrays")
    shape = array.shape
    if array.dtype != np.uint8 or not array.size or not (len(shape) == 2 or (len(shape) == 3 and shape[2] in (3, 4))):
        raise UnusableFileError(f"array {array.dtype} {shape}: needs uint8 (h, w), (h, w, 3) or (h, w, 4)")
    return pixels(PIL.Image.fromarray(array))
