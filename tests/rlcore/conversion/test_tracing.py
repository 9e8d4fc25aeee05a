"""Real conversions: any parameters in the ranges, panics, transparency, and what preparation is good for."""

import dataclasses
import re

import numpy as np
import pytest
import skia
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.metrics import structural_similarity

from rlcore.conversion import tracing
from rlcore.conversion.preparation import VTracerInput, vtracer_input
from rlcore.conversion.tracing import trace, traces
from rlcore.data.generated import generate_logos
from rlcore.logos import composite
from rlcore.parameters import CLEANED_PLAIN, DIMENSIONS, PLAIN, ActionSpace, Parameters
from rlcore.rendering import render
from tests.rlcore.pictures import BLACK, MATTE, RED, WHITE, disk, flat, logo, noise

LOGOS = [*generate_logos(4, 0, 64), logo(noise(40, 40)), logo(disk(64)), logo(disk(64, WHITE))]
SPACE = ActionSpace(tuple(DIMENSIONS))
KINDS = {"panic", "error", "oversize", "unrenderable"}

actions = st.lists(st.floats(-1, 1), min_size=SPACE.size, max_size=SPACE.size).map(np.array)


@settings(max_examples=1000, deadline=None, derandomize=True)
@given(st.sampled_from(range(len(LOGOS))), actions)
def test_any_parameters_in_the_ranges_give_a_trace(index, action):
    subject = LOGOS[index]
    result = trace(subject, SPACE.decode(action), keep_svg=True)
    assert result.seconds > 0
    if result.failure is not None:
        assert result.failure in KINDS
        assert (result.quality, result.size_bytes, result.svg) == (0.0, 0, None)
        return
    assert -1 <= result.quality <= 1
    assert 0 < result.size_bytes == len(result.svg)
    height, width = subject.rgba.shape[:2]
    assert render(result.svg, width, height, subject.matte).shape == (height, width, 3)


@pytest.mark.parametrize("setting", [{"color_precision": 0}, {"max_iterations": 0}])
def test_a_real_panic_is_a_named_failure(setting, capfd):
    result = trace(LOGOS[0], dataclasses.replace(PLAIN, **setting))
    assert result.failure == "panic"
    assert (result.quality, result.size_bytes) == (0.0, 0)
    assert "panicked" in capfd.readouterr().err


def test_a_refused_image_is_an_error_and_a_bug_is_not_swallowed(monkeypatch):
    monkeypatch.setattr(tracing, "vtracer_input", lambda *_: VTracerInput(b"no image", (64, 64), (0, 0, 64, 64)))
    assert trace(LOGOS[0], PLAIN).failure == "error"
    with pytest.raises(TypeError):
        trace(LOGOS[0], dataclasses.replace(PLAIN, filter_speckle="4"))


def test_oversize_is_a_failure(monkeypatch):
    size = trace(LOGOS[0], PLAIN).size_bytes
    monkeypatch.setattr(tracing, "OVERSIZE_BYTES", size)
    assert trace(LOGOS[0], PLAIN).failure is None
    monkeypatch.setattr(tracing, "OVERSIZE_BYTES", size - 1)
    assert trace(LOGOS[0], PLAIN).failure == "oversize"


def test_what_skia_cannot_read_is_unrenderable(monkeypatch):
    monkeypatch.setattr(tracing, "convert", lambda encoded, parameters: b"<svg")
    assert trace(LOGOS[0], PLAIN).failure == "unrenderable"


def settings_of_two_conversions():
    """Four that only differ after VTracer, one of another conversion, and the first again."""
    after = [Parameters(mode="outline", supersample=2, simplify=s, grid=g) for s, g in ((0.2, 4), (0.6, 4), (0.2, 10))]
    return [*after, Parameters(mode="outline", supersample=2, filter_speckle=0), after[0]]


def timeless(found):
    return [dataclasses.replace(item, seconds=0.0, vtracer_seconds=0.0) for item in found]


@pytest.mark.parametrize("keep_svg", [True, False])
def test_traces_share_a_conversion_and_are_what_each_is_on_its_own(keep_svg, monkeypatch):
    settings = settings_of_two_conversions()
    alone = timeless(trace(LOGOS[1], parameters, keep_svg) for parameters in settings)
    calls = []
    real = tracing.convert
    monkeypatch.setattr(tracing, "convert", lambda *call: calls.append(call) or real(*call))
    found = traces(LOGOS[1], settings, keep_svg)
    assert timeless(found) == alone
    assert len({(item.quality, item.size_bytes) for item in found}) == 4
    assert len(calls) == 3
    # none is told to be quicker than on its own
    assert found[0].vtracer_seconds == found[1].vtracer_seconds == found[2].vtracer_seconds > 0
    assert all(item.seconds > found[0].vtracer_seconds for item in found[:3])


def test_traces_of_a_conversion_that_panics_all_fail(capfd):
    panic = dataclasses.replace(PLAIN, max_iterations=0)
    found = traces(LOGOS[0], [PLAIN, panic, dataclasses.replace(panic, compact=True), PLAIN])
    assert [item.failure for item in found] == [None, "panic", "panic", None]
    assert capfd.readouterr().err.count("panicked") == 1


