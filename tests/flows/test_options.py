"""Options made from the fields of the configuration."""

import inspect

import pytest

from flows.options import overrides, with_config_options
from rlcore.config import PPOSettings, QASettings, Stage1Config, load_config
from rlcore.errors import ConfigError


@with_config_options
def command(own: int = 1, **options: object) -> None:
    """A command with an option of its own."""


def test_every_field_has_an_option():
    names = list(inspect.signature(command).parameters)
    fields = [name for name in Stage1Config.model_fields if name not in ("ppo", "qa")]
    ppo, qa = (
        [f"{group}_{name}" for name in s.model_fields] for group, s in (("ppo", PPOSettings), ("qa", QASettings))
    )
    assert names == ["own", *fields, *ppo, *qa]


def test_nothing_given_overrides_nothing():
    given = {name: None for name in inspect.signature(command).parameters if name != "own"}
    assert overrides(given | {"tuned": [], "fixed": []}) == {}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"seed": "3"}, {"seed": 3}),
        ({"target_episodes": "5", "seed": None}, {"target_episodes": 5}),
        ({"quality_weight": "2"}, {"quality_weight": 2}),
        ({"success_rate_threshold": "0.5"}, {"success_rate_threshold": 0.5}),
        ({"hourly_reports": False}, {"hourly_reports": False}),
        # text stays text, even where it looks like a number
        ({"images": "2024"}, {"images": "2024"}),
        ({"category": "text"}, {"category": "text"}),
        ({"tuned": ["mode", "supersample"]}, {"tuned": ["mode", "supersample"]}),
        ({"fixed": ["mode=polygon", "palette_size=4"]}, {"fixed": {"mode": "polygon", "palette_size": 4}}),
        ({"ppo_epochs": "3", "ppo_clip_range": "0.1"}, {"ppo": {"epochs": 3, "clip_range": 0.1}}),
        ({"qa_kl_limit": "1", "ppo_epochs": "3"}, {"qa": {"kl_limit": 1}, "ppo": {"epochs": 3}}),
    ],
)
def test_what_is_given_becomes_settings(given, expected):
    assert overrides(given) == expected


def test_settings_from_options_are_taken_by_the_config():
    given = {
        "seed": "3",
        "quality_weight": "2",
        "hourly_reports": False,
        "tuned": ["supersample"],
        "fixed": ["mode=polygon", "length_threshold=4.5"],
        "ppo_epochs": "3",
    }
    config = load_config(None, overrides(given))
    assert (config.seed, config.quality_weight, config.hourly_reports, config.ppo.epochs) == (3, 2.0, False, 3)
    assert (config.action_space.base.mode, config.action_space.base.length_threshold) == ("polygon", 4.5)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"seed": "abc"}, "seed = 'abc'"),
        ({"seed": "1.5"}, "seed = 1.5"),
        ({"ppo_epochs": "0"}, "ppo.epochs = 0"),
        ({"qa_window": "2"}, "qa.window = 2"),
        ({"fixed": ["mode"]}, "fixed = 'mode': write NAME=VALUE"),
        ({"fixed": ["mode=circles"]}, "mode = 'circles': allowed are spline, polygon"),
    ],
)
def test_wrong_text_is_refused_by_name(given, told):
    with pytest.raises(ConfigError, match=told):
        load_config(None, overrides(given))


def test_an_empty_text_is_no_number():
    with pytest.raises(ConfigError, match="seed = ''"):
        load_config(None, overrides({"seed": ""}))
