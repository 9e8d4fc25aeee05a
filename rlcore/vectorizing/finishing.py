"""The last step: an SVG of traced paths gets the size that it is to have, its ``viewBox`` and its background."""

from __future__ import annotations

import math
import re

from rlcore.vectorizing.options import Colour

_ROOT = re.compile(rb"<svg\b[^>]*>")
_ATTRIBUTE = re.compile(rb'([A-Za-z]+)="([^"]*)"')


def finished(svg: bytes, size: tuple[float, float], background: Colour | None = None) -> bytes:
    """The drawing of ``svg`` in another size: the same elements, without what stands before them.

    Its coordinates stay what they were, in a ``viewBox``; where that has not quite the proportions of ``size``, since
    the picture was reduced to whole px, it is stretched by that much.

    Args:
        svg: an SVG as VTracer or ``rlcore.conversion.paths`` writes it.
        size: width and height.
        background: colour of a rectangle under all else.
    """
    root = _ROOT.search(svg)
    if root is None:
        raise ValueError(f"no svg element in {svg[:60]!r}")
    found = dict(_ATTRIBUTE.findall(root[0]))
    box = found.get(b"viewBox", b"0 0 %b %b" % (found[b"width"], found[b"height"]))
    left, top, width, height = box.split()
    stretched = not math.isclose(float(width) * size[1], float(height) * size[0], rel_tol=1e-9)
    head = b'<svg xmlns="http://www.w3.org/2000/svg" width="%.10g" height="%.10g" viewBox="%b"%b>' % (
        *size,
        b" ".join((left, top, width, height)),
        b' preserveAspectRatio="none"' if stretched else b"",
    )
    ground = b""
    if background is not None:
        ground = b'<path fill="#%02x%02x%02x" d="m%b %bh%bv%bh-%bz"/>' % (*background, left, top, width, height, width)
    return head + ground + svg[root.end() :].strip()
