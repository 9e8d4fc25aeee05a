"""The library: found on training logos, the same every time, and better than any one setting."""

import dataclasses

import numpy as np
import pytest

from rlcore.conversion.evaluator import Evaluator
from rlcore.gain import Weights
from rlcore.learning import library_search
from rlcore.learning.library import PORTFOLIO_WEIGHTS, Move
from rlcore.learning.library_search import (
    FITS,
    KINDS,
    MOVE_LOGOS,
    PORTFOLIO_SIZE,
    SCREENING_LOGOS,
    WINNER_LOGOS,
    find_library,
)
from rlcore.learning.trace_table import greedy_portfolio, tabulate
from rlcore.parameters import CLEANED_PLAIN, DIMENSIONS, Parameters
from tests.conftest import small_config


@pytest.fixture(scope="module")
def few(subjects):
    return subjects[:10]


@pytest.fixture(scope="module")
def told():
    return []


@pytest.fixture(scope="module")
def found(few, config, evaluator, told):
    return find_library(CLEANED_PLAIN, few, config, evaluator, lambda *step: told.append(step))


def test_as_many_settings_and_moves_as_asked_all_of_them_different(found, config):
    library, table = found
    assert len(library.settings) == len(set(library.settings)) == config.library_size
    assert len(library.moves) == len(set(library.moves)) == len(library.move_rises) == config.library_moves
    assert all(setting == setting.canonical() for setting in library.settings)
    assert all(setting.compact or setting == CLEANED_PLAIN for setting in library.settings)
    assert table.quality.shape == (config.library_size, 10)


def test_the_table_is_of_its_settings_in_their_order(found, few, evaluator):
    library, table = found
    again = tabulate(library.settings, few, evaluator)
    for field in dataclasses.fields(table):
        np.testing.assert_array_equal(getattr(table, field.name), getattr(again, field.name))


@pytest.mark.parametrize("weight", PORTFOLIO_WEIGHTS)
def test_portfolios_are_greedy_and_begin_with_the_best_single_setting(found, weight):
    library, table = found
    gains = table.gains(Weights(1.0, weight))
    assert library.order(weight) == tuple(greedy_portfolio(gains, PORTFOLIO_SIZE))
    assert library.order(weight)[0] == gains.mean(axis=1).argmax()


def test_a_portfolio_is_at_most_so_long(subjects, evaluator):
    config = small_config(library_size=20, library_searches=20, library_traces=2, library_moves=0)
    library, table = find_library(CLEANED_PLAIN, subjects[:20], config, evaluator)
    assert len(library.settings) == len(table.quality) > PORTFOLIO_SIZE
    assert {len(order) for order in library.portfolios.values()} == {PORTFOLIO_SIZE}
    assert library.moves == library.move_rises == ()


def test_settings_of_their_own_are_better_than_one_for_all(found, few, evaluator):
    _, table = found
    for weight in PORTFOLIO_WEIGHTS:
        gains = table.gains(Weights(1.0, weight))
        single = tabulate([CLEANED_PLAIN, Parameters()], few, evaluator).gains(Weights(1.0, weight))
        assert gains.max(axis=0).mean() > gains.mean(axis=1).max() > single.mean(axis=1).max()


def test_every_size_weights_best_candidate_is_in_the_library(found):
    """Each weight's first pick is among the first four settings, as they take turns."""
    library, _ = found
    firsts = {library.order(weight)[0] for weight in PORTFOLIO_WEIGHTS}
    assert firsts <= set(range(len(PORTFOLIO_WEIGHTS)))


def test_moves_are_worth_something_and_of_tuned_parameters(found, config):
    library, _ = found
    assert all(move.name in config.tuned for move in library.moves)
    assert {abs(move.steps) for move in library.moves} <= {1, 3}
    assert library.move_rises[0] == max(library.move_rises) > 0
    assert all(rise >= 0 for rise in library.move_rises)


def test_move_rises_by_hand(subjects, evaluator):
    """One logo, one tuned parameter with one move each way: the rise is what the move's own trace adds."""
    config = small_config(tuned=["mode"], library_size=1, library_searches=0, library_moves=9)
    [logo] = subjects[:1]
    library, table = find_library(CLEANED_PLAIN, [logo], config, evaluator)
    assert library.settings in [(CLEANED_PLAIN,), (Parameters(),)]
    assert set(library.moves) == {Move("mode", 1), Move("mode", -1)}
    rises = dict(zip(library.moves, library.move_rises, strict=True))
    # the first logo of the sample has the first of the size weights
    weights = Weights(1.0, PORTFOLIO_WEIGHTS[0])
    [[gain]] = tabulate([Move("mode", 1).of(library.settings[0])], [logo], evaluator).gains(weights)
    assert rises[Move("mode", 1)] == pytest.approx(max(0, gain - table.gains(weights)[0, 0]))
    # a spline is the first of its range: the move back gives what is there
    assert rises[Move("mode", -1)] == 0


