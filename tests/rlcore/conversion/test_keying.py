"""VTracer draws its key colour at random where all that it tries are taken: what it gets always has a free one."""

import dataclasses

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlcore.conversion.keying import KEY_COLOURS, is_seen_as_transparent, with_a_free_key
from rlcore.conversion.preparation import encoded, vtracer_input
from rlcore.conversion.tracing import convert, forget, trace
from rlcore.parameters import CLEANED_PLAIN, PLAIN, Parameters
from tests.rlcore.pictures import disk, faint, logo, squares

CALLS = 12


def keys_of(rgba):
    colours = {tuple(colour) for colour in rgba[..., :3].reshape(-1, 3).tolist()}
    return [colour for colour in KEY_COLOURS if colour in colours]


def decoded(png):
    return cv2.cvtColor(cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED), cv2.COLOR_BGRA2RGBA)


@pytest.mark.parametrize(
    "rgba", [squares(KEY_COLOURS[:5]), squares(KEY_COLOURS[1:]), disk()], ids=["5", "other 5", "disk"]
)
def test_a_picture_with_a_free_key_is_left_alone(rgba):
    assert with_a_free_key(rgba) is rgba


def test_a_picture_whose_alpha_is_not_heeded_needs_no_key():
    rgba = squares(KEY_COLOURS)
    rgba[..., 3] = 255
    assert with_a_free_key(rgba) is rgba


@pytest.mark.parametrize("hidden", KEY_COLOURS)
def test_a_colour_of_transparent_pixels_alone_is_freed_first(hidden):
    rgba = squares([colour for colour in KEY_COLOURS if colour != hidden], [hidden])
    before = rgba.copy()
    freed = with_a_free_key(rgba)
    assert (rgba == before).all()
    assert keys_of(freed) == [colour for colour in KEY_COLOURS if colour != hidden]
    changed = (freed != rgba).any(axis=2)
    assert changed.sum() == 1
    assert rgba[changed][0, 3] == 0


@pytest.mark.parametrize("rarest", range(6))
def test_of_colours_that_are_all_seen_the_rarest_becomes_one_level_darker(rarest):
    rgba = squares(KEY_COLOURS)
    rgba[8, 24 * rarest + 3] = 0
    freed = with_a_free_key(rgba)
    changed = (freed != rgba).any(axis=2)
    assert (rgba[changed] == (*KEY_COLOURS[rarest], 255)).all()
    assert changed.sum() == 24 * 18 - 1
    assert np.abs(freed.astype(int) - rgba).max() == 1
    assert (freed[..., 3] == rgba[..., 3]).all()


@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.booleans(), st.sampled_from([0, 2, 6]))
def test_whatever_vtracer_gets_has_a_free_key(seed, supersample, clean_alpha, palette_size):
    random = np.random.default_rng(seed)
    rgba = random.choice(np.array([0, 1, 128, 255], np.uint8), (8, 30, 4))
    raster = decoded(vtracer_input(logo(rgba), supersample, palette_size, clean_alpha).png)
    assert not is_seen_as_transparent(raster) or len(keys_of(raster)) < 6


def test_vtracer_itself_draws_at_random():
    """What this module is for: a version of VTracer that no longer does so needs it no more."""
    rgba = squares(KEY_COLOURS)
    done, png = cv2.imencode(".png", cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGRA))
    assert done
    low = dataclasses.replace(PLAIN, color_precision=2)
    assert len({convert(png.tobytes(), low) for _ in range(60)}) > 1
    assert len({convert(encoded(rgba), low) for _ in range(60)}) == 1


@pytest.mark.parametrize(
    ("rgba", "parameters"),
    [
        (squares(KEY_COLOURS), dataclasses.replace(PLAIN, color_precision=2)),
        (squares(KEY_COLOURS), dataclasses.replace(CLEANED_PLAIN, color_precision=2, hierarchical="cutout")),
        (faint(1), Parameters(supersample=3, color_precision=2, filter_speckle=1)),
        (faint(2), Parameters(mode="outline", supersample=3, color_precision=2, layer_difference=58, compact=True)),
    ],
)
def test_every_call_gives_the_same_bytes(rgba, parameters):
    answers = set()
    for _ in range(CALLS):
        forget()
        answers.add(trace(logo(rgba), parameters, keep_svg=True).svg)
    assert len(answers) == 1


def test_freeing_a_key_is_not_seen():
    result = trace(logo(squares(KEY_COLOURS)), PLAIN)
    assert result.failure is None
    assert result.quality > 0.999
