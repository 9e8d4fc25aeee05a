"""Settings and moves, as numbered options."""

import json

import pytest

from rlcore.conversion.tracing import failed
from rlcore.episode import Episode
from rlcore.gain import Weights
from rlcore.learning.library import Library, Move
from rlcore.parameters import DIMENSIONS, Parameters
from tests.rlcore import made
from tests.rlcore.made import SETTINGS, trace_of

FOUR = {0.25: (0, 1), 0.5: (1, 2, 0), 1.0: (2,), 2.0: (3, 0)}
MOVES = (Move("supersample", 1), Move("filter_speckle", -3))


@pytest.fixture
def library():
    return made.library(4, MOVES, (0.5, 0.25), portfolios=FOUR)


def test_a_move_shifts_one_parameter():
    moved = Move("filter_speckle", 3).of(Parameters(mode="polygon", filter_speckle=4, supersample=2))
    assert moved == Parameters(mode="polygon", filter_speckle=7, supersample=2)
    assert Move("filter_speckle", -3).of(moved) == Parameters(mode="polygon", filter_speckle=4, supersample=2)


@pytest.mark.parametrize("name", list(DIMENSIONS))
@pytest.mark.parametrize(("coordinate", "steps"), [(-1.0, -1), (-1.0, -3), (1.0, 1), (1.0, 3)])
def test_at_the_ends_of_a_range_a_move_gives_the_same_parameters(name, coordinate, steps):
    mode = {"simplify": "polygon", "grid": "outline"}.get(name, "spline")
    values = {"mode": mode, name: DIMENSIONS[name].decode(coordinate)}
    end = Parameters(**values).canonical()
    assert Move(name, steps).of(end) == end
    assert Move(name, -steps).of(end) != end


@pytest.mark.parametrize(
    ("mode", "name"), [("polygon", "corner_threshold"), ("spline", "simplify"), ("polygon", "grid")]
)
def test_a_parameter_that_the_mode_ignores_is_not_moved(mode, name):
    start = Parameters(mode=mode).canonical()
    assert Move(name, 1).of(start) == start


def test_moved_parameters_are_canonical():
    spline = Parameters(corner_threshold=120, path_precision=5)
    assert Move("mode", 1).of(spline) == Parameters(mode="polygon").canonical()


@pytest.mark.parametrize(
    ("size_weight", "nearest"),
    [
        *((weight, weight) for weight in FOUR),
        (0.0, 0.25),
        (0.001, 0.25),
        (100.0, 2.0),
        # the border lies at the geometric mean
        (0.70, 0.5),
        (0.72, 1.0),
        (1.40, 1.0),
        (1.43, 2.0),
    ],
)
def test_the_portfolio_is_that_of_the_nearest_size_weight_by_ratio(library, size_weight, nearest):
    assert library.order(size_weight) == FOUR[nearest]
    assert library.portfolio(size_weight) == tuple(SETTINGS[index] for index in FOUR[nearest])


def test_moves_start_from_the_portfolios_first_until_there_is_a_best_attempt(library):
    episode = Episode(made.subject(), 4, Weights(size=2.0))
    assert library.centre(episode) == SETTINGS[3]
    assert library.centre(Episode(made.subject(), 4, Weights(size=0.5))) == SETTINGS[1]
    episode.record(SETTINGS[0], failed("panic"))
    episode.record(SETTINGS[0], trace_of(-1))
    assert library.centre(episode) == SETTINGS[3]
    other = Parameters(supersample=3)
    episode.record(other, trace_of(1))
    episode.record(SETTINGS[2], trace_of(0.5))
    assert library.centre(episode) == other


def test_options_are_the_settings_and_then_the_moved_best(library):
    episode = Episode(made.subject(), 4)
    best = Parameters(mode="polygon", filter_speckle=5, supersample=2).canonical()
    episode.record(best, trace_of(1))
    assert library.options(episode) == (
        *SETTINGS[:4],
        Parameters(mode="polygon", filter_speckle=5, supersample=3),
        Parameters(mode="polygon", filter_speckle=2, supersample=2),
    )
    assert library.size == len(library.options(episode)) == 6


def test_settings_are_found_by_what_they_are(library):
    assert [library.places[setting] for setting in library.settings] == [0, 1, 2, 3]
    assert Parameters(supersample=4) not in library.places


def test_kept_as_json_and_read_again(library):
    again = Library.from_dict(json.loads(json.dumps(library.as_dict())))
    assert again == library
    assert again.settings[1] == SETTINGS[1]
    assert [again.order(weight) for weight in FOUR] == list(FOUR.values())
