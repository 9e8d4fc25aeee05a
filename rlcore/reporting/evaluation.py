"""A model that is tried once more: its table against the baselines, and the alert where it got worse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rlcore.judging.validation import Validation
from rlcore.records import Alert, Comparison
from rlcore.reporting.wording import interval
from rlcore.statistics import estimate


@dataclass(frozen=True)
class Evaluation:
    """The agent first, then the baselines; all on the same logos.

    Attributes:
        name: of its folder and MLflow run.
        model: as it was asked for; ``version`` is its number in the registry, empty where it has none.
        source: where the logos are from.
        excluded: logos left out because the model was trained on them.
        threshold: least success rate.
    """

    name: str
    model: str
    version: str
    source: str
    excluded: int
    threshold: float
    validations: tuple[Validation, ...]

    @property
    def success_rate(self) -> float:
        """The agent's."""
        return self.validations[0].headline().success_rate

    def rows(self) -> list[dict[str, Any]]:
        """The table: means of each searcher, and what the agent's gain is ahead by, with its 95 % interval."""
        agent, *baselines = self.validations
        ahead = ["", *(interval(Comparison.of(agent, baseline).gain) for baseline in baselines)]
        shown = ("logos", "quality", "ssim_improvement", "success_rate", "bytes_ratio", "gain")
        return [
            {
                "searcher": one.searcher,
                "traces": one.budget,
                **{name: getattr(one.headline(), name) for name in shown},
                "agent ahead by": lead,
            }
            for one, lead in zip(self.validations, ahead, strict=True)
        ]

    def alert(self) -> Alert | None:
        """Where the success rate is under its threshold."""
        rate = self.success_rate
        if rate >= self.threshold:
            return None
        found = estimate([float(result.success) for result in self.validations[0].of()])
        told = f"{rate:.1%} [{found.low:.1%}, {found.high:.1%}] on {found.pairs} logos of {self.source}"
        return Alert(
            kind="degradation",
            check="champion",
            severity="high",
            episode=self.validations[0].episode,
            last_episode=self.validations[0].episode,
            updates=0,
            message=f"the success rate of {self.model} is {told}, under {self.threshold:.0%}",
            measured=rate,
            threshold=self.threshold,
            recommendation="Look at the logos that failed (evaluation.json); train anew with such logos among them.",
        )

    def as_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        alert = self.alert()
        return {
            **{k: getattr(self, k) for k in ("name", "model", "version", "source", "excluded", "threshold")},
            "alert": None if alert is None else asdict(alert),
            "rows": self.rows(),
            "validations": [validation.as_dict() for validation in self.validations],
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Evaluation:
        """What ``as_dict`` gave."""
        parts = {k: content[k] for k in ("name", "model", "version", "source", "excluded", "threshold")}
        return cls(**parts, validations=tuple(Validation.from_dict(v) for v in content["validations"]))
