"""A file in, an SVG out: measured again by an independent SSIM."""

import dataclasses

import numpy as np
import pytest
from PIL import Image
from skimage.metrics import structural_similarity

from rlcore.data.generated import generate_logos
from rlcore.errors import UnusableFileError
from rlcore.judging.searchers import FixedSetting
from rlcore.learning.agent import Agent
from rlcore.logos import load_logo
from rlcore.parameters import PLAIN
from rlcore.rendering import render
from rlcore.vectorize import vectorize
from tests.rlcore.pictures import disk, flat, noise


@pytest.fixture(scope="module")
def agent(start):
    return Agent(start)


def saved(rgba, path):
    Image.fromarray(rgba).save(path)
    return path


def measured(path, svg, working_size):
    """SSIM of the SVG's rendering by scikit-image."""
    logo = load_logo(path, working_size)
    height, width = logo.rgba.shape[:2]
    picture = render(svg, width, height, logo.matte)
    return structural_similarity(logo.on_matte, picture, channel_axis=2, data_range=255)


@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_the_quality_is_that_of_the_svg(agent, config, evaluator, tmp_path, number):
    path = saved(generate_logos(4, 5, 96)[number].rgba, tmp_path / "logo.png")
    result = vectorize(path, agent, config, evaluator)
    assert result.quality == pytest.approx(measured(path, result.svg, config.working_size), abs=1e-6)
    assert result.quality >= result.plain.quality
    assert vectorize(path, agent, config, evaluator) == result


def test_the_agent_does_better_than_plain_on_a_disk(agent, config, evaluator, tmp_path):
    result = vectorize(saved(disk(48), tmp_path / "disk.png"), agent, config, evaluator)
    assert result.quality > result.plain.quality + 0.01
    assert result.parameters.clean_alpha
    assert not np.isnan(result.quality)


def test_where_nothing_is_better_plain_is_delivered(config, evaluator, tmp_path):
    path = saved(disk(48), tmp_path / "disk.png")
    panics = FixedSetting("panics", dataclasses.replace(PLAIN, max_iterations=0))
    result = vectorize(path, panics, config, evaluator)
    assert (result.parameters, result.quality) == (PLAIN, result.plain.quality)
    assert len(result.svg) == result.plain.size_bytes


def test_where_there_is_nothing_to_gain_nothing_is_tried(config, evaluator, tmp_path):
    path = saved(flat(48, 48, (10, 200, 90)), tmp_path / "flat.png")
    result = vectorize(path, FixedSetting("other", dataclasses.replace(PLAIN, supersample=2)), config, evaluator)
    assert result.parameters == PLAIN
    assert result.quality == pytest.approx(1)


def test_a_photograph_like_picture_is_never_worse(agent, config, evaluator, tmp_path):
    path = saved(noise(40, 40), tmp_path / "noise.png")
    result = vectorize(path, agent, config, evaluator)
    assert result.quality >= result.plain.quality


def test_a_file_that_is_no_logo_is_refused(agent, config, evaluator, tmp_path):
    path = tmp_path / "broken.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(UnusableFileError):
        vectorize(path, agent, config, evaluator)
