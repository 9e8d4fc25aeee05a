"""A logo: an image file read safely, fitted to the working size, with the matte it is compared on."""

from __future__ import annotations

import hashlib
import io
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from rlcore.errors import UnusableFileError
from rlcore.similarity import WINDOW
from rlcore.svg_files import read_svg

FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".bmp": "BMP",
    ".gif": "GIF",
    ".svg": "SVG",
}
"""Suffixes that are read, with the format that the content must have."""

SAME_AS = {"MPO": "JPEG"}
"""Pillow's names for what is one of the formats above all the same: a JPEG with more pictures behind the first."""

MAX_FILE_BYTES = 64 * 2**20
MAX_PIXELS = 40_000_000
"""More declared pixels than this is a decompression bomb; 6300 x 6300 still passes."""
MAX_SIDE_PX = 100_000
"""Beyond this Pillow fails on a row that its buffers can't count."""

DAMAGED = (OSError, ValueError, SyntaxError, EOFError, LookupError, TypeError, ArithmeticError, struct.error)
"""What Pillow's decoders raise on damaged data; ``struct.error`` comes from bent EXIF."""

MATTES = ((255, 255, 255), (0, 0, 0), (128, 128, 128))
HIDDEN_CONTRAST = 48
"""White hides a logo whose opaque pixels differ from it by less than this on average (largest channel, 0..255)."""


@dataclass(frozen=True, eq=False)
class Logo:
    """A raster ready to trace.

    Attributes:
        name: where it came from, relative to its source.
        rgba: uint8 ``(height, width, 4)``, straight alpha; fully transparent pixels are (0, 0, 0, 0).
        matte: RGB colour under logo and rendered SVG when they are compared.
        digest: sha256 of size and pixels; two logos are equal when it is.
    """

    name: str
    rgba: NDArray[np.uint8]
    matte: tuple[int, int, int]
    digest: str = field(default="")

    def __post_init__(self) -> None:
        if not self.digest:
            content = repr(self.rgba.shape).encode() + np.ascontiguousarray(self.rgba).tobytes()
            object.__setattr__(self, "digest", hashlib.sha256(content).hexdigest())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Logo) and other.digest == self.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    @property
    def has_alpha(self) -> bool:
        """Whether any pixel is not fully opaque."""
        return bool((self.rgba[..., 3] < 255).any())

    @property
    def on_matte(self) -> NDArray[np.uint8]:
        """What quality is measured against: uint8 RGB ``(height, width, 3)`` on the matte."""
        return composite(self.rgba, self.matte)


def composite(rgba: NDArray[np.uint8], matte: tuple[int, int, int]) -> NDArray[np.uint8]:
    """``rgba`` (uint8, straight alpha) over a plain colour: uint8 RGB ``(height, width, 3)``."""
    alpha = rgba[..., 3]
    result = np.where(alpha[..., None] > 0, rgba[..., :3], np.array(matte, dtype=np.uint8))
    # few pixels are half-transparent: those on edges
    soft = np.nonzero((alpha > 0) & (alpha < 255))
    share = alpha[soft][:, None].astype(np.float32) / 255
    blend = rgba[soft][:, :3] * share + np.array(matte, dtype=np.float32) * (1 - share)
    result[soft] = np.rint(blend)
    return result


def make_logo(name: str, rgba: NDArray[np.uint8], working_size: int) -> Logo:
    """A logo from uint8 RGBA pixels, reduced to ``working_size`` (longest side, px) and never enlarged.

    Raises:
        UnusableFileError: no opaque pixel, or a side under 7 px after fitting (SSIM's window).
    """
    rgba = _fit(rgba, working_size)
    if min(rgba.shape[:2]) < WINDOW:
        raise UnusableFileError(f"{rgba.shape[1]} x {rgba.shape[0]} px after fitting: a side needs {WINDOW} px or more")
    if not (rgba[..., 3] >= 128).any():
        raise UnusableFileError("no opaque pixel")
    rgba = np.asarray(cv2.bitwise_and(rgba, rgba, mask=cv2.extractChannel(rgba, 3)), dtype=np.uint8)
    return Logo(name, rgba, choose_matte(rgba))


def choose_matte(rgba: NDArray[np.uint8]) -> tuple[int, int, int]:
    """White, unless the logo has alpha and white would hide it: then the most contrasting of black, white, grey."""
    if (rgba[..., 3] == 255).all():
        return MATTES[0]
    opaque = rgba[rgba[..., 3] >= 128][:, :3].astype(np.int16)

    def contrast(matte: tuple[int, int, int]) -> float:
        red, green, blue = np.abs(opaque - np.array(matte, dtype=np.int16)).T
        return float(np.maximum(np.maximum(red, green), blue).mean())

    return MATTES[0] if contrast(MATTES[0]) >= HIDDEN_CONTRAST else max(MATTES, key=contrast)


