"""Search per logo: random, Optuna's TPE and CMA-ES as searchers, each learning from one logo's traces alone.

What the agent has to beat with fewer traces. Each may be given the first trace, so that it starts where the best
single setting already is: its strongest form.

TPE: Bergstra et al. 2011 (https://papers.nips.cc/paper/4443), through ``optuna``. CMA-ES: Hansen 2016
(https://arxiv.org/abs/1604.00772), through ``cmaes``.
"""

from __future__ import annotations

import dataclasses
import weakref
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Protocol

import cmaes
import numpy as np
import optuna
from cmaes import CMA
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from rlcore.episode import Attempt, Episode
from rlcore.judging.reference import LOCAL_SPREAD, POPULATION, score
from rlcore.judging.searchers import Searcher
from rlcore.parameters import ActionSpace, Dimension, Parameters

optuna.logging.set_verbosity(optuna.logging.WARNING)  # else a line on stderr for every logo and trace

WIDE_SPREAD = 0.5
"""CMA-ES's first standard deviation where nothing is known: the action space is 2 wide."""


class Search(Searcher, Protocol):
    """A searcher whose proposals depend on its identity, the logo and the earlier traces alone."""

    @property
    def identity(self) -> dict[str, Any]:
        """All that tells it from another search, as JSON can hold it."""
        ...


class RandomSearch:
    """Uniform actions after the first, seeded per logo and step, so that neither order nor company matters."""

    name = "random"

    def __init__(self, space: ActionSpace, seed: int, first: Parameters | None = None) -> None:
        """``first``: what the first trace takes (None: a draw like any other)."""
        self._space = space
        self._seed = seed
        self._first = first

    @property
    def identity(self) -> dict[str, Any]:
        """Name, seed and first trace."""
        return _identity(self.name, self._seed, self._first)

    def propose(self, episodes: Sequence[Episode]) -> list[Parameters]:
        """A fresh uniform draw for each episode."""
        return [self._draw(episode) for episode in episodes]

    def _draw(self, episode: Episode) -> Parameters:
        if episode.step == 0 and self._first is not None:
            return self._first
        generator = np.random.default_rng([self._seed, _number(episode), episode.step])
        return self._space.decode(generator.uniform(-1, 1, self._space.size))


class LogoSearch(Protocol):
    """A search of one logo: asked for the next parameters, then told what they gave, in turns."""

    def ask(self) -> Parameters:
        """The next parameters."""
        ...

    def tell(self, value: float) -> None:
        """The score of what was asked last; higher is better."""
        ...


class _EachLogo(ABC):
    """A search of its own for each episode, kept while the episode lives and told what it has not heard yet.

    All that a search knows is in its episode: another one, given the same episode, is brought to the same point by
    asking it again for each attempt. So its state is a cache, and results depend on (seed, logo, step) alone.
    """

    name: str

    def __init__(self, space: ActionSpace, seed: int, first: Parameters | None = None) -> None:
        """``first``: what the first trace takes (None: the search's own start)."""
        self._space = space
        self._seed = seed
        self._first = first
        self._searches: dict[int, _Told] = {}

    @property
    def identity(self) -> dict[str, Any]:
        """Name, seed, first trace and the libraries that propose."""
        versions = {"optuna": optuna.__version__, "cmaes": cmaes.__version__}
        return {**_identity(self.name, self._seed, self._first), **versions}

    def propose(self, episodes: Sequence[Episode]) -> list[Parameters]:
        """The next parameters of each episode.

        Raises:
            ValueError: an episode has an attempt that this search did not propose.
        """
        return [self._of(episode).after(episode.attempts) for episode in episodes]

    def _of(self, episode: Episode) -> _Told:
        key = id(episode)
        if key not in self._searches:
            seed = np.random.SeedSequence([self._seed, _number(episode)]).generate_state(1)[0]
            self._searches[key] = _Told(self._begin(int(seed)))
            weakref.finalize(episode, self._searches.pop, key).atexit = False
        return self._searches[key]

    @abstractmethod
    def _begin(self, seed: int) -> LogoSearch: ...


