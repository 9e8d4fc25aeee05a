"""Searchers: whoever chooses parameters for a logo under a budget of traces, all with one interface.

The agent is one too (``rlcore.learning.agent``), and so are the searches per logo (``rlcore.judging.search``). All
that a searcher may know of a logo is in the episode, so that one harness (``rlcore.judging.validation``) runs every one
of them in the same way.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from rlcore.episode import Episode
from rlcore.features import Features
from rlcore.parameters import CLEANED_PLAIN, PLAIN, Parameters


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


PLAIN_SEARCHER = FixedSetting("plain VTracer", PLAIN)
CLEANED_SEARCHER = FixedSetting("cleaned plain", CLEANED_PLAIN)

PRESETS = (
    FixedSetting("preset bw", dataclasses.replace(PLAIN, color_mode="binary")),
    FixedSetting("preset poster", dataclasses.replace(PLAIN, color_precision=8)),
    FixedSetting(
        "preset photo",
        dataclasses.replace(PLAIN, filter_speckle=10, color_precision=8, layer_difference=48, corner_threshold=180),
    ),
)
"""``--preset`` of VTracer's command line, where it differs from the defaults (cmdapp/src/config.rs in
https://github.com/visioncortex/vtracer)."""


class Sequential:
    """A list of settings in turn, the same for every logo; the last one again when they are used up."""

    def __init__(self, name: str, items: Sequence[Parameters]) -> None:
        """Raises ``ValueError`` where ``items`` is empty."""
        if not items:
            raise ValueError(f"{name}: no settings to go through")
        self.name = name
        self.items = tuple(items)

    def propose(self, episodes: Sequence[Episode]) -> list[Parameters]:
        """The setting of each episode's step."""
        return [self.items[min(episode.step, len(self.items) - 1)] for episode in episodes]


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