def test_the_same_input_gives_the_same_bytes():
    for parameters in (PLAIN, dataclasses.replace(CLEANED_PLAIN, supersample=3, palette_size=5)):
        first, second = (trace(LOGOS[1], parameters, keep_svg=True) for _ in range(2))
        assert first.svg == second.svg
        assert first.quality == second.quality


def test_the_svg_is_kept_only_where_asked_for():
    assert trace(LOGOS[0], PLAIN).svg is None


@pytest.mark.parametrize("parameters", [PLAIN, CLEANED_PLAIN, Parameters(supersample=2, palette_size=2)])
def test_a_transparent_background_stays_transparent(parameters):
    svg = trace(logo(disk()), parameters, keep_svg=True).svg
    black, coloured = render(svg, 64, 64, BLACK), render(svg, 64, 64, MATTE)
    assert (black[:4] == BLACK).all()
    assert (coloured[:4] == MATTE).all()
    assert (black[32, 32] == coloured[32, 32]).all()


@pytest.mark.parametrize("factor", [1, 3])
def test_a_few_transparent_pixels_stay_transparent(factor):
    """VTracer alone heeds alpha only where enough of five rows is transparent, and else paints black."""
    rgba = flat(64, 48, RED)
    rgba[4:12, 20:28] = 0
    result = trace(logo(rgba), Parameters(supersample=factor), keep_svg=True)
    black, coloured = render(result.svg, 48, 64, BLACK), render(result.svg, 48, 64, MATTE)
    assert (black[6:10, 22:26] == BLACK).all()
    assert (coloured[6:10, 22:26] == MATTE).all()
    assert (black[20:, 2:-2] == RED).all()
    assert (black[0] == RED).all()
    assert result.quality > 0.97


def test_an_opaque_background_stays_opaque():
    rgba = flat(64, 64, WHITE)
    rgba[16:48, 16:48, :3] = RED
    svg = trace(logo(rgba), CLEANED_PLAIN, keep_svg=True).svg
    assert (render(svg, 64, 64, BLACK) == render(svg, 64, 64, MATTE)).all()
    assert (render(svg, 64, 64, BLACK)[:4] == WHITE).all()


@pytest.mark.parametrize("factor", [1, 2, 3, 4])
def test_supersample_keeps_the_size_through_the_view_box(factor):
    rgba = np.vstack([flat(20, 30, RED), flat(20, 30, BLACK)])
    result = trace(logo(rgba), dataclasses.replace(CLEANED_PLAIN, supersample=factor), keep_svg=True)
    assert b'width="30" height="40"' in result.svg
    assert (f'viewBox="0 0 {30 * factor} {40 * factor}"'.encode() in result.svg) == (factor > 1)
    assert result.quality > 0.9


def colours_of(svg):
    return set(re.findall(rb'fill="(#\w+)"', svg))


def test_a_palette_reduces_the_colours():
    parameters = dataclasses.replace(CLEANED_PLAIN, color_precision=8, layer_difference=0, filter_speckle=0)
    subject = logo(noise(32, 32))
    assert len(colours_of(trace(subject, parameters, keep_svg=True).svg)) > 100
    for size in (2, 5, 16):
        few = dataclasses.replace(parameters, palette_size=size)
        assert 1 < len(colours_of(trace(subject, few, keep_svg=True).svg)) <= size


def test_cleaning_alpha_improves_a_disk_with_soft_edges():
    subject = logo(disk(softness_px=3))
    assert trace(subject, CLEANED_PLAIN).quality > trace(subject, PLAIN).quality + 0.01


def independent_picture(svg, width, height, matte):
    """Skia's own raster surface with its own buffer, blended in another number format."""
    info = skia.ImageInfo.Make(width, height, skia.ColorType.kRGBA_F32_ColorType, skia.AlphaType.kPremul_AlphaType)
    surface = skia.Surface.MakeRaster(info)
    dom = skia.SVGDOM.MakeFromStream(skia.MemoryStream.MakeCopy(svg))
    dom.setContainerSize(skia.Size(width, height))
    with surface as canvas:
        canvas.clear(skia.Color(*matte))
        dom.render(canvas)
    return surface.makeImageSnapshot().toarray(colorType=skia.ColorType.kRGBA_8888_ColorType)[..., :3]


@pytest.mark.parametrize("index", range(len(LOGOS)))
def test_quality_is_what_scikit_image_gives_on_an_independent_picture(index):
    subject = LOGOS[index]
    height, width = subject.rgba.shape[:2]
    for parameters in (PLAIN, Parameters(mode="polygon", supersample=2, palette_size=6)):
        result = trace(subject, parameters, keep_svg=True)
        picture = independent_picture(result.svg, width, height, subject.matte)
        original = composite(subject.rgba, subject.matte)
        expected = structural_similarity(original, picture, channel_axis=2, data_range=255)
        assert result.quality == pytest.approx(expected, abs=1e-3)


def test_quality_notices_a_wrong_colour(monkeypatch):
    """The guard of the guards: with red and blue swapped in what VTracer gets, quality falls."""
    subject = logo(disk())
    honest = trace(subject, CLEANED_PLAIN).quality
    swapped = logo(np.ascontiguousarray(subject.rgba[..., [2, 1, 0, 3]]))
    monkeypatch.setattr(tracing, "vtracer_input", lambda _, *settings: vtracer_input(swapped, *settings))
    assert trace(subject, CLEANED_PLAIN).quality < honest - 0.1
    assert honest > 0.9
