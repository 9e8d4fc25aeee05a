"""The reference search: good, cached by all that it depends on, and the same in any company."""

import dataclasses

import numpy as np
import pytest
from scipy.stats import qmc

from rlcore.conversion.evaluator import Evaluator
from rlcore.files import read_json
from rlcore.gain import Baseline, gain
from rlcore.judging import reference
from rlcore.judging.reference import reference_gains
from rlcore.judging.searchers import FixedSetting
from rlcore.judging.validation import run_searcher
from tests.conftest import RecordingEvaluator, small_config

CONFIG = small_config(
    reference_traces=34,
    # splines alone: polygons of drawn logos are at their best soon, with nothing left to find
    tuned=["corner_threshold", "length_threshold", "splice_threshold", "layer_difference", "filter_speckle"],
    fixed={"supersample": 2},
)


@pytest.fixture(scope="module")
def few(held_out):
    return held_out[:4]


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def found(few, evaluator, cache):
    return reference_gains(few, CONFIG, evaluator, cache)


def entries(cache):
    return sorted(path.relative_to(cache) for path in cache.rglob("*.json"))


def test_every_logo_has_a_gain(found, few):
    assert list(found) == [subject.logo.digest for subject in few]
    assert all(gain > 0 for gain in found.values())


def test_a_second_search_costs_nothing(found, few, cache):
    told = []
    with Evaluator() as idle:
        again = reference_gains(few, CONFIG, idle, cache, lambda *step: told.append(step))
        assert idle.statistics.asked == 0
    assert again == found
    assert told == [(4, 4)]


def test_what_is_cached_gives_that_gain_when_it_is_traced_again(found, few, cache, evaluator):
    for subject, path in zip(few, [next(cache.rglob(f"{s.logo.digest}.json")) for s in few], strict=True):
        kept = read_json(path)
        assert (kept["name"], kept["traces"], kept["gain"]) == (subject.name, 34, found[subject.logo.digest])
        setting = FixedSetting("kept", dataclasses.replace(CONFIG.action_space.base, **kept["parameters"]))
        [result] = run_searcher(setting, [subject], 1, CONFIG, evaluator).results
        assert result.gain == kept["gain"]


def test_exactly_the_given_traces_are_spent(few, tmp_path):
    told = []
    with Evaluator() as counting:
        reference_gains(few, CONFIG, counting, tmp_path, lambda *step: told.append(step))
        assert counting.statistics.asked == 34 * len(few)
    assert told == [(0, 4), (4, 4)]


def test_the_search_goes_beyond_its_quasi_random_start(found, few, evaluator):
    space, risen = CONFIG.action_space, 0
    for subject in few:
        generator = np.random.default_rng(int(subject.logo.digest[:12], 16))
        points = qmc.Sobol(space.size, scramble=True, rng=generator).random_base2(5)[:17] * 2 - 1
        settings = [FixedSetting("point", space.decode(point)) for point in points]
        start = max(run_searcher(s, [subject], 1, CONFIG, evaluator).results[0].gain for s in settings)
        assert found[subject.logo.digest] >= start
        risen += found[subject.logo.digest] > start
    assert risen >= 2


def test_later_generations_are_better(few, tmp_path):
    with RecordingEvaluator() as recording:
        reference_gains(few, CONFIG.model_copy(update={"reference_traces": 160}), recording, tmp_path)
    plains = {subject.logo: subject.plain for subject in few}
    scores = [
        np.mean([gain(trace, plains[logo], CONFIG.weights) for logo, _, trace in call]) for call in recording.calls
    ]
    # the start, then 8 generations of 10 on each logo
    assert [len(call) for call in recording.calls] == [80 * len(few), *[10 * len(few)] * 8]
    assert np.mean(scores[-3:]) > np.mean(scores[1:3]) > scores[0]


def test_neither_order_nor_company_matters(found, few, evaluator, tmp_path):
    backwards = reference_gains(few[::-1], CONFIG, evaluator, tmp_path / "backwards")
    assert backwards == found
    for subject in few[:2]:
        alone = reference_gains([subject], CONFIG, evaluator, tmp_path / "alone")
        assert alone == {subject.logo.digest: found[subject.logo.digest]}


def test_a_half_filled_cache_is_filled_up(found, few, evaluator, tmp_path):
    reference_gains(few[1:2], CONFIG, evaluator, tmp_path)
    assert reference_gains(few, CONFIG, evaluator, tmp_path) == found


@pytest.mark.parametrize(
    "values",
    [
        {"size_weight": 0.25},
        {"quality_weight": 2.0},
        {"speed_weight": 0.1},
        {"reference_traces": 20},
        {"tuned": ["mode", "supersample"]},
        {"fixed": {"hierarchical": "cutout"}},
    ],
)
def test_what_changes_the_search_has_an_entry_of_its_own(few, evaluator, tmp_path, values):
    base = small_config(reference_traces=12)
    reference_gains(few[:1], base, evaluator, tmp_path)
    before = entries(tmp_path)
    reference_gains(few[:1], small_config(**({"reference_traces": 12} | values)), evaluator, tmp_path)
    assert len(before) == 1
    assert len(entries(tmp_path)) == 2


def test_another_conversion_has_an_entry_of_its_own(few, evaluator, tmp_path, monkeypatch):
    """What VTracer's output is rewritten to may change without any library's version."""
    reference_gains(few[:1], small_config(), evaluator, tmp_path)
    monkeypatch.setattr(reference, "CONVERSION_VERSION", reference.CONVERSION_VERSION + 1)
    with Evaluator() as own:
        reference_gains(few[:1], small_config(), own, tmp_path)
        assert own.statistics.asked == small_config().reference_traces
    assert len(entries(tmp_path)) == 2


@pytest.mark.parametrize(
    "values", [{"seed": 5}, {"steps_per_episode": 8}, {"target_episodes": 5}, {"library_size": 9}, {"workers": 1}]
)
def test_what_does_not_change_the_search_shares_the_entry(few, evaluator, tmp_path, values):
    reference_gains(few[:1], small_config(), evaluator, tmp_path)
    with Evaluator() as idle:
        reference_gains(few[:1], small_config(**values), idle, tmp_path)
        assert idle.statistics.asked == 0


def test_nothing_better_than_plain_is_a_reference_of_zero(few, evaluator, tmp_path):
    perfect = dataclasses.replace(few[0], plain=Baseline(0.99999, 1))
    assert reference_gains([perfect], small_config(), evaluator, tmp_path) == {perfect.logo.digest: 0.0}
    assert read_json(next(tmp_path.rglob("*.json")))["parameters"] is None


def test_without_traces_there_is_no_reference(few, evaluator, tmp_path):
    assert reference_gains(few, small_config(reference_traces=0), evaluator, tmp_path) == {}
    assert entries(tmp_path) == []


@pytest.mark.parametrize("traces", [1, 2, 3])
def test_a_very_short_search_works_too(few, evaluator, tmp_path, traces):
    assert len(reference_gains(few, small_config(reference_traces=traces), evaluator, tmp_path)) == len(few)
