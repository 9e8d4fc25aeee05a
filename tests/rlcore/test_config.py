"""Every field by file and by override; what is wrong is refused by field, value and range."""

import json

import pytest
from pydantic import ValidationError

from rlcore.config import NESTED_SETTINGS, Stage1Config, allowed_values, load_config
from rlcore.errors import ConfigError
from rlcore.parameters import DEFAULT_TUNED

OTHER = {
    "target_episodes": 123,
    "steps_per_episode": 5,
    "validation_frequency": 200,
    "checkpoint_frequency": 100,
    "success_rate_threshold": 0.5,
    "ssim_improvement_threshold": 0.6,
    "quality_target": 0.9,
    "max_training_time_hours": 0.5,
    "early_stopping_patience": 7,
    "hourly_reports": False,
    "milestone_notifications": False,
    "report_interval_minutes": 5.0,
    "dashboard_pictures": False,
    "promote": False,
    "require_approval": True,
    "failure_detection": False,
    "overfitting_detection": False,
    "performance_monitoring": False,
    "seed": 42,
    "workers": 0,
    "working_size": 96,
    "images": "logos",
    "splits": "folders",
    "generated_logos": 60,
    "generated_seed": 3,
    "start_from": "another-run",
    "category": "all",
    "reference_traces": 0,
    "single_setting_traces": 10,
    "library_size": 7,
    "library_searches": 5,
    "library_traces": 11,
    "library_kinds": 4,
    "library_moves": 3,
    "warm_start_updates": 0,
    "comparison_traces": 0,
    "quality_weight": 2.0,
    "size_weight": 0.0,
    "least_size_weight": 0.5,
    "greatest_size_weight": 1.5,
    "speed_weight": 0.1,
    "tuned": ["mode", "palette_size"],
    "fixed": {"supersample": 2, "hierarchical": "cutout"},
    "ppo": {
        "learning_rate": 0.002,
        "final_learning_rate_share": 1.0,
        "rollout_episodes": 10,
        "batch_size": 20,
        "epochs": 3,
        "discount": 0.8,
        "gae_lambda": 0.8,
        "clip_range": 0.3,
        "entropy_coefficient": 0.01,
        "sharpness": 5.0,
        "value_coefficient": 1.0,
        "max_gradient_norm": 1.0,
    },
    "qa": {
        "window": 5,
        "loss_explosion": 10.0,
        "least_loss": 0.5,
        "entropy_floor": 0.1,
        "kl_limit": 2.0,
        "reward_floor": 0.5,
        "reward_spread_floor": 1e-5,
        "failed_share": 0.1,
        "high_failed_share": 0.2,
        "critical_failed_share": 0.3,
        "stagnation_episodes": 100,
        "stagnation_rise": 0.1,
        "degradation_margin": 0.2,
        "overfitting_gap": 1.0,
        "velocity_window": 10,
        "velocity_share": 0.5,
        "memory_growth_mib": 64.0,
        "disk_reserve_mib": 0.0,
        "most_rollbacks": 0,
    },
}
"""For known fields another value than the default; a field that is new has its own default's test below."""


def as_toml(values):
    lines = [f"{name} = {json.dumps(value)}" for name, value in values.items() if not isinstance(value, dict)]
    for table, fields in ((name, value) for name, value in values.items() if isinstance(value, dict)):
        lines += [f"[{table}]", *(f"{name} = {json.dumps(value)}" for name, value in fields.items())]
    return "\n".join(lines) + "\n"


def written(tmp_path, text):
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


def plain(config):
    return json.loads(config.model_dump_json())


def test_the_samples_are_valid_and_not_the_defaults():
    defaults = plain(Stage1Config())
    for name, value in OTHER.items():
        assert value != defaults[name], name
    assert set(Stage1Config.model_fields) - set(OTHER) == set()
    for name, settings in NESTED_SETTINGS.items():
        assert set(settings.model_fields) == set(OTHER[name])
        assert not OTHER[name].items() & defaults[name].items()


def test_every_field_by_file_and_by_override(tmp_path):
    by_file = load_config(written(tmp_path, as_toml(OTHER)))
    by_override = load_config(overrides=OTHER)
    assert by_file == by_override
    assert {name: plain(by_file)[name] for name in OTHER} == OTHER


@pytest.mark.parametrize("name", [name for name in OTHER if name not in ("images", "tuned", "fixed", *NESTED_SETTINGS)])
def test_an_override_wins_over_the_file(tmp_path, name):
    path = written(tmp_path, as_toml({"generated_logos": 9, "images": "logos"} | {name: plain(Stage1Config())[name]}))
    config = load_config(path, {name: OTHER[name]})
    assert getattr(config, name) == OTHER[name]


def test_nested_settings_are_merged(tmp_path):
    path = written(tmp_path, "seed = 3\n[ppo]\nepochs = 2\nbatch_size = 7\n")
    config = load_config(path, {"ppo": {"epochs": 4}})
    assert (config.seed, config.ppo.epochs, config.ppo.batch_size, config.ppo.clip_range) == (3, 4, 7, 0.2)


