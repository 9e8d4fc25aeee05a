"""VTracer's SVG with fewer bytes: the same shapes in relative coordinates, without what a renderer doesn't need.

VTracer 0.6.15 writes one ``path`` a line, all its coordinates absolute from a ``translate``: ``M0,0 L3,0 ... Z`` with
whole numbers in its modes polygon and none, ``M0 0 C1.5 -0 ... Z`` in spline mode. All points of a file are handled at
once, as whole numbers of its last decimal, so that relative coordinates add up exactly.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from rlcore.conversion.outlines import Outlines, middles_of_steps, simplified, straightened, with_area, without_repeats
from rlcore.errors import PathError

_HEADER = re.compile(
    rb'<\?xml version="1\.0" encoding="UTF-8"\?>\n<!-- Generator: visioncortex VTracer [\d.]+ -->\n'
    rb'<svg version="1\.1"( xmlns="http://www\.w3\.org/2000/svg" width="\d+" height="\d+"(?: viewBox="[-\d ]+")?>)\n'
)
_SIZE = re.compile(
    rb'(?P<head> xmlns="[^"]*" width="(?P<width>\d+)" height="(?P<height>\d+)")(?: viewBox="(?P<box>[-\d ]+)")?>'
)
_NUMBER = rb"(-?\d+(?:\.\d+)?)"
_PATH = re.compile(rb'<path d="([^"]*)" fill="(#[0-9A-Fa-f]{6})" transform="translate\(%b,%b\)"/>' % (_NUMBER, _NUMBER))
_POLYGONS = re.compile(rb"(?:M,(?: L,)* Z )*")
_SPLINES = re.compile(rb"(?:M (?: C {5})* Z )*")
_OF_NUMBERS = b"-.0123456789"
_BLANKS = bytes.maketrans(b"MLCZ,", b"     ")
_C, _H, _L, _M, _V, _Z, _BLANK, _BREAK, _DOT, _MINUS, _ZERO = np.frombuffer(b"chlmvz \n.-0", np.uint8)
_DECIMALS = 8
"""The most that VTracer is asked for."""
_LIMIT = 100_000
"""Coordinates (px) stay under this: as float64 they are then good for a decimal more than ``_DECIMALS``."""


@dataclass(frozen=True, slots=True)
class _Drawing:
    """What a file draws.

    Attributes:
        outlines: points are int64, in units of the last decimal, without the path's ``translate``.
        decimals: of the coordinates, 0..8.
        curved: cubics all, or else straight lines all.
    """

    outlines: Outlines
    decimals: int = 0
    curved: bool = False


def compacted(svg: bytes, tolerance: float = 0.0) -> bytes:
    """VTracer's SVG rewritten with fewer bytes, its width, height and viewBox kept.

    With ``tolerance`` 0 the shapes are the same to the last digit; only what encloses no area is left out (VTracer
    writes polygons of one or two points). Above 0 polygons lose vertices (Ramer-Douglas-Peucker): the outline moves
    by at most about that much, seldom by up to 1.7 times that, in the SVG's own coordinates, which are
    ``supersample`` times finer than the logo's pixels. A polygon that would lose its area is left as it is, however
    thin, and so are splines.

    Raises:
        PathError: anything that VTracer 0.6.15 doesn't write.
    """
    header, paths = _read(svg)
    drawing = _parsed(paths)
    outlines = with_area(drawing.outlines if drawing.curved else without_repeats(drawing.outlines))
    if tolerance > 0 and not drawing.curved:
        outlines = simplified(outlines, tolerance)
    elements = _elements(replace(drawing, outlines=outlines), [path[1:] for path in paths])
    return b"".join([b"<svg", header, *elements, b"</svg>"])


def redrawn(svg: bytes, tolerance: float, scale: float) -> bytes:
    """VTracer's SVG of exact pixel outlines as one of few straight lines (``straightened``), compactly written.

    Args:
        svg: from VTracer's mode ``none``, with width and height of the logo.
        tolerance: in the SVG's own coordinates.
        scale: steps of the new whole-numbered coordinates for one of the old; the ``viewBox`` follows, from 0 0.

    Raises:
        PathError: anything that VTracer 0.6.15 doesn't write in this mode.
    """
    header, fills, middles = _steps(svg)
    head, (left, top, width, height) = _view(header)
    lines = straightened(middles, tolerance)
    # half to even: half up would shift the picture, and a shift of 0.05 px shows in the SSIM; what the fit leaves of a
    # half but for the last digits is one, or else a level edge's ends could go either way
    points = np.rint(((lines.points - (left, top)) * scale).round(6)).astype(np.int64)
    whole = with_area(without_repeats(replace(lines, points=points)))
    elements = _elements(_Drawing(whole), [(fill, b"0", b"0") for fill in fills])
    box = b' viewBox="0 0 %.10g %.10g">' % (width * scale, height * scale)
    return b"".join([b"<svg", head, box, *elements, b"</svg>"])


@lru_cache(maxsize=1)  # the same outlines are redrawn with one tolerance after the other
def _steps(svg: bytes) -> tuple[bytes, list[bytes], Outlines]:
    """The header's attributes, every path's fill, and the ``middles_of_steps`` of all outlines."""
    header, paths = _read(svg)
    pixels = with_area(without_repeats(_placed(paths)))
    return header, [fill for _, fill, *_ in paths], middles_of_steps(pixels)


def _placed(paths: list[tuple[bytes, ...]]) -> Outlines:
    """The outlines of these paths where their ``translate`` puts them.

    Raises:
        PathError: there are splines among them.
    """
    drawing = _parsed(paths)
    if drawing.curved and paths:
        raise _unknown("splines where pixel outlines are needed:", paths[0][0])
    moves, _ = _numbers(b" ".join(number for _, _, *move in paths for number in move), fractional=False)
    outlines = drawing.outlines
    return replace(outlines, points=outlines.points + moves.reshape(-1, 2)[np.repeat(outlines.paths, outlines.sizes)])


def _view(header: bytes) -> tuple[bytes, list[int]]:
    """The header up to its ``viewBox``; left, top, width and height of that, or of the one that it stands for."""
    size = _SIZE.fullmatch(header)
    assert size is not None
    box = size["box"].split() if size["box"] else [b"0", b"0", size["width"], size["height"]]
    return size["head"], [int(number) for number in box]


def _read(svg: bytes) -> tuple[bytes, list[tuple[bytes, ...]]]:
    """The header's attributes, and drawing, fill and translate (x, y) of every path that draws something."""
    header = _HEADER.match(svg)
    if header is None:
        raise _unknown("header", svg)
    body, end, rest = svg[header.end() :].rpartition(b"</svg>")
    if not end or rest.strip():
        raise _unknown("end", svg[-60:])
    lines = body.splitlines()
    matches = [_PATH.fullmatch(line) for line in lines]
    if None in matches:
        raise _unknown("element", lines[matches.index(None)])
    # VTracer writes d="" now and then
    return header[1], [match.groups() for match in matches if match and match[1]]