@dataclasses.dataclass
class _Told:
    """A search with the proposals that it made; the last one has no answer yet."""

    search: LogoSearch
    proposals: list[Parameters] = dataclasses.field(default_factory=list)

    def after(self, attempts: Sequence[Attempt]) -> Parameters:
        """The proposal that follows these attempts."""
        for number in range(max(0, len(self.proposals) - 1), len(attempts) + 1):
            if number == len(self.proposals):
                self.proposals.append(self.search.ask())
            if number < len(attempts):
                self._answer(number, attempts[number])
        return self.proposals[-1]

    def _answer(self, number: int, attempt: Attempt) -> None:
        if attempt.parameters != self.proposals[number]:
            raise ValueError(f"attempt {number + 1} is not what was proposed: {attempt.parameters}")
        self.search.tell(score(attempt))


class TPESearch(_EachLogo):
    """Optuna's tree-structured Parzen estimator.

    Multivariate, as parameters act together; on a dozen logos it gains as much as Optuna's default in half the time
    (5 instead of 9 ms a proposal at 150 traces). Its first ten traces are random, but for one that is given.
    """

    name = "TPE"

    def _begin(self, seed: int) -> LogoSearch:
        return _TPE(self._space, seed, self._first)


class _TPE:
    def __init__(self, space: ActionSpace, seed: int, first: Parameters | None) -> None:
        self._space = space
        self._distributions = {dimension.name: _distribution(dimension) for dimension in space.dimensions}
        sampler = optuna.samplers.TPESampler(seed=seed, multivariate=True)
        self._study = optuna.create_study(direction="maximize", sampler=sampler)
        self._first = first
        if first is not None:
            self._study.enqueue_trial({d.name: _coded(d, getattr(first, d.name)) for d in space.dimensions})

    def ask(self) -> Parameters:
        self._trial = self._study.ask(self._distributions)
        if self._first is not None and self._trial.number == 0:
            return self._first  # to the letter, whatever the grid is
        values = {d.name: _decoded(d, self._trial.params[d.name]) for d in self._space.dimensions}
        return dataclasses.replace(self._space.base, **values).canonical()

    def tell(self, value: float) -> None:
        self._study.tell(self._trial, value)


def _is_categorical(dimension: Dimension) -> bool:
    return any(isinstance(choice, str) for choice in dimension.choices)


def _distribution(dimension: Dimension) -> BaseDistribution:
    """Names as categories, ordered choices as whole numbers (their index), floats as they are."""
    if _is_categorical(dimension):
        return CategoricalDistribution(dimension.choices)
    if dimension.choices:
        return IntDistribution(0, len(dimension.choices) - 1)
    return FloatDistribution(dimension.low, dimension.high)


def _coded(dimension: Dimension, value: Any) -> Any:
    value = dimension.checked(dimension.nearest(value))
    return dimension.choices.index(value) if dimension.choices and not _is_categorical(dimension) else value


def _decoded(dimension: Dimension, coded: Any) -> Any:
    if _is_categorical(dimension):
        return coded
    return dimension.choices[coded] if dimension.choices else round(coded, dimension.decimals)


class CMAESSearch(_EachLogo):
    """CMA-ES around the first trace, or around the middle of the space."""

    name = "CMA-ES"

    def _begin(self, seed: int) -> LogoSearch:
        return _CMAES(self._space, seed, self._first)


class _CMAES:
    def __init__(self, space: ActionSpace, seed: int, first: Parameters | None) -> None:
        self._space = space
        mean = np.zeros(space.size) if first is None else space.encode(first).astype(np.float64)
        self._search = CMA(
            mean=mean,
            sigma=WIDE_SPREAD if first is None else LOCAL_SPREAD,
            bounds=np.tile([-1.0, 1.0], (space.size, 1)),
            population_size=POPULATION,
            seed=seed,
        )
        # the first trace is one of the first generation: its result is not wasted
        self._start = None if first is None else (mean, first)
        self._generation: list[tuple[NDArray[np.float64], float]] = []

    def ask(self) -> Parameters:
        if self._start is not None:
            (self._point, parameters), self._start = self._start, None
            return parameters
        self._point = self._search.ask()
        return self._space.decode(self._point)

    def tell(self, value: float) -> None:
        self._generation.append((self._point, -value))
        if len(self._generation) == POPULATION:
            self._search.tell(self._generation)
            self._generation = []


def _identity(name: str, seed: int, first: Parameters | None) -> dict[str, Any]:
    return {"search": name, "seed": seed, "first": None if first is None else first.as_dict()}


def _number(episode: Episode) -> int:
    """The episode's logo as a number, for seeds."""
    return int(episode.subject.logo.digest[:12], 16)
