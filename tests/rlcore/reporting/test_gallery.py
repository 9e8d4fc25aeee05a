from __future__ import annotations

import dataclasses
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from rlcore.conversion.evaluator import Evaluator
from rlcore.conversion.tracing import trace
from rlcore.errors import ReproductionError, Stage1Error
from rlcore.judging.validation import LogoResult, Validation
from rlcore.parameters import PLAIN, Parameters
from rlcore.rendering import render
from rlcore.reporting.gallery import (
    ENLARGED_PX,
    GalleryItem,
    Region,
    build_gallery,
    file_stem,
    most_telling_region,
    side_by_side,
    svg_files,
)
from tests.rlcore.report_evidence import HOSTILE_NAME, SIDE_PX, case, drawn_subjects


def pixels(png: bytes) -> np.ndarray:
    with Image.open(BytesIO(png)) as image:
        return np.asarray(image.convert("RGB"))


@pytest.fixture(scope="module")
def gallery() -> list[GalleryItem]:
    with Evaluator() as evaluator:
        return build_gallery(case().evidence.test, case().subjects, evaluator, best=3, worst=3, typical=4)


def test_best_worst_and_evenly_spaced_ones_between(gallery: list[GalleryItem]) -> None:
    ranked = sorted(case().evidence.test.of(), key=lambda result: -result.ssim_improvement)
    shown = [item.result.ssim_improvement for item in gallery]
    assert shown == sorted(shown, reverse=True)
    assert [item.group for item in gallery] == ["best"] * 3 + ["typical"] * 4 + ["worst"] * 3
    assert shown[:3] == [result.ssim_improvement for result in ranked[:3]]
    assert shown[-3:] == [result.ssim_improvement for result in ranked[-3:]]
    assert [item.rank for item in gallery] == [1, 2, 3, 5, 7, 10, 12, 14, 15, 16]
    assert len({item.result.digest for item in gallery}) == 10


@pytest.mark.parametrize(
    ("best", "worst", "typical", "shown"), [(10, 10, 10, 16), (1, 0, 0, 1), (0, 0, 0, 0), (0, 0, 3, 3)]
)
def test_a_small_category_is_shown_whole_and_no_logo_twice(best: int, worst: int, typical: int, shown: int) -> None:
    with Evaluator() as evaluator:
        items = build_gallery(case().evidence.test, case().subjects, evaluator, best, worst, typical)
    assert len(items) == shown == len({item.rank for item in items})


def test_pictures_are_what_was_measured(gallery: list[GalleryItem]) -> None:
    logos = {subject.logo.digest: subject.logo for subject in drawn_subjects()}
    for item in gallery:
        logo = logos[item.result.digest]
        parameters = PLAIN if item.result.parameters is None else Parameters(**item.result.parameters)
        assert item.agent_svg == trace(logo, parameters, keep_svg=True).svg
        assert len(item.plain_svg) == item.result.plain_bytes
        assert len(item.agent_svg) == item.result.size_bytes
        np.testing.assert_array_equal(pixels(item.pictures.original), logo.on_matte)
        for picture, svg in ((item.pictures.plain, item.plain_svg), (item.pictures.agent, item.agent_svg)):
            np.testing.assert_array_equal(pixels(picture), render(svg, item.width, item.height, logo.matte))


