"""Motifs of generated logos: SVG drawn around the origin in a square of side 100, in the inks it is given.

A motif takes a random state for its proportions and one or more inks (CSS colours); it uses as many as it wants.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

Motif = Callable[[Generator, list[str]], str]

_LETTERS = {
    "A": "M0 6 2 0 4 6M.8 4H3.2",
    "B": "M.4 0V6H2.4A1.6 1.6 0 0 0 2.4 2.8H.4M2.2 2.8A1.4 1.4 0 0 0 2.2 0H.4",
    "C": "M4 1.2A2 2 0 0 0 0 2V4A2 2 0 0 0 4 4.8",
    "D": "M.4 0H1.6A2.4 2.4 0 0 1 4 2.4V3.6A2.4 2.4 0 0 1 1.6 6H.4Z",
    "E": "M4 0H.4V6H4M.4 3H3.2",
    "F": "M4 0H.4V6M.4 3H3.2",
    "G": "M4 1.2A2 2 0 0 0 0 2V4A2 2 0 0 0 4 4V3.2H2.4",
    "H": "M.4 0V6M3.6 0V6M.4 3H3.6",
    "J": "M3.6 0V4.2A1.8 1.8 0 0 1 0 4.2",
    "K": "M.4 0V6M4 0 .6 3.2 4 6",
    "L": "M.4 0V6H4",
    "M": "M0 6V0L2 3.6 4 0V6",
    "N": "M.2 6V0L3.8 6V0",
    "O": "M2 0A2 2 0 0 0 0 2V4A2 2 0 0 0 4 4V2A2 2 0 0 0 2 0Z",
    "P": "M.4 6V0H2.4A1.6 1.6 0 0 1 2.4 3.4H.4",
    "R": "M.4 6V0H2.4A1.6 1.6 0 0 1 2.4 3.4H.4M2.2 3.4 4 6",
    "S": "M3.8 1A1.8 1.6 0 1 0 2 3A1.8 1.5 0 1 1 .2 5",
    "T": "M0 0H4M2 0V6",
    "U": "M.2 0V4.2A1.8 1.8 0 0 0 3.8 4.2V0",
    "V": "M0 0 2 6 4 0",
    "W": "M0 0 1 6 2 2 3 6 4 0",
    "X": "M0 0 4 6M4 0 0 6",
    "Z": "M0 0H4L0 6H4",
}
"""Strokes on a grid 4 wide and 6 high."""


def placed(drawing: str, x: float, y: float, size: float, angle: float = 0.0) -> str:
    """A drawing moved to (x, y), its side of 100 made ``size``, turned clockwise by ``angle`` degrees."""
    place = f"translate({x:.2f} {y:.2f}) rotate({angle:.1f}) scale({size / 100:.4f})"
    return f'<g transform="{place}">{drawing}</g>'


def _polar(radii: list[float], turn: float, colour: str) -> str:
    angles = 2 * np.pi * (np.arange(len(radii)) / len(radii) + turn) - np.pi / 2
    points = " ".join(f"{r * np.cos(a):.2f},{r * np.sin(a):.2f}" for r, a in zip(radii, angles, strict=True))
    return f'<polygon points="{points}" fill="{colour}"/>'


def _disk(rng: Generator, inks: list[str]) -> str:
    return f'<circle r="50" fill="{inks[0]}"/>'


def _ring(rng: Generator, inks: list[str]) -> str:
    width = rng.uniform(8, 26)
    core = f'<circle r="{rng.uniform(5, 40 - width):.2f}" fill="{inks[-1]}"/>' if rng.random() < 0.5 else ""
    return f'<circle r="{50 - width / 2:.2f}" stroke="{inks[0]}" stroke-width="{width:.2f}" fill="none"/>{core}'


def _polygon(rng: Generator, inks: list[str]) -> str:
    corners = int(rng.integers(3, 9))
    return _polar([50.0] * corners, float(rng.choice([0, 0.5])) / corners, inks[0])


def _star(rng: Generator, inks: list[str]) -> str:
    spikes = int(rng.integers(4, 10))
    return _polar([50.0, rng.uniform(16, 38)] * spikes, 0.0, inks[0])


def _plate(rng: Generator, inks: list[str]) -> str:
    width, height = rng.uniform(60, 100, 2)
    radius = rng.choice([0, 8, 20, 30])
    box = f'x="{-width / 2:.2f}" y="{-height / 2:.2f}" width="{width:.2f}" height="{height:.2f}"'
    return f'<rect {box} rx="{radius}" fill="{inks[0]}"/>'


def _shield(rng: Generator, inks: list[str]) -> str:
    shoulder = rng.uniform(-5, 20)
    waist = shoulder + 22
    side = f"C42 {waist:.1f} 18 42 0 50C-18 42 -42 {waist:.1f} -42 {shoulder:.1f}"
    return f'<path d="M-42 -46H42V{shoulder:.1f}{side}Z" fill="{inks[0]}"/>'


def _chevrons(rng: Generator, inks: list[str]) -> str:
    count, rise = int(rng.integers(1, 4)), rng.uniform(15, 40)
    pitch = (100 - rise) / count
    thick = pitch * rng.uniform(0.5, 0.8)
    parts = []
    for index in range(count):
        top = -50 + index * pitch
        outline = f"M-50 {top + rise:.2f}L0 {top:.2f}l50 {rise:.2f}v{thick:.2f}L0 {top + thick:.2f}l-50 {rise:.2f}Z"
        parts.append(f'<path d="{outline}" fill="{inks[index % len(inks)]}"/>')
    return placed("".join(parts), 0, 0, 100, float(rng.choice([0, 90, 180, 270])))


def _bars(rng: Generator, inks: list[str]) -> str:
    count = int(rng.integers(2, 6))
    pitch, share, slant = 100 / count, rng.uniform(0.5, 0.85), rng.choice([0, 0, 0, -20])
    heights = rng.uniform(30, 100, count)
    if rng.random() < 0.5:
        heights.sort()
    parts = [
        f'<rect x="{(i + (1 - share) / 2) * pitch - 50:.2f}" y="{50 - height:.2f}" width="{share * pitch:.2f}"'
        f' height="{height:.2f}" fill="{inks[i % len(inks)]}"/>'
        for i, height in enumerate(heights.tolist())
    ]
    turn = f"skewX({slant}) scale({0.8 if slant else 1}) rotate({rng.choice([0, 0, 90])})"
    return f'<g transform="{turn}">{"".join(parts)}</g>'


def _grid(rng: Generator, inks: list[str]) -> str:
    side = int(rng.integers(2, 4))
    pitch, gap, radius = 100 / side, rng.uniform(0.08, 0.25), rng.choice([0, 0.2, 0.5])
    cell = pitch * (1 - gap)
    # a hole only off the corners: they keep the outline square
    cells = [i for i in range(side**2) if i in (0, side - 1, side**2 - side, side**2 - 1) or rng.random() < 0.75]
    parts = [
        f'<rect x="{pitch * (i % side + gap / 2) - 50:.2f}" y="{pitch * (i // side + gap / 2) - 50:.2f}"'
        f' width="{cell:.2f}" height="{cell:.2f}" rx="{cell * radius:.2f}" fill="{rng.choice(inks)}"/>'
        for i in cells
    ]
    turned = rng.random() < 0.3
    return placed("".join(parts), 0, 0, 71 if turned else 100, 45 if turned else 0)


def _petals(rng: Generator, inks: list[str]) -> str:
    count, width, inner = int(rng.integers(3, 8)), rng.uniform(7, 15), rng.uniform(0, 14)
    right = f"C{2 * width:.2f} {-inner - 15:.2f} {width:.2f} -46 0 -50"
    left = f"C{-rng.uniform(0, 2) * width:.2f} -40 {-width:.2f} -24 0 {-inner:.2f}"
    blade = f'<path d="M0 {-inner:.2f}{right}{left}Z" transform="rotate'
    return "".join(f'{blade}({360 * i / count:.2f})" fill="{inks[i % len(inks)]}"/>' for i in range(count))


def _arcs(rng: Generator, inks: list[str]) -> str:
    count, sweep = int(rng.integers(2, 4)), rng.uniform(0.8 * np.pi, 1.8 * np.pi)
    thick = 50 / count * rng.uniform(0.45, 0.75)
    parts = []
    for index in range(count):
        radius = 50 * (index + 1) / count - thick / 2
        x, y = radius * np.cos(sweep), radius * np.sin(sweep)
        arc = f"M{radius:.2f} 0A{radius:.2f} {radius:.2f} 0 {int(sweep > np.pi)} 1 {x:.2f} {y:.2f}"
        parts.append(f'<path d="{arc}" stroke="{inks[index % len(inks)]}" stroke-width="{thick:.2f}" fill="none"/>')
    return placed("".join(parts), 0, 0, 100, float(45 * rng.integers(8)))


def letter(rng: Generator, inks: list[str]) -> str:
    """A capital drawn in strokes of the first ink."""
    strokes = _LETTERS[str(rng.choice(list(_LETTERS)))]
    style = f'stroke-width="{rng.uniform(0.7, 1.3):.2f}" stroke-linejoin="{rng.choice(["round", "miter"])}"'
    drawn = f'<path d="{strokes}" fill="none" stroke="{inks[0]}" {style} transform="translate(-2 -3)"/>'
    return f'<g transform="scale(13.5)">{drawn}</g>'


PLATES: tuple[Motif, ...] = (_disk, _plate, _polygon, _shield, _star)
"""Filled shapes of one ink, large enough to carry a sign."""
SIGNS: tuple[Motif, ...] = (_ring, _polygon, _star, _chevrons, _bars, _grid, _petals, _arcs, letter, letter)
"""What a logo can be made of alone; the last two are letters."""
