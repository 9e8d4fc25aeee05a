"""Colours found, colours kept."""

import numpy as np
import pytest

from rlcore.palette import Palette
from tests.rlcore.pictures import BLUE, GREEN, RED, WHITE, disk, flat, noise


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
