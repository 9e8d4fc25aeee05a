"""The curriculum: stages one after the other, each going on from the last one's model, and the rule between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from rlcore.config import Stage1Config, load_config
from rlcore.errors import ConfigError

MOST_ATTEMPTS = 3
"""Trainings of a stage before the curriculum ends there."""

StageName = Literal["simple", "text", "gradient", "complex"]
Decision = Literal["advance", "repeat", "advance_below_threshold", "not_reached"]


@dataclass(frozen=True, slots=True)
class CurriculumStage:
    """Logos of one category, trained on for so many episodes; at this share of successes the next stage begins."""

    name: StageName
    episodes: int
    success_rate_threshold: float


STAGES: tuple[CurriculumStage, ...] = (
    CurriculumStage("simple", 5_000, 0.80),
    CurriculumStage("text", 8_000, 0.75),
    CurriculumStage("gradient", 10_000, 0.70),
    CurriculumStage("complex", 15_000, 0.65),
)

ALL_STAGES: tuple[StageName, ...] = tuple(stage.name for stage in STAGES)


@dataclass(frozen=True, slots=True)
class StageResult:
    """One attempt at a stage, trained to its end.

    Attributes:
        run: name of its run.
        success_rate: of its best model on the validation logos, 0 to 1.
        failure: why its training broke; empty: it did not.
    """

    run: str
    success_rate: float
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """What follows an attempt, and why in a sentence."""

    decision: Decision
    reason: str

    @property
    def ends_stage(self) -> bool:
        """Whether the stage is not tried again."""
        return self.decision != "repeat"

    @property
    def ends_curriculum(self) -> bool:
        """Whether no stage comes after this one, though there may be some."""
        return self.decision == "not_reached"


def decide(stage: CurriculumStage, results: Sequence[StageResult], allow_advance_below_threshold: bool = False) -> Step:
    """What follows the last of a stage's attempts; a pure function of their results.

    A training that broke reaches nothing, whatever its best model does.

    Args:
        stage: its threshold counts.
        results: of its attempts so far, at least one, in their order.
        allow_advance_below_threshold: after ``MOST_ATTEMPTS`` the next stage begins all the same.
    """
    last, count = results[-1], len(results)
    rate, threshold = f"{last.success_rate:.1%}", f"{stage.success_rate_threshold:.0%}"
    what = f"stage {stage.name}, attempt {count} of {MOST_ATTEMPTS}"
    if not last.failure and last.success_rate >= stage.success_rate_threshold:
        return Step("advance", f"{what}: success rate {rate} reaches {threshold}")
    short = f"training broke ({last.failure})" if last.failure else f"success rate {rate} stays under {threshold}"
    if count < MOST_ATTEMPTS:
        return Step("repeat", f"{what}: {short}: once more")
    if allow_advance_below_threshold:
        return Step(
            "advance_below_threshold", f"{what}: {short}: THE THRESHOLD IS NOT REACHED, going on as it was asked for"
        )
    return Step("not_reached", f"{what}: {short}: not reached, no attempt is left")


def best_result(results: Sequence[StageResult]) -> StageResult:
    """The one whose model is gone on from: unbroken before broken, then the highest success rate, then the earliest."""
    return max(results, key=lambda result: (not result.failure, result.success_rate))


class Curriculum(BaseModel):
    """A whole curriculum: what it was begun with, and from that the configuration of each attempt."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    config: Stage1Config = Field(description="Settings of every stage, but for those that a stage sets.")
    stages: tuple[StageName, ...] = Field(ALL_STAGES, description="Stages by name, in the order in which they come.")
    episodes_scale: float = Field(1.0, gt=0, le=1000, description="All stages' episodes are multiplied by it.")
    images: dict[StageName, str] = Field(
        default_factory=dict, description="A folder of logos for a stage, taken whole; others take the config's."
    )
    image_splits: Literal["content", "folders"] = Field("content", description="How these folders are split.")
    allow_advance_below_threshold: bool = Field(
        False, description="After three attempts the next stage begins even so; recorded and told."
    )

    @field_validator("stages")
    @classmethod
    def _each_once(cls, stages: tuple[StageName, ...]) -> tuple[StageName, ...]:
        if not stages or len(set(stages)) < len(stages):
            raise ValueError(f"stages = {', '.join(stages) or 'none'}: one or more are needed, each once")
        return stages

    def stage(self, index: int) -> CurriculumStage:
        """Stage number ``index`` (from 0), with as many episodes as it is trained for."""
        known = next(stage for stage in STAGES if stage.name == self.stages[index])
        return replace(known, episodes=max(1, round(known.episodes * self.episodes_scale)))

    def run_name(self, name: str, index: int, attempt: int) -> str:
        """Of an attempt (from 1) at a stage (from 0) in the curriculum ``name``."""
        return f"{name}-{index + 1}-{self.stages[index]}-{attempt}"

    def attempt_config(self, index: int, attempt: int, start_from: str) -> Stage1Config:
        """Of an attempt (from 1) at a stage (from 0); ``start_from``: empty for a policy of its own.

        Each attempt has a seed of its own, so that it is no repetition of the one before; the logos stay the same.
        No stage's model becomes champion by itself: the gate would judge it by its own category.
        """
        stage, config = self.stage(index), self.config
        given: dict[str, Any] = {
            "category": stage.name,
            "target_episodes": stage.episodes,
            "success_rate_threshold": stage.success_rate_threshold,
            "seed": config.seed + attempt - 1,
            "generated_seed": config.data_seed,
            "start_from": start_from or config.start_from,
            "promote": False,
        }
        if stage.name in self.images:
            given |= {"images": self.images[stage.name], "splits": self.image_splits, "category": "all"}
        return load_config(None, config.model_dump() | given)


SET_BY_STAGES = ("category", "target_episodes", "success_rate_threshold", "generated_seed", "promote")
"""Fields of the configuration that each stage has its own of."""


def check_settings(given: Mapping[str, Any]) -> None:
    """Whether settings that were asked for would count.

    Raises:
        ConfigError: one of ``SET_BY_STAGES`` is among them.
    """
    lost = [name for name in SET_BY_STAGES if name in given]
    if lost:
        raise ConfigError(
            f"{', '.join(lost)}: each stage of a curriculum has its own (episodes are scaled by episodes_scale)"
        )


def curriculum_of(**values: Any) -> Curriculum:
    """A curriculum of these fields, as a user gives them.

    Raises:
        ConfigError: a stage is unknown or there twice, or a field is unknown or out of its range.
    """
    try:
        return Curriculum.model_validate(values)
    except ValidationError as error:
        raise ConfigError("; ".join(_complaint(item) for item in error.errors())) from error


def _complaint(item: Any) -> str:
    if item["type"] == "value_error":
        return str(item["msg"]).removeprefix("Value error, ")
    return f"{'.'.join(map(str, item['loc']))} = {item['input']!r}: {item['msg'].lower()}"
