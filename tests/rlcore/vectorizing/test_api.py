"""A picture in, an SVG out: measured again by scikit-image, the same each time, and never worse than plain VTracer."""

import dataclasses
import io
import json

import numpy as np
import pytest
import vtracer
from PIL import Image

from rlcore import Failure, Vectorized, vectorize, vectorize_many
from rlcore.conversion.keying import KEY_COLOURS
from rlcore.data.generated import generate_logos
from rlcore.errors import ConfigError, ConstraintError, MissingCheckpointError, UnusableFileError
from rlcore.parameters import PLAIN
from rlcore.vectorizing import choosing
from tests.rlcore.pictures import BLUE, RED, WHITE, disk, faint, flat, noise, squares, svg
from tests.rlcore.vectorizing.conftest import check_svg, ssim_of


def png(rgba):
    buffer = io.BytesIO()
    Image.fromarray(rgba).save(buffer, "PNG")
    return buffer.getvalue()


def plain_vtracer(rgba):
    """What VTracer itself makes of the file, as its command line would."""
    return vtracer.convert_raw_image_to_svg(png(rgba), img_format="png", path_precision=2).encode()


PICTURES = {
    "drawn 0": generate_logos(4, 5, 96)[0].rgba,
    "drawn 1": generate_logos(4, 5, 96)[1].rgba,
    "drawn 2": generate_logos(4, 5, 64)[2].rgba,
    "disk": disk(48),
    "tiny": disk(16),
    "wide": np.hstack([flat(20, 40, RED), flat(20, 33, BLUE)]),
    "noise": noise(40, 40),
    "flat": flat(48, 48, (10, 200, 90)),
}


@pytest.mark.parametrize("name", PICTURES)
def test_the_measures_are_those_of_the_svg_and_never_worse_than_plain(model, name):
    rgba = PICTURES[name]
    result = vectorize(rgba, model=model, budget=3)
    plain = plain_vtracer(rgba)
    assert result.baseline.svg == plain
    assert result.baseline.ssim == pytest.approx(ssim_of(plain, rgba), abs=1e-6)
    assert result.ssim == pytest.approx(ssim_of(result.svg, rgba), abs=1e-6)
    assert result.ssim >= result.baseline.ssim
    assert result.size_bytes == len(result.svg)
    assert result.traces == 3
    check_svg(result.svg, rgba.shape[1], rgba.shape[0])
    error = 1 - result.baseline.ssim
    assert result.improvement == pytest.approx(0 if not error else 1 - (1 - result.ssim) / error)
    json.dumps(result.as_dict(), allow_nan=False)


def test_the_agent_does_better_than_plain_on_a_disk(model):
    result = vectorize(disk(48), model=model, budget=3)
    assert result.ssim > result.baseline.ssim + 0.01
    assert result.improvement > 0.5
    assert not result.is_plain
    assert result.parameters.clean_alpha
    assert result._repr_svg_() == result.svg.decode()


@pytest.mark.parametrize("rgba", [PICTURES["drawn 0"], squares(KEY_COLOURS), faint(1)], ids=["drawn", "keys", "faint"])
def test_the_same_input_model_and_settings_give_the_same_bytes(model, tmp_path, rgba):
    first = vectorize(rgba, model=model, budget=2)
    assert vectorize(rgba, model=model, budget=2) == first
    saved = model.save(tmp_path / "a.model")
    assert vectorize(rgba, model=str(saved), budget=2).svg == first.svg
    assert [r.svg for r in vectorize_many([rgba], model=model, workers=1, budget=2)] == [first.svg]


def test_every_kind_of_input_is_the_same_picture(model, tmp_path):
    rgba = disk(40)
    (tmp_path / "logo.png").write_bytes(png(rgba))
    kinds = [tmp_path / "logo.png", str(tmp_path / "logo.png"), png(rgba), Image.fromarray(rgba), rgba]
    results = [vectorize(image, model=model, budget=1) for image in kinds]
    assert len({result.svg for result in results}) == 1
    assert [result.name for result in results] == [str(tmp_path / "logo.png")] * 2 + ["image"] * 3


