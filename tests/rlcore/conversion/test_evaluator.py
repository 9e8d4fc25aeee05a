"""Many traces: in order, once each, and the same whatever does them."""

import dataclasses
import json
import sys
from functools import partial

import numpy as np
import pytest

from rlcore.conversion import evaluator as evaluator_module
from rlcore.conversion.evaluator import Evaluator
from rlcore.conversion.tracing import Trace, trace
from rlcore.data.generated import generate_logos
from rlcore.parameters import CLEANED_PLAIN, PLAIN, ActionSpace, Parameters
from tests.rlcore import worker_calls
from tests.rlcore.killing import killing
from tests.rlcore.pictures import logo, noise

LOGOS = generate_logos(5, 2, 48)


def jobs():
    rng = np.random.default_rng(0)
    space = ActionSpace()
    return [(subject, space.decode(rng.uniform(-1, 1, space.size))) for subject in LOGOS for _ in range(4)]


def timeless(traces):
    return [dataclasses.replace(result, seconds=0.0, vtracer_seconds=0.0) for result in traces]


@pytest.mark.parametrize("workers", [0, 1, 2])
@pytest.mark.parametrize("keep_svg", [False, True])
def test_results_do_not_depend_on_the_workers(workers, keep_svg):
    expected = timeless(trace(*job, keep_svg) for job in jobs())
    with Evaluator(workers) as evaluator:
        assert timeless(evaluator.traces(jobs(), keep_svg)) == expected


def test_each_trace_is_done_once_and_counted():
    with Evaluator() as evaluator:
        first = evaluator.traces([(LOGOS[0], PLAIN), (LOGOS[1], PLAIN), (LOGOS[0], PLAIN)])
        assert (evaluator.statistics.asked, evaluator.statistics.remembered) == (3, 1)
        assert first[0] == first[2] != first[1]
        again = evaluator.traces([(LOGOS[1], PLAIN), (LOGOS[0], CLEANED_PLAIN)])
        assert again[0] == first[1]
        assert (evaluator.statistics.asked, evaluator.statistics.remembered) == (5, 2)
        seconds = sum(result.seconds for result in (first[0], first[1], again[1]))
        assert evaluator.statistics.trace_seconds == pytest.approx(seconds)


def test_a_logo_with_the_same_pixels_is_the_same_logo():
    twin = logo(LOGOS[0].rgba.copy(), name="another name", working_size=48)
    with Evaluator() as evaluator:
        evaluator.traces([(LOGOS[0], PLAIN), (twin, PLAIN)])
        assert evaluator.statistics.remembered == 1


def test_polygons_that_differ_in_spline_settings_only_are_one_trace():
    one, two = (Parameters(mode="polygon", corner_threshold=angle) for angle in (10, 90))
    with Evaluator() as evaluator:
        evaluator.traces([(LOGOS[0], one), (LOGOS[0], two)])
        assert evaluator.statistics.remembered == 1


def test_the_svg_is_there_when_asked_for_even_after_a_trace_without():
    with Evaluator() as evaluator:
        (without,) = evaluator.traces([(LOGOS[0], PLAIN)])
        (kept,) = evaluator.traces([(LOGOS[0], PLAIN)], keep_svg=True)
        (after,) = evaluator.traces([(LOGOS[0], PLAIN)])
    assert (without.svg, after.svg) == (None, None)
    assert len(kept.svg) == kept.size_bytes == without.size_bytes


@pytest.mark.parametrize("workers", [0, 1])
def test_a_panic_is_one_failed_trace_among_others(workers):
    panics = dataclasses.replace(PLAIN, max_iterations=0)
    with Evaluator(workers) as evaluator:
        results = evaluator.traces([(LOGOS[0], PLAIN), (LOGOS[0], panics), (LOGOS[1], PLAIN)])
        assert [result.failure for result in results] == [None, "panic", None]
        assert evaluator.statistics.failures == {"panic": 1}


def test_a_trace_over_the_time_limit_is_lost_and_the_next_is_not():
    slow = logo(noise(512, 512), working_size=512)
    with Evaluator(1, time_limit_seconds=1.0) as evaluator:
        results = evaluator.traces([(slow, Parameters(supersample=4, filter_speckle=0)), (LOGOS[0], PLAIN)])
        assert [result.failure for result in results] == ["timeout", None]
        assert evaluator.statistics.failures == {"timeout": 1}


