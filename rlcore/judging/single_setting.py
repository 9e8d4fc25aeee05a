"""The best single setting: one set of parameters for every logo, found by CMA-ES on training logos only.

CMA-ES: Hansen 2016 (https://arxiv.org/abs/1604.00772), through the ``cmaes`` package.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from cmaes import CMA
from numpy.typing import NDArray

from rlcore.config import Stage1Config
from rlcore.conversion.evaluator import Evaluator
from rlcore.episode import Subject
from rlcore.gain import gain, is_deliverable
from rlcore.parameters import CLEANED_PLAIN, Parameters

LOGOS = 24
"""Training logos that each candidate is tried on."""

POPULATION = 12
_SPREAD = 0.5


def best_single_setting(
    subjects: Sequence[Subject],
    config: Stage1Config,
    evaluator: Evaluator,
    on_progress: Callable[[int, int], None] | None = None,
) -> Parameters:
    """The parameters with the highest mean best gain at one trace over a sample of ``subjects``.

    Spends at most ``config.single_setting_traces`` traces; the same config and subjects give the same answer. With
    fewer than one generation's worth, it is cleaned plain's settings.
    """
    chosen = _sample(subjects, config.seed)
    generations = config.single_setting_traces // (POPULATION * len(chosen))
    space = config.action_space
    search = CMA(
        mean=np.zeros(space.size),
        sigma=_SPREAD,
        bounds=np.tile([-1.0, 1.0], (space.size, 1)),
        population_size=POPULATION,
        seed=config.seed,
    )
    best, best_score = CLEANED_PLAIN, -np.inf
    for generation in range(generations):
        asked = [search.ask() for _ in range(POPULATION)]
        candidates = [space.decode(point) for point in asked]
        scores = mean_gains(candidates, chosen, config, evaluator)
        search.tell([(point, -score) for point, score in zip(asked, scores.tolist(), strict=True)])
        leader = int(np.argmax(scores))
        if scores[leader] > best_score:
            best, best_score = candidates[leader], float(scores[leader])
        if on_progress is not None:
            on_progress(generation + 1, generations)
    return best


def _sample(subjects: Sequence[Subject], seed: int) -> list[Subject]:
    order = np.random.default_rng([seed, len(subjects)]).permutation(len(subjects))
    return [subjects[int(index)] for index in order[:LOGOS]]


def mean_gains(
    candidates: Sequence[Parameters], subjects: Sequence[Subject], config: Stage1Config, evaluator: Evaluator
) -> NDArray[np.float64]:
    """Mean best gain at one trace of each candidate, plain kept where it is not beaten: shape ``(candidates,)``."""
    jobs = [(subject.logo, parameters) for parameters in candidates for subject in subjects]
    traces = evaluator.traces(jobs)
    plains = [subject.plain for subject in subjects] * len(candidates)
    gains = [
        max(0.0, gain(trace, plain, config.weights)) if is_deliverable(trace, plain) else 0.0
        for trace, plain in zip(traces, plains, strict=True)
    ]
    return np.asarray(np.array(gains).reshape(len(candidates), len(subjects)).mean(axis=1))
