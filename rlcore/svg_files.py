"""SVG files of a user: parsed without entities, refused where drawing takes hours or can't be right, rasterised.

Drawn by resvg, which knows style sheets, symbols and pictures inside the file; Skia's SVG module leaves these out.
"""

from __future__ import annotations

import base64
import binascii
import io
import re
from xml.etree.ElementTree import Element, ParseError, tostring

import numpy as np
import PIL.Image
import resvg_py
from defusedxml import DefusedXmlException
from defusedxml import ElementTree as SafeElementTree
from numpy.typing import NDArray

from rlcore.errors import UnusableFileError, is_rust_panic

MAX_DEPTH = 200
"""Levels of elements, references followed: drawing recurses, and thousands of levels would overflow its stack."""

MAX_DRAWN = 200_000
"""Elements, references followed as often as they are drawn: ten ``use`` of ten ``use`` of ... take hours."""

LAYER_EFFORT = 200
"""Elements that one with a mask, a filter or opacity counts as: it takes a whole picture of its own."""

MAX_EMBEDDED_PIXELS = 40_000_000
"""Of a picture inside an SVG; as of one in a file of its own."""

_EMBEDDED = ("PNG", "JPEG", "GIF", "WEBP")
_SVG = "{http://www.w3.org/2000/svg}"
_FONTS = "what text looks like depends on the fonts of a machine: turn it into paths"
_COSTLY = "it can take hours to draw"
UNDRAWN = {
    "text": _FONTS,
    "foreignObject": "it holds no SVG",
    "feTurbulence": _COSTLY,
    "feMorphology": _COSTLY,
    "feConvolveMatrix": _COSTLY,
}
"""Elements without which a drawing is another one, and why they are not drawn."""


def read_svg(content: bytes, working_size: int) -> NDArray[np.uint8]:
    """An SVG file's content on nothing: uint8 RGBA, straight alpha, longest side ``working_size`` px.

    As in a browser's ``img``, nothing outside of the file is drawn, and no script runs.

    Raises:
        UnusableFileError: not an SVG, with entities, without area, with an element of ``UNDRAWN``, or beyond the limits
            above.
    """
    root = _root(content)
    width, height = _natural_size(root)
    _Effort(root).check()
    for element in root.iter():
        _check_drawn(element)
        _keep_inside(element)
    scale = working_size / max(width, height)
    raster = (max(1, round(width * scale)), max(1, round(height * scale)))
    return _drawn(_framed(root, (width, height), raster))


def svg_size(content: bytes) -> tuple[float, float]:
    """Width and height of an SVG file's content, in px of 1/96 inch.

    Raises:
        UnusableFileError: not an SVG, with entities, or without area.
    """
    return _natural_size(_root(content))


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _check_drawn(element: Element) -> None:
    name = _name(element)
    if name not in UNDRAWN or (name == "foreignObject" and element.get("requiredExtensions")):
        return
    if name != "text" or "".join(element.itertext()).strip():
        raise UnusableFileError(f"SVG with <{name}>: {UNDRAWN[name]}")


def _keep_inside(element: Element) -> None:
    """Takes away references to anything outside of the file, which resvg would look for on the disk.

    Raises:
        UnusableFileError: a picture inside the file is none, or too large.
    """
    if _name(element) not in ("image", "feImage", "use"):
        return
    for name in [name for name in element.attrib if name.rpartition("}")[2] == "href"]:
        place = str(element.get(name)).strip()
        if place.startswith("data:"):
            _check_embedded(place)
        elif not place.startswith("#"):
            del element.attrib[name]


def _check_embedded(place: str) -> None:
    kind, _, data = place.partition(",")
    try:
        with PIL.Image.open(io.BytesIO(base64.b64decode(data))) as image:
            form, (width, height) = image.format, image.size
    except (OSError, ValueError, SyntaxError, binascii.Error, PIL.Image.DecompressionBombError) as error:
        raise UnusableFileError(f"SVG with a picture inside that can't be read ({kind[:40]}): {error}") from error
    if form not in _EMBEDDED:
        raise UnusableFileError(f"SVG with a picture inside that is {form}: drawn are {', '.join(_EMBEDDED)}")
    if width * height > MAX_EMBEDDED_PIXELS:
        raise UnusableFileError(
            f"SVG with a picture of {width} x {height} px inside: read are {MAX_EMBEDDED_PIXELS} px"
        )


def _framed(root: Element, size: tuple[float, float], raster: tuple[int, int]) -> Element:
    """The drawing, in its natural size, as the one element of another that has the raster's size."""
    width, height = size
    root.attrib.update(width=repr(width), height=repr(height))
    for name in ("x", "y"):
        root.attrib.pop(name, None)
    frame = {"width": str(raster[0]), "height": str(raster[1]), "viewBox": f"0 0 {width!r} {height!r}"}
    outer = Element(f"{_SVG}svg", frame | {"preserveAspectRatio": "none"})
    outer.append(root)
    return outer


def _drawn(root: Element) -> NDArray[np.uint8]:
    try:
        png = resvg_py.svg_to_bytes(svg_string=tostring(root, encoding="unicode"), skip_system_fonts=True, dpi=96)
    except ValueError as error:
        raise UnusableFileError(f"SVG that can't be drawn: {error}") from error
    except BaseException as error:
        if is_rust_panic(error):
            raise UnusableFileError(f"SVG that can't be drawn: {error}") from None
        raise
    with PIL.Image.open(io.BytesIO(bytes(png))) as image:
        return np.asarray(image.convert("RGBA"))