def test_the_same_input_gives_the_same_answer_with_any_workers(found, few, config):
    with Evaluator(2) as two:
        library, table = find_library(CLEANED_PLAIN, few, config, two)
    assert library == found[0]
    np.testing.assert_array_equal(table.quality, found[1].quality)
    np.testing.assert_array_equal(table.size_bytes, found[1].size_bytes)


def test_another_seed_searches_elsewhere(few, config, evaluator, monkeypatch):
    monkeypatch.setattr(library_search, "KINDS", ())
    one, other = (
        find_library(CLEANED_PLAIN, few, config.model_copy(update={"seed": seed}), evaluator)[0] for seed in (0, 1)
    )
    assert one.settings != other.settings


def test_progress_counts_logos_of_all_five_steps(found, few, config, told):
    screened = min(len(few), SCREENING_LOGOS) + min(len(few), WINNER_LOGOS)
    total = config.library_searches + screened + len(few) + min(len(few), MOVE_LOGOS)
    assert told[-1] == (total, total)
    done = [step for step, _ in told]
    assert done == sorted(set(done))
    assert {of for _, of in told} == {total}


def test_what_is_compared_on_which_logos(few, config, evaluator, monkeypatch):
    """Winners on a few, fits of their conversions on some more, and only the chosen on all of them."""
    tabulated, searched = [], []
    real_winners = library_search._winners

    def tell(settings, subjects, *rest):
        tabulated.append((settings, [subject.name for subject in subjects]))
        return tabulate(settings, subjects, *rest)

    def winners(single, subjects, *rest):
        searched.extend(subject.name for subject in subjects)
        return real_winners(single, subjects, *rest)

    for name, value in (("SCREENING_LOGOS", 5), ("WINNER_LOGOS", 4), ("CONVERSIONS", 2)):
        monkeypatch.setattr(library_search, name, value)
    monkeypatch.setattr(library_search, "tabulate", tell)
    monkeypatch.setattr(library_search, "_winners", winners)
    monkeypatch.setattr(library_search, "FITS", {"simplify": (0.1, 0.4), "grid": (2, 6, 10)})
    outline = Parameters(mode="outline", supersample=2).canonical()
    find_library(outline, few, config.model_copy(update={"library_size": 3, "library_kinds": len(KINDS)}), evaluator)
    [(candidates, first), (fitted, sample), (chosen, everybody)] = tabulated
    assert (len(first), len(sample)) == (4, 5)
    assert candidates[:2] == [outline, Parameters()]
    assert not set(sample) & set(searched), "a candidate is judged by the logo that it won on"
    assert sorted(everybody) == sorted(subject.name for subject in few)
    kinds = {dataclasses.replace(Parameters(), **kind).conversion() for kind in KINDS}
    assert len({setting.conversion() for setting in fitted} - kinds) == 2 < len({c.conversion() for c in candidates})
    assert kinds < {setting.conversion() for setting in fitted}
    for conversion in {setting.conversion() for setting in fitted}:
        own = {(s.simplify, s.grid) for s in fitted if s.conversion() == conversion}
        fits = 6 if conversion.mode == "outline" else 2 if conversion.mode == "polygon" else 0
        assert fits <= len(own) <= fits + len(candidates)
    assert len(chosen) == 3
    assert set(chosen) <= set(fitted)


def test_fits_and_kinds_are_of_allowed_values():
    assert all(value in DIMENSIONS[name].choices for name, values in FITS.items() for value in values)
    assert all(value in DIMENSIONS[name].choices for kind in KINDS for name, value in kind.items())
    assert len({dataclasses.replace(Parameters(), **kind).conversion() for kind in KINDS}) == len(KINDS)


def test_without_searches_there_are_the_conversions_of_the_single_setting_plain_and_the_other_kinds(few, evaluator):
    single = Parameters(mode="polygon", supersample=2, palette_size=8).canonical()
    config = small_config(library_searches=0, library_size=50)
    library, _ = find_library(single, few, config, evaluator)
    kinds = {dataclasses.replace(Parameters(), **kind).conversion() for kind in KINDS}
    found = {setting.conversion() for setting in library.settings}
    assert {single.conversion()} < found <= {single.conversion(), Parameters().conversion(), *kinds}


def test_what_is_fixed_stays(few, evaluator):
    config = small_config(tuned=["palette_size", "supersample"], fixed={"mode": "polygon", "filter_speckle": 7})
    single = config.action_space.decode(np.zeros(2))
    library, _ = find_library(single, few, config, evaluator)
    own = [setting for setting in library.settings if setting != Parameters()]
    assert {(s.mode, s.filter_speckle) for s in own} == {("polygon", 7)}
    assert all(move.name in ("palette_size", "supersample") for move in library.moves)
