"""The rule of the curriculum, and what each of its attempts is trained with."""

import pytest

from rlcore.config import Stage1Config
from rlcore.curriculum import ALL_STAGES, STAGES, CurriculumStage, StageResult, best_result, curriculum_of, decide
from rlcore.errors import ConfigError

STAGE = CurriculumStage("text", 100, 0.75)


def results(*rates):
    return [StageResult(f"run {number}", rate) for number, rate in enumerate(rates, start=1)]


def test_four_stages_with_these_episodes_and_thresholds():
    assert [(stage.name, stage.episodes, stage.success_rate_threshold) for stage in STAGES] == [
        ("simple", 5000, 0.80),
        ("text", 8000, 0.75),
        ("gradient", 10_000, 0.70),
        ("complex", 15_000, 0.65),
    ]


@pytest.mark.parametrize(
    ("rates", "decision"),
    [
        ((0.75,), "advance"),
        ((0.7499,), "repeat"),
        ((0.1, 0.8), "advance"),
        ((0.8, 0.1), "repeat"),  # the last one counts
        ((0.1, 0.2), "repeat"),
        ((0.1, 0.2, 0.75), "advance"),
        ((0.1, 0.2, 0.74), "not_reached"),
    ],
)
def test_it_advances_repeats_or_ends_by_the_last_result(rates, decision):
    step = decide(STAGE, results(*rates))
    assert step.decision == decision
    assert step.ends_stage == (decision != "repeat")
    assert step.ends_curriculum == (decision == "not_reached")


def test_a_training_that_broke_reaches_nothing():
    broken = StageResult("run", 0.99, "entropy 0")
    assert decide(STAGE, [broken]).decision == "repeat"
    assert "training broke (entropy 0)" in decide(STAGE, [broken]).reason
    assert decide(STAGE, [broken] * 3).decision == "not_reached"


def test_going_on_under_the_threshold_is_asked_for_and_said_aloud():
    assert decide(STAGE, results(0.1, 0.1), allow_advance_below_threshold=True).decision == "repeat"
    step = decide(STAGE, results(0.1, 0.1, 0.2), allow_advance_below_threshold=True)
    assert (step.decision, step.ends_stage, step.ends_curriculum) == ("advance_below_threshold", True, False)
    assert "THE THRESHOLD IS NOT REACHED" in step.reason
    assert decide(STAGE, results(0.1, 0.1, 0.8), allow_advance_below_threshold=True).decision == "advance"


def test_the_reason_has_the_figures():
    assert decide(STAGE, results(0.5, 0.6)).reason == (
        "stage text, attempt 2 of 3: success rate 60.0% stays under 75%: once more"
    )


def test_the_best_attempt_is_gone_on_from():
    found = [*results(0.2, 0.6, 0.6), StageResult("broken", 0.9, "a NaN")]
    assert best_result(found).run == "run 2"
    assert best_result(found[3:]).run == "broken"


def test_an_attempts_configuration():
    plan = curriculum_of(config=Stage1Config(seed=7, workers=1), stages=("text", "complex"), episodes_scale=0.01)
    config = plan.attempt_config(1, 3, "earlier")
    assert (config.category, config.target_episodes, config.success_rate_threshold) == ("complex", 150, 0.65)
    assert (config.start_from, config.workers, config.promote) == ("earlier", 1, False)
    assert (config.seed, config.data_seed) == (9, 7)  # another training on the same logos
    assert plan.run_name("mine", 1, 3) == "mine-2-complex-3"


def test_a_stages_own_images_are_taken_whole():
    plan = curriculum_of(config=Stage1Config(), images={"text": "/texts"}, image_splits="folders")
    assert (plan.attempt_config(0, 1, "").images, plan.attempt_config(0, 1, "").category) == ("default", "simple")
    text = plan.attempt_config(1, 1, "")
    assert (text.images, text.splits, text.category) == ("/texts", "folders", "all")


def test_the_first_stage_may_go_on_from_another_model_too():
    plan = curriculum_of(config=Stage1Config(start_from="models:/stage1-agent@champion"))
    assert plan.attempt_config(0, 1, "").start_from == "models:/stage1-agent@champion"
    assert plan.attempt_config(1, 1, "earlier").start_from == "earlier"


def test_a_stage_has_one_episode_at_least():
    assert curriculum_of(config=Stage1Config(), episodes_scale=1e-9).stage(0).episodes == 1


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"stages": ("simple", "simpel")}, "stages.1 = 'simpel': input should be 'simple'"),
        ({"stages": ("text", "text")}, "stages = text, text: one or more are needed, each once"),
        ({"stages": ()}, "stages = none"),
        ({"episodes_scale": 0.0}, "episodes_scale = 0.0"),
        ({"episode_scale": 1.0}, "episode_scale = 1.0: extra"),
    ],
)
def test_what_is_wrong_is_named(values, told):
    with pytest.raises(ConfigError, match=told):
        curriculum_of(**({"config": Stage1Config()} | values))


def test_a_plan_comes_back_from_its_file():
    plan = curriculum_of(config=Stage1Config(seed=3), stages=ALL_STAGES[:2], images={"text": "/texts"})
    assert type(plan).model_validate_json(plan.model_dump_json()) == plan
