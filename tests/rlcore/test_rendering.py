"""The renderer against known colours: a swapped channel, a wrong matte or lost alpha fails here."""

import numpy as np
import pytest
from PIL import Image

from rlcore.errors import RenderError
from rlcore.rendering import rasterise, render
from tests.rlcore.pictures import BLACK, BLUE, GREY, MATTE, RED, WHITE, svg
from tests.rlcore.web import serving

THREE = svg(
    '<rect width="10" height="10" fill="#f00"/>'
    '<rect x="10" width="10" height="10" fill="#00a000"/>'
    '<rect x="20" width="10" height="10" fill="#00f"/>'
)


def test_known_colours():
    picture = render(THREE, 30, 10, WHITE)
    assert picture.shape == (10, 30, 3)
    assert picture.dtype == np.uint8
    for left, colour in ((0, (255, 0, 0)), (10, (0, 160, 0)), (20, (0, 0, 255))):
        assert (picture[:, left : left + 10] == colour).all()


def test_top_is_up_and_left_is_left():
    picture = render(svg('<rect width="3" height="2" fill="#102030"/>'), 30, 10, WHITE)
    assert (picture[:2, :3] == (16, 32, 48)).all()
    assert (picture[2:] == 255).all()
    assert (picture[:, 3:] == 255).all()


@pytest.mark.parametrize("matte", [WHITE, BLACK, GREY, MATTE])
def test_matte_shows_where_nothing_is_drawn(matte):
    assert (render(svg(""), 30, 10, matte) == matte).all()


@pytest.mark.parametrize(
    ("matte", "expected"),
    [(WHITE, (255, 128, 128)), (BLACK, (128, 0, 0)), (GREY, (192, 64, 64)), (MATTE, (132, 100, 45))],
)
def test_half_transparent_fill_and_edge(matte, expected):
    body = '<rect width="4.5" height="4" fill="red"/><rect x="10" width="4" height="4" fill="red" fill-opacity="0.5"/>'
    picture = render(svg(body), 30, 10, matte).astype(int)
    assert (picture[:4, :4] == RED).all()
    assert (np.abs(picture[:4, 4] - expected) <= 2).all()
    assert (np.abs(picture[:4, 10:14] - expected) <= 2).all()
    assert (picture[5:] == matte).all()


def test_view_box_is_scaled_to_the_size():
    drawing = svg('<rect width="50" height="100" fill="blue"/>', 20, 20, 'viewBox="0 0 100 100"')
    picture = render(drawing, 20, 20, WHITE)
    assert (picture[:, :10] == BLUE).all()
    assert (picture[:, 10:] == 255).all()


def test_rasterise_gives_straight_alpha():
    body = '<rect width="10" height="10" fill="#ff8000" fill-opacity="0.5"/>'
    body += '<rect x="20" width="10" height="10" fill="#00f"/>'
    rgba = rasterise(svg(body), (30, 10), 60).astype(int)
    assert rgba.shape == (20, 60, 4)
    assert (np.abs(rgba[:, :20] - (255, 128, 0, 128)) <= 2).all()
    assert (rgba[:, 20:40] == 0).all()
    assert (rgba[:, 40:] == (0, 0, 255, 255)).all()


def test_rasterise_blends_half_transparent_layers():
    layer = '<rect width="10" height="10" fill="{}" fill-opacity="0.5"/>'
    rgba = rasterise(svg(layer.format("#f00") + layer.format("#00f")), (30, 10), 30).astype(int)
    assert (np.abs(rgba[:, :10] - (85, 0, 170, 191)) <= 2).all()


@pytest.mark.parametrize(
    ("natural", "longest", "shape"),
    [((30, 10), 15, (5, 15)), ((10, 30), 90, (90, 30)), ((0.5, 0.25), 64, (32, 64)), ((1000, 1), 64, (1, 64))],
)
def test_rasterise_size(natural, longest, shape):
    assert rasterise(svg("", *natural), natural, longest).shape == (*shape, 4)


@pytest.mark.parametrize("broken", [b"", b"<svg", b"no svg", b"\x00\xff" * 50, b"<html></html>", THREE[:-30]])
def test_broken_svg_raises(broken):
    with pytest.raises(RenderError, match=f"{len(broken)} bytes"):
        render(broken, 30, 10, WHITE)


@pytest.fixture
def web():
    with serving() as server:
        yield server


def test_nothing_external_is_fetched_and_no_script_runs(web, tmp_path):
    Image.new("RGB", (30, 10), RED).save(tmp_path / "red.png")
    address = web.address
    image = '<image width="30" height="10" {}="{}"/>'
    places = [f"{address}/a.png", f"file://{tmp_path}/red.png", f"{tmp_path}/red.png", "red.png"]
    body = "".join(image.format(key, place) for key in ("href", "xlink:href") for place in places)
    body += f"<style>@import url({address}/style.css); rect {{ fill: url({address}/paint.svg#p) }}</style>"
    body += f'<use xlink:href="{address}/b.svg#x"/><script href="{address}/c.js">document.x = 1</script>'
    body += "<rect width='5' height='5' fill='#00f' onload='document.documentElement.remove()'/>"
    picture = render(svg(body), 30, 10, WHITE)
    assert web.asked == []
    assert (picture[:5, :5] == BLUE).all()
    assert (picture[5:] == 255).all()
