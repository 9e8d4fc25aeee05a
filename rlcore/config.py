"""The one configuration of a run: every field with its meaning, unit and range; unknown keys are refused.

Saved whole with every model, so that a model always meets the action space that it was trained on.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from rlcore.errors import ConfigError, ParameterError
from rlcore.gain import Target, Weights
from rlcore.parameters import DEFAULT_TUNED, ActionSpace

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Category = Literal["simple", "text", "gradient", "complex", "all"]


class _Settings(BaseModel):
    # strict: "5" or true for a number, 1 for a flag are mistakes to be told of
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)


class PPOSettings(_Settings):
    """Hyper-parameters of Stable-Baselines3's PPO; ``stage1 tune`` found none that beat these (docs/learner.md)."""

    learning_rate: float = Field(3e-4, gt=0, le=0.1, description="Adam's step size at the start.")
    final_learning_rate_share: float = Field(
        0.1, ge=0, le=1, description="Share of the learning rate that is left at the last episode (linear decay)."
    )
    rollout_episodes: int = Field(125, ge=2, le=1000, description="Most episodes played side by side before an update.")
    batch_size: int = Field(500, ge=2, le=100_000, description="Steps in one gradient step's batch.")
    epochs: int = Field(6, ge=1, le=100, description="Passes over a rollout in one update.")
    discount: float = Field(0.5, ge=0, le=1, description="Weight of the next step's value (gamma).")
    gae_lambda: float = Field(0.95, ge=0, le=1, description="Bias-variance trade-off of the advantages.")
    clip_range: float = Field(0.2, gt=0, le=1, description="How far an update may move an action's probability.")
    entropy_coefficient: float = Field(0.0, ge=0, le=1, description="Weight of the entropy bonus.")
    sharpness: float = Field(
        3.0,
        gt=0,
        le=100,
        description="Nats that the option with the highest expected rise is ahead of the eighth, before PPO.",
    )
    value_coefficient: float = Field(0.5, ge=0, le=10, description="Weight of the value loss.")
    max_gradient_norm: float = Field(0.5, gt=0, le=100, description="Gradients are scaled down to this norm.")


class QASettings(_Settings):
    """Thresholds of the QA system; each check is in ``rlcore.quality_assurance``."""

    window: int = Field(
        8, ge=3, le=1000, description="Rollouts in a rolling figure; as many good ones in a row close an alert."
    )
    # healthy trainings: a value loss up to 2.7 at first, 1e-4 in the end
    loss_explosion: float = Field(
        100.0, gt=1, le=100_000, description="A loss of this many times its rolling median has exploded (critical)."
    )
    least_loss: float = Field(0.1, gt=0, le=1000, description="A rolling median of a loss under this counts as this.")
    # healthy trainings: from 2.3 down to 0.02 where one option is best for every logo
    entropy_floor: float = Field(
        0.002, ge=0, le=10, description="Nats; a policy under it always chooses the same (critical)."
    )
    # healthy trainings: up to 0.24; with a learning rate of 0.03: 5
    kl_limit: float = Field(
        1.0, gt=0, le=1000, description="Nats that an update moves the policy, mean of three; above it is critical."
    )
    reward_floor: float = Field(
        0.05, ge=-100, le=100, description="Rolling mean of the training gain; under it is critical."
    )
    # healthy trainings: 0.5 and more
    reward_spread_floor: float = Field(
        1e-6, ge=0, le=100, description="Deviation of a rollout's rewards; under it for three rollouts is critical."
    )
    failed_share: float = Field(0.02, ge=0, le=1, description="Rolling share of failed traces that is told (medium).")
    high_failed_share: float = Field(0.25, ge=0, le=1, description="Rolling share of failed traces that is high.")
    critical_failed_share: float = Field(
        0.5, ge=0, le=1, description="Rolling share of failed traces that is critical."
    )
    stagnation_episodes: int = Field(
        2000, ge=2, le=1_000_000, description="Episodes in which the training gain has to rise, under the target."
    )
    stagnation_rise: float = Field(
        0.005, ge=0, le=100, description="Least rise of the training gain from their first half to their second."
    )
    degradation_margin: float = Field(
        0.05, ge=0, le=100, description="Validation gain under its best by more than this and noise is told."
    )
    overfitting_gap: float = Field(
        0.25, ge=0, le=100, description="Training gain that rose more than validation gain by this and noise is told."
    )
    velocity_window: int = Field(40, ge=4, le=100_000, description="Rollouts whose median velocity is the usual one.")
    velocity_share: float = Field(
        0.33, gt=0, le=1, description="Share of the usual velocity under which the mean of three rollouts is told."
    )
    memory_growth_mib: float = Field(
        512.0, gt=0, le=100_000, description="MiB that memory may grow by in each of two chunks in a row."
    )
    disk_reserve_mib: float = Field(
        1024.0, ge=0, le=100_000, description="MiB of the disk to be left when the run has written all that it needs."
    )
    most_rollbacks: int = Field(
        2, ge=0, le=100, description="Returns to the last good checkpoint before a critical failure ends the run."
    )

    @model_validator(mode="after")
    def _rising(self) -> QASettings:
        shares = (self.failed_share, self.high_failed_share, self.critical_failed_share)
        if sorted(shares) != list(shares):
            raise ValueError(
                "qa: failed_share, high_failed_share and critical_failed_share have to rise, not"
                f" {', '.join(f'{share:g}' for share in shares)}"
            )
        return self


