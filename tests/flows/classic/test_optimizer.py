"""A policy that is kept, loaded, and asked for parameters."""

import pytest
from PIL import Image

from flows.classic import PPOVTracerOptimizer
from rlcore.errors import CheckpointError, ConfigError, DataError
from rlcore.learning.model import Model
from rlcore.parameters import PLAIN
from tests.conftest import small_config
from tests.rlcore.pictures import BLACK, disk, flat


@pytest.fixture
def optimizer(start, tmp_path):
    start.save(tmp_path / "start.pt")
    made = PPOVTracerOptimizer(save_dir=tmp_path / "models", config=small_config())
    made.load_model(tmp_path / "start.pt")
    return made


def test_its_choice_is_better_than_plain_and_the_same_each_time(optimizer, tmp_path):
    Image.fromarray(disk(48)).save(tmp_path / "disk.png")
    found = optimizer.optimize_parameters(tmp_path / "disk.png", max_episodes=5)
    assert found["best_reward"] > 0
    assert found["bytes_ratio"] < 1
    assert found["episodes_run"] == 1
    assert found["target_reached"] == (found["best_quality"] >= 0.85)
    assert optimizer.optimize_parameters(str(tmp_path / "disk.png")) == found


def test_where_nothing_can_be_gained_plain_comes_out(optimizer, tmp_path):
    Image.fromarray(flat(32, 32, BLACK)).save(tmp_path / "square.png")
    found = optimizer.optimize_parameters(tmp_path / "square.png")
    assert found["best_parameters"] == PLAIN.as_dict()
    assert (found["best_reward"], found["bytes_ratio"], found["target_reached"]) == (0.0, 1.0, True)


def test_what_is_saved_comes_back(optimizer, tmp_path, start):
    optimizer.save_model(tmp_path / "there" / "kept.pt")
    assert Model.load(tmp_path / "there" / "kept.pt").library == start.library
    assert (tmp_path / "there" / "kept.pt").read_bytes() == start.model.content


def test_without_a_policy_it_says_what_to_do(tmp_path):
    for call in (lambda o: o.optimize_parameters("logo.png"), lambda o: o.save_model(tmp_path / "a.pt")):
        with pytest.raises(CheckpointError, match=r"call train\(\) or load_model\(\) first"):
            call(PPOVTracerOptimizer(save_dir=tmp_path))
    with pytest.raises(CheckpointError, match="no such checkpoint"):
        PPOVTracerOptimizer(save_dir=tmp_path).load_model(tmp_path / "nowhere.pt")


def test_a_number_of_episodes_is_checked(optimizer):
    with pytest.raises(ConfigError, match="max_episodes = 0: 1 and more"):
        optimizer.optimize_parameters("logo.png", max_episodes=0)


def test_the_earlier_systems_settings_are_the_configs(tmp_path):
    (tmp_path / "logos").mkdir()
    env = {"image_path": str(tmp_path / "logos"), "target_quality": 0.9, "max_steps": 5}
    config = PPOVTracerOptimizer(env, tmp_path / "models").config
    assert (config.images, config.quality_target, config.steps_per_episode) == (str(tmp_path / "logos"), 0.9, 5)
    with pytest.raises(ConfigError, match="env_kwargs: colour: unknown; known are image_path, target_quality"):
        PPOVTracerOptimizer({"colour": 1})
    with pytest.raises(ConfigError, match="steps_per_episode = 500"):
        PPOVTracerOptimizer({"max_steps": 500})
    with pytest.raises(DataError, match=r"nowhere\.png' can't be read"):
        PPOVTracerOptimizer({"image_path": "nowhere.png"}, tmp_path / "models")