def test_edges_are_the_region_enlarged_pixel_by_pixel(gallery: list[GalleryItem]) -> None:
    for item in gallery:
        left, top, side = item.region.left, item.region.top, item.region.side
        assert side == SIDE_PX // 4
        for picture, edge in zip(dataclasses.astuple(item.pictures), dataclasses.astuple(item.edges), strict=True):
            enlarged = pixels(edge)
            assert enlarged.shape[:2] == (ENLARGED_PX, ENLARGED_PX)
            factor = ENLARGED_PX // side
            np.testing.assert_array_equal(
                enlarged[factor // 2 :: factor, factor // 2 :: factor],
                pixels(picture)[top : top + side, left : left + side],
            )


def test_region_lies_where_plain_differs_along_an_edge() -> None:
    original = np.full((120, 200, 3), 255, np.uint8)
    original[20:100, 30:170] = 0
    plain = original.copy()
    plain[60:64, 168:172] = 90  # across the right edge
    plain[30:40, 90:100] = 30  # worse in area, but in a plain field
    region = most_telling_region(original, plain)
    centre = (region.left + region.side / 2, region.top + region.side / 2)
    assert centre == pytest.approx((170, 62), abs=4)


@pytest.mark.parametrize(("height", "width", "side"), [(7, 200, 7), (64, 64, 16), (256, 171, 48), (9, 9, 8)])
def test_region_lies_inside_whatever_the_size(height: int, width: int, side: int) -> None:
    blank = np.zeros((height, width, 3), np.uint8)
    assert most_telling_region(blank, blank) == Region(0, 0, side)
    noise = np.random.default_rng(3).integers(0, 256, (2, height, width, 3)).astype(np.uint8)
    region = most_telling_region(noise[0], noise[1])
    assert region.left + side <= width
    assert region.top + side <= height


def test_same_validation_twice_gives_the_same_gallery(gallery: list[GalleryItem]) -> None:
    with Evaluator() as evaluator:
        assert build_gallery(case().evidence.test, case().subjects, evaluator, best=3, worst=3, typical=4) == gallery


def altered(**changes: object) -> Validation:
    test = case().evidence.test
    first, *others = test.results
    return dataclasses.replace(test, results=(dataclasses.replace(first, **changes), *others))


@pytest.mark.parametrize("change", [{"quality": 0.5}, {"size_bytes": 3}, {"plain_bytes": 3}, {"plain_quality": 0.1}])
def test_figures_that_a_new_trace_does_not_give_are_refused(change: dict[str, float]) -> None:
    with Evaluator() as evaluator, pytest.raises(ReproductionError, match="recorded SSIM"):
        build_gallery(altered(**change), case().subjects, evaluator)


def test_a_logo_that_is_not_at_hand_is_named() -> None:
    name = case().evidence.test.of()[0].name
    with Evaluator() as evaluator, pytest.raises(Stage1Error, match="no logo at hand for 1 results") as caught:
        build_gallery(case().evidence.test, case().subjects[1:], evaluator)
    assert repr(name) in str(caught.value)


def test_no_parameters_mean_plain_itself() -> None:
    test = case().evidence.test
    kept: LogoResult = dataclasses.replace(
        test.results[0],
        parameters=None,
        quality=test.results[0].plain_quality,
        size_bytes=test.results[0].plain_bytes,
        ssim_improvement=0.0,
    )
    with Evaluator() as evaluator:
        items = build_gallery(dataclasses.replace(test, results=(kept,)), case().subjects, evaluator)
    assert [item.plain_svg for item in items] == [item.agent_svg for item in items]
    assert items[0].pictures.plain == items[0].pictures.agent


def test_svg_files_have_safe_names(gallery: list[GalleryItem]) -> None:
    files = svg_files(gallery)
    assert len(files) == 2 * len(gallery)
    assert all(name.isascii() and name[:3].isdigit() and "/" not in name for name in files)
    assert all(content.startswith(b"<?xml") or content.startswith(b"<svg") for content in files.values())
    assert file_stem(HOSTILE_NAME) == "script_alert_x_script_png"
    assert file_stem("../../etc/passwd") == "etc_passwd"
    assert file_stem("ロゴ") == "logo"


def test_side_by_side_is_original_plain_agent(gallery: list[GalleryItem]) -> None:
    item = gallery[0]
    row = side_by_side(item)
    assert row.shape == (item.height, 3 * item.width + 16, 3)
    for place, png in enumerate((item.pictures.original, item.pictures.plain, item.pictures.agent)):
        left = place * (item.width + 8)
        np.testing.assert_array_equal(row[:, left : left + item.width], pixels(png))
