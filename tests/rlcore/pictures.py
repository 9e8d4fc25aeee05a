"""Small pictures with known pixels, for all tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rlcore.logos import Logo, make_logo

Colour = tuple[int, int, int]

RED, GREEN, BLUE = (255, 0, 0), (0, 160, 0), (0, 0, 255)
WHITE, BLACK, GREY = (255, 255, 255), (0, 0, 0), (128, 128, 128)
MATTE = (10, 200, 90)
"""No two channels alike: a swap shows."""


def flat(height: int, width: int, colour: Colour, alpha: int = 255) -> NDArray[np.uint8]:
    return np.full((height, width, 4), (*colour, alpha), dtype=np.uint8)


def disk(side: int = 64, colour: Colour = RED, softness_px: float = 1.0) -> NDArray[np.uint8]:
    """A disk on nothing, whose alpha falls from 255 to 0 over ``softness_px``."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    cover = np.clip((side * 0.35 - np.hypot(x, y)) / softness_px + 0.5, 0, 1)
    rgba = flat(side, side, colour)
    rgba[..., 3] = np.rint(255 * cover)
    rgba[rgba[..., 3] == 0] = 0
    return rgba


def noise(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    rgba = flat(height, width, BLACK)
    rgba[..., :3] = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return rgba


def dots(count_side: int, side: int = 96, colour: Colour = BLUE) -> NDArray[np.uint8]:
    """``count_side`` squared separate squares on nothing."""
    rgba = np.zeros((side, side, 4), dtype=np.uint8)
    pitch = side // count_side
    for row in range(count_side):
        for column in range(count_side):
            top, left = row * pitch + 3, column * pitch + 3
            rgba[top : top + pitch - 6, left : left + pitch - 6] = (*colour, 255)
    return rgba


def squares(visible: Sequence[Colour], hidden: Sequence[Colour] = ()) -> NDArray[np.uint8]:
    """A square of each visible colour on nothing; the hidden ones are the colours of transparent pixels."""
    rgba = np.zeros((40, 24 * len(visible), 4), np.uint8)
    for index, colour in enumerate(visible):
        rgba[8:32, 24 * index + 3 : 24 * index + 21] = (*colour, 255)
    for column, colour in enumerate(hidden):
        rgba[0, column, :3] = colour
    return rgba


def faint(seed: int) -> NDArray[np.uint8]:
    """Soft blobs of random colours: their enlarged edges have all colours that there are, in pixels hardly seen."""
    random = np.random.default_rng(seed)
    rgba = np.zeros((48, 48, 4), np.uint8)
    for row in range(4):
        for column in range(4):
            blob = disk(12, tuple(random.integers(0, 256, 3).tolist()), 4.0)
            rgba[12 * row : 12 * row + 12, 12 * column : 12 * column + 12] = blob
    return rgba


def logo(rgba: NDArray[np.uint8], name: str = "test", working_size: int = 256) -> Logo:
    return make_logo(name, rgba, working_size)


def svg(body: str, width: float | str = 30, height: float | str = 10, attributes: str = "") -> bytes:
    names = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f'<svg {names} width="{width}" height="{height}" {attributes}>{body}</svg>'.encode()
