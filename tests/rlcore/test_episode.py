"""The state machine of one episode, with made-up traces."""

import math

import pytest

from rlcore.conversion.tracing import Trace, failed
from rlcore.episode import Episode, Subject
from rlcore.features import measure
from rlcore.gain import Baseline, Weights
from rlcore.parameters import CLEANED_PLAIN
from tests.rlcore.pictures import disk, logo

LOGO = logo(disk())
SUBJECT = Subject(LOGO, measure(LOGO), Baseline(0.9, 1000), Baseline(0.92, 900), "simple", "train")


def played(*traces, budget=8):
    episode = Episode(SUBJECT, budget)
    rises = [episode.record(CLEANED_PLAIN, trace) for trace in traces]
    return episode, rises


def traced(quality, size_bytes):
    return Trace(quality, size_bytes, 0.01)


def test_before_the_first_trace_plain_is_delivered():
    episode = Episode(SUBJECT, 3)
    assert (episode.step, episode.done, episode.best, episode.best_gain, episode.delivered) == (0, False, None, 0, None)


def test_rises_add_up_to_the_best_gain():
    episode, rises = played(traced(0.95, 1000), traced(0.9, 1000), traced(0.975, 1000), failed("panic"))
    assert rises == pytest.approx([1, 0, 1, 0])
    assert episode.best_gain == pytest.approx(2)
    assert [episode.best_gain_after(count) for count in range(5)] == pytest.approx([0, 1, 1, 2, 2])
    assert episode.attempts[3].gain == -math.inf


def test_worse_than_plain_is_never_delivered():
    episode, rises = played(traced(0.89, 1), traced(0.9, 4000))
    assert episode.attempts[0].gain > 0
    assert rises == [0, 0]
    assert (episode.best, episode.delivered, episode.best_gain) == (None, None, 0)


def test_a_success_is_delivered_before_a_better_gain():
    tiny, success = traced(0.97, 10), traced(0.98, 1000)
    episode, _ = played(tiny, success)
    assert episode.best.trace is tiny
    assert episode.delivered.trace is success
    assert [attempt.success for attempt in episode.attempts] == [False, True]


def test_the_earlier_of_equals_is_best():
    first, second = traced(0.95, 1000), traced(0.95, 1000)
    episode, _ = played(first, second)
    assert episode.best.trace is first


def test_done_when_the_budget_is_used():
    assert not played(traced(0.9, 1), budget=2)[0].done
    assert played(traced(0.9, 1), traced(0.9, 1), budget=2)[0].done


def test_read_with_other_weights_it_is_the_same_traces():
    episode, _ = played(traced(0.95, 2000), traced(0.92, 250))
    assert episode.best_gain == pytest.approx(math.log2(0.1 / 0.08) + 0.5 * 2)
    quality = episode.with_weights(Weights(size=0.0))
    assert quality.best_gain == pytest.approx(1)
    assert [attempt.trace for attempt in quality.attempts] == [attempt.trace for attempt in episode.attempts]
    assert episode.with_weights(episode.weights) == episode
