"""The one way to measure: a searcher on held-out logos under a budget of traces, deterministic.

Validation, the final test, the baselines and the benchmark all call ``run_searcher``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import accumulate
from typing import Any

import numpy as np

from rlcore.config import Stage1Config
from rlcore.conversion.evaluator import Evaluator
from rlcore.conversion.tracing import Trace
from rlcore.episode import Attempt, Episode, Subject
from rlcore.gain import Baseline, bytes_ratio, is_success, ssim_improvement
from rlcore.judging.searchers import Searcher


@dataclass(frozen=True, slots=True)
class LogoResult:
    """What one searcher delivers for one logo; plain itself where nothing better was found.

    Attributes:
        gain: best gain of the episode, >= 0.
        gains: best gain after 1, 2, ... traces.
        cleaned_ssim_improvement, cleaned_bytes_ratio, cleaned_success: the same, measured from cleaned plain.
        regret: reference gain - gain; None without a reference.
        parameters: settings of what is delivered; None is plain.
    """

    name: str
    digest: str
    category: str
    has_alpha: bool
    plain_quality: float
    plain_bytes: int
    quality: float
    size_bytes: int
    ssim_improvement: float
    bytes_ratio: float
    success: bool
    gain: float
    gains: tuple[float, ...]
    cleaned_ssim_improvement: float
    cleaned_bytes_ratio: float
    cleaned_success: bool
    regret: float | None
    failed_traces: int
    parameters: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Summary:
    """Means over some logos; ``regret`` over those that have a reference, None if none has."""

    logos: int
    quality: float
    gain: float
    ssim_improvement: float
    success_rate: float
    bytes_ratio: float
    regret: float | None
    convergence_score: float
    cleaned_ssim_improvement: float
    cleaned_bytes_ratio: float
    cleaned_success_rate: float
    failed_traces: int


@dataclass(frozen=True)
class Validation:
    """One searcher on one set of logos.

    Attributes:
        searcher: its name.
        episode: training episodes behind it (0: untrained, or no training at all).
        budget: traces per logo.
        category: the judged category; ``summary()`` is over it.
        results: one per logo, in the data set's order.
    """

    searcher: str
    episode: int
    budget: int
    category: str
    results: tuple[LogoResult, ...]

    def of(self, category: str = "", has_alpha: bool | None = None) -> tuple[LogoResult, ...]:
        """Results of a category (default the judged one; ``all``), optionally only with or without alpha."""
        wanted = category or self.category
        return tuple(
            result
            for result in self.results
            if wanted in ("all", result.category) and has_alpha in (None, result.has_alpha)
        )

    def summary(self, category: str = "", has_alpha: bool | None = None) -> Summary | None:
        """Means over ``of(...)``; None if that is empty."""
        return summarise(self.of(category, has_alpha))

    def headline(self) -> Summary:
        """Means over the judged category.

        Raises:
            ValueError: it has no logo.
        """
        summary = self.summary()
        if summary is None:
            raise ValueError(f"no logo of category {self.category!r} among {len(self.results)}")
        return summary

    def gain_after(self, traces: int) -> float:
        """Mean best gain over the judged category after so many traces."""
        return float(np.mean([result.gains[traces - 1] for result in self.of()]))

    def breakdown(self) -> dict[str, Summary]:
        """Summaries by reading: ``all``, each category, and the judged category ``opaque`` and ``transparent``."""
        readings = {category: self.summary(category) for category in ("all", "simple", "text", "gradient", "complex")}
        readings |= {"opaque": self.summary(has_alpha=False), "transparent": self.summary(has_alpha=True)}
        return {name: summary for name, summary in readings.items() if summary is not None}

    def as_dict(self) -> dict[str, Any]:
        """All of it, as JSON can hold it."""
        return {
            "searcher": self.searcher,
            "episode": self.episode,
            "budget": self.budget,
            "category": self.category,
            "breakdown": {name: asdict(summary) for name, summary in self.breakdown().items()},
            "results": [asdict(result) for result in self.results],
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Validation:
        """What ``as_dict`` gave (its breakdown is computed anew)."""
        results = tuple(LogoResult(**{**item, "gains": tuple(item["gains"])}) for item in content["results"])
        return cls(content["searcher"], content["episode"], content["budget"], content["category"], results)


def summarise(results: Sequence[LogoResult]) -> Summary | None:
    """Means over some logos; None for none."""
    if not results:
        return None

    def mean(name: str) -> float:
        return float(np.mean([getattr(result, name) for result in results]))

    regrets = [result.regret for result in results if result.regret is not None]
    return Summary(
        logos=len(results),
        quality=mean("quality"),
        gain=mean("gain"),
        ssim_improvement=mean("ssim_improvement"),
        success_rate=mean("success"),
        bytes_ratio=mean("bytes_ratio"),
        regret=float(np.mean(regrets)) if regrets else None,
        convergence_score=0.6 * mean("quality") + 0.4 * mean("success"),
        cleaned_ssim_improvement=mean("cleaned_ssim_improvement"),
        cleaned_bytes_ratio=mean("cleaned_bytes_ratio"),
        cleaned_success_rate=mean("cleaned_success"),
        failed_traces=sum(result.failed_traces for result in results),
    )


def run_searcher(
    searcher: Searcher,
    subjects: Sequence[Subject],
    budget: int,
    config: Stage1Config,
    evaluator: Evaluator,
    references: Mapping[str, float] | None = None,
    episode: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
) -> Validation:
    """Gives ``searcher`` ``budget`` traces on each subject, all logos in step.

    Args:
        searcher: who proposes.
        subjects: held-out logos.
        budget: traces per logo, >= 1.
        config: weights of the gain, what a success is, the judged category.
        evaluator: who traces.
        references: reference gain by logo digest.
        episode: training episodes behind the searcher.
        on_progress: called with (traces done, traces in all) after each step.
    """
    episodes = play(searcher, subjects, budget, config, evaluator, on_progress)
    results = results_after(episodes, budget, references)
    return Validation(searcher.name, episode, budget, config.category, results)


def play(
    searcher: Searcher,
    subjects: Sequence[Subject],
    budget: int,
    config: Stage1Config,
    evaluator: Evaluator,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Episode]:
    """The finished episodes behind ``run_searcher``, in the subjects' order."""
    episodes: list[Episode] = []
    for step, episodes in enumerate(playing(searcher, subjects, budget, config, evaluator), start=1):
        if on_progress is not None:
            on_progress(step * len(episodes), budget * len(episodes))
    return episodes


