"""Colours found, colours kept."""

import cv2
import numpy as np
import pytest

import rlcore.conversion.palette as module
from rlcore.conversion.palette import STROKE_COLOURS, Palette
from rlcore.conversion.tracing import trace
from rlcore.parameters import Parameters
from rlcore.rendering import render
from tests.rlcore.pictures import BLACK, BLUE, GREEN, MATTE, RED, WHITE, disk, dots, flat, logo, noise


def stripes(*colours, width=8):
    return np.hstack([flat(20, width, colour) for colour in colours])


def found(palette):
    return [tuple(colour) for colour in palette.colours.tolist()]


def test_finds_flat_colours_the_commonest_first():
    rgba = np.hstack([flat(20, 10, GREEN), flat(20, 30, RED), flat(20, 20, BLUE)])
    palette = Palette.of(rgba, 8)
    assert found(palette)[0] == RED
    assert set(found(palette)) == {RED, GREEN, BLUE}


@pytest.mark.parametrize("size", [2, 3, 7, 16])
def test_never_more_colours_than_asked_for(size):
    assert 1 < len(Palette.of(noise(30, 30), size).colours) <= size


def test_soft_edges_and_transparent_pixels_count_for_nothing():
    rgba = disk(64, RED, softness_px=3)
    rgba[rgba[..., 3] == 0] = (0, 255, 0, 0)
    assert found(Palette.of(rgba, 4)) == [RED]


def test_blended_edges_count_for_nothing():
    rgba = np.hstack([flat(20, 8, RED), flat(20, 1, (128, 0, 127)), flat(20, 8, BLUE)])
    assert set(found(Palette.of(rgba, 8))) == {RED, BLUE}


def test_one_colour_is_enough_for_one_colour():
    assert found(Palette.of(flat(10, 10, BLUE), 16)) == [BLUE]


def test_near_colours_merge_only_when_they_must():
    rgba = stripes((200, 0, 0), BLUE, (220, 0, 0))
    assert len(found(Palette.of(rgba, 3))) == 3
    merged = found(Palette.of(rgba, 2))
    assert BLUE in merged
    assert {(210, 0, 0)} == set(merged) - {BLUE}


def test_flatten_sets_every_pixel_to_the_nearest_and_keeps_alpha():
    palette = Palette.of(stripes(RED, WHITE, BLUE), 3)
    pixels = np.array([[(250, 20, 10, 7), (240, 230, 250, 255), (30, 10, 200, 128), (0, 0, 0, 0)]], dtype=np.uint8)
    before = pixels.copy()
    flattened = palette.flatten(pixels)
    assert flattened[0, :3].tolist() == [[*RED, 7], [*WHITE, 255], [*BLUE, 128]]
    assert flattened[0, 3, 3] == 0
    assert (pixels == before).all()


def test_a_flat_picture_is_left_as_it_is():
    rgba = stripes(RED, WHITE, BLUE, GREEN)
    assert (Palette.of(rgba, 4).flatten(rgba) == rgba).all()


def test_the_nearest_is_right_for_random_colours():
    palette = Palette.of(noise(30, 30), 6)
    pixels = noise(20, 20, seed=5)
    flattened = palette.flatten(pixels)[..., :3].astype(float)
    distances = np.linalg.norm(pixels[..., None, :3].astype(float) - palette.colours[None, None], axis=-1)
    chosen = np.linalg.norm(pixels[..., :3].astype(float) - flattened, axis=-1)
    # a table cell is 8 wide: its centre is at most 7 from a pixel in it
    assert (chosen <= distances.min(axis=-1) + 14).all()


def test_twice_the_same():
    first, second = Palette.of(noise(30, 30), 9), Palette.of(noise(30, 30), 9)
    assert (first.table == second.table).all()


ENLARGED = 8


def stroked(*strokes, size=96, ground=GREEN):
    """A flat disk with anti-aliased strokes of (colour, width px, angle in degrees, px off the middle)."""
    y, x = (np.mgrid[: size * ENLARGED, : size * ENLARGED] + 0.5) / ENLARGED - size / 2
    rgba = flat(size * ENLARGED, size * ENLARGED, ground)
    for colour, width, angle, off in strokes:
        cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        rgba[(abs(cos * y - sin * x - off) < width / 2) & (abs(cos * x + sin * y) < size * 0.3), :3] = colour
    rgba[np.hypot(x, y) > size * 0.42] = 0
    return shrunk(rgba)


def shrunk(rgba):
    return cv2.resize(rgba, None, fx=1 / ENLARGED, fy=1 / ENLARGED, interpolation=cv2.INTER_AREA)


def nearest(palette, colour):
    """Distance of a colour to the nearest of the palette."""
    return np.linalg.norm(palette.colours.astype(float) - colour, axis=1).min()


@pytest.mark.parametrize("angle", [0, 3, 20, 45, 90, 110])
@pytest.mark.parametrize(("width", "off"), [(1.5, 0.5), (2, 0), (2, 0.25), (2, 0.5), (3, 0), (3, 0.25)])
def test_a_thin_stroke_keeps_its_colour(width, off, angle):
    assert_white_on_green(stroked((WHITE, width, angle, off)), 30)


@pytest.mark.parametrize("angle", [0, 3, 20, 90, 110])
def test_a_stroke_a_pixel_wide_keeps_nearly_its_colour(angle):
    """It fills few pixels, and at 45 degrees none."""
    assert_white_on_green(stroked((WHITE, 1, angle, 0.5)), 40)


def assert_white_on_green(rgba, within):
    palette = Palette.of(rgba, 6)
    assert nearest(palette, WHITE) < within
    assert nearest(palette, GREEN) == 0
    assert len(palette.colours) == 2


