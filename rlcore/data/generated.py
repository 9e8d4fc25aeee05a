"""Seeded geometric logos: disks, rings, polygons, stars, chevrons, bars, grids and letters, in 1-5 flat colours.

Layouts place motifs on a canvas 100 high; the SVG is rasterised once, like a logo from a file.
"""

from __future__ import annotations

import colorsys

import numpy as np
from numpy.random import Generator

from rlcore.data.motifs import PLATES, SIGNS, Motif, letter, placed
from rlcore.logos import Logo, make_logo
from rlcore.rendering import rasterise

OPAQUE_SHARE = 0.3
"""Share of the logos of two and more colours that lie on a plain colour; the others' background is transparent."""

_COLOUR_DISTANCE = 90
"""Least distance (largest channel, 0..255) of two colours of a logo: nearer ones would blend into ramps."""


def generate_logos(count: int, seed: int, working_size: int) -> list[Logo]:
    """``count`` different logos, the same for the same seed and size, named ``generated/00000`` and on.

    Logo i derives from (seed, i) alone: it is the same whatever ``count``. ``seed`` >= 0; sizes in px.
    """
    return [_logo(index, seed, working_size) for index in range(count)]


def _logo(index: int, seed: int, working_size: int) -> Logo:
    rng = np.random.default_rng([seed, index])
    colours = _colours(rng, int(rng.integers(1, 6)))
    opaque = len(colours) > 1 and rng.random() < OPAQUE_SHARE
    ground, inks = (colours[0], colours[1:]) if opaque else ("none", colours)
    layout = _LAYOUTS[int(rng.integers(len(_LAYOUTS)))]
    width, drawing = layout(rng, inks)
    # the ground reaches past the edge, so that no soft pixel is left there
    ground_rect = f'<rect x="-9" y="-9" width="{width + 18:.2f}" height="118" fill="{ground}"/>'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.2f}" height="100">{ground_rect}{drawing}</svg>'
    return make_logo(f"generated/{index:05d}", rasterise(svg.encode(), (width, 100.0), working_size), working_size)


def _colours(rng: Generator, count: int) -> list[str]:
    """So many flat colours, all ``_COLOUR_DISTANCE`` apart: mostly vivid, now and then white, black or grey."""
    found: list[tuple[int, ...]] = []
    while len(found) < count:
        plain, hue = rng.random() < 0.25, float(rng.random())
        saturation, value = (0.0, float(rng.choice([0.13, 0.5, 1.0]))) if plain else rng.uniform(0.5, 1.0, 2).tolist()
        colour = tuple(round(255 * part) for part in colorsys.hsv_to_rgb(hue, saturation, value))
        if all(max(abs(a - b) for a, b in zip(colour, other, strict=True)) >= _COLOUR_DISTANCE for other in found):
            found.append(colour)
    return [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in found]


def _any(motifs: tuple[Motif, ...], rng: Generator, inks: list[str]) -> str:
    return motifs[int(rng.integers(len(motifs)))](rng, inks)


def _badge(rng: Generator, inks: list[str]) -> tuple[float, str]:
    """A sign on a plate; with one colour only, the sign alone."""
    if len(inks) == 1:
        return _emblem(rng, inks)
    plate = placed(_any(PLATES, rng, inks), 50, 50, rng.uniform(84, 98))
    x, y = rng.uniform(46, 54, 2)
    sign = _any(SIGNS, rng, inks[1:])
    return 100.0, plate + placed(sign, x, y, rng.uniform(36, 58), float(rng.choice([0, 0, 15, 30])))


def _emblem(rng: Generator, inks: list[str]) -> tuple[float, str]:
    """One large sign."""
    angle = float(rng.choice([0, 0, 0, 20, 45]))
    size = rng.uniform(78, 94) * (0.8 if angle else 1)
    return 100.0, placed(_any(SIGNS, rng, inks), 50, 50, size, angle)


def _overlap(rng: Generator, inks: list[str]) -> tuple[float, str]:
    """Two motifs, the second over a corner of the first."""
    far = rng.uniform(60, 70)
    ends = rng.permutation([100 - far, far])
    under = placed(_any(PLATES, rng, inks), ends[0], rng.uniform(38, 50), rng.uniform(55, 72))
    over = _any(PLATES + SIGNS, rng, inks[1:] or inks)
    return 100.0, under + placed(over, ends[1], rng.uniform(55, 66), rng.uniform(40, 58))


def _wheel(rng: Generator, inks: list[str]) -> tuple[float, str]:
    """One small motif several times around a centre."""
    count, turn = int(rng.integers(3, 7)), float(rng.uniform(0, 360))
    motif, dice = PLATES[int(rng.integers(len(PLATES)))], int(rng.integers(2**31))
    size = rng.uniform(80, 120) / count + 6
    around = []
    for index in range(count):
        angle = np.radians(turn + 360 * index / count)
        x, y = 50 + (48 - size / 2) * np.array([np.cos(angle), np.sin(angle)])
        # the same draw each time: one motif, only its colour changes
        drawing = motif(np.random.default_rng(dice), inks[index % len(inks) :])
        around.append(placed(drawing, x, y, size, float(np.degrees(angle))))
    core = placed(_any(PLATES, rng, inks), 50, 50, rng.uniform(18, 30)) if rng.random() < 0.5 else ""
    return 100.0, "".join(around) + core


def _wordmark(rng: Generator, inks: list[str]) -> tuple[float, str]:
    """A sign with one to three letters beside it, wider than high."""
    count = int(rng.integers(1, 4))
    size, letter_size = rng.uniform(70, 92), rng.uniform(55, 90)
    step = 0.72 * letter_size
    sign = placed(_any(PLATES + SIGNS[:-2], rng, inks), 50, 50, size)
    letters = [placed(letter(rng, inks[-1:]), 112 + step * (i + 0.2), 50, letter_size) for i in range(count)]
    return 108.0 + step * count, sign + "".join(letters)


_LAYOUTS = (_badge, _badge, _badge, _emblem, _emblem, _overlap, _wheel, _wordmark)
