"""Valid small files of every format, and seeded damage to them."""

from __future__ import annotations

import re
import struct
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from rlcore.errors import UnusableFileError
from rlcore.logos import load_logo
from tests.hostile.corpus import SIDE, chunk, drawn, encoded, random_cells, sixteen_bits
from tests.hostile.svg_corpus import svg_cases
from tests.rlcore.pictures import disk, svg

WORKING_SIZE = 64
HEADER_BYTES = 64
"""Where formats say how large and of what kind they are."""
NUMBERS = [b"0", b"-1", b"1e9", b"1e-9", b"1e309", b"nan", b"99999999999999999999", b"0.5", b"3"]
DRAWING = svg(
    '<defs><linearGradient id="g"><stop offset="0.2" stop-color="red"/><stop offset="1" stop-opacity="0.5"/>'
    '</linearGradient><clipPath id="c"><circle cx="20" cy="30" r="25"/></clipPath><filter id="f">'
    '<feGaussianBlur stdDeviation="2"/><feOffset dx="3" dy="4"/></filter></defs>'
    '<path d="M1 1L60 3C4 5 6 70 8 9A5 6 0 1 0 40 50z" fill="url(#g)" stroke="blue" stroke-width="2"/>'
    '<g transform="rotate(9 10 10) scale(1.5)" clip-path="url(#c)" opacity="0.7"><circle cx="9" cy="9" r="15"/></g>'
    '<rect x="30" y="30" width="20" height="20" rx="4" filter="url(#f)"/><polygon points="1,2 30,4 5,60"/>',
    64,
    64,
)
"""With what the other SVGs lack: curves, gradients, clips, filters, transforms."""


def seeds() -> dict[str, bytes]:
    """File names and contents, one or more of each format."""
    cells = random_cells(0)
    opaque, clear = Image.fromarray(drawn(cells)).convert("RGB"), Image.fromarray(disk(SIDE))
    later = Image.fromarray(drawn(random_cells(1))).convert("RGB")
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a logo"
    animated = {"save_all": True, "append_images": [later], "duration": 50}
    return {
        "opaque.png": encoded("PNG", opaque, exif=exif),
        "clear.png": encoded("PNG", clear),
        "palette.png": encoded("PNG", opaque.quantize(8), transparency=1),
        "deep.png": sixteen_bits(drawn(cells), 6),
        "animated.png": encoded("PNG", opaque, **animated),
        "opaque.jpg": encoded("JPEG", opaque, exif=exif),
        "cmyk.jpg": encoded("JPEG", opaque.convert("CMYK"), progressive=True),
        "lossy.webp": encoded("WEBP", opaque, exif=exif),
        "animated.webp": encoded("WEBP", clear, lossless=True, **animated),
        "opaque.bmp": encoded("BMP", opaque),
        "palette.bmp": encoded("BMP", opaque.quantize(8)),
        "animated.gif": encoded("GIF", opaque, **animated),
        "drawing.svg": DRAWING,
        **{name: draw(cells) for name, draw, reason in svg_cases("http://127.0.0.1:9", Path("x")) if reason is None},
    }


def _flip_bits(data: bytearray, rng: np.random.Generator) -> None:
    for position in rng.integers(len(data), size=int(rng.integers(1, 12))):
        data[position] ^= 1 << int(rng.integers(8))


def _change_header(data: bytearray, rng: np.random.Generator) -> None:
    for position in rng.integers(min(HEADER_BYTES, len(data)), size=int(rng.integers(1, 4))):
        data[position] = int(rng.choice([0, 1, 127, 128, 255, int(rng.integers(256))]))


def _cut(data: bytearray, rng: np.random.Generator) -> None:
    del data[int(rng.integers(len(data))) :]


def _zero_block(data: bytearray, rng: np.random.Generator) -> None:
    start, length = int(rng.integers(len(data))), int(rng.integers(1, 200))
    data[start : start + length] = bytes(len(data[start : start + length]))


def _remove_block(data: bytearray, rng: np.random.Generator) -> None:
    start = int(rng.integers(len(data)))
    del data[start : start + int(rng.integers(1, 200))]


def _repeat_block(data: bytearray, rng: np.random.Generator) -> None:
    start = int(rng.integers(len(data)))
    block = data[start : start + int(rng.integers(1, 400))]
    data[start:start] = block * int(rng.integers(1, 20))


def _move_block(data: bytearray, rng: np.random.Generator) -> None:
    start, target = (int(place) for place in rng.integers(len(data), size=2))
    block = data[start : start + int(rng.integers(1, 200))]
    data[target:target] = block


def _insert_noise(data: bytearray, rng: np.random.Generator) -> None:
    position = int(rng.integers(len(data)))
    data[position:position] = rng.bytes(int(rng.integers(1, 64)))


DAMAGES: tuple[Callable[[bytearray, np.random.Generator], None], ...] = (
    _flip_bits,
    _change_header,
    _cut,
    _zero_block,
    _remove_block,
    _repeat_block,
    _move_block,
    _insert_noise,
)


def _change_numbers(content: bytes, rng: np.random.Generator) -> bytes:
    """Some numbers of an SVG, which then is as well-formed as before."""
    pieces = re.split(rb"(?<![a-zA-Z#])([0-9.]+)", content)
    for place in rng.integers(len(pieces) // 2, size=int(rng.integers(1, 6))):
        pieces[2 * int(place) + 1] = bytes(rng.choice(NUMBERS))
    return b"".join(pieces)


def _mend_checksums(content: bytes) -> bytes:
    """A PNG whose damage is found by its decoder, not by the checksums in front of it."""
    mended, position = content[:8], 8
    while position + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, position)
        kind, body = content[position + 4 : position + 8], content[position + 8 : position + 8 + length]
        mended += chunk(kind, body)
        position += 12 + length
    return mended


def mutated(seed: int, number: int) -> tuple[str, bytes]:
    """Name and content of the ``number``-th file of a seed: one to three damages, now and then spliced or mended."""
    rng = np.random.default_rng((seed, number))
    whole = SEEDS[NAMES[number % len(NAMES)]]
    data = bytearray(whole)
    if rng.random() < 0.1:
        other = SEEDS[NAMES[int(rng.integers(len(NAMES)))]]
        data[int(rng.integers(len(data))) :] = other[int(rng.integers(len(other))) :]
    for _ in range(int(rng.integers(1, 4))):
        if data:
            DAMAGES[int(rng.integers(len(DAMAGES)))](data, rng)
    name, content = NAMES[number % len(NAMES)], bytes(data)
    if name.endswith(".png") and rng.random() < 0.7:
        content = _mend_checksums(content)
    if name.endswith(".svg") and rng.random() < 0.7:
        content = _change_numbers(whole, rng)
    return name, content


def outcome(seed: int, number: int) -> str:
    """``used`` or ``skipped`` for that file; raises what ``load_logo`` should not."""
    name, content = mutated(seed, number)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        try:
            logo = load_logo(path, WORKING_SIZE)
        except UnusableFileError:
            return "skipped"
    height, width = logo.rgba.shape[:2]
    if not 7 <= min(height, width) <= max(height, width) <= WORKING_SIZE:
        raise ValueError(f"{name}: a logo of {width} x {height} px")
    return "used"


SEEDS = seeds()
NAMES = tuple(SEEDS)
