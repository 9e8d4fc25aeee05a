"""VTracer's exact outlines of a picture of one colour, for tests of what is made of them."""

from __future__ import annotations

import re

import cv2
import numpy as np
from numpy.typing import NDArray

from rlcore.conversion.outlines import Outlines, with_area, without_repeats
from rlcore.conversion.tracing import convert
from rlcore.parameters import Parameters


def traced(mask: NDArray[np.bool_]) -> Outlines:
    """The outlines of a mask's shapes; holes go round the other way."""
    rgba = np.repeat(np.where(mask, 255, 0).astype(np.uint8)[..., None], 4, axis=2)
    parameters = Parameters(mode="outline", filter_speckle=0)
    svg = convert(cv2.imencode(".png", rgba)[1].tobytes(), parameters).decode()
    points, sizes, paths = [], [], []
    for index, (data, *move) in enumerate(re.findall(r' d="([^"]*)".*translate\((\d+),(\d+)\)', svg)):
        for subpath in re.findall(r"M([^Z]*)Z", data):
            pairs = re.findall(r"(-?\d+),(-?\d+)", subpath)
            points += [(int(x) + int(move[0]), int(y) + int(move[1])) for x, y in pairs]
            sizes.append(len(pairs))
            paths.append(index)
    numbers = (np.array(values, dtype=np.int64) for values in (points, sizes, paths))
    found = Outlines(*numbers)
    return (
        with_area(without_repeats(found)) if paths else Outlines(found.points.reshape(0, 2), found.sizes, found.paths)
    )
