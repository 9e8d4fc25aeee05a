"""A folder as hostile as a user's may be, and what is expected of each of its files: used, or skipped with a reason."""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.hostile.svg_corpus import svg_cases
from tests.rlcore.pictures import flat, noise

CELLS, CELL_PX = 8, 8
SIDE = CELLS * CELL_PX
COLOURS = np.array([(255, 0, 0), (0, 160, 0), (0, 0, 255), (0, 0, 0), (10, 200, 90), (250, 220, 40)], dtype=np.uint8)


@dataclass(frozen=True)
class Case:
    """One file.

    Attributes:
        name: relative to the folder.
        reason: how the reason for skipping it starts (a regular expression); None: it is used.
        cells: RGBA of the picture's 8 x 8 cells where it is used and they are known.
        tolerance: most by which a channel of an opaque cell may be off.
    """

    name: str
    reason: str | None = None
    cells: NDArray[np.uint8] | None = None
    tolerance: int = 0

    def check(self, rgba: NDArray[np.uint8]) -> None:
        """The middle of each cell has its colour."""
        if self.cells is None:
            return
        assert rgba.shape == (SIDE, SIDE, 4), self.name
        seen = rgba[CELL_PX // 2 :: CELL_PX, CELL_PX // 2 :: CELL_PX].astype(int)
        off = np.abs(seen - self.cells)
        assert off.max() <= self.tolerance, f"{self.name}: a cell is off by {off.max()}"


def random_cells(seed: int) -> NDArray[np.uint8]:
    """8 x 8 opaque colours, half of them white; two seeds give pictures that are no twins."""
    rng = np.random.default_rng(seed)
    chosen = COLOURS[rng.integers(len(COLOURS), size=(CELLS, CELLS))]
    chosen[rng.random((CELLS, CELLS)) < 0.5] = 255
    return np.dstack([chosen, np.full((CELLS, CELLS), 255, dtype=np.uint8)])


def drawn(cells: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Squares of the colours on white; their corners are cut, else VTracer would trace them without an error."""
    rgba = np.repeat(np.repeat(cells, CELL_PX, axis=0), CELL_PX, axis=1)
    off_centre = np.arange(SIDE) % CELL_PX - (CELL_PX - 1) / 2
    rgba[np.hypot(*np.meshgrid(off_centre, off_centre)) > 4.2] = 255
    return rgba


def encoded(format_name: str, image: Image.Image, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format_name, **options)
    return buffer.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, depth: int, colour_type: int, raw: bytes, *extra: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    data = chunk(b"IDAT", zlib.compress(raw))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(extra) + data + chunk(b"IEND", b"")


def sixteen_bits(pixels: NDArray[np.uint8], colour_type: int) -> bytes:
    wide = (pixels.astype(">u2") * 257).reshape(len(pixels), -1)
    return png(pixels.shape[1], len(pixels), 16, colour_type, b"".join(b"\0" + row.tobytes() for row in wide))


class _Writer:
    """Writes files that each show another picture, so that none is skipped as another's twin."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cases: list[Case] = []

    def picture(self) -> tuple[NDArray[np.uint8], Image.Image]:
        """Cells, and the opaque image of them."""
        cells = random_cells(len(self.cases))
        return cells, Image.fromarray(drawn(cells)).convert("RGB")

    def path(self, name: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        return path

    def used(self, name: str, content: bytes, cells: NDArray[np.uint8] | None = None, tolerance: int = 0) -> None:
        self.path(name).write_bytes(content)
        self.cases.append(Case(name, None, cells, tolerance))

    def skipped(self, name: str, content: bytes, reason: str) -> None:
        self.path(name).write_bytes(content)
        self.cases.append(Case(name, reason))

    def made(self, name: str, make: Callable[[Path], object], reason: str) -> None:
        make(self.path(name))
        self.cases.append(Case(name, reason))


def write_corpus(folder: Path, outside: Path, address: str) -> list[Case]:
    """All files; ``outside``: an empty folder beside it that links lead to, ``address``: of a server to ask."""
    writer = _Writer(folder)
    for write in (_formats, _pixel_kinds, _animations, _names, _contents, _damaged, _misnamed, _sizes, _bombs, _junk):
        write(writer)
    _special(writer, outside)
    Image.fromarray(flat(SIDE, SIDE, (1, 2, 3))).save(outside / "secret.png")
    for name, draw, reason in svg_cases(address, outside / "secret.png"):
        cells, _ = writer.picture()
        if reason is None:
            writer.used(f"svg/{name}", draw(cells), cells)
        else:
            writer.skipped(f"svg/{name}", draw(cells), reason)
    return writer.cases


def _formats(writer: _Writer) -> None:
    for name, format_name, options, tolerance in (
        ("plain.png", "PNG", {}, 0),
        ("plain.webp", "WEBP", {"lossless": True}, 0),
        ("plain.bmp", "BMP", {}, 0),
        ("plain.gif", "GIF", {}, 0),
        ("plain.jpg", "JPEG", {"quality": 98, "subsampling": 0}, 6),
        ("progressive.jpeg", "JPEG", {"quality": 98, "subsampling": 0, "progressive": True}, 6),
    ):
        cells, image = writer.picture()
        writer.used(name, encoded(format_name, image, **options), cells, tolerance)


def _pixel_kinds(writer: _Writer) -> None:
    cells, _ = writer.picture()
    cells[::3, ::2] = 0
    writer.used("sixteen bits.png", sixteen_bits(drawn(cells), 6), cells)
    cells, _ = writer.picture()
    cells[..., :3] = cells[..., 1:2]
    writer.used("sixteen bits grey.png", sixteen_bits(drawn(cells)[..., :1], 0), cells)
    for name, format_name in (("palette.png", "PNG"), ("palette.gif", "GIF")):
        cells, image = writer.picture()
        indexed = image.quantize(len(COLOURS) + 1)
        clear = indexed.getpixel((CELL_PX // 2, CELL_PX // 2))
        cells[(cells == cells[0, 0]).all(axis=2)] = 0
        writer.used(name, encoded(format_name, indexed, transparency=clear), cells)
    cells, image = writer.picture()
    writer.used("cmyk.jpg", encoded("JPEG", image.convert("CMYK"), quality=98), cells, 12)
    for orientation, turns in ((3, 2), (6, 3), (8, 1)):
        cells, image = writer.picture()
        exif = Image.Exif()
        exif[0x0112] = orientation
        stored = Image.fromarray(np.rot90(np.asarray(image), -turns).copy())
        content = encoded("JPEG", stored, quality=98, subsampling=0, exif=exif)
        writer.used(f"rotated {orientation}.jpg", content, cells, 6)


def _animations(writer: _Writer) -> None:
    for format_name, options in (("GIF", {}), ("WEBP", {"lossless": True}), ("PNG", {})):
        cells, image = writer.picture()
        later = [Image.fromarray(drawn(random_cells(1000 + number))).convert("RGB") for number in range(3)]
        content = encoded(format_name, image, save_all=True, append_images=later, duration=50, **options)
        writer.used(f"animated.{format_name.lower()}", content, cells)
    cells, image = writer.picture()
    options = {"quality": 98, "subsampling": 0, "save_all": True, "append_images": [Image.new("RGB", (SIDE, SIDE))]}
    writer.used("two pictures.jpg", encoded("MPO", image, **options), cells, 6)


def _names(writer: _Writer) -> None:
    line = "two\nlines \x1b[31m.png"
    for name in ("标志 ünï 🦊.png", "x" * 251 + ".png", ".png.png", "a b'\"&<>.png", line, os.fsdecode(b"caf\xe9.png")):
        cells, image = writer.picture()
        writer.used(name, encoded("PNG", image), cells)
    cells, image = writer.picture()
    nested = "/".join(["deep"] * 60) + "/logo.png"
    (writer.folder / nested).parent.mkdir(parents=True)
    writer.used(nested, encoded("PNG", image), cells)


def _contents(writer: _Writer) -> None:
    writer.used("noise.png", encoded("PNG", Image.fromarray(noise(SIDE, SIDE))))
    ramp = np.linspace(0, 255, SIDE)
    writer.used("grey gradient.png", encoded("PNG", Image.fromarray(np.tile(ramp, (SIDE, 1)).astype(np.uint8))))
    round_ramp = np.hypot(*np.meshgrid(ramp - 128, ramp - 100)).astype(np.uint8)
    writer.used("round gradient.png", encoded("PNG", Image.fromarray(round_ramp)))
    clear = Image.fromarray(flat(SIDE, SIDE, (255, 0, 0), 0))
    writer.skipped("transparent.png", encoded("PNG", clear), "no opaque pixel")
    writer.skipped("transparent.webp", encoded("WEBP", clear, lossless=True, exact=True), "no opaque pixel")
    writer.skipped("one colour.png", encoded("PNG", Image.new("RGB", (SIDE, SIDE), "red")), "no headroom")


def _damaged(writer: _Writer) -> None:
    busy = Image.fromarray(noise(SIDE, SIDE, 1)).convert("RGB")
    for format_name, suffix in (("PNG", "png"), ("JPEG", "jpg"), ("WEBP", "webp"), ("BMP", "bmp"), ("GIF", "gif")):
        whole = encoded(format_name, busy)
        writer.skipped(f"empty.{suffix}", b"", "0 bytes")
        writer.skipped(f"half.{suffix}", whole[: len(whole) // 2], "damaged|not an image")
        writer.skipped(f"head.{suffix}", whole[:12], "damaged|not an image")
    writer.skipped("checksum.png", encoded("PNG", busy).replace(b"IDAT", b"IDAQ"), "damaged|not an image")


def _misnamed(writer: _Writer) -> None:
    _, image = writer.picture()
    writer.skipped("jpeg.png", encoded("JPEG", image), "wrongly named: the content is JPEG, the suffix says PNG")
    writer.skipped("png.gif", encoded("PNG", image), "wrongly named: the content is PNG, the suffix says GIF")
    writer.skipped("tiff.bmp", encoded("TIFF", image), "wrongly named: the content is TIFF")
    writer.skipped("png.svg", encoded("PNG", image), "not well-formed XML")
    writer.skipped("picture.tiff", encoded("TIFF", image), "suffix '.tiff'")
    writer.skipped("notes.txt", b"no logo", "suffix '.txt'")
    writer.skipped("no suffix", encoded("PNG", image), "suffix ''")
    writer.skipped("page.png", b"<html></html>", "not an image")
    script = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n(/etc/passwd) (r) file\n%%EOF\n"
    writer.skipped("script.png", script, "wrongly named: the content is EPS")


def _sizes(writer: _Writer) -> None:
    for width, height in ((1, 1), (1, 5000), (5000, 1), (6, 64)):
        content = encoded("PNG", Image.new("RGB", (width, height)))
        writer.skipped(f"{width}x{height}.png", content, r"\d+ x \d+ px after fitting: a side needs 7 px")
    writer.skipped("0x64.png", png(0, 64, 8, 6, b"\0" * 100), "damaged|not an image")


def _bombs(writer: _Writer) -> None:
    for width, height in ((20_000, 20_000), (6400, 6400), (2**31 - 1, 2**31 - 1)):
        content = png(width, height, 8, 6, b"\0" * 100)
        writer.skipped(f"{width}x{height}.png", content, "decompression bomb|damaged|not an image")
    writer.skipped("one row.png", png(2**25 + 64, 1, 16, 6, b"\0" * 100), "decompression bomb")
    gif = bytearray(encoded("GIF", Image.new("P", (8, 8))))
    gif[6:10] = struct.pack("<HH", 65_535, 65_535)
    writer.skipped("65535x65535.gif", bytes(gif), "decompression bomb")
    text = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(64 * 2**20)))
    writer.skipped("text bomb.png", png(SIDE, SIDE, 8, 2, bytes(SIDE * (3 * SIDE + 1)), text), "damaged")


def _junk(writer: _Writer) -> None:
    """50 MB that no decoder should like."""
    rng = np.random.default_rng(0)
    for number in range(250):
        suffix = ("png", "jpg", "webp", "bmp", "gif", "svg", "bin")[number % 7]
        reason = "suffix '.bin'|not an image|damaged|not well-formed XML"
        writer.skipped(f"junk/{number}.{suffix}", rng.bytes(200_000), reason)


def _special(writer: _Writer, outside: Path) -> None:
    cells, image = writer.picture()
    (outside / "logo.png").write_bytes(encoded("PNG", image))
    (writer.folder / "link.png").symlink_to(outside / "logo.png")
    writer.cases.append(Case("link.png", None, cells))
    writer.made("pipe.png", os.mkfifo, "not a regular file")
    writer.made("dangling.png", lambda path: path.symlink_to(outside / "nothing"), "not a regular file")
    writer.made("itself.png", lambda path: path.symlink_to(path), "not a regular file|unreadable")
    writer.made("zeros.png", lambda path: path.symlink_to("/dev/zero"), "not a regular file")
    writer.made("random.png", lambda path: path.symlink_to("/dev/urandom"), "not a regular file")
    # links to folders are neither followed nor named
    (writer.folder / "loop").symlink_to(writer.folder)
    (writer.folder / "folder.png").mkdir()
