from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Sequence
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from rlcore.judging.validation import Validation
from rlcore.records import Rollout
from rlcore.reporting.drawing import DARK, LIGHT, finite, rolling_mean
from rlcore.reporting.figures import (
    gain_against_traces,
    quality_against_bytes,
    training_progress,
    validation_over_episodes,
)
from tests.rlcore.report_evidence import case, rollouts


def progress(
    played: Sequence[Rollout] | None = None, validations: Sequence[Validation] | None = None, dark: bool = False
) -> bytes:
    evidence = case().evidence
    return training_progress(
        evidence.rollouts if played is None else played,
        evidence.validations if validations is None else validations,
        success_rate_threshold=0.8,
        ssim_improvement_threshold=0.75,
        baselines=[comparison.baseline for comparison in evidence.comparisons],
        test=evidence.test,
        dark=dark,
    )


def over_episodes(validations: Sequence[Validation] | None = None, dark: bool = False) -> bytes:
    shown = case().evidence.validations if validations is None else validations
    return validation_over_episodes(shown, success_rate_threshold=0.8, dark=dark)


def by_logo(dark: bool = False) -> bytes:
    evidence = case().evidence
    other = evidence.comparisons[3].baseline
    return quality_against_bytes(evidence.test, other, ssim_improvement_threshold=0.75, dark=dark)


def by_traces(dark: bool = False) -> bytes:
    evidence = case().evidence
    return gain_against_traces(evidence.test, [c.baseline for c in evidence.comparisons], dark=dark)


def picture(content: bytes) -> np.ndarray:
    with Image.open(BytesIO(content)) as image:
        assert image.format == "PNG"
        assert image.info.keys() <= {"dpi"}, "no date and no version inside"
        return np.asarray(image.convert("RGB"))


def inked_share(content: bytes, ground: str) -> float:
    colour = [int(ground[at : at + 2], 16) for at in (1, 3, 5)]
    return float((picture(content) != colour).any(axis=2).mean())


@functools.cache
def drawn(draw: Callable[..., bytes], dark: bool = False) -> bytes:
    return draw(dark=dark)


FIGURES: list[tuple[Callable[..., bytes], tuple[int, int]]] = [
    (progress, (1860, 1440)),
    (over_episodes, (888, 1440)),
    (by_logo, (648, 720)),
    (by_traces, (648, 720)),
]


@pytest.mark.parametrize(("draw", "shape"), FIGURES)
def test_size_ground_and_ink(draw: Callable[..., bytes], shape: tuple[int, int]) -> None:
    light, dark = drawn(draw), drawn(draw, dark=True)
    assert picture(light).shape[:2] == picture(dark).shape[:2] == shape
    assert 0.02 < inked_share(light, LIGHT.ground) < 0.5
    assert 0.02 < inked_share(dark, DARK.ground) < 0.5


@pytest.mark.parametrize("draw", [draw for draw, _ in FIGURES])
def test_nothing_touches_the_border(draw: Callable[..., bytes]) -> None:
    ink = (picture(drawn(draw)) != 255).any(axis=2)
    frame = [ink[:3], ink[-3:], ink[:, :3], ink[:, -3:]]
    assert not any(side.any() for side in frame), "clipped text"


@pytest.mark.parametrize("draw", [draw for draw, _ in FIGURES])
def test_same_records_twice_give_the_same_bytes(draw: Callable[..., bytes]) -> None:
    assert draw() == drawn(draw)


def test_a_figure_shows_its_records() -> None:
    better = tuple(dataclasses.replace(rollout, gain=rollout.gain + 0.5) for rollout in rollouts(40))
    assert progress(better) != drawn(progress)
    assert over_episodes(case().evidence.validations[:2]) != drawn(over_episodes)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 12])
def test_few_rollouts_and_one_validation(count: int) -> None:
    validations = case().evidence.validations[: min(count, 1)]
    assert inked_share(progress(rollouts(count), validations), LIGHT.ground) > 0.02


def test_progress_without_test_and_baselines() -> None:
    content = training_progress(rollouts(2), (), success_rate_threshold=0.8, ssim_improvement_threshold=0.75)
    assert inked_share(content, LIGHT.ground) > 0.02


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "train", [{}, {"policy_gradient_loss": math.nan, "value_loss": math.inf}, {"explained_variance": -math.inf}]
)
def test_missing_and_non_finite_losses_are_gaps(train: dict[str, float]) -> None:
    played = [dataclasses.replace(rollout, train=train) for rollout in rollouts(3)]
    assert inked_share(progress(played), LIGHT.ground) > 0.02


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("count", [0, 1])
def test_validation_figure_of_none_and_of_one(count: int) -> None:
    assert inked_share(over_episodes(case().evidence.validations[:count]), LIGHT.ground) > 0.005


def test_without_reference_regret_is_said_to_be_missing() -> None:
    bare = [without_reference(validation) for validation in case().evidence.validations]
    assert over_episodes(bare) != drawn(over_episodes)
    assert gain_against_traces(bare[0]) != gain_against_traces(case().evidence.validations[0])


def without_reference(validation: Validation) -> Validation:
    results = tuple(dataclasses.replace(result, regret=None) for result in validation.results)
    return dataclasses.replace(validation, results=results)


def test_one_logo_and_one_trace() -> None:
    test = case().evidence.test
    single = dataclasses.replace(
        test, budget=1, results=tuple(dataclasses.replace(r, gains=r.gains[:1]) for r in test.results[:1])
    )
    draws = (
        functools.partial(gain_against_traces, single),
        functools.partial(quality_against_bytes, single, ssim_improvement_threshold=0.75),
        functools.partial(validation_over_episodes, [single], success_rate_threshold=0.8),
    )
    assert all(inked_share(draw(), LIGHT.ground) > 0.01 for draw in draws)


def test_rolling_mean_is_centred_and_shorter_at_the_ends() -> None:
    assert rolling_mean([1, 2, 6, 7], 3) == [1.5, 3, 5, 6.5]
    assert rolling_mean([], 3) == []


def test_what_is_not_finite_is_a_gap() -> None:
    assert finite([1.0, 2.5]) == [1.0, 2.5]
    assert all(math.isnan(value) for value in finite([math.inf, -math.inf, math.nan, None]))