def _fit(rgba: NDArray[np.uint8], working_size: int) -> NDArray[np.uint8]:
    height, width = rgba.shape[:2]
    if max(height, width) <= working_size:
        return rgba
    scale = working_size / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    alpha = rgba[..., 3:].astype(np.float32)
    premultiplied = np.concatenate([rgba[..., :3] * (alpha / 255), alpha], axis=2)
    small = np.asarray(cv2.resize(premultiplied, size, interpolation=cv2.INTER_AREA), dtype=np.float32)
    small[..., :3] *= 255 / np.maximum(small[..., 3:], 1)
    return np.clip(np.rint(small), 0, 255).astype(np.uint8)


def load_logo(path: Path, working_size: int, name: str = "") -> Logo:
    """Reads one file.

    Raises:
        UnusableFileError: it is unreadable, truncated, empty, too large, wrongly named or without opaque area.
    """
    content, format_name = read_file(path)
    rgba = read_svg(content, working_size) if format_name == "SVG" else read_raster(content, format_name)
    return make_logo(name or path.name, rgba, working_size)


def read_file(path: Path) -> tuple[bytes, str]:
    """A file's content, and the format that it should have by its name.

    Raises:
        UnusableFileError: it is unreadable, empty, too large, or of no suffix that is read.
    """
    try:
        if not path.is_file():
            there = path.exists() or path.is_symlink()
            raise UnusableFileError("not a regular file" if there else "no such file")
        format_name = FORMATS.get(path.suffix.lower())
        if format_name is None:
            raise UnusableFileError(f"suffix {path.suffix!r}: read are {', '.join(FORMATS)}")
        size_bytes = path.stat().st_size
        if not 0 < size_bytes <= MAX_FILE_BYTES:
            raise UnusableFileError(f"{size_bytes} bytes: 1 to {MAX_FILE_BYTES} are read")
        return path.read_bytes(), format_name
    except OSError as error:
        raise UnusableFileError(f"unreadable: {error.strerror or error}") from error


def read_raster(content: bytes, format_name: str | None) -> NDArray[np.uint8]:
    """The pixels of an image file's content: uint8 RGBA ``(height, width, 4)``, in the file's own size.

    ``format_name``: what it should be; None: any of ``FORMATS`` but SVG.

    Raises:
        UnusableFileError: it is truncated, too large, of another format or no image.
    """
    with _damage_told(), warnings.catch_warnings():
        # bombs: the limit below is the stricter one; odd metadata: the pixels count
        warnings.simplefilter("ignore")
        with Image.open(io.BytesIO(content)) as image:
            found = SAME_AS.get(image.format or "", image.format)
            if format_name is not None and found != format_name:
                raise UnusableFileError(f"wrongly named: the content is {found}, the suffix says {format_name}")
            if found not in FORMATS.values():
                raise UnusableFileError(f"the content is {found}: read are {', '.join(sorted(set(FORMATS.values())))}")
            return _decoded(image)


def pixels(image: Image.Image) -> NDArray[np.uint8]:
    """The first frame of an image, upright: uint8 RGBA ``(height, width, 4)``.

    Raises:
        UnusableFileError: it is too large, without area or damaged.
    """
    with _damage_told():
        return _decoded(image)


@contextmanager
def _damage_told() -> Iterator[None]:
    try:
        yield
    except UnidentifiedImageError as error:
        raise UnusableFileError("not an image, whatever its name says") from error
    except Image.DecompressionBombError as error:
        raise UnusableFileError(f"decompression bomb: {error}") from error
    except DAMAGED as error:
        raise UnusableFileError(f"damaged: {error}") from error


def _decoded(image: Image.Image) -> NDArray[np.uint8]:
    width, height = image.size
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE_PX:
        raise UnusableFileError(
            f"decompression bomb: {width} x {height} px declared, read are {MAX_PIXELS} px and {MAX_SIDE_PX} of a side"
        )
    if width * height == 0:
        raise UnusableFileError("zero area")
    if image.mode == "F":
        raise UnusableFileError("pixels of floats, whose range is not known: read are those of 1 to 16 bits")
    image.seek(0)
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I;16") or upright.mode == "I":
        grey = np.clip(np.asarray(upright, dtype=np.int64), 0, 65535)
        if upright.mode != "I" or grey.max() > 255:  # Pillow's own 32-bit pictures may have 8 bits in them
            grey >>= 8
        return np.asarray(Image.fromarray(grey.astype(np.uint8)).convert("RGBA"))
    return np.asarray(upright.convert("RGBA"))
