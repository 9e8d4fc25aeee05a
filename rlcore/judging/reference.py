"""The reference gain: the best gain found for a logo by a long search, so that ``regret`` has a meaning.

Half of the traces are a scrambled Sobol sequence over the action space, the rest CMA-ES from the best of them. A
result is cached on disk by everything it depends on, so a second run with the same logos costs nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from cmaes import CMA
from numpy.typing import NDArray
from scipy.stats import qmc

from rlcore.config import Stage1Config
from rlcore.conversion.evaluator import Evaluator
from rlcore.conversion.tracing import CONVERSION_VERSION
from rlcore.episode import Attempt, Episode, Subject
from rlcore.files import read_json, write_json
from rlcore.parameters import DIMENSIONS, PLAIN, ActionSpace, Parameters

POPULATION = 10
LOCAL_SPREAD = 0.25
UNDELIVERABLE = -100.0
"""Score of a trace that failed or is worse than plain: under any gain."""

_VERSIONED = ("vtracer", "skia-python", "opencv-python-headless", "numpy", "scipy", "cmaes")
_TOGETHER = 16
"""Logos searched side by side: enough that the workers never wait for one slow trace."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a search of ``traces`` traces found for a logo; ``parameters`` None: nothing better than plain."""

    gain: float
    traces: int
    parameters: Parameters | None


class Recalled:
    """Proposes for each logo what a search found for it before."""

    def __init__(self, name: str, found: Mapping[str, Found]) -> None:
        """``found``: by logo digest."""
        self.name = name
        self._found = found

    def propose(self, episodes: Sequence[Episode]) -> list[Parameters]:
        """The found parameters of each logo, plain's where it found none; KeyError for a logo not searched."""
        return [self._found[episode.subject.logo.digest].parameters or PLAIN for episode in episodes]


def reference_gains(
    subjects: Sequence[Subject],
    config: Stage1Config,
    evaluator: Evaluator,
    cache: Path,
    on_progress: Callable[[int, int], None] | None = None,
) -> dict[str, float]:
    """The gains alone of ``reference_searches``."""
    found = reference_searches(subjects, config, evaluator, cache, on_progress)
    return {digest: item.gain for digest, item in found.items()}


def reference_searches(
    subjects: Sequence[Subject],
    config: Stage1Config,
    evaluator: Evaluator,
    cache: Path,
    on_progress: Callable[[int, int], None] | None = None,
) -> dict[str, Found]:
    """The best by logo digest, from ``cache`` (a folder) or searched with ``config.reference_traces`` traces.

    ``on_progress(done, total)`` is called with numbers of logos. Empty with 0 traces.
    """
    if not config.reference_traces:
        return {}
    known: dict[str, Found] = {}
    missing = []
    for subject in subjects:
        path = _cache_path(subject, config, cache)
        if path.exists():
            known[subject.logo.digest] = _stored(path)
        else:
            missing.append(subject)
    for start in range(0, len(missing), _TOGETHER):
        if on_progress is not None:
            on_progress(len(known), len(subjects))
        for episode in _search(missing[start : start + _TOGETHER], config, evaluator):
            _store(episode, config, cache)
            known[episode.subject.logo.digest] = _found(episode)
    if on_progress is not None:
        on_progress(len(subjects), len(subjects))
    return known


def _cache_path(subject: Subject, config: Stage1Config, cache: Path) -> Path:
    settings = {"traces": config.reference_traces, "search": [POPULATION, LOCAL_SPREAD], **conditions(config)}
    return cache / cache_key(settings) / f"{subject.logo.digest}.json"


def conditions(config: Stage1Config) -> dict[str, Any]:
    """What the outcome of any search of a logo depends on: the gain, the space, the libraries."""
    return {
        "weights": [config.quality_weight, config.size_weight, config.speed_weight],
        "tuned": [[name, repr(DIMENSIONS[name])] for name in config.tuned],
        "fixed": config.fixed,
        "conversion": CONVERSION_VERSION,
        "versions": {name: version(name) for name in _VERSIONED},
    }


