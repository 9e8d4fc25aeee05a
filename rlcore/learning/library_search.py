"""Finds the agent's library on training logos: CMA-ES for every logo of a sample, then greedy picks among the winners.

Of the winners, judged on a second sample, a few conversions stay, and some of other kinds join them. What comes after
VTracer is then tried on a grid for each (traces of one conversion share its cost), and what is picked of these is
traced on all logos. The idea is that of portfolio-based algorithm selection (Hydra: Xu et al. 2010): what is best for
some logo is a candidate for all, and a candidate earns its place by what it adds to the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
from cmaes import CMA
from numpy.typing import NDArray

from rlcore.config import Stage1Config
from rlcore.conversion.evaluator import Evaluator
from rlcore.conversion.tracing import Trace
from rlcore.episode import Episode, Subject
from rlcore.gain import Weights
from rlcore.judging.reference import evolve
from rlcore.learning.library import PORTFOLIO_WEIGHTS, Library, Move
from rlcore.learning.trace_table import TraceTable, greedy_portfolio, tabulate
from rlcore.parameters import IGNORED, Parameters

PORTFOLIO_SIZE = 16
SCREENING_LOGOS = 108
"""Training logos that candidates are compared on; with all 434 of the default data the choice was no better."""

WINNER_LOGOS = 54
"""As many of these tell which conversions stay."""

CONVERSIONS = 6
"""Winners' conversions that are gone on with: a trace of another one costs ten times as much as one that shares it."""

KINDS: tuple[Mapping[str, Any], ...] = (
    *({"mode": "outline", "supersample": factor, "palette_size": size} for factor in (1, 2, 3) for size in (0, 10)),
    *({"mode": "polygon", "supersample": factor, "palette_size": size} for factor in (1, 4) for size in (0, 8)),
)
"""Conversions that suit few logos, but those by far: a search of 48 logos misses them.

Logos drawn on the pixel grid are better off with supersample 1 to 3, by up to 1.8 in gain. On 145 training logos with
winners of supersample 4 alone, these raise the portfolio of 8 from 5.551 to 5.589 at size weight 0.5, and the best
setting of each logo from 5.582 to 5.644.
"""

FITS: Mapping[str, tuple[Any, ...]] = {
    "simplify": (0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.7, 1.0),
    "grid": (2, 3, 4, 6, 10),
}
"""What is tried after each conversion, where these are tuned."""

MOVE_LOGOS = 40
"""Training logos that the moves are compared on."""

MOVES_AFTER = 4
"""Settings of the portfolio that are tried before the moves: from the best of all of them, no move adds much."""

POPULATION = 8
_TOGETHER = 8
_SPREAD = 0.35
_INSIDE = 0.8
"""A search's centre is kept this far inside [-1, 1], so that the spread around it reaches both sides."""
_STRIDES = (1, -1, 3, -3)