def _root(content: bytes) -> Element:
    try:
        root: Element = SafeElementTree.fromstring(content)
    except DefusedXmlException as error:
        raise UnusableFileError(f"SVG with entities or external references: {error}") from error
    except (ParseError, ValueError, LookupError) as error:
        raise UnusableFileError(f"not well-formed XML: {error}") from error
    if _name(root) != "svg":
        raise UnusableFileError(f"wrongly named: the root element is {root.tag!r}, not svg")
    if "}" not in root.tag:  # without the namespace, which browsers want and many tools leave out
        for element in root.iter():
            element.tag = f"{_SVG}{element.tag}"
    return root


_LAYERS = re.compile(
    r"(?<![\w-])(opacity|mask|filter|clip-path|mix-blend-mode|isolation)\s*:"
    r"(?!\s*(1(\.0*)?|none|normal|auto)\s*(;|$))"
)
"""Declarations that ask for a layer: Inkscape writes ``opacity:1`` to every shape, which asks for none."""


class _Effort:
    """How deep and how many elements drawing will go through; a reference to an element being drawn ends there."""

    def __init__(self, root: Element) -> None:
        self._root = root
        self._by_id = {element.get("id"): element for element in root.iter() if element.get("id")}
        self._known: dict[Element, tuple[int, int]] = {}
        sheets = " ".join("".join(element.itertext()) for element in root.iter(f"{_SVG}style"))
        rules = re.findall(r"([^{}]*)\{([^{}]*)\}", sheets)
        selectors = {one.strip() for names, body in rules if _LAYERS.search(body) for one in names.split(",")}
        self._layer_classes = {one[1:] for one in selectors if re.fullmatch(r"\.[\w-]+", one)}
        # what another selector means is not worked out: it may be any element
        self._always_layers = len(self._layer_classes) < len(selectors)

    def check(self) -> None:
        self._of(self._root, 1)

    def _of(self, element: Element, depth: int) -> tuple[int, int]:
        """Levels and elements at and under ``element``."""
        if element in self._known:
            return self._known[element]
        self._known[element] = (0, 0)
        height, drawn = 0, LAYER_EFFORT if self._is_layer(element) else 1
        for below in (*element, *self._referenced(element)):
            below_height, below_drawn = self._of(below, depth + 1) if depth < MAX_DEPTH else (1, 1)
            height, drawn = max(height, below_height), drawn + below_drawn
        if depth + height > MAX_DEPTH or drawn > MAX_DRAWN:
            raise UnusableFileError(f"SVG beyond {MAX_DEPTH} levels or {MAX_DRAWN} drawn elements")
        self._known[element] = (height + 1, drawn)
        return self._known[element]

    def _is_layer(self, element: Element) -> bool:
        declared = ";".join((*(f"{key}:{value}" for key, value in element.items()), element.get("style", "")))
        asked = not self._layer_classes.isdisjoint(element.get("class", "").split())
        return asked or self._always_layers or _name(element).startswith("fe") or _LAYERS.search(declared) is not None

    def _referenced(self, element: Element) -> list[Element]:
        texts = [text for name, text in element.items() if name.endswith("href") or "url(" in text]
        names = [name for text in texts for name in re.findall(r"#([^\s'\")]+)", text)]
        return [self._by_id[name] for name in names if name in self._by_id]


_UNITS = {
    **{"": 1.0, "px": 1.0, "pt": 96 / 72, "pc": 16.0, "mm": 96 / 25.4, "cm": 96 / 2.54, "q": 96 / 101.6, "in": 96.0},
    **{"em": 16.0, "rem": 16.0, "ex": 8.0},
}


def _length(text: str | None) -> float | None:
    match = re.fullmatch(r"\s*([0-9.eE+-]+?)\s*([a-z]*)\s*", (text or "").lower())
    if match is None or match[2] not in _UNITS:
        return None
    try:
        return float(match[1]) * _UNITS[match[2]]
    except ValueError:
        return None


def _side(root: Element, name: str) -> float | None:
    """In px; None where there is none, or a share of what is around."""
    style = re.search(rf"(?:^|;)\s*{name}\s*:([^;!]*)", root.get("style", ""))
    return _length(style[1] if style else root.get(name))


def _natural_size(root: Element) -> tuple[float, float]:
    """As a browser has it: a side that is not given follows from the other and the ``viewBox``."""
    width, height = _side(root, "width"), _side(root, "height")
    view_box = [_length(part) for part in re.split(r"[\s,]+", (root.get("viewBox") or "").strip())]
    if len(view_box) == 4 and view_box[2] and view_box[3] and min(view_box[2], view_box[3]) > 0:
        ratio = view_box[2] / view_box[3]
        if width is None and height is None:
            width, height = view_box[2], view_box[3]
        width = height * ratio if width is None and height is not None else width
        height = width / ratio if height is None and width is not None else height
    size = (100.0 if width is None else width, 100.0 if height is None else height)
    if not (min(size) > 0 and max(size) < 1e6):
        raise UnusableFileError(f"zero area or beyond reason: {size[0]:g} x {size[1]:g}")
    return size