def playing(
    searcher: Searcher, subjects: Sequence[Subject], budget: int, config: Stage1Config, evaluator: Evaluator
) -> Iterator[list[Episode]]:
    """The same episodes after each step, all logos in step; who has seen enough asks for no more."""
    episodes = [Episode(subject, budget, config.weights, config.target) for subject in subjects]
    for _ in range(budget):
        proposals = searcher.propose(episodes)
        traces = evaluator.traces([(e.subject.logo, p) for e, p in zip(episodes, proposals, strict=True)])
        for episode, parameters, trace in zip(episodes, proposals, traces, strict=True):
            episode.record(parameters, trace)
        yield episodes


def results_after(
    episodes: Sequence[Episode], traces: int, references: Mapping[str, float] | None = None
) -> tuple[LogoResult, ...]:
    """What the first ``traces`` traces of each episode deliver, as if there had been no more."""
    known = references or {}
    cut = [replace(episode, budget=traces, attempts=episode.attempts[:traces]) for episode in episodes]
    return tuple(_result(episode, known.get(episode.subject.logo.digest)) for episode in cut)


def _result(episode: Episode, reference: float | None) -> LogoResult:
    subject, delivered = episode.subject, episode.delivered
    quality, size_bytes = _measures(delivered, subject.plain)
    trace = Trace(quality, size_bytes, 0.0)
    return LogoResult(
        name=subject.name,
        digest=subject.logo.digest,
        category=subject.category,
        has_alpha=subject.logo.has_alpha,
        plain_quality=subject.plain.quality,
        plain_bytes=subject.plain.size_bytes,
        quality=quality,
        size_bytes=size_bytes,
        ssim_improvement=ssim_improvement(quality, subject.plain),
        bytes_ratio=bytes_ratio(size_bytes, subject.plain),
        success=delivered is not None and delivered.success,
        gain=episode.best_gain,
        gains=tuple(accumulate((a.gain if a.deliverable else 0.0 for a in episode.attempts), max, initial=0.0))[1:],
        cleaned_ssim_improvement=_improvement_or_zero(quality, subject.cleaned),
        cleaned_bytes_ratio=bytes_ratio(size_bytes, subject.cleaned),
        cleaned_success=subject.cleaned.has_headroom and is_success(trace, subject.cleaned, episode.target),
        regret=None if reference is None else reference - episode.best_gain,
        failed_traces=sum(attempt.trace.failure is not None for attempt in episode.attempts),
        parameters=None if delivered is None else delivered.parameters.as_dict(),
    )


def _measures(delivered: Attempt | None, plain: Baseline) -> tuple[float, int]:
    if delivered is None:
        return plain.quality, plain.size_bytes
    return delivered.trace.quality, delivered.trace.size_bytes


def _improvement_or_zero(quality: float, cleaned: Baseline) -> float:
    # cleaned plain may be perfect already, where no share of its error can be taken
    return ssim_improvement(quality, cleaned) if cleaned.has_headroom else 0.0