def test_several_strokes_keep_their_colours():
    strokes = [(WHITE, 1.5, 30, -12.0), (BLACK, 1.5, 30, 0.0), (BLUE, 1.5, 30, 12.0)]
    palette = Palette.of(stroked(*strokes), 8)
    for colour in (WHITE, BLACK, BLUE):
        assert nearest(palette, colour) < 30
    assert len(palette.colours) == 4


def test_no_more_than_so_many_are_found_on_strokes(monkeypatch):
    colours = [WHITE, BLACK, BLUE, RED, (255, 0, 255), (255, 255, 0)]
    rgba = stroked(*((colour, 2, 25, 10 * number - 25) for number, colour in enumerate(colours)), size=128)
    assert len(Palette.of(rgba, 16).colours) == 1 + STROKE_COLOURS
    monkeypatch.setattr(module, "STROKE_COLOURS", 6)
    found = Palette.of(rgba, 16)
    assert len(found.colours) == 7
    assert max(nearest(found, colour) for colour in colours) < 30


@pytest.mark.parametrize(("length", "kept"), [(2, False), (9, False), (11, True), (20, True)])
def test_a_stroke_needs_its_share_of_the_pixels(length, kept):
    """A thousandth of 100 x 100."""
    rgba = flat(100, 100, GREEN)
    rgba[50, 10 : 10 + length, :3] = WHITE
    assert (WHITE in found(Palette.of(rgba, 4))) == kept


def test_a_speck_does_not_hide_the_stroke_behind_it():
    """Blue is farther from green than white is, and too small."""
    rgba = flat(100, 100, (200, 255, 0))
    rgba[20, 20:25, :3] = BLUE
    rgba[50, 10:60, :3] = (255, 0, 0)
    assert set(found(Palette.of(rgba, 4))) == {(200, 255, 0), (255, 0, 0)}


@pytest.mark.parametrize("softness", [1, 3, 6])
@pytest.mark.parametrize("colours", [(RED, BLUE), (GREEN, WHITE), (BLACK, WHITE)])
def test_a_soft_edge_adds_no_colour(colours, softness, monkeypatch):
    y, x = np.mgrid[:80, :80] - 39.5
    share = np.clip((25 - np.hypot(x, y)) / softness + 0.5, 0, 1)[..., None]
    rgba = flat(80, 80, WHITE)
    rgba[..., :3] = np.rint(share * colours[0] + (1 - share) * colours[1])
    palette = Palette.of(rgba, 8)
    assert set(found(palette)) == set(colours)
    assert (palette.table == without_strokes(rgba, 8, monkeypatch).table).all()


def without_strokes(rgba, size, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(module, "STROKE_COLOURS", 0)
        return Palette.of(rgba, size)


@pytest.mark.parametrize("step", [2, 8, 16])
def test_a_ramp_adds_no_colour(step, monkeypatch):
    """Steep enough that nothing in it is flat, between flat ends."""
    values = np.clip((np.arange(120) - 30) * step, 0, 255)
    rgba = flat(40, 120, BLACK)
    rgba[..., 0], rgba[..., 2] = values, 255 - values
    assert (Palette.of(rgba, 8).colours == without_strokes(rgba, 8, monkeypatch).colours).all()


def test_where_three_colours_meet_nothing_is_added():
    big = np.hstack([flat(400, 404, RED), flat(400, 404, BLUE)])
    big[203:] = (*WHITE, 255)
    assert set(found(Palette.of(shrunk(big), 8))) == {RED, BLUE, WHITE}


def test_dots_and_corners_of_flat_colours_are_blends():
    """They stand out from both sides, but their colour is between two known ones."""
    rgba = flat(60, 60, GREEN)
    rgba[40:, :, :3] = WHITE
    rgba[10:30:4, 10:50:3, :3] = (128, 208, 128)
    assert set(found(Palette.of(rgba, 8))) == {GREEN, WHITE}


def test_blends_of_a_stroke_add_no_colour():
    """Thinner than a pixel: from full white to nothing, all in one row."""
    rgba = flat(60, 60, GREEN)
    share = np.linspace(0, 1, 50)[:, None]
    rgba[30, 5:55, :3] = np.rint(share * WHITE + (1 - share) * GREEN)
    palette = Palette.of(rgba, 8)
    assert len(palette.colours) == 2
    assert nearest(palette, GREEN) < 5


@pytest.mark.parametrize(("away", "added"), [(30, 0), (60, 0), (70, 1), (120, 1)])
def test_a_colour_near_a_blend_of_flat_ones_is_taken_for_it(away, added):
    """Red on its way to black, and so much green."""
    rgba = np.hstack([flat(60, 30, BLACK), flat(60, 30, RED)])
    rgba[20, 5:25, :3] = (128, away, 0)
    assert len(Palette.of(rgba, 8).colours) == 2 + added


def test_a_logo_without_strokes_has_the_palette_of_its_flat_colours(monkeypatch):
    for rgba in (disk(64, RED), disk(64, BLUE, softness_px=3), stripes(RED, WHITE, BLUE, GREEN), dots(4)):
        plain, palette = without_strokes(rgba, 6, monkeypatch), Palette.of(rgba, 6)
        assert (palette.colours == plain.colours).all()
        assert (palette.table == plain.table).all()


def test_a_stroke_survives_the_conversion():
    subject = logo(stroked((WHITE, 2, 20, 0.25)))
    svg = trace(subject, Parameters(mode="outline", supersample=4, palette_size=2), keep_svg=True).svg
    picture = render(svg, 96, 96, MATTE)
    assert (picture[48, 46:50].min(axis=1) > 150).any()
