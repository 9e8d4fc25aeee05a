"""SVG files are drawn as a browser would, in whatever units they are, or refused with the reason."""

import base64
import io

import numpy as np
import pytest
from PIL import Image
from skimage.metrics import structural_similarity

from rlcore import svg_files
from rlcore.errors import UnusableFileError
from rlcore.logos import composite
from rlcore.svg_files import read_svg, svg_size
from tests.browser import chromium, needs_chromium
from tests.rlcore.pictures import WHITE, svg

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


DRAWINGS = {
    "gradients": '<linearGradient id="g"><stop offset="0.2" stop-color="#e02020"/><stop offset="1" stop-color="gold"/>'
    '</linearGradient><radialGradient id="r" cy="0.3"><stop stop-color="white"/><stop offset="1" stop-color="navy"/>'
    '</radialGradient><rect width="20" height="20" fill="url(#g)"/><circle cx="30" cy="10" r="9" fill="url(#r)"/>',
    "strokes": '<path d="M3 17C9-9 15 30 20 4S30 2 37 15" fill="none" stroke="#206" stroke-width="3" '
    'stroke-linecap="round" stroke-dasharray="6 4"/>',
    "clips and masks": '<clipPath id="c"><circle cx="10" cy="10" r="8"/></clipPath><mask id="m"><rect x="22" y="2" '
    'width="9" height="16" fill="white"/></mask><rect width="20" height="20" clip-path="url(#c)" fill="teal"/>'
    '<rect x="20" width="20" height="20" mask="url(#m)" fill="#c06"/>',
    "style sheet": "<style>.a{fill:hsl(200,80%,40%);opacity:.6} g &gt; .b{fill:#ec0} circle{stroke:black}</style>"
    '<g><rect class="b" width="26" height="20"/></g><circle class="a" cx="24" cy="10" r="8"/>',
    "shadow": '<filter id="f"><feDropShadow dx="1" dy="1" stdDeviation="1" flood-color="#036"/></filter>'
    '<path d="M6 4h20l8 12H6z" fill="#fa0" filter="url(#f)"/>',
    "pattern and transforms": '<pattern id="p" width="4" height="4" patternUnits="userSpaceOnUse">'
    '<path d="M0 0h2v4H0z" fill="#393"/></pattern><rect width="40" height="20" fill="url(#p)"/>'
    '<symbol id="s" viewBox="0 0 2 2"><path d="M0 2 1 0 2 2z"/></symbol>'
    '<use href="#s" width="12" height="12" transform="translate(20 3) rotate(20)"/>',
}


@needs_chromium
def test_drawings_look_as_in_a_real_browser():
    frame = '<body style="margin:0"><img style="width:240px;height:120px" src="data:image/svg+xml;base64,{}">'
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 240, "height": 120})
        for name, body in DRAWINGS.items():
            content = svg(body, "40mm", "20mm", 'viewBox="0 0 40 20"')
            page.set_content(frame.format(base64.b64encode(content).decode()))
            page.wait_for_function("document.images[0].complete && document.images[0].naturalWidth")
            with Image.open(io.BytesIO(page.screenshot())) as shot:
                seen = np.asarray(shot.convert("RGB"))
            drawn = composite(read_svg(content, 240), WHITE)
            assert structural_similarity(drawn, seen, channel_axis=2, data_range=255) > 0.98, name
            assert np.abs(drawn.astype(int) - seen).mean() < 1, name