def test_a_larger_budget_finds_no_less_and_may_be_more_than_the_model_was_trained_with(model):
    few, many = (vectorize(PICTURES["drawn 1"], model=model, budget=budget) for budget in (1, 9))
    assert (few.traces, many.traces) == (1, 9)
    # of one picture and one objective
    assert gain(many) >= gain(few) - 1e-9


def gain(result):
    error = (1 - result.baseline.ssim) / (1 - result.ssim)
    return float(np.log2(error) + 0.5 * np.log2(result.baseline.size_bytes / result.size_bytes))


def test_when_all_options_are_used_up_it_ends(model):
    assert model.library.size == 10
    assert vectorize(disk(32), model=model, budget=64).traces < 64


def test_the_objective_decides_between_bytes_and_ssim(model):
    rgba = PICTURES["drawn 1"]
    quality, small = (vectorize(rgba, model=model, budget=6, objective=of) for of in ("quality", "small"))
    assert quality.ssim >= small.ssim
    assert quality.size_bytes >= small.size_bytes
    assert vectorize(rgba, model=model, budget=6, objective=2).svg == small.svg


@pytest.mark.parametrize("mode", ["spline", "polygon", "outline"])
def test_a_mode_is_kept_to(model, mode):
    result = vectorize(disk(48), model=model, budget=3, mode=mode)
    assert result.parameters.mode == mode
    assert (b"c" in result.svg.partition(b' d="')[2].partition(b'"')[0]) == (mode == "spline")


def test_where_nothing_is_better_plain_is_delivered(model):
    """Settings at which VTracer panics."""
    broken = tuple(dataclasses.replace(s, mode="spline", max_iterations=0) for s in model.library.settings)
    hopeless = dataclasses.replace(
        model,
        library=dataclasses.replace(model.library, settings=broken, moves=(), move_rises=()),
        actor=cut(model.actor, len(broken)),
    )
    result = vectorize(disk(48), model=hopeless, budget=2)
    assert result.is_plain
    assert (result.parameters, result.ssim, result.improvement) == (PLAIN, result.baseline.ssim, 0)
    assert result.size_bytes <= result.baseline.size_bytes
    # the very paths that VTracer wrote
    assert result.svg.partition(b"<path")[2].split() == plain_vtracer(disk(48)).partition(b"<path")[2].split()


def cut(actor, options):
    """Without the logits of moves."""
    return dataclasses.replace(actor, last_weight=actor.last_weight[:options], last_bias=actor.last_bias[:options])


def test_transparency_is_kept_and_a_background_is_put_under(model):
    rgba = disk(48, BLUE)
    clear = vectorize(rgba, model=model, budget=1)
    assert ssim_of(clear.svg, rgba, (9, 250, 30)) > 0.9  # whatever is behind shows
    filled = vectorize(rgba, model=model, budget=1, background="#fae614")
    check_svg(filled.svg, 48, 48)
    assert b'fill="#fae614"' in filled.svg
    for behind in ((9, 250, 30), (250, 230, 20)):
        assert ssim_of(filled.svg, rgba, (250, 230, 20)) == pytest.approx(filled.ssim, abs=1e-6), behind
    assert filled.ssim >= filled.baseline.ssim
    opaque = flat(30, 30, WHITE)
    opaque[8:20, 8:20, :3] = RED
    assert b"#fae614" not in vectorize(opaque, model=model, budget=1, background="#fae614").svg


def test_a_large_picture_is_traced_smaller_and_measured_in_its_own_size(model):
    rgba = disk(300)
    result = vectorize(rgba, model=model, budget=2, working_size=100)
    assert (result.width, result.height, result.working_size) == (300, 300, 100)
    check_svg(result.svg, 300, 300)
    assert result.ssim == pytest.approx(ssim_of(result.svg, rgba), abs=1e-6)
    assert result.baseline.svg == plain_vtracer(rgba)
    assert result.ssim >= result.baseline.ssim


