"""Searchers: whoever chooses parameters for a logo under a budget of traces, all with one interface.

The agent is one too (``rlcore.agent``). A searcher keeps no state between calls: all it may know of a logo is in the
episode, so that one harness (``rlcore.validation``) runs every one of them in the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from rlcore.episode import Episode
from rlcore.features import Features
from rlcore.parameters import CLEANED_PLAIN, PLAIN, ActionSpace, Parameters


class Searcher(Protocol):
    """Chooses the next parameters of each of many episodes."""

    @property
    def name(self) -> str:
        """What tables and pictures call it."""
        ...

    def propose(self, episodes: Sequence[Episode]) -> list[Parameters]:
        """The next parameters of each episode, all at the same step."""
        ...


class FixedSetting:
    """The same parameters for every logo and step."""

    def __init__(self, name: str, parameters: Parameters) -> None:
        self.name = name
        self.parameters = parameters

    def propose(self, episodes: Sequence[Episode]) -> list[Parameters]:
        """The setting, once per episode."""
        return [self.parameters] * len(episodes)


class Sequential:
    """The items of a portfolio one after the other, the same for every logo; the last one again after the end."""

    def __init__(self, name: str, items: Sequence[Parameters]) -> None:
        self.name = name
        self.items = tuple(items)

    def propose(self, episodes: Sequence[Episode]) -> list[Parameters]:
        """Each episode's next item."""
        return [self.items[min(episode.step, len(self.items) - 1)] for episode in episodes]


PLAIN_SEARCHER = FixedSetting("plain VTracer", PLAIN)
CLEANED_SEARCHER = FixedSetting("cleaned plain", CLEANED_PLAIN)


def method1_parameters(features: Features) -> Parameters:
    """Method 1: fixed formulas on six features (see ``Features``: formula and unit of each)."""

    def clipped(value: float, low: float, high: float) -> float:
        return float(np.clip(value, low, high))

    return Parameters(
        mode="polygon" if features.complexity < 0.3 else "spline",
        layer_difference=10,
        corner_threshold=round(clipped(110 - 800 * features.edge_density, 10, 110)),
        color_precision=round(clipped(2 + float(np.log2(features.colours)), 2, 8)),
        path_precision=round(clipped(20 * (1 - features.entropy), 1, 8)),
        length_threshold=round(clipped(1 + 100 * features.corner_density, 3.5, 10), 2),
        splice_threshold=round(clipped(10 + 90 * features.gradient_strength, 10, 100)),
        max_iterations=round(clipped(5 + 15 * features.complexity, 5, 20)),
        clean_alpha=False,
        compact=False,
    )


class Method1:
    """The fixed feature formulas of earlier work, as a baseline."""

    name = "Method 1"

    def propose(self, episodes: Sequence[Episode]) -> list[Parameters]:
        """The formulas' parameters for each logo."""
        return [method1_parameters(episode.subject.features) for episode in episodes]


class RandomSearch:
    """Uniform actions, seeded per logo and step, so that neither order nor company matters."""

    name = "random"

    def __init__(self, space: ActionSpace, seed: int) -> None:
        self._space = space
        self._seed = seed

    def propose(self, episodes: Sequence[Episode]) -> list[Parameters]:
        """A fresh uniform draw for each episode."""
        return [self._draw(episode) for episode in episodes]

    def _draw(self, episode: Episode) -> Parameters:
        generator = np.random.default_rng([self._seed, int(episode.subject.logo.digest[:12], 16), episode.step])
        return self._space.decode(generator.uniform(-1, 1, self._space.size))
