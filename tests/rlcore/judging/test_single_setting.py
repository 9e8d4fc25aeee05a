"""The best single setting, searched on training logos."""

import dataclasses

import numpy as np
import pytest

from rlcore.conversion.evaluator import Evaluator
from rlcore.conversion.tracing import trace
from rlcore.gain import gain
from rlcore.judging.single_setting import LOGOS, POPULATION, best_single_setting, mean_gains
from rlcore.parameters import CLEANED_PLAIN, PLAIN, Parameters
from tests.conftest import RecordingEvaluator, small_config

CONFIG = small_config(single_setting_traces=3 * POPULATION * LOGOS)


@pytest.fixture(scope="module")
def found(subjects, evaluator):
    return best_single_setting(subjects, CONFIG, evaluator)


def test_it_beats_cleaned_plain(found, subjects, evaluator):
    best, cleaned = mean_gains([found, CLEANED_PLAIN], subjects, CONFIG, evaluator)
    assert best > cleaned + 0.3


def test_the_best_of_all_that_was_tried_is_found_and_later_tries_are_better(subjects, evaluator):
    few = subjects[:4]
    settings = small_config(
        single_setting_traces=POPULATION * len(few) * 12,
        tuned=["corner_threshold", "splice_threshold", "length_threshold", "path_precision", "layer_difference"],
    )
    with RecordingEvaluator() as recording:
        found = best_single_setting(few, settings, recording)
    # a call is a generation: every candidate on every logo
    generations = [[parameters for _, parameters, _ in call][:: len(few)] for call in recording.calls]
    assert [len(candidates) for candidates in generations] == [POPULATION] * 12
    scores = np.array([mean_gains(candidates, few, settings, evaluator) for candidates in generations])
    assert mean_gains([found], few, settings, evaluator)[0] == scores.max()
    assert scores[-3:].mean() > scores[:3].mean() + 0.2


def test_the_same_again_within_the_budget(found, subjects):
    told = []
    with Evaluator() as fresh:
        assert best_single_setting(subjects, CONFIG, fresh, lambda *step: told.append(step)) == found
        assert fresh.statistics.asked == CONFIG.single_setting_traces
    assert told == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize("traces", [0, POPULATION * LOGOS - 1])
def test_with_too_few_traces_it_is_cleaned_plain(subjects, traces):
    with Evaluator() as counting:
        found = best_single_setting(subjects, small_config(single_setting_traces=traces), counting)
        assert counting.statistics.asked == 0
    assert found == CLEANED_PLAIN


def test_what_is_fixed_stays(subjects, evaluator):
    settings = small_config(
        tuned=["palette_size", "supersample"],
        fixed={"mode": "polygon", "filter_speckle": 7},
        single_setting_traces=POPULATION * 6,
    )
    found = best_single_setting(subjects[:6], settings, evaluator)
    assert (found.mode, found.filter_speckle, found.color_precision) == ("polygon", 7, PLAIN.color_precision)
    assert found.supersample > 1


def test_mean_gains_by_hand(subjects):
    settings, few = [Parameters(supersample=2), dataclasses.replace(PLAIN, max_iterations=0)], subjects[:5]
    with Evaluator() as evaluator:
        got = mean_gains(settings, few, CONFIG, evaluator)
    expected = []
    for subject in few:
        result = trace(subject.logo, settings[0])
        worth = gain(result, subject.plain, CONFIG.weights)
        expected.append(max(0.0, worth) if result.quality >= subject.plain.quality else 0.0)
    assert got == pytest.approx([np.mean(expected), 0.0])
