"""The comparison: the agent and every other way to choose parameters, on the same logos, at equal and at more traces.

Nothing here is drawn or printed. A searcher is played once, as long as it is needed; what it has after fewer traces
is the beginning of the same episodes. A search per logo is played once for each seed and counts with its mean.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rlcore.config import Stage1Config
from rlcore.conversion.evaluator import Evaluator
from rlcore.episode import Episode, Subject
from rlcore.errors import ConfigError, DataError
from rlcore.judging.reference import Found, Recalled
from rlcore.judging.search import CMAESSearch, RandomSearch, Search, TPESearch
from rlcore.judging.search_cache import recalled
from rlcore.judging.searchers import (
    CLEANED_SEARCHER,
    PLAIN_SEARCHER,
    PRESETS,
    FixedSetting,
    Method1,
    Searcher,
    Sequential,
)
from rlcore.judging.standings import (
    BEST_SINGLE,
    LATER,
    PORTFOLIO,
    REFERENCE,
    About,
    ComparisonTable,
    Curve,
    Lead,
    Saving,
    Standing,
)
from rlcore.judging.validation import Summary, Validation, play, results_after
from rlcore.parameters import Parameters
from rlcore.statistics import estimate, interquartile_mean, paired_difference, probability_of_improvement

BUDGETS = (1, 2, 4, 8)
SEARCHES: tuple[type[RandomSearch] | type[TPESearch] | type[CMAESSearch], ...] = (RandomSearch, TPESearch, CMAESSearch)


def compare(
    agents: Sequence[Searcher],
    portfolios: Sequence[Sequence[Parameters]],
    subjects: Sequence[Subject],
    config: Stage1Config,
    evaluator: Evaluator,
    about: About,
    *,
    budgets: Sequence[int] = BUDGETS,
    seeds: int = 5,
    most_traces: int = 200,
    references: Mapping[str, Found] | None = None,
    cache: Path,
    on_progress: Callable[[str, int, int], None] | None = None,
) -> ComparisonTable:
    """Runs every searcher on the subjects through the one harness.

    Fixed settings, portfolio and agent are played on all subjects; the searches only on those of the judged category,
    until their mean gain is the agent's with its largest budget, or ``most_traces`` are spent.

    Args:
        agents: each has ``config.steps_per_episode`` traces; of several (one training seed each) every figure is a
            mean over them, logo by logo.
        portfolios: of each agent, settings picked on training logos; the first is the best single setting.
        subjects: logos that the agent was not trained on.
        config: weights of the gain, the judged category, the first seed.
        evaluator: who traces.
        about: for headings.
        budgets: traces at which all are compared.
        seeds: how often each search per logo is played for each agent's best single setting.
        most_traces: most traces of a search, at least the largest budget; 0: no search per logo.
        references: what a long search found, by logo digest.
        cache: folder of earlier searches.
        on_progress: called with (what is played, steps done, most steps).

    Raises:
        ConfigError: a budget is not in 1 to ``config.steps_per_episode``.
        DataError: no subject of the judged category.
    """
    wrong = [budget for budget in budgets if not 1 <= budget <= config.steps_per_episode]
    if wrong or not budgets:
        raise ConfigError(f"budgets = {list(budgets)}: allowed are 1 to the model's {config.steps_per_episode} traces")
    judged = [subject for subject in subjects if config.category in ("all", subject.category)]
    if not judged:
        raise DataError(f"no logo of category {config.category!r} among {len(subjects)} that the model may be tried on")
    harness = _Harness(config, evaluator, references or {}, on_progress or (lambda name, done, total: None))
    read = tuple(sorted(set(budgets)))
    held = harness.played(agents, subjects, config.steps_per_episode)
    race = _Race(harness, held, read)
    singles = [FixedSetting(BEST_SINGLE, portfolio[0]) for portfolio in portfolios]
    for searcher in (PLAIN_SEARCHER, CLEANED_SEARCHER, *PRESETS, Method1()):
        race.enter(harness.played([searcher], subjects, 1), [1])
    race.enter(harness.played(singles, subjects, 1), [1])
    rivals = [Sequential(PORTFOLIO, portfolio) for portfolio in portfolios]
    rival = harness.played(rivals, subjects, race.longest)
    # of one, it is the best single setting
    race.enter(rival, [budget for budget in read if budget > 1])
    for kind in SEARCHES if most_traces else ():
        searches = [
            kind(config.action_space, config.seed + number, single.parameters)
            for single in singles
            for number in range(seeds)
        ]
        race.search(searches, judged, max(most_traces, race.longest), cache)
    if references:
        found = harness.played([Recalled(REFERENCE, references)], judged, 1)
        race.enter(found, [1], called=next(iter(references.values())).traces)
    return ComparisonTable(
        about,
        config.category,
        config.size_weight,
        config.target.ssim_improvement,
        len(judged),
        read,
        tuple(race.standings),
        tuple(race.curves),
        tuple(race.savings),
        harness.validation(held, race.longest),
        harness.validation(rival, race.longest),
    )


@dataclass(frozen=True, slots=True)
class _Played:
    """A searcher's episodes, for each seed, all of as many traces."""

    name: str
    runs: Sequence[Sequence[Episode]]

    @property
    def traces(self) -> int:
        return self.runs[0][0].step


