"""SVG files of a user: parsed without entities, refused where Skia would crash or be busy for hours, rasterised."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, ParseError

import numpy as np
from defusedxml import DefusedXmlException
from defusedxml import ElementTree as SafeElementTree
from numpy.typing import NDArray

from rlcore.errors import RenderError, UnusableFileError
from rlcore.rendering import rasterise

MAX_DEPTH = 200
"""Levels of elements, references followed. Skia recurses: 10,000 levels overflow its stack (5,000 do not)."""

MAX_DRAWN = 200_000
"""Elements, references followed as often as Skia would: ten ``use`` of ten ``use`` of ... take hours."""


def read_svg(content: bytes, working_size: int) -> NDArray[np.uint8]:
    """An SVG file's content on nothing: uint8 RGBA, straight alpha, longest side ``working_size`` px.

    Raises:
        UnusableFileError: not an SVG, with entities, without area, or beyond the limits above.
    """
    root = _root(content)
    size = _natural_size(root)
    _Effort(root).check()
    try:
        return rasterise(content, size, working_size)
    except RenderError as error:
        raise UnusableFileError(str(error)) from error


def svg_size(content: bytes) -> tuple[float, float]:
    """Width and height of an SVG file's content, in px of 1/96 inch.

    Raises:
        UnusableFileError: not an SVG, with entities, or without area.
    """
    return _natural_size(_root(content))


def _root(content: bytes) -> Element:
    try:
        root: Element = SafeElementTree.fromstring(content)
    except DefusedXmlException as error:
        raise UnusableFileError(f"SVG with entities or external references: {error}") from error
    except (ParseError, ValueError, LookupError) as error:
        raise UnusableFileError(f"not well-formed XML: {error}") from error
    if root.tag.rpartition("}")[2] != "svg":
        raise UnusableFileError(f"wrongly named: the root element is {root.tag!r}, not svg")
    return root


class _Effort:
    """How deep and how many elements Skia will go through; a reference to an element being drawn ends there."""

    def __init__(self, root: Element) -> None:
        self._root = root
        self._by_id = {element.get("id"): element for element in root.iter() if element.get("id")}
        self._known: dict[Element, tuple[int, int]] = {}

    def check(self) -> None:
        self._of(self._root, 1)

    def _of(self, element: Element, depth: int) -> tuple[int, int]:
        """Levels and elements at and under ``element``."""
        if element in self._known:
            return self._known[element]
        self._known[element] = (0, 0)
        height, drawn = 0, 1
        for below in (*element, *self._referenced(element)):
            below_height, below_drawn = self._of(below, depth + 1) if depth < MAX_DEPTH else (1, 1)
            height, drawn = max(height, below_height), drawn + below_drawn
        if depth + height > MAX_DEPTH or drawn > MAX_DRAWN:
            raise UnusableFileError(f"SVG beyond {MAX_DEPTH} levels or {MAX_DRAWN} drawn elements")
        self._known[element] = (height + 1, drawn)
        return self._known[element]

    def _referenced(self, element: Element) -> list[Element]:
        texts = [text for name, text in element.items() if name.endswith("href") or "url(" in text]
        names = [name for text in texts for name in re.findall(r"#([^\s'\")]+)", text)]
        return [self._by_id[name] for name in names if name in self._by_id]


_UNITS = {"": 1.0, "px": 1.0, "pt": 96 / 72, "pc": 16.0, "mm": 96 / 25.4, "cm": 96 / 2.54, "in": 96.0}


def _length(text: str | None) -> float | None:
    match = re.fullmatch(r"\s*([0-9.eE+-]+)\s*([a-z]*)\s*", text or "")
    if match is None or match[2] not in _UNITS:
        return None
    try:
        return float(match[1]) * _UNITS[match[2]]
    except ValueError:
        return None


def _natural_size(root: Element) -> tuple[float, float]:
    width, height = _length(root.get("width")), _length(root.get("height"))
    view_box = [_length(part) for part in re.split(r"[\s,]+", (root.get("viewBox") or "").strip())]
    if (width is None or height is None) and len(view_box) == 4:
        width, height = view_box[2], view_box[3]
    size = (100.0 if width is None else width, 100.0 if height is None else height)
    if not (min(size) > 0 and max(size) < 1e6):
        raise UnusableFileError(f"zero area or beyond reason: {size[0]:g} x {size[1]:g}")
    return size