def _unknown(what: str, text: bytes) -> PathError:
    return PathError(f"not an SVG as VTracer 0.6.15 writes it: {what} {text[:60]!r}")


def _parsed(paths: list[tuple[bytes, ...]]) -> _Drawing:
    """All paths' data read at once: without their numbers they must be a repetition of few known characters."""
    drawings = [drawing for drawing, *_ in paths]
    text = b"".join(drawings)
    skeleton = text.translate(None, _OF_NUMBERS)
    curved = b"," not in skeleton
    grammar = _SPLINES if curved else _POLYGONS
    if not grammar.fullmatch(skeleton):
        raise _unknown("path", next(d for d in drawings if not grammar.fullmatch(d.translate(None, _OF_NUMBERS))))
    letters = np.frombuffer(skeleton.translate(None, b" ,Z"), np.uint8)
    opening = letters == ord("M")
    if curved:
        opening = np.repeat(opening, np.where(opening, 1, 3))
    numbers, decimals = _numbers(text.translate(_BLANKS), curved)
    if len(numbers) != 2 * len(opening):
        raise _unknown("a number is missing in", text)
    sizes = np.diff(np.flatnonzero(opening), append=len(opening))
    owners = np.repeat(np.arange(len(drawings)), [drawing.count(b"M") for drawing in drawings])
    return _Drawing(Outlines(numbers.reshape(-1, 2), sizes, owners), decimals, curved)


