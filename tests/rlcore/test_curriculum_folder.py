"""How far a curriculum is, read from what its attempts left behind."""

from dataclasses import asdict, replace

import pytest

from rlcore.config import Stage1Config
from rlcore.curriculum import curriculum_of
from rlcore.curriculum_folder import CurriculumFolder, result_of
from rlcore.errors import ConfigError
from rlcore.records import Verdict
from tests.rlcore.made import result, validation


@pytest.fixture
def curriculum(tmp_path):
    folder = CurriculumFolder(tmp_path / "curriculum" / "mine")
    folder.write_plan(curriculum_of(config=Stage1Config(workers=1), stages=("simple", "text"), episodes_scale=0.002))
    return folder


def judged(rate):
    """Of five logos, so many of them successes."""
    logos = tuple(result(digest=str(number), success=number < 5 * rate) for number in range(5))
    return replace(validation(episode=10), results=logos)


def attempt(curriculum, stage, number, rate, decision="target_reached", episode=10, ended=True):
    """What one leaves behind that was trained and closed."""
    planned = curriculum.plan().attempt_config(stage, number, "")
    folder = curriculum.run(stage, number)
    folder.write_config(planned)
    folder.write_validation(judged(rate))
    verdict = Verdict(episode, decision, f"because of {decision}")
    folder.journal.write_once("verdict", decision, verdict=asdict(verdict))
    if ended:
        folder.journal.write("ended", status="FINISHED", resumable=decision == "out_of_time")
    return folder


def test_it_begins_with_the_first_attempt_at_the_first_stage(curriculum):
    first = curriculum.next_attempt()
    assert (first.run, first.stage, first.number) == ("mine-1-simple-1", 0, 1)
    assert (first.config.category, first.config.target_episodes, first.config.start_from) == ("simple", 10, "")
    assert curriculum.step(0) is None
    assert curriculum.report()["outcome"] == "unfinished"
    assert [stage["decision"] for stage in curriculum.report()["stages"]] == ["not_begun", "not_begun"]


def test_a_stage_goes_on_from_the_last_ones_model(curriculum):
    attempt(curriculum, 0, 1, 0.8)
    second = curriculum.next_attempt()
    assert (second.run, second.config.start_from, second.config.category) == (
        "mine-2-text-1",
        "mine-1-simple-1",
        "text",
    )


def test_an_attempt_that_was_not_enough_is_gone_on_from_with_another_seed(curriculum):
    attempt(curriculum, 0, 1, 0.6)
    again = curriculum.next_attempt()
    assert (again.run, again.config.start_from, again.config.seed) == ("mine-1-simple-2", "mine-1-simple-1", 1)
    attempt(curriculum, 0, 2, 0.4)
    assert curriculum.next_attempt().config.start_from == "mine-1-simple-1"


def test_after_three_it_has_ended_unreached(curriculum):
    for number in (1, 2, 3):
        attempt(curriculum, 0, number, 0.6, "continue", episode=10)
    assert curriculum.next_attempt() is None
    report = curriculum.report()
    assert (report["outcome"], report["successful_stages"]) == ("not_reached", 0)
    assert report["reason"].startswith("stage simple, attempt 3 of 3: success rate 60.0% stays under 80%")
    assert [len(stage["attempts"]) for stage in report["stages"]] == [3, 0]


def test_going_on_below_the_threshold_is_in_the_report(curriculum):
    plan = curriculum.plan().model_copy(update={"allow_advance_below_threshold": True})
    curriculum.write_plan(plan)
    for number in (1, 2, 3):
        attempt(curriculum, 0, number, 0.6)
    assert curriculum.next_attempt().run == "mine-2-text-1"
    attempt(curriculum, 1, 1, 0.8)
    report = curriculum.report()
    assert (report["outcome"], report["advanced_below_threshold"]) == ("below_threshold", ["simple"])
    assert report["successful_stages"] == 1


def test_all_stages_reached(curriculum):
    attempt(curriculum, 0, 1, 0.8)
    attempt(curriculum, 1, 1, 0.4)
    attempt(curriculum, 1, 2, 1.0)
    assert curriculum.next_attempt() is None
    report = curriculum.report()
    assert (report["outcome"], report["successful_stages"], report["final_model"]) == ("reached", 2, "mine-2-text-2")


def test_a_trained_attempt_that_was_not_closed_is_taken_up_again_as_it_was(curriculum):
    attempt(curriculum, 0, 1, 0.6)
    attempt(curriculum, 0, 2, 0.8, ended=False)
    again = curriculum.next_attempt()
    assert (again.run, again.number, again.config.start_from) == ("mine-1-simple-2", 2, "mine-1-simple-1")


@pytest.mark.parametrize(("decision", "episode"), [("out_of_time", 5), ("roll_back", 5), ("continue", 5)])
def test_an_attempt_that_is_not_at_its_end_has_no_result(curriculum, decision, episode):
    folder = attempt(curriculum, 0, 1, 1.0, decision, episode, ended=False)
    assert result_of(folder) is None
    assert curriculum.next_attempt().run == folder.name
    assert not curriculum.is_trained(curriculum.next_attempt())


def test_a_broken_training_is_a_result_that_reaches_nothing(curriculum):
    folder = attempt(curriculum, 0, 1, 1.0, "failure", 5)
    assert result_of(folder).failure == "because of failure"
    assert curriculum.next_attempt().run == "mine-1-simple-2"


def test_an_early_stop_is_an_end(curriculum):
    assert result_of(attempt(curriculum, 0, 1, 0.8, "early_stopping", 5)).success_rate == 0.8


def test_the_best_model_counts_not_the_last(curriculum):
    folder = attempt(curriculum, 0, 1, 0.4)
    folder.write_validation(replace(judged(1.0), episode=5))
    assert result_of(folder).success_rate == 1.0


def test_there_is_no_plan(tmp_path):
    with pytest.raises(ConfigError, match="curriculum 'nobody' is not in"):
        CurriculumFolder(tmp_path / "nobody").plan()


def test_a_plan_of_another_version(curriculum):
    curriculum.plan_file.write_text('{"stages": 3}')
    with pytest.raises(ConfigError, match="another version"):
        curriculum.plan()
