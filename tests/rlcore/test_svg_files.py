"""SVG files are drawn as a browser would, in whatever units they are, or refused with the reason."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from rlcore import svg_files
from rlcore.errors import UnusableFileError
from rlcore.svg_files import read_svg, svg_size
from tests.rlcore.pictures import svg

RED, GREEN, BLUE = (255, 0, 0, 255), (0, 128, 0, 255), (0, 0, 255, 255)
HALVES = '<rect width="20" height="20" fill="red"/><rect x="20" width="20" height="20" fill="blue"/>'


def embedded(picture, kind="png"):
    buffer = io.BytesIO()
    picture.save(buffer, kind.upper())
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"


@pytest.mark.parametrize(
    "body",
    [
        "<style>.a{fill:#f00} #b{fill:#00f}</style>"
        '<rect class="a" width="20" height="20"/><rect id="b" x="20" width="20" height="20"/>',
        '<symbol id="s" viewBox="0 0 1 1"><rect width="1" height="1"/></symbol>'
        '<use href="#s" width="20" height="20" fill="red"/>'
        '<use xlink:href="#s" x="20" width="20" height="20" fill="blue"/>',
        '<rect width="20" height="20" fill="hsl(0,100%,50%)"/><rect x="20" width="20" height="20" fill="#00ff"/>',
        f'<image width="20" height="20" xlink:href="{embedded(Image.new("RGB", (4, 4), "red"))}"/>'
        f'<image x="20" width="20" height="20" href="{embedded(Image.new("RGB", (4, 4), "blue"))}"/>',
        f'<switch><foreignObject requiredExtensions="x:y"/><g>{HALVES}</g></switch>',
        f'<text> </text><title>halves</title><script>close()</script><a href="http://127.0.0.1:9">{HALVES}</a>',
        f'{HALVES}<image width="40" height="20" href="/nowhere.png"/><use href="http://127.0.0.1:9/a.svg#x"/>',
    ],
    ids=["style sheet", "symbols", "colours", "pictures", "switch", "what draws nothing", "outside"],
)
def test_it_is_drawn_as_in_a_browser(body):
    rgba = read_svg(svg(body, 40, 20), 80)
    assert rgba.shape == (40, 80, 4)
    assert tuple(rgba[20, 20]) == RED
    assert tuple(rgba[20, 60]) == BLUE


@pytest.mark.parametrize(
    ("sides", "size"),
    [
        ('width="40mm" height="20mm"', (40 * 96 / 25.4, 20 * 96 / 25.4)),
        ('width="1in" height="36pt"', (96, 48)),
        ('width="10em" height="80"', (160, 80)),
        ('width="40Q" height="5mm"', (40 * 96 / 101.6, 5 * 96 / 25.4)),
        ('width="50mm"', (50 * 96 / 25.4, 25 * 96 / 25.4)),
        ('height="100"', (200, 100)),
        ('width="100%" height="100%"', (40, 20)),
        ('style="color:red; width: 200px; height:100px" width="7" height="7"', (200, 100)),
        ("", (40, 20)),
    ],
)
def test_all_units_give_the_whole_drawing(sides, size):
    content = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 20" {sides}>{HALVES}</svg>'.encode()
    assert svg_size(content) == pytest.approx(size)
    rgba = read_svg(content, 80)
    assert rgba.shape == (40, 80, 4)
    for column, colour in ((1, RED), (38, RED), (41, BLUE), (78, BLUE)):
        assert (rgba[1:-1, column] == colour).all()


def test_the_drawing_keeps_its_place_in_a_frame_of_another_shape():
    content = f'<svg xmlns="http://www.w3.org/2000/svg" width="80" height="80" viewBox="0 0 40 20">{HALVES}</svg>'
    rgba = read_svg(content.encode(), 80)
    assert rgba.shape == (80, 80, 4)
    assert not rgba[:19].any()
    assert not rgba[61:].any()
    assert (rgba[21:59, 5] == RED).all()


def test_without_a_namespace_it_is_drawn_too():
    assert (
        tuple(read_svg(b'<svg width="9" height="9"><rect width="9" height="9" fill="green"/></svg>', 32)[16, 16])
        == GREEN
    )


def test_alpha_is_straight():
    rgba = read_svg(svg('<rect width="30" height="10" fill="#f00" fill-opacity="0.5"/>'), 30).astype(int)
    assert (np.abs(rgba[5, 15] - (255, 0, 0, 128)) <= 1).all()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("<text>Acme</text>", "SVG with <text>: what text looks like depends on the fonts"),
        ("<text><tspan>A</tspan></text>", "SVG with <text>"),
        ("<foreignObject/>", "SVG with <foreignObject>"),
        ('<filter id="f"><feTurbulence numOctaves="1000000000"/></filter>', "SVG with <feTurbulence>: it can take"),
        ('<image href="data:image/png;base64,AAAA"/>', "picture inside that can't be read"),
        ('<image href="data:image/svg+xml;base64,PHN2Zy8+"/>', "picture inside that can't be read"),
        (f'<image href="{embedded(Image.new("RGB", (2, 2)), "bmp")}"/>', "picture inside that is BMP: drawn are PNG"),
        ('<g opacity="0.5"/>' * 1200, "SVG beyond"),
        ('<style>g { opacity : 0.5 }</style>' + "<g/>" * 1200, "SVG beyond"),
        ("<style>.a, .b { clip-path:url(#c)}</style>" + '<g class="x b"/>' * 1200, "SVG beyond"),
        ('<g style="fill:red;opacity:.5"/>' * 1200, "SVG beyond"),
        ('<filter id="f">' + "<feGaussianBlur/>" * 1200 + '</filter>', "SVG beyond"),
        ('<mask id="m"><rect width="9" height="9"/></mask>' + '<rect mask="url(#m)"/>' * 1200, "SVG beyond"),
    ],
)  # fmt: skip
def test_what_would_be_drawn_wrongly_or_for_hours_is_refused(body, reason):
    with pytest.raises(UnusableFileError, match=reason):
        read_svg(svg(body + HALVES), 64)


@pytest.mark.parametrize(
    "body",
    [
        '<path style="opacity:1;fill-opacity:0.5;mask:none" d="M0 0"/>' * 3000,
        "<style>.a{opacity:.5} .b{fill:red}</style>" + '<path class="b" d="M0 0"/>' * 3000,
        '<path opacity="1.0" filter="none" d="M0 0"/>' * 3000,
    ],
    ids=["as Inkscape writes", "as Illustrator writes", "attributes"],
)
def test_what_asks_for_no_layer_is_no_effort(body):
    assert tuple(read_svg(svg(body + HALVES, 40, 20), 80)[20, 20]) == RED


def test_a_picture_inside_may_be_no_larger_than_one_outside(monkeypatch):
    monkeypatch.setattr(svg_files, "MAX_EMBEDDED_PIXELS", 99)
    inside = '<image width="30" height="10" href="{}"/>'
    assert read_svg(svg(inside.format(embedded(Image.new("RGB", (9, 9), "red")))), 30)[5, 15].tolist() == [*RED]
    with pytest.raises(UnusableFileError, match="SVG with a picture of 10 x 10 px inside: read are 99 px"):
        read_svg(svg(inside.format(embedded(Image.new("RGB", (10, 10))))), 30)


def test_a_thousand_half_transparent_parts_are_drawn_in_seconds():
    """What is just allowed; more of them is refused above."""
    body = '<g opacity="0.9"><rect width="9" height="9"/></g>' * 900
    assert read_svg(svg(body), 256)[20, 20, 3] == 255
