"""VTracer's key colour: what it paints transparent pixels with, so that it can tell them from all others.

It takes the first of ``KEY_COLOURS`` that no pixel has (``find_unused_color_in_image`` in its converter; seen on
0.6.15). Where all six are in the picture it draws one at random, and what is of a like colour beside transparent pixels
is traced differently from call to call. Of enlarged logos without palette every tenth has all six: bicubic overshoot
saturates the faint pixels beside an edge.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

KEY_COLOURS = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (0, 255, 255), (255, 0, 255))

# whole pixels are compared as one 32-bit number each
_KEYS = np.array([(*colour, 0) for colour in KEY_COLOURS], np.uint8).view(np.uint32)[:, 0]
_RGB_MASK = np.array([(255, 255, 255, 0)], np.uint8).view(np.uint32)[0, 0]


def is_seen_as_transparent(rgba: NDArray[np.uint8]) -> bool:
    """Whether VTracer heeds the alpha of this raster, or paints its transparent pixels black.

    It looks at five rows and wants 0.4 transparent pixels per pixel of width among them (``should_key_image`` in its
    converter; seen on 0.6.15). One transparent row on top, outside of the picture, makes it heed a few pixels too.
    """
    height, width = rgba.shape[:2]
    rows = (0, height // 4, height // 2, 3 * height // 4, height - 1)
    transparent = sum(int(np.count_nonzero(rgba[row, :, 3] == 0)) for row in rows)
    return transparent >= int(width * 2 * 0.2)  # in its 32-bit floats the same for every width up to 70,000 px


def with_a_free_key(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The same raster (uint8 RGBA), or a copy in which a key colour is free where VTracer would draw one at random.

    Freed is the colour that the fewest visible pixels have, of equals the first: its pixels become one level darker.
    Mostly only transparent pixels have it.
    """
    if not is_seen_as_transparent(rgba):
        return rgba
    colours = np.ascontiguousarray(rgba).view(np.uint32)[..., 0] & _RGB_MASK
    if not all((colours == key).any() for key in _KEYS):
        return rgba
    visible = colours[rgba[..., 3] > 0]
    rarest = int(np.argmin([np.count_nonzero(visible == key) for key in _KEYS]))
    freed: NDArray[np.uint8] = rgba.copy()
    freed[colours == _KEYS[rarest], :3] = np.maximum(KEY_COLOURS[rarest], 1) - 1
    return freed
