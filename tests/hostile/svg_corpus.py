"""SVG files that run, fetch, grow or never end; each draws known cells, and what it smuggles in would cover them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Draw = Callable[[NDArray[np.uint8]], bytes]

NAMES = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="64" height="64"'


def svg_cases(address: str, secret: Path) -> list[tuple[str, Draw, str | None]]:
    """Name, what draws it, and how the reason for skipping it starts, or None.

    ``address``: of a server that must not be asked, ``secret``: a picture of another colour that must not be drawn.
    """
    return [*_used(address, secret), *_refused(address)]


def _used(address: str, secret: Path) -> list[tuple[str, Draw, str | None]]:
    image = '<image width="64" height="64" {}="{}"/>'
    places = (f"{address}/a.png", f"file://{secret}", str(secret), f"../{secret.parent.name}/secret.png")
    images = "".join(image.format(key, place) for key in ("href", "xlink:href") for place in places)
    style = f"@import url({address}/a.css); @import '{address}/b.css'; rect {{ mask: url({address}/c.svg#m) }}"
    fonts = f"@font-face {{ font-family: x; src: url({address}/x.woff) }} text {{ font-family: x }}"
    script = (
        f'<script href="{address}/a.js" xlink:href="{address}/b.js"/>'
        "<script>document.documentElement.innerHTML = ''; while (true) {}</script>"
        '<rect width="0" height="0" onload="while (true) {}" onclick="close()"/>'
        '<set attributeName="fill" to="#010203" begin="0s"/>'
    )
    frame = f'<foreignObject width="64" height="64"><iframe xmlns="http://www.w3.org/1999/xhtml" src="{address}"/>'
    references = (
        f'<use xlink:href="{address}/a.svg#x"/><use href="{address}/b.svg#x"/>'
        f'<feImage href="{address}/c.png"/><filter id="f"><feImage xlink:href="{address}/d.png"/></filter>'
        f'<linearGradient id="g" xlink:href="{address}/e.svg#g"/><a href="{address}/f"><g/></a>'
        f'<rect width="64" height="64" fill="url({address}/g.svg#p)" fill-opacity="0"/>'
    )
    sheet = f'<?xml-stylesheet href="{address}/a.css" type="text/css"?><?xml-stylesheet href="{address}/a.xsl"?>'
    outer = f'<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "{address}/svg11.dtd">'
    include = f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{address}/a.svg"/>'
    return [
        ("plain.svg", _around(), None),
        ("images.svg", _around(after=images), None),
        ("style.svg", _around(before=f"<style>{style} {fonts}</style>", after="<text> </text>"), None),
        ("script.svg", _around(after=script), None),
        ("frame.svg", _around(after=f"{frame}</foreignObject>"), "SVG with <foreignObject>"),
        ("references.svg", _around(after=references), None),
        ("stylesheet.svg", _around(head=sheet), None),
        ("outer DTD.svg", _around(head=outer), None),
        ("include.svg", _around(after=include), None),
    ]


def _refused(address: str) -> list[tuple[str, Draw, str | None]]:
    laughs = '<!ENTITY a0 "ha">' + "".join(f'<!ENTITY a{i + 1} "{f"&a{i};" * 10}">' for i in range(12))
    blow = f'<!ENTITY a "{"x" * 100_000}">'
    outer = f'<!ENTITY a SYSTEM "{address}/entity.txt">'
    local = '<!ENTITY a SYSTEM "file:///etc/hostname">'
    parameter = f'<!ENTITY % a SYSTEM "{address}/entity.dtd"> %a;'
    uses = "".join(f'<g id="a{i + 1}">' + f'<use xlink:href="#a{i}"/>' * 10 + "</g>" for i in range(12))
    dashes = '<circle r="30" cx="30" cy="30" stroke="red" fill="none" stroke-width="9" stroke-dasharray="0.0001"/>'
    entities = "SVG with entities or external references"
    return [
        ("billion laughs.svg", _around(head=f"<!DOCTYPE svg [{laughs}]>", after="<text>&a12;</text>"), entities),
        ("quadratic.svg", _around(head=f"<!DOCTYPE svg [{blow}]>", after="&a;" * 10_000), entities),
        ("outer entity.svg", _around(head=f"<!DOCTYPE svg [{outer}]>", after="<text>&a;</text>"), entities),
        ("local entity.svg", _around(head=f"<!DOCTYPE svg [{local}]>", after="<text>&a;</text>"), entities),
        ("parameter entity.svg", _around(head=f"<!DOCTYPE svg [{parameter}]>"), entities),
        ("uses.svg", _around(after=f'<g id="a0"><rect/></g>{uses}'), "SVG beyond"),
        ("deep.svg", _around(after="<g>" * 50_000 + "</g>" * 50_000), "SVG beyond"),
        ("dashes.svg", _around(after=dashes), "examining it takes too long"),
        ("cut.svg", lambda cells: _around()(cells)[:-9], "not well-formed XML"),
        ("page.svg", lambda cells: b"<html/>", "wrongly named: the root element is 'html'"),
        ("endless.svg", lambda cells: b"<svg " + b"a" * 1_000_000, "not well-formed XML"),
        ("vast.svg", lambda cells: b'<svg xmlns="http://www.w3.org/2000/svg" width="1e9" height="1"/>', "zero area or"),
    ]


def _around(head: str = "", before: str = "", after: str = "") -> Draw:
    def draw(cells: NDArray[np.uint8]) -> bytes:
        rects = '<rect width="64" height="64" fill="#ffffff"/>' + "".join(
            f'<rect x="{8 * x}" y="{8 * y}" width="8" height="8" rx="3" fill="#{red:02x}{green:02x}{blue:02x}"/>'
            for y, row in enumerate(cells.tolist())
            for x, (red, green, blue, _) in enumerate(row)
        )
        return f"{head}<svg {NAMES}>{before}{rects}{after}</svg>".encode()

    return draw
