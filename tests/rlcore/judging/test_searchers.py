"""Baselines: Method 1's formulas, fixed settings, presets and lists of settings."""

import dataclasses
import re

import pytest

from rlcore.episode import Episode
from rlcore.features import measure
from rlcore.judging.searchers import CLEANED_SEARCHER, PLAIN_SEARCHER, PRESETS, Method1, Sequential, method1_parameters
from rlcore.judging.validation import play
from rlcore.parameters import CLEANED_PLAIN, PLAIN
from tests.rlcore.pictures import disk, logo

DISK = measure(logo(disk()))


def chosen(**features):
    return method1_parameters(dataclasses.replace(DISK, **features))


@pytest.mark.parametrize(
    ("setting", "feature", "pairs"),
    [
        # clip(110 - 800 edge_density, 10, 110)
        ("corner_threshold", "edge_density", [(0, 110), (0.05, 70), (0.124, 11), (0.125, 10), (0.5, 10)]),
        # clip(2 + log2(colours), 2, 8)
        ("color_precision", "colours", [(1, 2), (2, 3), (16, 6), (64, 8), (4096, 8)]),
        # clip(20 (1 - entropy), 1, 8)
        ("path_precision", "entropy", [(0, 8), (0.6, 8), (0.7, 6), (0.95, 1), (0.99, 1)]),
        # clip(1 + 100 corner_density, 3.5, 10)
        ("length_threshold", "corner_density", [(0, 3.5), (0.025, 3.5), (0.05, 6), (0.09, 10), (1, 10)]),
        # clip(10 + 90 gradient_strength, 10, 100)
        ("splice_threshold", "gradient_strength", [(0, 10), (0.5, 55), (1, 100)]),
        # clip(5 + 15 complexity, 5, 20)
        ("max_iterations", "complexity", [(0, 5), (0.2, 8), (1, 20)]),
        ("mode", "complexity", [(0.299, "polygon"), (0.3, "spline")]),
    ],
)
def test_method_1s_formulas(setting, feature, pairs):
    for value, expected in pairs:
        assert getattr(chosen(**{feature: value}), setting) == pytest.approx(expected)


def test_what_method_1_leaves_alone():
    parameters = chosen()
    assert parameters.layer_difference == 10
    untouched = ("hierarchical", "filter_speckle", "supersample", "palette_size", "clean_alpha")
    assert all(getattr(parameters, name) == getattr(PLAIN, name) for name in untouched)


def test_method_1_gives_vtracer_whole_numbers_that_it_answers_to(held_out, evaluator):
    proposals = Method1().propose([Episode(subject, 1) for subject in held_out])
    assert proposals == [method1_parameters(subject.features) for subject in held_out]
    for parameters in proposals:
        whole = (parameters.corner_threshold, parameters.color_precision, parameters.path_precision)
        assert all(type(value) is int for value in (*whole, parameters.splice_threshold, parameters.max_iterations))
    jobs = [(subject.logo, parameters) for subject, parameters in zip(held_out, proposals, strict=True)]
    assert [trace.failure for trace in evaluator.traces(jobs)] == [None] * len(jobs)


def test_fixed_settings_are_plain_and_cleaned_plain(held_out):
    episodes = [Episode(subject, 1) for subject in held_out]
    assert PLAIN_SEARCHER.propose(episodes) == [PLAIN] * len(episodes)
    assert CLEANED_SEARCHER.propose(episodes) == [CLEANED_PLAIN] * len(episodes)
    assert not PLAIN.clean_alpha
    assert CLEANED_PLAIN.clean_alpha


def test_presets_are_those_of_vtracers_command_line():
    found = {preset.name: preset.parameters for preset in PRESETS}
    assert list(found) == ["preset bw", "preset poster", "preset photo"]
    assert found["preset bw"] == dataclasses.replace(PLAIN, color_mode="binary")
    poster = dataclasses.replace(PLAIN, color_precision=8)
    assert found["preset poster"] == poster
    photo = dataclasses.replace(poster, filter_speckle=10, layer_difference=48, corner_threshold=180)
    assert found["preset photo"] == photo
    assert not any(parameters.clean_alpha or parameters.compact for parameters in found.values())


def test_every_preset_gives_an_svg_and_bw_has_one_colour(held_out, evaluator):
    logos = [subject.logo for subject in held_out]
    for preset in PRESETS:
        traces = evaluator.traces([(logo, preset.parameters) for logo in logos], keep_svg=True)
        assert [trace.failure for trace in traces] == [None] * len(logos)
        assert all(trace.svg.rstrip().endswith(b"</svg>") for trace in traces)
        fills = {fill for trace in traces for fill in re.findall(rb'fill="(#[0-9A-Fa-f]+)"', trace.svg)}
        assert (fills == {b"#000000"}) == (preset.name == "preset bw")


def test_a_sequence_goes_through_its_settings_and_stays_at_the_last(held_out, config, evaluator):
    items = [CLEANED_PLAIN, dataclasses.replace(CLEANED_PLAIN, mode="polygon")]
    episodes = play(Sequential("portfolio", items), held_out, 4, config, evaluator)
    for episode in episodes:
        assert [attempt.parameters for attempt in episode.attempts] == [*items, items[-1], items[-1]]


def test_a_sequence_of_nothing_is_refused_by_name():
    with pytest.raises(ValueError, match="portfolio: no settings"):
        Sequential("portfolio", [])
