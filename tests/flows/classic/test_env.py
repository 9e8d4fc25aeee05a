"""One image as a Gymnasium env."""

import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from PIL import Image

from flows.classic import VTracerOptimizationEnv
from rlcore.config import Stage1Config
from rlcore.conversion.tracing import trace
from rlcore.errors import ConfigError, ParameterError, UnusableFileError
from rlcore.logos import load_logo
from rlcore.parameters import CLEANED_PLAIN, PLAIN, Parameters
from tests.rlcore.pictures import BLACK, disk, flat

GOOD = Parameters(mode="polygon", supersample=2)
"""Far better than plain VTracer for a disk."""


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    path = tmp_path_factory.mktemp("image") / "disk.png"
    Image.fromarray(disk(48)).save(path)
    return path


@pytest.fixture(scope="module")
def env(image):
    """No trace is a success here."""
    return VTracerOptimizationEnv(image, 0.85, 3, Stage1Config(ssim_improvement_threshold=0.9999))


def test_it_is_what_gymnasium_calls_an_env(env):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*(infinity|not being instantiated with `gymnasium.make`).*")
        check_env(env, skip_render_check=True)


def test_an_observation_says_what_was_tried(env):
    first, info = env.reset(seed=1)
    assert first.shape == env.observation_space.shape
    assert info["parameters"] == PLAIN.as_dict()
    assert first[25] == 1.0
    second, *_ = env.step(env.config.action_space.encode(CLEANED_PLAIN))
    assert second[25] == pytest.approx(2 / 3)
    assert not np.array_equal(first[27:], second[27:])
    np.testing.assert_array_equal(first[:25], second[:25])
    np.testing.assert_array_equal(env.reset()[0], first)


def test_rewards_add_up_to_the_best_gain_and_its_figures_are_those_of_the_trace(env, image):
    env.reset()
    actions = [env.config.action_space.encode(parameters) for parameters in (CLEANED_PLAIN, GOOD)]
    steps = [env.step(action) for action in actions]
    info = steps[-1][-1]
    assert info["best_gain"] == pytest.approx(sum(step[1] for step in steps))
    assert 0 <= steps[0][-1]["best_gain"] < info["best_gain"]
    found = trace(load_logo(image, 256), env.config.action_space.decode(actions[-1]))
    assert info["quality"] == env.best_quality == found.quality
    assert info["parameters"] == env.current_params.as_dict()
    assert info["bytes_ratio"] == pytest.approx(found.size_bytes / trace(load_logo(image, 256), PLAIN).size_bytes)


def test_a_success_terminates_and_no_step_comes_after_it(image):
    easy = VTracerOptimizationEnv(image, 0.5, 5, Stage1Config(ssim_improvement_threshold=0.1))
    easy.reset()
    *_, terminated, truncated, info = easy.step(easy.config.action_space.encode(GOOD))
    assert (terminated, truncated, info["success"]) == (True, False, True)
    with pytest.raises(gymnasium.error.ResetNeeded):
        easy.step(easy.action_space.sample())


def test_without_one_it_is_truncated_after_its_steps(image):
    hard = VTracerOptimizationEnv(image, target_quality=1.0, max_steps=2)
    hard.reset()
    ends = [hard.step(hard.config.action_space.encode(GOOD))[2:4] for _ in range(2)]
    assert ends == [(False, False), (False, True)]
    with pytest.raises(gymnasium.error.ResetNeeded):
        hard.step(hard.action_space.sample())


def test_an_action_of_another_shape_is_refused(env):
    env.reset()
    with pytest.raises(ParameterError):
        env.step(np.zeros(3, dtype=np.float32))


def test_what_can_not_be_played_is_named(tmp_path, image):
    with pytest.raises(UnusableFileError, match=r"nowhere\.png: no such file"):
        VTracerOptimizationEnv(tmp_path / "nowhere.png")
    Image.fromarray(flat(32, 32, BLACK)).save(tmp_path / "square.png")
    with pytest.raises(UnusableFileError, match=r"square\.png: nothing to gain, plain VTracer's SSIM is 1\.0"):
        VTracerOptimizationEnv(tmp_path / "square.png")
    with pytest.raises(ConfigError, match="max_steps = 0: 1 and more"):
        VTracerOptimizationEnv(image, max_steps=0)
    with pytest.raises(ConfigError, match=r"quality_target = 1\.5"):
        VTracerOptimizationEnv(image, target_quality=1.5)
