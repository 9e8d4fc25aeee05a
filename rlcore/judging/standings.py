"""What a comparison found: where each searcher stands after how many traces, and what the agent is ahead by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rlcore.judging.validation import Summary, Validation
from rlcore.statistics import Difference, Estimate

BEST_SINGLE = "best single setting"
"""The baseline that the agent is first held against."""

PORTFOLIO = "portfolio"
REFERENCE = "reference search"
LATER = {"TPE": 50, "CMA-ES": 40}
"""Traces at which a search is read beside the budgets: what an agent has to match with its few."""


@dataclass(frozen=True, slots=True)
class About:
    """What was compared on: for headings.

    Attributes:
        model: path or name of the agent's model.
        source: where the logos are from, and which split.
        excluded: logos left out because the model was trained on them.
    """

    model: str
    source: str
    excluded: int = 0


@dataclass(frozen=True, slots=True)
class Lead:
    """The agent with ``traces`` traces against one searcher, paired by logo (its mean over seeds).

    Attributes:
        gain: agent's best gain minus the searcher's.
        ssim_improvement: likewise.
        probability: that the agent's gain is above on a logo, a tie counting one half.
    """

    traces: int
    gain: Difference
    ssim_improvement: Difference
    probability: Estimate


@dataclass(frozen=True, slots=True)
class Standing:
    """One searcher after a number of traces, over the judged logos.

    Attributes:
        seeds: how often it was played; every figure is over all of them.
        summary: means over the logos.
        gain_iqm: interquartile mean of the logos' gains.
        gains: each logo's gain, in the order of the table's ``agent``.
        breakdown: as of ``Validation.breakdown``, over the logos that it was played on.
        lead: of the agent; None for the agent itself.
    """

    searcher: str
    traces: int
    seeds: int
    summary: Summary
    gain_iqm: float
    gains: tuple[float, ...]
    breakdown: dict[str, Summary]
    lead: Lead | None = None

    @property
    def is_agent(self) -> bool:
        """Whether this is the agent's own."""
        return self.lead is None


@dataclass(frozen=True, slots=True)
class Curve:
    """Mean best gain over the judged logos after 1, 2, ... traces, with its 95 % interval over the logos."""

    searcher: str
    means: tuple[float, ...]
    lows: tuple[float, ...]
    highs: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Saving:
    """How many traces a search needs for the agent's mean gain: ``needed``, or None if not within ``searched``."""

    searcher: str
    needed: int | None
    searched: int


@dataclass(frozen=True)
class ComparisonTable:
    """Everything that is told of a comparison.

    Attributes:
        about: model and logos.
        category: of the judged logos.
        size_weight: weight of bytes in the gain.
        ssim_improvement_threshold: share of the error that a success removes.
        logos: number of judged logos.
        budgets: traces at which all are compared.
        standings: the agent's, fixed settings', the portfolio's, the searches' and the reference's.
        curves: of all that have more than one trace, the agent first.
        savings: of the searches.
        agent: with the largest budget, logo by logo.
        rival: the portfolio, likewise.
    """

    about: About
    category: str
    size_weight: float
    ssim_improvement_threshold: float
    logos: int
    budgets: tuple[int, ...]
    standings: tuple[Standing, ...]
    curves: tuple[Curve, ...]
    savings: tuple[Saving, ...]
    agent: Validation
    rival: Validation

    @property
    def longest(self) -> int:
        """The agent's largest budget."""
        return max(self.budgets)

    def standing(self, searcher: str, traces: int) -> Standing | None:
        """The standing of a searcher after so many traces, if it was read then."""
        found = [s for s in self.standings if (s.searcher, s.traces) == (searcher, traces)]
        return found[0] if found else None

    def as_dict(self) -> dict[str, Any]:
        """All of it, as JSON can hold it."""
        return {**asdict(self), "agent": self.agent.as_dict(), "rival": self.rival.as_dict()}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> ComparisonTable:
        """What ``as_dict`` gave."""
        return cls(
            About(**content["about"]),
            content["category"],
            content["size_weight"],
            content["ssim_improvement_threshold"],
            content["logos"],
            tuple(content["budgets"]),
            tuple(_standing_from(item) for item in content["standings"]),
            tuple(Curve(c["searcher"], *(tuple(c[n]) for n in ("means", "lows", "highs"))) for c in content["curves"]),
            tuple(Saving(**item) for item in content["savings"]),
            Validation.from_dict(content["agent"]),
            Validation.from_dict(content["rival"]),
        )


def _standing_from(content: Mapping[str, Any]) -> Standing:
    lead = content["lead"] and Lead(
        content["lead"]["traces"],
        Difference(**content["lead"]["gain"]),
        Difference(**content["lead"]["ssim_improvement"]),
        Estimate(**content["lead"]["probability"]),
    )
    parts = {
        "summary": Summary(**content["summary"]),
        "gains": tuple(content["gains"]),
        "breakdown": {name: Summary(**summary) for name, summary in content["breakdown"].items()},
        "lead": lead,
    }
    return Standing(**{**content, **parts})