def find_library(
    single: Parameters,
    subjects: Sequence[Subject],
    config: Stage1Config,
    evaluator: Evaluator,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[Library, TraceTable]:
    """The library, and the table of its settings on all ``subjects``; the same input gives the same answer.

    Args:
        single: the best single setting: the centre of every logo's search, and a candidate itself.
        subjects: training logos.
        config: action space, ``library_size``, ``library_searches``, ``library_traces``, ``library_kinds``,
            ``library_moves``, seed.
        evaluator: who traces.
        on_progress: called with (steps done, steps in all); a step is one logo in one of the searches.
    """
    order = np.random.default_rng([config.seed, len(subjects)]).permutation(len(subjects))
    shuffled = [subjects[int(index)] for index in order]
    searched, moved = shuffled[: config.library_searches], shuffled[:MOVE_LOGOS]
    screened = shuffled[-SCREENING_LOGOS:]  # from the other end: what won on a logo is not judged by it
    first = screened[:WINNER_LOGOS]
    count = _Counter(len(searched) + len(first) + len(screened) + len(subjects) + len(moved), on_progress)

    winners = _winners(single, searched, config, evaluator, count)
    candidates = list(dict.fromkeys([single.canonical(), Parameters().canonical(), *winners]))
    ranked = _best_together(candidates, first, len(candidates), config, evaluator, count)
    kept = [*_of_few_conversions(ranked), *_kinds(config)]
    fitted = list(dict.fromkeys(fit for candidate in kept for fit in _fits(candidate, config)))
    settings = _best_together(fitted, screened, config.library_size, config, evaluator, count)
    return library_of(settings, subjects, moved, config, evaluator, count)


def library_of(
    settings: Sequence[Parameters],
    subjects: Sequence[Subject],
    moved: Sequence[Subject],
    config: Stage1Config,
    evaluator: Evaluator,
    count: Callable[[int], None] = lambda logos: None,
    moves: Sequence[Move] | None = None,
) -> tuple[Library, TraceTable]:
    """A library of given settings, and their table on ``subjects``.

    Args:
        settings: all of them, in the order in which they are numbered.
        subjects: training logos.
        moved: logos that the moves are compared on.
        config: action space, weights, ``library_moves``, seed.
        evaluator: who traces.
        count: told of the logos done.
        moves: these and no others, in this order; None: the best there are.
    """
    table = tabulate(tuple(settings), subjects, evaluator, count)
    portfolios = {
        weight: tuple(greedy_portfolio(table.gains(Weights(config.quality_weight, weight)), PORTFOLIO_SIZE))
        for weight in PORTFOLIO_WEIGHTS
    }
    without_moves = Library(tuple(settings), (), portfolios, ())
    tried = _all_moves(config) if moves is None else moves
    rises = _rises(tried, without_moves, moved, config, evaluator, count)
    chosen = greedy_portfolio(rises, config.library_moves) if moves is None else range(len(tried))
    return (
        Library(
            tuple(settings),
            tuple(tried[index] for index in chosen),
            portfolios,
            tuple(float(rises[index].mean()) for index in chosen),
        ),
        table,
    )


def carried_library(
    start: Library,
    subjects: Sequence[Subject],
    config: Stage1Config,
    evaluator: Evaluator,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[Library, TraceTable]:
    """The same settings and moves in the same order, measured on other logos: portfolios, rises, and the table.

    Args: as of ``find_library``; ``start``: the library of the model that training starts from.
    """
    order = np.random.default_rng([config.seed, len(subjects)]).permutation(len(subjects))
    moved = [subjects[int(index)] for index in order[:MOVE_LOGOS]]
    count = _Counter(len(subjects) + len(moved), on_progress)
    return library_of(start.settings, subjects, moved, config, evaluator, count, start.moves)


class _Counter:
    """Adds up logos and tells how many of all are done."""

    def __init__(self, total: int, on_progress: Callable[[int, int], None] | None) -> None:
        self._done, self._total, self._tell = 0, total, on_progress

    def __call__(self, logos: int) -> None:
        self._done += logos
        if self._tell is not None:
            self._tell(self._done, self._total)


def _weights(config: Stage1Config, number: int) -> Weights:
    """Of the ``number``-th logo of a sample: the size weights take turns."""
    return Weights(config.quality_weight, PORTFOLIO_WEIGHTS[number % len(PORTFOLIO_WEIGHTS)])


def _winners(
    single: Parameters,
    subjects: Sequence[Subject],
    config: Stage1Config,
    evaluator: Evaluator,
    count: Callable[[int], None],
) -> list[Parameters]:
    """The best parameters for each of these logos, by CMA-ES of ``config.library_traces`` traces from ``single``."""
    space, found = config.action_space, []
    for start in range(0, len(subjects), _TOGETHER):
        episodes = [
            Episode(subject, config.library_traces, _weights(config, start + place), config.target)
            for place, subject in enumerate(subjects[start : start + _TOGETHER])
        ]
        searches = [_search_from(space.encode(single), [config.seed, start + place]) for place in range(len(episodes))]
        evolve(episodes, searches, space, evaluator)
        found += [episode.best.parameters for episode in episodes if episode.best is not None]
        count(len(episodes))
    return found


def _search_from(centre: NDArray[np.float32], seed: Sequence[int]) -> CMA:
    return CMA(
        mean=np.clip(centre.astype(np.float64), -_INSIDE, _INSIDE),
        sigma=_SPREAD,
        bounds=np.tile([-1.0, 1.0], (len(centre), 1)),
        population_size=POPULATION,
        seed=int(np.random.SeedSequence(seed).generate_state(1)[0] >> 1),
    )


def _of_few_conversions(ranked: Sequence[Parameters]) -> list[Parameters]:
    """Those of the first ``CONVERSIONS`` conversions, the best of each first."""
    conversions = list(dict.fromkeys(candidate.conversion() for candidate in ranked))[:CONVERSIONS]
    return [candidate for candidate in ranked if candidate.conversion() in conversions]


def _kinds(config: Stage1Config) -> list[Parameters]:
    """One setting of each of its first ``KINDS`` that the config can tell apart: all that it names must be tuned."""
    base, kinds = config.action_space.base, KINDS[: config.library_kinds]
    return [replace(base, **kind).canonical() for kind in kinds if set(kind) <= set(config.tuned)]


def _fits(candidate: Parameters, config: Stage1Config) -> list[Parameters]:
    """The candidate, and the same conversion with all of ``FITS`` that the mode heeds and the config tunes."""
    names = [name for name in FITS if name in config.tuned and name not in IGNORED[candidate.mode]]
    choices = product(*(FITS[name] for name in names))
    return [candidate, *(replace(candidate, **dict(zip(names, values, strict=True))) for values in choices)]


def _best_together(
    candidates: Sequence[Parameters],
    subjects: Sequence[Subject],
    size: int,
    config: Stage1Config,
    evaluator: Evaluator,
    count: Callable[[int], None],
) -> list[Parameters]:
    """``size`` of the candidates by their traces of these logos: in turn the next of each size weight's portfolio."""
    table = tabulate(candidates, subjects, evaluator, count)
    orders = [
        greedy_portfolio(table.gains(Weights(config.quality_weight, weight)), len(candidates))
        for weight in PORTFOLIO_WEIGHTS
    ]
    chosen = dict.fromkeys(index for turn in zip(*orders, strict=True) for index in turn)
    return [candidates[index] for index in chosen][:size]


def _all_moves(config: Stage1Config) -> list[Move]:
    return [
        Move(dimension.name, steps)
        for dimension in config.action_space.dimensions
        for steps in (_STRIDES if len(dimension.choices) > 4 or not dimension.choices else _STRIDES[:2])
    ]


def _rises(
    moves: Sequence[Move],
    library: Library,
    subjects: Sequence[Subject],
    config: Stage1Config,
    evaluator: Evaluator,
    count: Callable[[int], None],
) -> NDArray[np.float64]:
    """What each move adds from where an episode may stand: shape ``(moves, subjects)``."""
    rises = np.zeros((len(moves), len(subjects)))
    for number, subject in enumerate(subjects):
        weights = _weights(config, number)
        episode = Episode(subject, MOVES_AFTER + len(moves), weights, config.target)
        first = library.portfolio(weights.size)[:MOVES_AFTER]
        for setting, trace in zip(first, _traces(episode, first, evaluator), strict=True):
            episode.record(setting, trace)
        options = [move.of(library.centre(episode)) for move in moves]
        rises[:, number] = [
            replace(episode, attempts=list(episode.attempts)).record(moved, trace)
            for moved, trace in zip(options, _traces(episode, options, evaluator), strict=True)
        ]
        count(1)
    return rises


def _traces(episode: Episode, settings: Sequence[Parameters], evaluator: Evaluator) -> list[Trace]:
    return evaluator.traces([(episode.subject.logo, setting) for setting in settings])
