"""Searches kept on disk: the same episodes without a trace, and never somebody else's."""

import json

import pytest

from rlcore.conversion.evaluator import Evaluator
from rlcore.judging.search import CMAESSearch, RandomSearch, TPESearch
from rlcore.judging.search_cache import recalled
from rlcore.judging.validation import play
from rlcore.parameters import CLEANED_PLAIN, Parameters
from tests.conftest import RecordingEvaluator, small_config

FIRST = Parameters(mode="polygon", supersample=2, palette_size=4).canonical()


@pytest.fixture
def few(held_out):
    return held_out[:3]


def played(search, subjects, traces, config, evaluator, cache):
    """What each trace was and gave, logo by logo, from a search that is left after so many traces."""
    game = recalled(search, subjects, 30, config, evaluator, cache)
    for episodes in game:
        if episodes[0].step == traces:
            break
    game.close()
    return outcomes(episodes)


def outcomes(episodes):
    return [[(a.parameters, a.trace.quality, a.trace.size_bytes, a.gain) for a in e.attempts] for e in episodes]


@pytest.mark.parametrize("kind", [RandomSearch, TPESearch, CMAESSearch])
def test_what_is_kept_is_not_traced_again(kind, few, config, evaluator, tmp_path):
    direct = outcomes(play(kind(config.action_space, 1, FIRST), few, 14, config, evaluator))
    assert played(kind(config.action_space, 1, FIRST), few, 14, config, evaluator, tmp_path) == direct
    with Evaluator() as own:
        assert played(kind(config.action_space, 1, FIRST), few, 14, config, own, tmp_path) == direct
        assert own.statistics.asked == 0


@pytest.mark.parametrize("kind", [RandomSearch, TPESearch, CMAESSearch])
def test_a_longer_search_goes_on_where_the_kept_one_ended(kind, few, config, evaluator, tmp_path):
    played(kind(config.action_space, 1, FIRST), few[:2], 12, config, evaluator, tmp_path)
    with Evaluator() as own:
        found = played(kind(config.action_space, 1, FIRST), few, 15, config, own, tmp_path)
        assert own.statistics.asked == 3 + 3 + 15
    assert found == outcomes(play(kind(config.action_space, 1, FIRST), few, 15, config, evaluator))


def test_a_shorter_search_takes_nothing_away(few, config, evaluator, tmp_path):
    for traces in (6, 2, 6):
        with Evaluator() as own:
            played(RandomSearch(config.action_space, 1), few, traces, config, own, tmp_path)
            asked = own.statistics.asked
    assert asked == 0


@pytest.mark.parametrize(
    ("search", "settings"),
    [
        (RandomSearch(small_config().action_space, 2, FIRST), {}),
        (RandomSearch(small_config().action_space, 1, CLEANED_PLAIN), {}),
        (RandomSearch(small_config().action_space, 1), {}),
        (CMAESSearch(small_config().action_space, 1, FIRST), {}),
        (RandomSearch(small_config().action_space, 1, FIRST), {"size_weight": 2.0}),
        (RandomSearch(small_config().action_space, 1, FIRST), {"tuned": ("mode", "supersample")}),
    ],
)
def test_another_search_is_not_mistaken_for_it(few, config, evaluator, tmp_path, search, settings):
    played(RandomSearch(config.action_space, 1, FIRST), few, 3, config, evaluator, tmp_path)
    with Evaluator() as own:
        played(search, few, 3, small_config(**settings), own, tmp_path)
        assert own.statistics.asked == 3 * len(few)


def test_a_failed_trace_is_kept_as_one(few, config, tmp_path, monkeypatch):
    from rlcore.conversion.tracing import failed

    evaluator = RecordingEvaluator()
    monkeypatch.setattr(evaluator, "traces", lambda jobs, keep_svg=False: [failed("panic")] * len(jobs))
    for _ in range(2):
        game = recalled(RandomSearch(config.action_space, 1), few, 1, config, evaluator, tmp_path)
        [attempt] = next(game)[0].attempts
        game.close()
        assert attempt.trace.failure == "panic"
    [file, *_] = sorted(tmp_path.rglob("*.json"))
    assert json.loads(file.read_text())["attempts"][0][1:] == [0.0, 0, "panic"]


def test_with_a_weight_on_speed_nothing_is_kept(few, evaluator, tmp_path):
    config = small_config(speed_weight=0.5)
    played(RandomSearch(config.action_space, 1), few, 2, config, evaluator, tmp_path)
    assert not list(tmp_path.iterdir())
