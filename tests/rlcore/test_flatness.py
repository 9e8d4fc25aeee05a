"""Edges, ramps and lines by hand: what is flat, and what stands out from both sides."""

import numpy as np
import pytest

from rlcore.flatness import channel_range, ridge_height
from tests.rlcore.pictures import BLACK, GREY, RED, flat, noise

LINES = {
    "across": lambda y, x: y == 10,
    "down": lambda y, x: x == 10,
    "falling": lambda y, x: y == x,
    "rising": lambda y, x: y == 20 - x,
}


def painted(shape, colour, ground=GREY, size=21):
    """``shape(y, x)`` in a colour (RGB, or with alpha) on a flat square."""
    rgba = flat(size, size, ground)
    rgba[shape(*np.mgrid[:size, :size])] = (*colour, 255)[:4]
    return rgba


def test_a_flat_picture_has_neither():
    assert not channel_range(flat(9, 12, RED), 3).any()
    assert not ridge_height(flat(9, 12, RED)).any()


def test_the_range_is_of_the_widest_channel_in_the_box():
    rgba = painted(lambda y, x: (y == 10) & (x == 10), (118, 140, 128))
    spans = channel_range(rgba, 3)
    assert (spans[9:12, 9:12] == 12).all()
    assert np.count_nonzero(spans) == 9
    assert np.count_nonzero(channel_range(rgba, 5)) == 25


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
@pytest.mark.parametrize(("colour", "contrast"), [((228, 128, 128), 100), ((128, 128, 28), 100), ((140, 90, 120), 38)])
def test_a_line_is_as_high_as_its_contrast(line, colour, contrast):
    expected = np.where(line(*np.mgrid[:21, :21]), contrast, 0)
    assert (ridge_height(painted(line, colour)) == expected).all()


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_a_line_of_alpha_alone_shows_too(line):
    expected = np.where(line(*np.mgrid[:21, :21]), 155, 0)
    assert (ridge_height(painted(line, (*GREY, 100))) == expected).all()


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize(("width", "standing_out"), [(1, [10]), (2, [10, 11]), (3, [11]), (4, []), (7, [])])
def test_lines_of_two_pixels_show_and_of_three_their_middle(width, standing_out, swapped):
    def band(y, x):
        along = x if swapped else y
        return (along >= 10) & (along < 10 + width)

    ridge = ridge_height(painted(band, (28, 128, 128)))
    expected = np.zeros((21, 21))
    expected[standing_out] = 100
    assert (ridge == (expected.T if swapped else expected)).all()


def test_slanted_lines_show_in_their_thickness():
    """Five pixels in a row, but under four across."""
    ridge = ridge_height(painted(lambda y, x: abs(y - x) <= 2, (28, 128, 128)))
    y, x = np.mgrid[:21, :21]
    assert (ridge == np.where(abs(y - x) <= 1, 100, 0))[3:-3, 3:-3].all()


def test_where_two_lines_cross_they_show_too():
    ridge = ridge_height(painted(lambda y, x: (y == 10) | (x == 10), (28, 128, 128)))
    assert ridge[10, 10] == 100


@pytest.mark.parametrize("slope", [(0, 1), (1, 0), (1, 1), (1, -1), (1, 3), (2, -1)])
def test_an_edge_is_no_ridge(slope):
    edge = painted(lambda y, x: slope[0] * (y - 10) + slope[1] * (x - 10) > 0, BLACK)
    assert channel_range(edge, 3).max() == 128
    assert not ridge_height(edge).any()


@pytest.mark.parametrize("slope", [(0, 3), (3, 0), (2, 3), (2, -3)])
def test_a_ramp_is_no_ridge(slope):
    y, x = np.mgrid[:21, :21]
    rgba = flat(21, 21, GREY)
    rgba[..., 1] = 128 + slope[0] * (y - 10) + slope[1] * (x - 10)
    assert channel_range(rgba, 3).min() > 0
    assert not ridge_height(rgba)[2:-2, 2:-2].any()


def test_at_one_pixel_opposite_differences_of_two_channels_do_not_add_up():
    """Red rises through the pixel, blue falls: in neither does it stand out."""
    rgba = flat(1, 5, GREY)
    rgba[0, :, 0] = (0, 0, 100, 200, 200)
    rgba[0, :, 2] = (200, 200, 100, 0, 0)
    assert not ridge_height(rgba).any()


def test_turned_and_mirrored_pictures_have_the_same_ridges():
    rgba = noise(17, 23)
    expected = ridge_height(rgba)
    assert (ridge_height(np.ascontiguousarray(np.rot90(rgba))) == np.rot90(expected)).all()
    assert (ridge_height(np.ascontiguousarray(rgba[:, ::-1])) == expected[:, ::-1]).all()
    assert (ridge_height(255 - rgba) == expected).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (2, 2)])
def test_tiny_pictures(shape):
    assert ridge_height(noise(*shape)).shape == shape
