"""Small drawn logos of every category, as files in the folders train, validation and test."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rlcore.data.dataset import examine
from rlcore.data.generated import generate_logos
from rlcore.data.twins import TWIN_COSINE, edge_descriptor
from rlcore.episode import Subject
from rlcore.logos import make_logo
from rlcore.rendering import rasterise

SIDE = 48
COUNTS = {"train": 8, "validation": 3, "test": 3}
"""Of each category: as few as a data set may have."""

Picture = NDArray[np.uint8]


def write_drawn(folder: Path) -> Path:
    """``<folder>/<split>/<category>-<number>.png``: 56 logos without twins, the same ones every time."""
    drawn = {"simple": _simple(), "text": _text(), "gradient": _gradient(), "complex": _complex()}
    known: list[NDArray[np.float32]] = []
    for category, pictures in drawn.items():
        wanted = (picture for picture in pictures if _is_one(picture, category, known))
        for split, count in COUNTS.items():
            (folder / split).mkdir(parents=True, exist_ok=True)
            for number in range(count):
                Image.fromarray(next(wanted)).save(folder / split / f"{category}-{number}.png")
    return folder


def _is_one(picture: Picture, category: str, known: list[NDArray[np.float32]]) -> bool:
    subject, descriptor = examine(make_logo("", picture, SIDE), "all"), edge_descriptor(picture)
    if any(descriptor @ other > TWIN_COSINE for other in known):
        return False
    if not isinstance(subject, Subject) or subject.category != category:
        return False
    known.append(descriptor)
    return True


def _simple() -> Iterator[Picture]:
    return (logo.rgba for logo in generate_logos(60, 5, SIDE))


def _drawing(body: str) -> Picture:
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="{SIDE}" height="{SIDE}">{body}</svg>'
    return rasterise(svg.encode(), (SIDE, SIDE), SIDE)


def _text() -> Iterator[Picture]:
    """Sixteen scattered dots."""
    for seed in range(200):
        rng = np.random.default_rng([1, seed])
        colour, dots = "#{:02x}{:02x}{:02x}".format(*rng.integers(0, 200, 3)), []
        for row, column in product(range(4), range(4)):
            x, y = 12 * column + rng.uniform(5, 7), 12 * row + rng.uniform(5, 7)
            dots.append(f'<ellipse cx="{x}" cy="{y}" rx="{rng.uniform(2, 4.5)}" ry="{rng.uniform(2, 4.5)}"/>')
        yield _drawing(f'<g fill="{colour}">{"".join(dots)}</g>')


def _gradient() -> Iterator[Picture]:
    """Simple shapes whose colour runs from top to bottom."""
    ramp = np.linspace(40, 200, SIDE).astype(np.uint8)[:, None]
    for logo in generate_logos(80, 6, SIDE):
        picture = logo.rgba.copy()
        picture[..., :3] = np.where(picture[..., 3:] > 0, ramp[: len(picture), :, None], 0)
        yield picture


def _complex() -> Iterator[Picture]:
    """A disk in eleven sectors of different colours."""
    for seed in range(200):
        rng = np.random.default_rng([2, seed])
        turns = np.cumsum(rng.uniform(0.7, 1.3, 11))
        turns = 2 * np.pi * (turns / turns[-1] + rng.random())
        colours, sectors = rng.permutation(list(product((0, 120, 240), (0, 120, 240), (0, 240)))), []
        for begin, end, colour in zip(np.roll(turns, 1), turns, colours, strict=False):
            points = [(24 + 22 * np.cos(angle), 24 + 22 * np.sin(angle)) for angle in (begin, end)]
            path = f"M24 24L{points[0][0]:.3f} {points[0][1]:.3f}A22 22 0 0 1 {points[1][0]:.3f} {points[1][1]:.3f}Z"
            sectors.append('<path d="{}" fill="#{:02x}{:02x}{:02x}"/>'.format(path, *colour))
        yield _drawing("".join(sectors))