def test_what_shares_a_conversion_is_one_call_of_a_few(monkeypatch):
    calls = []
    real = evaluator_module.traces
    monkeypatch.setattr(evaluator_module, "SHARED", 3)
    monkeypatch.setattr(evaluator_module, "traces", lambda *call: calls.append(call) or real(*call))
    outlines = [Parameters(mode="outline", simplify=step / 10) for step in range(5)]
    asked = [(subject, setting) for setting in [*outlines, PLAIN] for subject in LOGOS[:2]]
    with Evaluator() as evaluator:
        found = evaluator.traces(asked)
    assert timeless(found) == timeless(trace(*job) for job in asked)
    assert sorted(len(settings) for _, settings, _ in calls) == [1, 1, 2, 2, 3, 3]
    assert all(len({setting.conversion() for setting in settings}) == 1 for _, settings, _ in calls)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the data of a process")
@pytest.mark.parametrize("workers", [1, 2])
def test_of_a_call_that_is_lost_each_trace_is_tried_on_its_own(monkeypatch, workers):
    """A worker that is lost takes its whole call with it: only the trace that did it may fail, and always the same."""
    monkeypatch.setattr(evaluator_module, "traces", worker_calls.faulty_traces)
    asked = [(LOGOS[0], Parameters(mode="outline", grid=grid, simplify=grid / 10)) for grid in (1, 2, 3, 4, 6, 8)]
    with Evaluator(workers, time_limit_seconds=2.0) as evaluator:
        found = evaluator.traces(asked)
        assert [result.failure for result in found] == [None, "timeout", "crash", "memory", None, None]
        assert evaluator.statistics.failures == {"timeout": 1, "crash": 1, "memory": 1}
        assert evaluator.statistics.repeated == 2
    assert timeless([found[0], *found[4:]]) == timeless(trace(*asked[index]) for index in (0, 4, 5))


def test_workers_killed_from_outside_change_no_trace(monkeypatch, tmp_path):
    expected = timeless(trace(*job) for job in jobs())
    monkeypatch.setattr(evaluator_module, "traces", partial(worker_calls.slow_traces, tmp_path))
    with Evaluator(2) as evaluator, killing(tmp_path, 2):
        assert timeless(evaluator.traces(jobs())) == expected
        assert evaluator.statistics.failures == {}
        assert evaluator.statistics.repeated >= 1


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(evaluator_module, "MEMO_SIZE", 2)
    with Evaluator() as evaluator:
        evaluator.traces([(subject, PLAIN) for subject in LOGOS[:3]])
        evaluator.traces([(LOGOS[1], PLAIN), (LOGOS[2], PLAIN)])
        assert evaluator.statistics.remembered == 2
        evaluator.traces([(LOGOS[0], PLAIN)])
        assert evaluator.statistics.remembered == 2


def test_no_jobs():
    with Evaluator() as evaluator:
        assert evaluator.traces([]) == []


def test_statistics_with_a_failure_can_be_written_down():
    """``asdict`` turns a Counter inside a dataclass into one of pairs, which JSON refuses: a run once ended by it."""
    with Evaluator(workers=0) as evaluator:
        evaluator.traces([(LOGOS[0], dataclasses.replace(CLEANED_PLAIN, color_precision=0))])
        assert json.loads(json.dumps(dataclasses.asdict(evaluator.statistics)))["failures"] == {"panic": 1}


def test_what_is_remembered_is_free_to_ask_for():
    """Told by whoever traced it before: no trace is made, and the answer is what was told."""
    known = Trace(0.5, 123, 0.0)
    with Evaluator() as evaluator:
        evaluator.remember({(LOGOS[0].digest, Parameters(mode="polygon").canonical()): known})
        asked = [(LOGOS[0], Parameters(mode="polygon", corner_threshold=5)), (LOGOS[0], Parameters(mode="polygon"))]
        assert evaluator.traces(asked) == [known, known]
        assert (evaluator.statistics.asked, evaluator.statistics.remembered) == (2, 2)
        assert evaluator.statistics.trace_seconds == 0
        other = evaluator.traces([(LOGOS[1], Parameters(mode="polygon"))])
        assert other != [known]
        assert evaluator.statistics.remembered == 2


def test_what_is_told_keeps_no_svg_and_an_svg_is_made_when_asked_for():
    with Evaluator() as evaluator:
        [real] = evaluator.traces([(LOGOS[0], Parameters())], keep_svg=True)
        evaluator.remember({(LOGOS[1].digest, Parameters()): real})
        assert evaluator.traces([(LOGOS[1], Parameters())])[0] == dataclasses.replace(real, svg=None)
        [own] = evaluator.traces([(LOGOS[1], Parameters())], keep_svg=True)
        assert own.svg not in (None, real.svg)
