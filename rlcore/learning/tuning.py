"""What one trial of a tuning is: settings of PPO, a short training from a shared start, and one figure to judge by.

The figure is the agent's lead over the portfolio of its own library, so that it tells what was learned beyond the
library: zero is an agent that is worth no more than a list of settings tried in turn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from rlcore.config import PPOSettings, Stage1Config
from rlcore.conversion.evaluator import Evaluator
from rlcore.episode import Subject
from rlcore.errors import NonFiniteError
from rlcore.judging.searchers import Searcher, Sequential
from rlcore.judging.validation import Validation, run_searcher
from rlcore.learning.agent import Agent, Checkpoint
from rlcore.learning.plan import plan_chunks
from rlcore.learning.training import train_segment
from rlcore.records import Rollout

SPACE: Mapping[str, BaseDistribution] = {
    "learning_rate": FloatDistribution(1e-4, 3e-3, log=True),
    "final_learning_rate_share": FloatDistribution(0.05, 1.0),
    "rollout_episodes": CategoricalDistribution((50, 100, 125, 250)),
    "batch_size": CategoricalDistribution((100, 200, 500, 1000)),
    "epochs": IntDistribution(2, 10),
    "discount": FloatDistribution(0.2, 0.99),
    "gae_lambda": FloatDistribution(0.8, 1.0),
    "clip_range": FloatDistribution(0.1, 0.3),
    "entropy_coefficient": FloatDistribution(1e-4, 3e-2, log=True),
    "sharpness": FloatDistribution(1.0, 12.0, log=True),
}
"""The fields of ``PPOSettings`` that are tuned, around what Andrychowicz et al. 2021 (https://arxiv.org/abs/2006.05990)
found to matter; the others stay as they are."""

DIGITS = 3
"""Significant digits of a suggested number: what is printed is what was tried."""


def suggested(params: Mapping[str, Any], base: PPOSettings) -> PPOSettings:
    """``base`` with an Optuna trial's ``params``, floats rounded to three significant digits."""
    rounded = {name: float(f"{v:.{DIGITS}g}") if isinstance(v, float) else v for name, v in params.items()}
    return PPOSettings.model_validate(base.model_dump() | rounded)


def nearest_params(settings: PPOSettings) -> dict[str, Any]:
    """The point of the search space that is nearest to ``settings``, for the sampler to learn from."""
    return {name: _nearest(distribution, getattr(settings, name)) for name, distribution in SPACE.items()}


def _nearest(distribution: BaseDistribution, value: float) -> Any:
    if isinstance(distribution, CategoricalDistribution):
        return min(distribution.choices, key=lambda choice: abs(float(choice or 0) - value))
    assert isinstance(distribution, (FloatDistribution, IntDistribution))
    return min(max(value, distribution.low), distribution.high)


def judged_size_weights(config: Stage1Config) -> tuple[float, ...]:
    """The least, the run's own and the greatest size weight, each once."""
    return tuple(dict.fromkeys((config.least_size_weight, config.size_weight, config.greatest_size_weight)))


@dataclass(frozen=True, slots=True)
class Duel:
    """The agent and its library's portfolio on the same logos, at one size weight, with as many traces."""

    size_weight: float
    agent: Validation
    portfolio: Validation

    @property
    def gains(self) -> tuple[float, ...]:
        """The agent's mean best gain after 1, 2, ... traces."""
        return tuple(self.agent.gain_after(traces) for traces in range(1, self.agent.budget + 1))

    @property
    def leads(self) -> tuple[float, ...]:
        """``gains`` minus the portfolio's with as many traces."""
        return tuple(gain - self.portfolio.gain_after(number) for number, gain in enumerate(self.gains, start=1))


def objective_value(duels: Sequence[Duel]) -> float:
    """Mean lead over size weights and numbers of traces: every size weight and every number of traces counts the same.

    A lead with one trace counts as much as one with all: a good agent is ahead whenever it is stopped.
    """
    return float(np.mean([duel.leads for duel in duels]))


@dataclass(frozen=True, slots=True)
class Outcome:
    """A trial's trainings, one per seed, on the same start; ``duels`` holds those of each seed."""

    duels: tuple[tuple[Duel, ...], ...]

    @property
    def values(self) -> tuple[float, ...]:
        """The objective of each seed."""
        return tuple(objective_value(duels) for duels in self.duels)

    @property
    def value(self) -> float:
        """Their mean."""
        return float(np.mean(self.values))

    def curves(self) -> list[dict[str, float]]:
        """After 1, 2, ... traces: ``gain/size-weight-<w>`` and ``lead/size-weight-<w>``, means over the seeds."""
        return [
            {
                f"{kind}/size-weight-{same[0].size_weight:g}": float(
                    np.mean([getattr(d, kind + "s")[at] for d in same])
                )
                for same in zip(*self.duels, strict=True)
                for kind in ("gain", "lead")
            }
            for at in range(self.duels[0][0].agent.budget)
        ]


class Bench:
    """What all trials share: the start, the logos, and one evaluator, which knows more traces with every trial."""

    def __init__(
        self, start: Checkpoint, training: Sequence[Subject], validation: Sequence[Subject], evaluator: Evaluator
    ) -> None:
        """``start``: before its first episode; its config's ``target_episodes`` are a trial's length.

        ``training``: the logos of its experience, in its order. ``validation``: the logos to judge on.
        """
        self.start = start
        self._training = training
        self._validation = validation
        self._evaluator = evaluator
        evaluator.remember(start.experience.table.traces(start.library.settings, training))

    @cached_property
    def _portfolios(self) -> dict[float, Validation]:
        library = self.start.library
        return {
            weight: self._run(Sequential("portfolio", library.portfolio(weight)), weight)
            for weight in judged_size_weights(self.start.config)
        }

    def _run(self, searcher: Searcher, size_weight: float, episode: int = 0) -> Validation:
        config = self.start.config.model_copy(update={"size_weight": size_weight})
        budget = config.steps_per_episode
        return run_searcher(searcher, self._validation, budget, config, self._evaluator, episode=episode)

    def judged(self, checkpoint: Checkpoint) -> tuple[Duel, ...]:
        """The checkpoint's agent against the portfolio, by size weight."""
        agent = Agent(checkpoint, self.start.config)
        return tuple(
            Duel(weight, self._run(agent, weight, checkpoint.episode), portfolio)
            for weight, portfolio in self._portfolios.items()
        )

    def trained(
        self, settings: PPOSettings, number: int, on_rollout: Callable[[Rollout], None] | None = None
    ) -> Checkpoint:
        """A training with these settings; ``number`` is added to the seed.

        Raises:
            NonFiniteError: a loss or a weight became NaN or infinite.
        """
        config = self.start.config
        checkpoint = replace(
            self.start, config=config.model_copy(update={"ppo": settings, "seed": config.seed + number})
        )
        for segment in (segment for chunk in plan_chunks(config) for segment in chunk):
            checkpoint = train_segment(checkpoint, segment, self._training, self._evaluator, on_rollout)
        if not all(bool(tensor.isfinite().all()) for tensor in checkpoint.policy.values()):
            raise NonFiniteError(f"after episode {checkpoint.episode}: a weight is not a finite number")
        return checkpoint