def test_what_is_worse_in_the_pictures_own_size_is_not_delivered(model):
    """Detail that the working size has no room for: every trace is far from the picture."""
    rgba = noise(64, 64)
    result = vectorize(rgba, model=model, budget=2, working_size=16)
    assert result.is_plain
    assert result.baseline.svg == plain_vtracer(rgba)
    assert result.ssim == pytest.approx(ssim_of(result.svg, rgba), abs=1e-6)


def test_a_large_plain_picture_is_compared_in_its_own_size_however_small_it_is_traced(model):
    rgba = np.pad(disk(1500), ((20, 10), (10, 20), (0, 0)))
    result = vectorize(rgba, model=model, budget=1, working_size=16)
    assert result.baseline.svg == plain_vtracer(rgba)
    assert result.ssim >= result.baseline.ssim


def test_a_picture_too_busy_for_plain_in_its_own_size_is_compared_in_its_working_size(model, monkeypatch):
    rgba = noise(120, 120)
    small = vectorize(rgba, model=model, budget=1, working_size=40)
    monkeypatch.setattr(choosing, "RAW_OVERSIZE_BYTES", len(small.baseline.svg) // 2)
    busy = vectorize(rgba, model=model, budget=1, working_size=40)
    assert small.baseline.svg == plain_vtracer(rgba)
    assert busy.baseline.svg != small.baseline.svg
    check_svg(busy.baseline.svg, 120, 120)
    assert busy.baseline.ssim == pytest.approx(ssim_of(busy.baseline.svg, rgba), abs=1e-6)


def test_proportions_that_whole_pixels_do_not_keep_are_stretched(model):
    rgba = np.vstack([disk(200), disk(200)[:103]])
    result = vectorize(rgba, model=model, budget=2, working_size=64)
    root = check_svg(result.svg, 200, 303)
    assert root.get("preserveAspectRatio") == "none"
    assert result.ssim == pytest.approx(ssim_of(result.svg, rgba), abs=1e-6)


def test_an_svg_keeps_the_size_that_it_says(model):
    drawing = svg('<circle cx="12" cy="12" r="9" fill="#c81e3c"/>', 24, 24)
    result = vectorize(drawing, model=model, budget=1)
    assert (result.width, result.height, result.working_size) == (24, 24, 256)
    root = check_svg(result.svg, 24, 24)
    assert root.get("viewBox").split()[:2] == ["0", "0"]
    assert result.ssim > 0.99


def test_constraints_are_kept_or_the_nearest_is_told(model):
    rgba = PICTURES["drawn 1"]
    free = vectorize(rgba, model=model, budget=6)
    tight = vectorize(rgba, model=model, budget=6, max_bytes=free.size_bytes)
    assert tight.size_bytes <= free.size_bytes
    with pytest.raises(ConstraintError, match=r"no SVG of at most 10 bytes was found; the nearest has SSIM 0\."):
        vectorize(rgba, model=model, budget=2, max_bytes=10)
    with pytest.raises(ConstraintError, match="no SVG of SSIM 1 or more in at most 99,999 bytes was found"):
        vectorize(rgba, model=model, budget=2, max_bytes=99_999, min_ssim=1.0)
    best = vectorize(rgba, model=model, budget=6, objective="quality")
    assert vectorize(rgba, model=model, budget=6, objective="quality", min_ssim=best.ssim).ssim >= best.ssim


def test_one_that_fails_is_a_value_and_the_others_are_delivered(model, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    images = [disk(32), tmp_path / "broken.png", b"", tmp_path / "gone.png", flat(6, 90, RED), disk(40)]
    for workers in (0, 2):
        outcomes = list(vectorize_many(iter(images), model=model, workers=workers, budget=1))
        assert [type(outcome) for outcome in outcomes] == [Vectorized, *[Failure] * 4, Vectorized]
        assert [outcome.name for outcome in outcomes[1:4:2]] == [str(images[1]), str(images[3])]
        assert [outcome.reason for outcome in outcomes[3:5]] == [
            "no such file",
            "90 x 6 px after fitting: a side needs 7 px or more",
        ]
        assert outcomes[5].svg == vectorize(disk(40), model=model, budget=1).svg


def test_an_error_that_nobody_expected_is_one_pictures_alone_and_logged_where_it_is(model, monkeypatch, caplog):
    def fails(logo):
        raise ZeroDivisionError("told")

    monkeypatch.setattr(choosing, "measure", fails)
    [outcome] = vectorize_many([disk(32)], model=model, workers=0)
    assert outcome == Failure("image", "ZeroDivisionError: told")
    assert "image: a fault of this program" in caplog.text
    assert 'raise ZeroDivisionError("told")' in caplog.text


def test_they_are_drawn_as_the_work_goes_on(model):
    asked = []

    def images():
        for number in range(100):
            asked.append(number)
            yield disk(16)

    outcomes = vectorize_many(images(), model=model, workers=0, budget=1)
    next(outcomes)
    assert asked == [0]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"budget": 0}, "budget = 0: allowed are 1 to 64"),
        ({"budget": True}, "budget = True"),
        ({"objective": "tiny"}, "objective = 'tiny': allowed are quality, balanced, small, or 0 to 100"),
        ({"objective": -1}, "objective = -1"),
        ({"objective": "nan"}, "objective = 'nan'"),
        ({"mode": "pixel"}, "mode = 'pixel': allowed are spline, polygon, outline"),
        ({"background": "blurple"}, "background = 'blurple'"),
        ({"background": "#ff000080"}, "background = '#ff000080'"),
        ({"background": "rgb(300, 0, 0)"}, "background = 'rgb(300, 0, 0)'"),
        ({"background": 0xFFFFFF}, "background = 16777215"),
        ({"working_size": 4}, "working_size = 4: allowed are 16 to 2048"),
        ({"max_bytes": 0}, "max_bytes = 0"),
        ({"min_ssim": 1.5}, "min_ssim = 1.5: allowed are 0 to 1"),
        ({"colour": "red"}, "colour: unknown option; known are budget, objective"),
    ],
)
def test_a_setting_out_of_its_range_is_refused_at_once(model, settings, told):
    with pytest.raises(ConfigError) as caught:
        vectorize(disk(16), model=model, **settings)
    assert str(caught.value).startswith(told)
    with pytest.raises(ConfigError):
        vectorize_many([], model=model, **settings)


