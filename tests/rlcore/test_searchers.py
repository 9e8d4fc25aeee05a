"""Baselines: Method 1's formulas, and searchers that depend on logo and step alone."""

import dataclasses

import numpy as np
import pytest

from rlcore.episode import Episode
from rlcore.features import measure
from rlcore.parameters import CLEANED_PLAIN, PLAIN, ActionSpace
from rlcore.searchers import CLEANED_SEARCHER, PLAIN_SEARCHER, Method1, RandomSearch, method1_parameters
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


def walked(space, seed, subjects, evaluator, steps=3):
    """What a random search proposes for each logo, step by step."""
    episodes = [Episode(subject, steps) for subject in subjects]
    found = []
    for _ in range(steps):
        proposals = RandomSearch(space, seed).propose(episodes)
        found.append(proposals)
        for episode, parameters in zip(episodes, proposals, strict=True):
            episode.record(parameters, evaluator.traces([(episode.subject.logo, parameters)])[0])
    return found


def test_random_search_depends_on_seed_logo_and_step_alone(held_out, evaluator):
    space = ActionSpace()
    found = walked(space, 3, held_out, evaluator)
    assert walked(space, 3, held_out, evaluator) == found
    assert walked(space, 3, held_out[::-1], evaluator) == [proposals[::-1] for proposals in found]
    assert walked(space, 3, held_out[:1], evaluator) == [proposals[:1] for proposals in found]
    assert walked(space, 4, held_out, evaluator) != found
    assert len({parameters for proposals in found for parameters in proposals}) == 3 * len(held_out)


def test_random_search_covers_the_whole_range(subjects):
    space = ActionSpace(("supersample", "length_threshold"))
    proposals = [p for seed in range(10) for p in RandomSearch(space, seed).propose([Episode(s, 1) for s in subjects])]
    counts = np.bincount([p.supersample for p in proposals], minlength=5)[1:]
    assert counts.min() > len(proposals) / 8
    lengths = [p.length_threshold for p in proposals]
    assert min(lengths) < 3.8
    assert max(lengths) > 9.7
