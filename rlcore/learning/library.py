"""What the agent chooses from: settings that suit some kind of logo, and moves from the best attempt so far.

Which settings and moves these are is found on training logos (``rlcore.learning.library_search``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from rlcore.episode import Episode
from rlcore.parameters import DIMENSIONS, Parameters

PORTFOLIO_WEIGHTS = (0.25, 0.5, 1.0, 2.0)
"""Size weights that a portfolio is picked for."""


@dataclass(frozen=True, slots=True)
class Move:
    """One parameter shifted by so many choices of its range."""

    name: str
    steps: int

    def of(self, parameters: Parameters) -> Parameters:
        """The moved parameters; the same ones where the range ends, or where this mode ignores the parameter."""
        value = DIMENSIONS[self.name].shifted(getattr(parameters, self.name), self.steps)
        return replace(parameters, **{self.name: value}).canonical()


@dataclass(frozen=True)
class Library:
    """The agent's options, numbered: settings first, then moves.

    Attributes:
        settings: complete parameters.
        moves: applied to ``centre``.
        portfolios: by size weight, indexes of ``settings``: greedily picked, so that the first is the best single
            setting on the training logos and the first k are a good portfolio of k. At most ``PORTFOLIO_SIZE``.
        move_rises: mean rise of the best gain by each move, tried after the portfolio's first settings on a sample.
    """

    settings: tuple[Parameters, ...]
    moves: tuple[Move, ...]
    portfolios: Mapping[float, tuple[int, ...]]
    move_rises: tuple[float, ...]

    @cached_property
    def places(self) -> dict[Parameters, int]:
        """The number of each setting."""
        return {setting: index for index, setting in enumerate(self.settings)}

    @property
    def size(self) -> int:
        """Number of options."""
        return len(self.settings) + len(self.moves)

    def order(self, size_weight: float) -> tuple[int, ...]:
        """The portfolio of the nearest size weight (by ratio), as indexes of ``settings``."""
        wanted = math.log2(max(size_weight, 2**-10))
        nearest = min(self.portfolios, key=lambda weight: abs(math.log2(weight) - wanted))
        return self.portfolios[nearest]

    def portfolio(self, size_weight: float) -> tuple[Parameters, ...]:
        """The portfolio of the nearest size weight; its first item is the best single setting."""
        return tuple(self.settings[index] for index in self.order(size_weight))

    def centre(self, episode: Episode) -> Parameters:
        """What moves start from: the best attempt; before there is one, the portfolio's first item."""
        best = episode.best
        return self.settings[self.order(episode.weights.size)[0]] if best is None else best.parameters

    def options(self, episode: Episode) -> tuple[Parameters, ...]:
        """The parameters behind each option now."""
        centre = self.centre(episode)
        return (*self.settings, *(move.of(centre) for move in self.moves))

    def as_dict(self) -> dict[str, Any]:
        """All of it, as JSON can hold it."""
        return {
            "settings": [setting.as_dict() for setting in self.settings],
            "moves": [[move.name, move.steps] for move in self.moves],
            "portfolios": [[weight, list(order)] for weight, order in self.portfolios.items()],
            "move_rises": list(self.move_rises),
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Library:
        """What ``as_dict`` gave."""
        return cls(
            tuple(Parameters(**setting) for setting in content["settings"]),
            tuple(Move(name, steps) for name, steps in content["moves"]),
            {weight: tuple(order) for weight, order in content["portfolios"]},
            tuple(content["move_rises"]),
        )