def test_defaults_are_the_designs():
    config = load_config()
    assert (config.target_episodes, config.validation_frequency, config.checkpoint_frequency) == (5000, 1000, 500)
    assert (config.success_rate_threshold, config.ssim_improvement_threshold, config.quality_target) == (
        0.8,
        0.75,
        0.85,
    )
    assert (config.max_training_time_hours, config.early_stopping_patience) == (12, 3)
    assert (config.quality_weight, config.size_weight, config.speed_weight) == (1, 0.5, 0)
    assert (config.least_size_weight, config.greatest_size_weight) == (0.25, 2)
    assert (config.library_size, config.library_moves) == (40, 16)
    assert (config.working_size, config.steps_per_episode, config.category) == (256, 8, "simple")
    assert config.workers >= 1
    assert config.tuned == DEFAULT_TUNED


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("target_episodes", 0, "1 to 10000000"),
        ("target_episodes", "5000", "whole number"),
        ("target_episodes", 10.5, "whole number"),
        ("seed", True, "whole number, 0 to 2147483647"),
        ("working_size", 4096, "16 to 2048"),
        ("success_rate_threshold", 0.0, "above 0 to 1"),
        ("ssim_improvement_threshold", 1.0, "0 to under 1"),
        ("quality_weight", float("nan"), "0 to 100"),
        ("quality_target", "high", "0 to 1"),
        ("hourly_reports", 1, "true or false"),
        ("hourly_reports", "yes", "true or false"),
        ("category", "easy", "simple, text, gradient, complex, all"),
        ("images", 5, "string"),
        ("ppo.epochs", 0, "whole number, 1 to 100"),
        ("ppo.clip_range", 2, "above 0 to 1"),
        ("qa.window", 2, "whole number, 3 to 1000"),
        ("qa.loss_explosion", 1.0, "above 1 to"),
        ("tuned", "mode", "tuple"),
        ("library_size", 0, "whole number, 1 to 256"),
        ("library_traces", 0, "whole number, 1 to 10000"),
        ("warm_start_updates", -1, "whole number, 0 to 100000"),
        ("least_size_weight", 0.0, "above 0 to 100"),
    ],
)
def test_a_wrong_value_is_refused_by_field_value_and_range(path, value, told):
    outer, _, inner = path.partition(".")
    with pytest.raises(ConfigError) as caught:
        load_config(overrides={outer: {inner: value} if inner else value})
    assert str(caught.value).startswith(f"{path} = {value!r}: ")
    assert told in str(caught.value)


def test_a_wrong_value_in_a_file_is_refused_too(tmp_path):
    with pytest.raises(ConfigError, match=r"workers = -1: .*0 to 512"):
        load_config(written(tmp_path, "workers = -1"))


def test_all_mistakes_are_told_at_once():
    with pytest.raises(ConfigError, match=r"seed = -1.*; workers = -2"):
        load_config(overrides={"seed": -1, "workers": -2})


def test_unknown_fields_are_refused_with_the_known_ones(tmp_path):
    with pytest.raises(ConfigError, match=r"episodes: unknown field; known are target_episodes, "):
        load_config(written(tmp_path, "episodes = 5"))
    with pytest.raises(ConfigError, match=r"ppo\.lr: unknown field; known are learning_rate, "):
        load_config(overrides={"ppo": {"lr": 1}})
    with pytest.raises(ConfigError, match=r"qa\.lr: unknown field; known are window, "):
        load_config(overrides={"qa": {"lr": 1}})


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"fixed": {"supersample": 9}}, "supersample = 9: allowed are 1, 2, 3, 4"),
        ({"fixed": {"supersample": 2}}, "tuned"),
        ({"fixed": {"speckle": 2}}, "speckle: unknown parameter; known are mode"),
        ({"tuned": ["speckle"]}, "speckle"),
        ({"tuned": []}, "at least one"),
        ({"images": "none"}, "generated_logos"),
        ({"splits": "folders"}, "splits = 'folders' needs images to be a folder, not 'default'"),
        (
            {"qa": {"failed_share": 0.3}},
            "qa: failed_share, high_failed_share and critical_failed_share have to rise, not 0.3, 0.25, 0.5",
        ),
        ({"least_size_weight": 3.0}, "least_size_weight = 3 is above greatest_size_weight = 2"),
    ],
)
def test_inconsistent_settings_are_refused(values, told):
    with pytest.raises(ConfigError) as caught:
        load_config(overrides=values)
    assert told in str(caught.value)


@pytest.mark.parametrize("content", [b"seed = ", b"\xff\xfe", b"seed = 1\nseed = 2"])
def test_a_broken_file_is_named(tmp_path, content):
    path = tmp_path / "broken.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"broken\.toml"):
        load_config(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"nowhere\.toml"):
        load_config(tmp_path / "nowhere.toml")
    with pytest.raises(ConfigError, match="config file"):
        load_config(tmp_path)


def test_a_config_is_frozen():
    config = Stage1Config()
    with pytest.raises(ValidationError):
        config.seed = 5
    with pytest.raises(ValidationError):
        config.ppo.epochs = 5


def test_saved_and_read_again_it_is_the_same():
    config = load_config(overrides=OTHER)
    assert Stage1Config.model_validate_json(config.model_dump_json()) == config
    assert load_config(overrides=config.model_dump(mode="json")) == config


def test_the_action_space_is_what_is_tuned_and_fixed():
    space = load_config(overrides=OTHER).action_space
    assert [dimension.name for dimension in space.dimensions] == ["mode", "palette_size"]
    assert (space.base.supersample, space.base.hierarchical) == (2, "cutout")


def test_weights_and_target():
    config = load_config(overrides=OTHER)
    assert (config.weights.quality, config.weights.size, config.weights.speed) == (2.0, 0.0, 0.1)
    assert (config.target.ssim_improvement, config.target.quality) == (0.6, 0.9)


def test_every_field_is_explained_and_every_number_has_a_range():
    nested = [(model, f"{group}.") for group, model in NESTED_SETTINGS.items()]
    for model, prefix in [(Stage1Config, ""), *nested]:
        for name, field in model.model_fields.items():
            assert field.description, name
            if field.annotation in (int, float, bool):
                assert allowed_values(prefix + name), name