@pytest.mark.parametrize(
    ("images", "workers", "told"),
    [
        ([], -1, "workers = -1: allowed are 0 and more"),
        ("logo.png", 1, "images = 'logo.png': give a list"),
        (png(disk(16)), 1, r"images = b'\x89PNG"),
    ],
)
def test_what_is_no_list_of_pictures_is_refused_at_once(model, images, workers, told):
    with pytest.raises(ConfigError) as caught:
        vectorize_many(images, workers=workers, model=model)
    assert str(caught.value).startswith(told)


def test_what_is_no_picture_is_refused_with_its_reason(model, tmp_path):
    for image, told in (
        (np.zeros((9, 9), dtype=np.float64), r"array float64 \(9, 9\): needs uint8"),
        (np.zeros((9, 9, 2), dtype=np.uint8), "needs uint8"),
        (17, "int: read are paths, bytes"),
        (Image.fromarray(np.ones((9, 9), dtype=np.float32)), "pixels of floats"),
        (b"GIF89a", "damaged|not an image"),
        (b"  <html/>", "the root element is 'html'"),
        (np.zeros((9, 9, 4), dtype=np.uint8), "no opaque pixel"),
        (png(disk(16)).replace(b"IDAT", b"IDAX"), "damaged|not an image"),
    ):
        with pytest.raises(UnusableFileError, match=told):
            vectorize(image, model=model)
    with pytest.raises(MissingCheckpointError):
        vectorize(disk(16), model=tmp_path / "gone.model")


def test_grey_and_rgb_arrays_are_pictures_too(model):
    grey = disk(32)[..., 3]
    rgb = np.dstack([grey] * 3)
    assert vectorize(grey, model=model, budget=1).svg == vectorize(rgb, model=model, budget=1).svg
