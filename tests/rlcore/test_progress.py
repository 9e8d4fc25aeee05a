"""Milestones, velocity, time left, and the report of an hour."""

import pytest

from rlcore.progress import episode_milestones, hourly_report, seconds_left, validation_milestones, velocity
from tests.conftest import small_config
from tests.rlcore.made import rollout, validation

CONFIG = small_config(target_episodes=100, success_rate_threshold=0.8)


@pytest.mark.parametrize(
    ("before", "after", "names"),
    [
        (0, 24, []),
        (0, 25, ["episodes-25"]),
        (24, 26, ["episodes-25"]),
        (25, 49, []),
        (20, 80, ["episodes-25", "episodes-50", "episodes-75"]),
        (99, 100, ["episodes-100"]),
    ],
)
def test_quarters(before, after, names):
    found = episode_milestones(CONFIG, before, after)
    assert [milestone.name for milestone in found] == names
    assert {milestone.episode for milestone in found} <= {after}


def test_a_quarter_is_told_in_words():
    assert episode_milestones(CONFIG, 0, 50)[1].message == "50% of 100 episodes done"


def names(*validations):
    return [milestone.name for milestone in validation_milestones(CONFIG, validations)]


def test_the_first_validation_is_no_best():
    assert names(validation(1.0)) == []


def test_a_new_best_gain():
    assert names(validation(1.0), validation(1.5)) == ["best-gain"]
    assert names(validation(1.0), validation(1.5), validation(1.5)) == []
    assert names(validation(2.0), validation(1.0), validation(1.5)) == []


def test_the_target_is_reached_once():
    assert names(validation(1.0), validation(0.5, success=True)) == ["target-reached"]
    assert names(validation(1.0, success=True), validation(1.0, success=True)) == []
    assert names(validation(1.0, success=True)) == ["target-reached"]
    both = validation_milestones(CONFIG, [validation(1.0), validation(2.0, episode=30, success=True)])
    assert [(milestone.name, milestone.episode) for milestone in both] == [("target-reached", 30), ("best-gain", 30)]
    assert both[0].message == "success rate 100.0% reaches the target of 80%"


def test_velocity_is_over_the_last_ten_rollouts():
    slow, fast = rollout(seconds=100.0), rollout(seconds=2.0)
    assert velocity([slow, *[fast] * 10]) == 5.0
    assert velocity([slow, fast]) == pytest.approx(20 / 102)
    assert velocity([]) == 0.0


def test_time_left():
    assert seconds_left(CONFIG, [rollout(episode=20, seconds=5.0)]) == 40.0
    assert seconds_left(CONFIG, [rollout(episode=100, seconds=5.0)]) == 0.0
    assert seconds_left(CONFIG, [rollout(seconds=0.0)]) is None


def test_the_report_of_an_hour():
    text = hourly_report(CONFIG, [rollout(1.25, episode=40, seconds=5.0)], [validation(1.5, episode=30)])
    assert "**Episode 40 of 100**" in text
    assert "gain 1.250, success rate 25.0%" in text
    assert "2.00 episodes/s, 0 min left" in text
    assert "validation at episode 30: gain 1.500, SSIM improvement 0.500, success rate 0.0%" in text
    assert "validation" not in hourly_report(CONFIG, [rollout()], [])