@dataclass(frozen=True)
class _Harness:
    """What is the same for every searcher."""

    config: Stage1Config
    evaluator: Evaluator
    references: Mapping[str, Found]
    report: Callable[[str, int, int], None]

    def played(self, searchers: Sequence[Searcher], subjects: Sequence[Subject], traces: int) -> _Played:
        """One run of each of these searchers, which go by one name."""
        name = searchers[0].name

        def told(done: int, total: int) -> None:
            self.report(name, done // len(subjects), total // len(subjects))

        runs = [play(searcher, subjects, traces, self.config, self.evaluator, told) for searcher in searchers]
        return _Played(name, runs)

    def validation(self, played: _Played, traces: int) -> Validation:
        """After so many traces; a logo has a result for each seed, seed after seed."""
        known = {digest: found.gain for digest, found in self.references.items()}
        results = [result for run in played.runs for result in results_after(run, traces, known)]
        return Validation(played.name, 0, traces, self.config.category, tuple(results))


class _Race:
    """The standings so far; each searcher that enters is held against the agent."""

    def __init__(self, harness: _Harness, agent: _Played, budgets: Sequence[int]) -> None:
        self._harness = harness
        self._budgets = budgets
        self.longest = max(budgets)
        self._agent = {count: harness.validation(agent, count) for count in range(1, self.longest + 1)}
        self._agents = len(agent.runs)
        self.curves = [_curve(agent.name, self._agent[self.longest], self._agents)]
        self.goal = self.curves[0].means[-1]
        self.standings = [_standing(self._agent[count], self._agents) for count in budgets]
        self.savings: list[Saving] = []

    def enter(self, played: _Played, at: Sequence[int], called: int | None = None) -> None:
        """Reads a searcher after each of so many traces; ``called``: what they are counted as."""
        for count in at:
            validation = self._harness.validation(played, count)
            standing = _standing(validation, len(played.runs))
            counted = called or count
            lead = _lead(self._agent[min(counted, self.longest)], self._agents, validation, len(played.runs))
            self.standings.append(replace(standing, traces=counted, lead=lead))
        if played.traces > 1:
            self.curves.append(_curve(played.name, self._harness.validation(played, played.traces), len(played.runs)))

    def search(self, searches: Sequence[Search], subjects: Sequence[Subject], most: int, cache: Path) -> None:
        """Plays the seeds of a search in step until it reaches the agent's gain; and as long as it is read."""
        config, evaluator, name = self._harness.config, self._harness.evaluator, searches[0].name
        least = min(most, max(self.longest, LATER.get(name, 0)))
        games = [recalled(search, subjects, most, config, evaluator, cache) for search in searches]
        needed = None
        for runs in zip(*games, strict=True):
            step = runs[0][0].step
            self._harness.report(name, step, most)
            if needed is None and np.mean([episode.best_gain for run in runs for episode in run]) >= self.goal:
                needed = step
            if needed is not None and step >= least:
                break
        for game in games:
            game.close()
        played = _Played(name, runs)
        read = {*self._budgets, LATER.get(name, 1)}
        self.enter(played, sorted(count for count in read if 1 < count <= played.traces))
        self.savings.append(Saving(name, needed, played.traces))


def _per_logo(validation: Validation, seeds: int, field: str) -> NDArray[np.float64]:
    """A field of the judged logos' results, its mean over the seeds: shape ``(logos, ...)``."""
    values = np.array([getattr(result, field) for result in validation.of()], dtype=np.float64)
    return np.asarray(values.reshape(seeds, -1, *values.shape[1:]).mean(axis=0))


def _standing(validation: Validation, seeds: int) -> Standing:
    gains = _per_logo(validation, seeds, "gain").tolist()
    breakdown = {name: _of_logos(summary, seeds) for name, summary in validation.breakdown().items()}
    summary = _of_logos(validation.headline(), seeds)
    return Standing(
        validation.searcher, validation.budget, seeds, summary, interquartile_mean(gains), tuple(gains), breakdown
    )


def _of_logos(summary: Summary, seeds: int) -> Summary:
    return replace(summary, logos=summary.logos // seeds)


def _lead(agent: Validation, agents: int, other: Validation, seeds: int) -> Lead:
    both = ((agent, agents), (other, seeds))
    gains = [_per_logo(validation, count, "gain").tolist() for validation, count in both]
    improvements = [_per_logo(validation, count, "ssim_improvement").tolist() for validation, count in both]
    return Lead(
        agent.budget,
        paired_difference(*gains),
        paired_difference(*improvements),
        probability_of_improvement(*gains),
    )


def _curve(name: str, validation: Validation, seeds: int) -> Curve:
    found = [estimate(gains) for gains in _per_logo(validation, seeds, "gains").T.tolist()]
    return Curve(name, tuple(e.mean for e in found), tuple(e.low for e in found), tuple(e.high for e in found))