class Stage1Config(_Settings):
    """All settings of a stage 1 run."""

    target_episodes: int = Field(5000, ge=1, le=10_000_000, description="Episodes to train for.")
    start_from: str = Field(
        "", description="Model whose library and policy training goes on with: a run, a checkpoint, models:/…."
    )
    steps_per_episode: int = Field(8, ge=1, le=64, description="Traces that the agent may spend on a logo.")
    validation_frequency: int = Field(
        1000, ge=1, le=10_000_000, description="Episodes in a chunk, before a validation."
    )
    checkpoint_frequency: int = Field(
        500, ge=1, le=10_000_000, description="Episodes in a segment: between checkpoints."
    )
    success_rate_threshold: float = Field(0.80, gt=0, le=1, description="Share of held-out logos that reaches stage 1.")
    ssim_improvement_threshold: float = Field(
        0.75, ge=0, lt=1, description="Share of plain VTracer's SSIM error that a success removes."
    )
    quality_target: float = Field(0.85, ge=0, le=1, description="Least SSIM of a success.")
    max_training_time_hours: float = Field(
        12.0, gt=0, le=10_000, description="Hours after which training ends at the next rollout."
    )
    early_stopping_patience: int = Field(3, ge=1, le=1000, description="Validations without improvement before a stop.")
    hourly_reports: bool = Field(True, description="Write a progress report every hour, or other interval.")
    report_interval_minutes: float = Field(
        60.0, gt=0, le=10_000, description="Minutes between these reports, told at the next rollout."
    )
    dashboard_pictures: bool = Field(
        True, description="Draw the dashboard every 30 s beside the training, for the run's folder and MLflow."
    )
    milestone_notifications: bool = Field(True, description="Emit an event at each milestone.")
    failure_detection: bool = Field(True, description="Watch for failures, stagnation and degradation.")
    overfitting_detection: bool = Field(True, description="Warn when training gain leaves validation gain behind.")
    performance_monitoring: bool = Field(True, description="Watch velocity, memory and disk space.")

    seed: int = Field(0, ge=0, le=2**31 - 1, description="Every random state derives from it.")
    workers: int = Field(
        default_factory=lambda: os.cpu_count() or 1,
        ge=0,
        le=512,
        description="Trace processes; 0: none beside this one.",
    )
    working_size: int = Field(256, ge=16, le=2048, description="Longest side in px that logos are reduced to.")
    images: str = Field("default", description="Logo source: default (diagrams' icons), none, or a folder.")
    splits: Literal["content", "folders"] = Field(
        "content", description="Splits by a hash of the pixels, or by the folders train, validation and test in images."
    )
    generated_logos: int = Field(0, ge=0, le=100_000, description="Seeded geometric logos added to the source.")
    generated_seed: int = Field(-1, ge=-1, le=2**31 - 1, description="Seed of these logos; -1: that of the run.")
    category: Category = Field("simple", description="Logos that are trained and judged on; all: every category.")
    reference_traces: int = Field(
        100, ge=0, le=100_000, description="Traces of the reference search for a logo; 0: none."
    )
    single_setting_traces: int = Field(
        4000, ge=0, le=10_000_000, description="Traces spent on finding the best single setting; 0: plain's settings."
    )
    library_size: int = Field(40, ge=1, le=256, description="Settings that the agent can choose from.")
    library_searches: int = Field(
        48, ge=0, le=10_000, description="Training logos whose own best settings are candidates for the library."
    )
    library_traces: int = Field(48, ge=1, le=10_000, description="Traces of each of these searches.")
    library_kinds: int = Field(
        10, ge=0, le=10, description="Kinds of conversions that are tried beside these settings'."
    )
    library_moves: int = Field(16, ge=0, le=256, description="Moves from the best attempt that the agent can choose.")
    warm_start_updates: int = Field(
        400, ge=0, le=100_000, description="Updates of the critic on the recorded traces before PPO; 0: none."
    )
    comparison_traces: int = Field(
        50, ge=0, le=1000, description="Traces of each search that the agent is compared with on test logos; 0: none."
    )

    promote: bool = Field(True, description="Let the finished run's version compete for champion.")
    require_approval: bool = Field(False, description="Ask a person, in Prefect's UI, before it becomes champion.")

    quality_weight: float = Field(1.0, ge=0, le=100, description="Gain of halving the SSIM error.")
    size_weight: float = Field(0.5, ge=0, le=100, description="Gain of halving the bytes.")
    least_size_weight: float = Field(
        0.25, gt=0, le=100, description="Training draws each episode's size weight from here, log-uniformly,"
    )
    greatest_size_weight: float = Field(2.0, gt=0, le=100, description="to here.")
    speed_weight: float = Field(0.0, ge=0, le=100, description="Gain of halving the time (not reproducible).")
    tuned: tuple[str, ...] = Field(
        DEFAULT_TUNED, strict=False, description="Parameters that the agent chooses, in order."
    )
    fixed: dict[str, Any] = Field(default_factory=dict, description="Values of parameters that it does not choose.")
    ppo: PPOSettings = Field(default_factory=PPOSettings, description="Settings of PPO.")
    qa: QASettings = Field(default_factory=QASettings, description="Thresholds of the QA system.")

    @model_validator(mode="after")
    def _consistent(self) -> Stage1Config:
        try:
            _ = self.action_space
        except ParameterError as error:
            raise ValueError(str(error)) from error
        if self.images == "none" and not self.generated_logos:
            raise ValueError("images = 'none' needs generated_logos of 1 or more")
        if self.splits == "folders" and self.images in ("default", "none"):
            raise ValueError(f"splits = 'folders' needs images to be a folder, not {self.images!r}")
        if self.least_size_weight > self.greatest_size_weight:
            raise ValueError(
                f"least_size_weight = {self.least_size_weight:g} is above"
                f" greatest_size_weight = {self.greatest_size_weight:g}"
            )
        return self

    @property
    def action_space(self) -> ActionSpace:
        """The action space that ``tuned`` and ``fixed`` describe."""
        return ActionSpace(self.tuned, self.fixed)

    @property
    def data_seed(self) -> int:
        """What generated logos are drawn with."""
        return self.seed if self.generated_seed < 0 else self.generated_seed

    @property
    def chunk_count(self) -> int:
        """Number of chunks: each ends in a validation, the last may be shorter."""
        return -(-self.target_episodes // self.validation_frequency)

    @property
    def weights(self) -> Weights:
        """Weights of the gain."""
        return Weights(self.quality_weight, self.size_weight, self.speed_weight)

    @property
    def target(self) -> Target:
        """When a logo is a success."""
        return Target(self.ssim_improvement_threshold, self.quality_target)


NESTED_SETTINGS: Mapping[str, type[BaseModel]] = {"ppo": PPOSettings, "qa": QASettings}
"""Fields of ``Stage1Config`` that have fields of their own."""


def load_config(file: Path | None = None, overrides: Mapping[str, Any] | None = None) -> Stage1Config:
    """The defaults, then a TOML file's values, then ``overrides`` (``ppo`` and ``qa`` are nested in both).

    Raises:
        ConfigError: the file can't be read, or a field is unknown, of a wrong type or out of range.
    """
    values: dict[str, Any] = {}
    if file is not None:
        try:
            values = tomllib.loads(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigError(f"config file {file}: {error}") from error
    for name, value in (overrides or {}).items():
        nested = isinstance(value, Mapping) and isinstance(values.get(name), dict)
        values[name] = {**values[name], **value} if nested else value
    try:
        return Stage1Config.model_validate(values)
    except ValidationError as error:
        raise ConfigError("; ".join(_complaint(item) for item in error.errors())) from error


def _complaint(item: Any) -> str:
    path = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        owner = NESTED_SETTINGS.get(str(item["loc"][0]), Stage1Config)
        return f"{path}: unknown field; known are {', '.join(owner.model_fields)}"
    if item["type"] == "value_error":
        return str(item["msg"]).removeprefix("Value error, ")
    allowed = allowed_values(path)
    return f"{path} = {item['input']!r}: {item['msg'].lower()}" + (f"; allowed: {allowed}" if allowed else "")


def allowed_values(path: str) -> str:
    """The range of a field (``seed``, ``ppo.epochs``) in words, from its JSON schema; empty where it has none."""
    schema = Stage1Config.model_json_schema()
    field: dict[str, Any] = schema
    for part in path.split("."):
        if "$ref" in field:
            field = schema["$defs"][field["$ref"].rpartition("/")[2]]
        field = field.get("properties", {}).get(part, {})
    if "enum" in field:
        return ", ".join(map(str, field["enum"]))
    low = field.get("minimum", field.get("exclusiveMinimum"))
    high = field.get("maximum", field.get("exclusiveMaximum"))
    if low is None or high is None:
        return {"boolean": "true or false"}.get(field.get("type", ""), "")
    above = "above " if "exclusiveMinimum" in field else ""
    under = "under " if "exclusiveMaximum" in field else ""
    kind = "whole number, " if field.get("type") == "integer" else ""
    return f"{kind}{above}{low:g} to {under}{high:g}" if abs(low) < 1e6 and high < 1e6 else f"{kind}{low} to {high}"
