"""What VTracer gets: enlarged without fringes, clean alpha, few colours, and a PNG of exactly that."""

import io

import numpy as np
import pytest
from PIL import Image

from rlcore.conversion.preparation import content, prepare, vtracer_input
from tests.rlcore.pictures import RED, WHITE, disk, flat, logo, noise

EARTH = (128, 100, 60)


@pytest.mark.parametrize("factor", [1, 2, 3, 4])
@pytest.mark.parametrize("rgba", [disk(20), noise(12, 30)], ids=["transparent", "opaque"])
def test_the_size_is_a_multiple(rgba, factor):
    big = prepare(logo(rgba), factor, 0, True)
    assert big.shape == (rgba.shape[0] * factor, rgba.shape[1] * factor, 4)
    assert big.dtype == np.uint8


def test_without_any_setting_the_logo_is_left_as_it_is():
    subject = logo(disk(softness_px=6))
    assert (prepare(subject, 1, 0, False) == subject.rgba).all()


def test_alpha_is_cleaned_at_one_half_and_the_logo_is_left_alone():
    subject = logo(disk(softness_px=6))
    before = subject.rgba.copy()
    cleaned = prepare(subject, 1, 0, True)
    assert set(np.unique(cleaned[..., 3])) == {0, 255}
    assert ((cleaned[..., 3] == 255) == (before[..., 3] >= 128)).all()
    assert (subject.rgba == before).all()
    assert (prepare(subject, 1, 3, False)[..., 3] == before[..., 3]).all()


@pytest.mark.parametrize("factor", [2, 3, 4])
@pytest.mark.parametrize("colour", [RED, EARTH, WHITE, (3, 2, 1)])
@pytest.mark.parametrize("softness_px", [0.01, 1.0, 3.0])
def test_a_flat_colour_keeps_its_colour_up_to_the_edge(factor, colour, softness_px):
    """Alpha is premultiplied (no dark fringe), and its overshoot is kept until the division (no bright rim)."""
    big = prepare(logo(disk(64, colour, softness_px)), factor, 0, False).astype(int)
    assert (np.abs(big[big[..., 3] >= 128][:, :3] - colour) <= 2).all()


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_a_shape_keeps_its_area(factor):
    share = (disk()[..., 3] >= 128).mean()
    assert (prepare(logo(disk()), factor, 0, True)[..., 3] == 255).mean() == pytest.approx(share, rel=0.02)


def test_enlarging_does_not_wrap_where_the_kernel_overshoots():
    rgba = flat(16, 16, WHITE)
    rgba[:, 8:, :3] = 0
    for picture in (rgba, np.vstack([rgba, np.zeros_like(rgba)])):
        big = prepare(logo(picture), 4, 0, True)[:48]
        assert (big[:, :24, :3] > 200).all()
        assert (big[:, 40:, :3] < 55).all()
        assert (big[..., 3] == 255).all()


def test_a_palette_leaves_its_colours_only():
    rgba = np.hstack([disk(32, RED), disk(32, EARTH)])
    big = prepare(logo(rgba), 3, 2, True)
    assert {tuple(colour) for colour in big[big[..., 3] == 255][:, :3].tolist()} == {RED, EARTH}


@pytest.mark.parametrize("settings", [(1, 0, True), (1, 0, False), (2, 0, True), (3, 4, True)])
@pytest.mark.parametrize("rgba", [disk(20, EARTH, 3.0), noise(12, 30)], ids=["transparent", "opaque"])
def test_vtracer_gets_exactly_that(rgba, settings):
    source = vtracer_input(logo(rgba), *settings)
    expected = prepare(logo(rgba), *settings)
    height, width = expected.shape[:2]
    assert (source.size, source.view) == ((width, height), (0, 0, width, height))
    with Image.open(io.BytesIO(source.png)) as image:
        assert (np.asarray(image.convert("RGBA")) == expected).all()


def test_a_picture_whose_alpha_vtracer_would_overlook_gets_a_transparent_row_outside():
    rgba = flat(40, 30, RED)
    rgba[3:5, 3:5] = 0
    source = vtracer_input(logo(rgba), 1, 0, True)
    assert (source.size, source.view) == ((30, 41), (0, 1, 30, 40))
    with Image.open(io.BytesIO(source.png)) as image:
        pixels = np.asarray(image.convert("RGBA"))
    assert (pixels[0, :, 3] == 0).all()
    assert (pixels[1:] == rgba).all()
    assert vtracer_input(logo(rgba), 1, 0, False).view == (0, 0, 30, 40)


def bordered(inner, left, above, right, below):
    return np.pad(inner, ((above, below), (left, right), (0, 0)))


@pytest.mark.parametrize("factor", [2, 3, 4])
@pytest.mark.parametrize("palette_size", [0, 2])
@pytest.mark.parametrize("borders", [(5, 9, 3, 7), (0, 12, 1, 0), (2, 2, 2, 2)])
def test_transparent_borders_are_left_out_and_the_rest_is_the_same_to_the_bit(factor, palette_size, borders):
    """The softness puts the faintest alpha at the box's very edge: what the kernel makes of it is all inside."""
    subject = logo(bordered(disk(24, EARTH, 6.0), *borders))
    source = vtracer_input(subject, factor, palette_size, True)
    left, top, width, height = source.view
    with Image.open(io.BytesIO(source.png)) as image:
        raster = np.asarray(image.convert("RGBA"))
    whole = np.zeros((height, width, 4), np.uint8)
    whole[-top : -top + raster.shape[0], -left : -left + raster.shape[1]] = raster
    expected = prepare(subject, factor, palette_size, True)
    assert (whole[..., 3] == expected[..., 3]).all()
    opaque = expected[..., 3] > 0
    assert (whole[opaque] == expected[opaque]).all()
    assert source.size == raster.shape[1::-1]
    assert source.size[0] <= width
    assert source.size[1] <= height


def test_content_by_hand():
    rgba = np.zeros((20, 30, 4), np.uint8)
    assert content(rgba) == (0, 0, 30, 20)
    rgba[9, 12, 3] = 1
    assert content(rgba) == (10, 7, 15, 12)
    rgba[19, 29, 3] = 1
    assert content(rgba) == (10, 7, 30, 20)


@pytest.mark.parametrize(("factor", "clean"), [(1, True), (2, False)])
def test_borders_stay_where_they_cost_little_or_the_file_is_taken_as_it_is(factor, clean):
    subject = logo(bordered(disk(24), 9, 9, 9, 9))
    source = vtracer_input(subject, factor, 0, clean)
    assert source.view == (0, 0, 42 * factor, 42 * factor)
    assert source.size == source.view[2:]