def cache_key(settings: Mapping[str, Any]) -> str:
    """A name for a folder: other settings, another name."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


def _store(episode: Episode, config: Stage1Config, cache: Path) -> None:
    content = {"name": episode.subject.name, **asdict(_found(episode))}
    write_json(_cache_path(episode.subject, config, cache), content)


def _found(episode: Episode) -> Found:
    best = episode.best
    return Found(episode.best_gain, episode.step, None if best is None else best.parameters)


def _stored(path: Path) -> Found:
    content = read_json(path)
    parameters = content["parameters"]
    return Found(content["gain"], content["traces"], None if parameters is None else Parameters(**parameters))


def _search(subjects: Sequence[Subject], config: Stage1Config, evaluator: Evaluator) -> list[Episode]:
    space, traces = config.action_space, config.reference_traces
    episodes = [Episode(subject, traces, config.weights, config.target) for subject in subjects]
    starts = [_sobol_points(space, (traces + 1) // 2, subject.logo.digest) for subject in subjects]
    scores = play_points(episodes, starts, space, evaluator)
    searches = [_local_search(p, s, e) for p, s, e in zip(starts, scores, episodes, strict=True)]
    evolve(episodes, searches, space, evaluator)
    return episodes


def evolve(episodes: Sequence[Episode], searches: Sequence[CMA], space: ActionSpace, evaluator: Evaluator) -> None:
    """Plays episodes of one budget to their end, side by side, each by a CMA-ES of its own."""
    while episodes and not episodes[0].done:
        asked = [np.array([search.ask() for _ in range(search.population_size)]) for search in searches]
        scores = play_points(episodes, asked, space, evaluator)
        for search, points, values in zip(searches, asked, scores, strict=True):
            if len(values) == search.population_size:  # the last generation may be cut by the budget
                search.tell([(point, -value) for point, value in zip(points, values.tolist(), strict=True)])


def play_points(
    episodes: Sequence[Episode], points: Sequence[NDArray[np.float64]], space: ActionSpace, evaluator: Evaluator
) -> list[NDArray[np.float64]]:
    """Traces each episode's points, float64 ``(n, tuned)`` in [-1, 1], as far as its budget goes.

    Returns the ``score`` of each point.
    """
    proposals = [
        (episode, space.decode(point))
        for episode, own in zip(episodes, points, strict=True)
        for point in own[: episode.budget - episode.step]
    ]
    traces = evaluator.traces([(episode.subject.logo, parameters) for episode, parameters in proposals])
    for (episode, parameters), trace in zip(proposals, traces, strict=True):
        episode.record(parameters, trace)
    counts = [sum(owner is episode for owner, _ in proposals) for episode in episodes]
    return [
        np.array([score(attempt) for attempt in episode.attempts[episode.step - count :]])
        for episode, count in zip(episodes, counts, strict=True)
    ]


def score(attempt: Attempt) -> float:
    """What a search maximises: the gain, or ``UNDELIVERABLE``."""
    return attempt.gain if attempt.deliverable else UNDELIVERABLE


def _sobol_points(space: ActionSpace, count: int, digest: str) -> NDArray[np.float64]:
    sampler = qmc.Sobol(space.size, scramble=True, rng=np.random.default_rng(int(digest[:12], 16)))
    power = int(np.ceil(np.log2(max(2, count))))
    return np.asarray(sampler.random_base2(power)[:count] * 2 - 1)


def _local_search(points: NDArray[np.float64], scores: NDArray[np.float64], episode: Episode) -> CMA:
    return CMA(
        mean=points[int(np.argmax(scores))],
        sigma=LOCAL_SPREAD,
        bounds=np.tile([-1.0, 1.0], (points.shape[1], 1)),
        population_size=POPULATION,
        seed=int(episode.subject.logo.digest[:7], 16),
    )