def _numbers(text: bytes, fractional: bool) -> tuple[NDArray[np.int64], int]:
    """The numbers in units of the last decimal that any of them has, and how many decimals that are."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)  # what numpy says of text that is no number
        try:
            # without an object for each number, of which the outlines of a picture with noise have millions
            numbers = np.fromstring(text, dtype=np.float64 if fractional else np.int64, sep=" ")
        except (ValueError, DeprecationWarning) as error:
            raise PathError(f"not an SVG as VTracer 0.6.15 writes it: {str(error)[:120]}") from None
    finest = numbers * 10**_DECIMALS
    units = np.rint(finest).astype(np.int64)
    wrong = (abs(numbers) >= _LIMIT) | (abs(finest - units) > 0.02)
    if wrong.any():
        raise _unknown("number", str(numbers[wrong.argmax()]).encode())
    decimals = next(d for d in range(_DECIMALS + 1) if not (units % 10 ** (_DECIMALS - d)).any())
    return units // 10 ** (_DECIMALS - decimals), decimals


def _elements(drawing: _Drawing, paths: list[tuple[bytes, ...]]) -> list[bytes]:
    """The ``path`` elements of the paths that have subpaths left; ``paths``: fill and translate (x, y) of each."""
    outlines = drawing.outlines
    if not len(outlines.sizes):
        return []
    first = np.diff(outlines.paths, prepend=-1) != 0
    origins = outlines.points[outlines.starts[first]].tolist()
    elements = []
    for index, origin, text in zip(outlines.paths[first].tolist(), origins, _drawings(drawing, first), strict=True):
        fill, *translate = paths[index]
        x, y = (_sum(move, step, drawing.decimals) for move, step in zip(translate, origin, strict=True))
        gap = b"" if y[:1] == b"-" or (y[:1] == b"." and b"." in x) else b" "
        if fill[1::2] == fill[2::2]:
            fill = b"#" + fill[1::2]
        elements.append(b'<path fill="%b" d="m%b%b%b%b"/>' % (fill, x, gap, y, text))
    return elements


def _sum(move: bytes, step: int, decimals: int) -> bytes:
    """``move`` plus ``step`` units of the last decimal, exactly: splines are moved by numbers of up to 17 decimals."""
    if not decimals and b"." not in move:
        return b"%d" % (int(move) + step)
    total = Decimal(move.decode()) + Decimal(step).scaleb(-decimals)
    text = f"{total.normalize():f}"
    return (text.replace("0.", ".", 1) if abs(total) < 1 else text).encode()


def _drawings(drawing: _Drawing, first: NDArray[np.bool_]) -> list[bytes]:
    """What follows the coordinates of the first moveto, for each path; ``first`` tells its first subpath.

    A matrix with a row for each column of text: letter, x, y, z, line break. What is not written is 0.
    """
    outlines = drawing.outlines
    points, starts = outlines.points, outlines.starts
    index = np.arange(len(points))
    order = index - np.repeat(starts, outlines.sizes)
    # the pen is at the end of the last segment, or after z where that subpath began
    pen = index - 1 - (order - 1) % (3 if drawing.curved else 1)
    pen[starts] = np.roll(starts, 1)
    x, y = np.ascontiguousarray((points - points[pen]).T)
    letter = np.full(len(x), _C) if drawing.curved else np.where(y == 0, _H, np.where(x == 0, _V, _L))
    letter[starts] = _M
    before = np.roll(letter, 1)
    before[before == _M] = _L
    spelt = letter != before
    unit = 10**drawing.decimals
    x_dot, y_dot = x % unit != 0, y % unit != 0
    # only splines have decimals, and always both numbers
    x_gap = ~spelt & ~(np.roll(y_dot, 1) & x_dot & (x < unit))
    y_gap = np.where(letter == _V, ~spelt, ~(x_dot & y_dot & (y < unit)))
    x_text = _digits(x, drawing.decimals, x_gap) * (letter != _V)
    y_text = _digits(y, drawing.decimals, y_gap) * (letter != _H)
    text = np.vstack([letter * spelt, x_text, y_text, np.zeros((2, len(x)), np.uint8)])
    text[:, starts[first]] = 0
    ends = starts + outlines.sizes - 1
    text[-2, ends] = _Z
    text[-1, ends[np.roll(first, -1)]] = _BREAK
    written: bytes = text.T.tobytes()
    return written.translate(None, b"\0").splitlines()


def _digits(values: NDArray[np.int64], decimals: int, gap: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Numbers in units of the last decimal as text, one a column, from a blank (where there is a ``gap``) downwards.

    A sign needs no blank before it, 0.50 is written as .5, and hidden characters are 0.
    """
    rest = np.abs(values)
    places = max(decimals + 1, len(str(rest.max())))
    text = np.zeros((1 + 1 + places + 1, len(values)), np.uint8)
    text[0] = (gap & (values >= 0)) * _BLANK
    text[1] = (values < 0) * _MINUS
    fraction = np.zeros(len(values), dtype=bool)
    for place in range(places):
        left = rest // 10
        digit = rest - 10 * left
        if place < decimals:
            fraction |= digit > 0
            text[-1 - place] = (digit + _ZERO) * fraction
        else:
            text[-2 - place] = (digit + _ZERO) * ((rest > 0) | ((values == 0) & (place == decimals)))
        rest = left
    text[-1 - decimals] = fraction * _DOT
    return text
