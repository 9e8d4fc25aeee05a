"""What is worth telling once."""

import pytest

from rlcore.progress.milestones import episode_milestones, validation_milestones
from tests.conftest import small_config
from tests.rlcore.made import validation

CONFIG = small_config(target_episodes=100, success_rate_threshold=0.8, quality_target=0.85)


@pytest.mark.parametrize(
    ("before", "after", "names"),
    [
        (0, 19, []),
        (0, 20, ["episodes-20"]),
        (19, 21, ["episodes-20"]),
        (20, 49, []),
        (10, 80, ["episodes-20", "episodes-50"]),
        (99, 100, ["episodes-100"]),
    ],
)
def test_shares_of_the_target(before, after, names):
    found = episode_milestones(CONFIG, before, after)
    assert [milestone.name for milestone in found] == names
    assert {milestone.episode for milestone in found} <= {after}


def test_of_five_thousand_they_are_1000_2500_and_5000():
    config = small_config(target_episodes=5000)
    ends = [end for end in range(125, 5001, 125) if episode_milestones(config, end - 125, end)]
    assert ends == [1000, 2500, 5000]
    assert episode_milestones(config, 2400, 2500)[0].message == "50% of 5,000 episodes done"


def names(*validations, config=CONFIG):
    return [milestone.name for milestone in validation_milestones(config, validations)]


def test_the_first_validation_is_no_best():
    assert names(validation(1.0, quality=0.6)) == []


def test_each_new_best_gain():
    low = {"quality": 0.6}
    assert names(validation(1.0, **low), validation(1.5, 30, **low)) == ["best-gain-30"]
    assert names(validation(1.0, **low), validation(1.5, **low), validation(1.5, **low)) == []
    assert names(validation(2.0, **low), validation(1.0, **low), validation(1.5, **low)) == []


def test_success_rates_and_the_target_are_reached_once():
    before, after = validation(1.0, quality=0.6), validation(0.5, quality=0.6, success=True)
    assert names(before, after) == ["success-50", "success-70", "target-reached"]
    assert names(after, after) == []
    assert names(after) == ["success-50", "success-70", "target-reached"]
    told = validation_milestones(CONFIG, [before, after])[-1]
    assert told.message == "success rate 100.0% reaches the target of 80%"


def test_a_target_beside_the_usual_ones_is_one_more():
    config = small_config(success_rate_threshold=0.9)
    reached = names(validation(1.0, quality=0.6, success=True), config=config)
    assert reached == ["success-50", "success-70", "success-80", "target-reached"]


@pytest.mark.parametrize(
    ("earlier", "quality", "found"),
    [
        (0.6, 0.69, []),
        (0.6, 0.7, ["quality-0.7"]),
        (0.6, 0.9, ["quality-0.7", "quality-0.8", "quality-0.85"]),
        (0.75, 0.9, ["quality-0.8", "quality-0.85"]),
        (0.9, 0.95, []),
    ],
)
def test_qualities_are_reached_once(earlier, quality, found):
    assert names(validation(2.0, quality=earlier), validation(1.0, quality=quality)) == found
