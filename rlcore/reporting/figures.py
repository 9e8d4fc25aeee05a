"""Pictures of a run, drawn from its records: training progress, validation over episodes, quality against bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rlcore.judging.validation import Validation
from rlcore.records import Rollout
from rlcore.reporting.drawing import DASHES, legend_above, percent_axis, png, sheet, theme_of
from rlcore.reporting.panels import (
    GAIN,
    curve_panel,
    gain_against_traces_panel,
    gain_by_traces_panel,
    gain_panel,
    logos_panel,
    measure_panel,
    ppo_panel,
    velocity_panel,
)

SHARE_GONE = "mean share of SSIM error gone"
BYTES_RATIO = "mean of bytes / plain's bytes"

PPO_PANELS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("PPO: policy loss", "policy loss", ("policy_gradient_loss", "policy_loss")),
    ("PPO: value loss", "value loss (squared return)", ("value_loss",)),
    ("PPO: size of an update", "approximate KL (nats)", ("approx_kl",)),
    ("PPO: value explained", "explained variance of returns", ("explained_variance",)),
    ("PPO: entropy", "entropy loss (nats)", ("entropy_loss", "entropy")),
)
"""Title, label, and Stable-Baselines3's names for the figure (without prefix): the first that was recorded counts."""

MEASURE_PANELS: tuple[tuple[str, str, str], ...] = (
    ("Best gain", GAIN, "gain"),
    ("Success rate", "share of logos", "success"),
    ("SSIM improvement", SHARE_GONE, "ssim_improvement"),
    ("Bytes ratio", BYTES_RATIO, "bytes_ratio"),
    ("Regret", "mean of reference gain − best gain", "regret"),
    ("Quality", "mean SSIM", "quality"),
)
"""Title, label and field of a logo's result."""


def training_progress(
    rollouts: Sequence[Rollout],
    validations: Sequence[Validation],
    *,
    success_rate_threshold: float,
    ssim_improvement_threshold: float,
    baselines: Sequence[Validation] = (),
    test: Validation | None = None,
    dark: bool = False,
) -> bytes:
    """``stage1_training_progress.png``: gain, success, improvement and bytes while training, then PPO's own figures.

    Args:
        rollouts: in order; may be empty.
        validations: the agent on the validation split, the untrained one first; may be empty.
        success_rate_threshold: drawn as a line.
        ssim_improvement_threshold: drawn as a line.
        baselines: drawn as lines, on the logos of ``test`` if that is given, else on those of ``validations``.
        test: the best model on the test split, drawn as a star.
        dark: for a dark page.
    """
    theme = theme_of(dark)
    figure = sheet(12, 15.5, theme)
    grid = figure.add_gridspec(4, 3)
    gain_panel(figure.add_subplot(grid[0, :2]), theme, rollouts, validations, baselines, test)
    rate, share = success_rate_threshold, ssim_improvement_threshold
    curves: list[tuple[Any, str, str, str, float, str]] = [
        (grid[0, 2], "Success rate", "share of logos", "success_rate", rate, f"target: {rate:g}"),
        (grid[1, 0], "SSIM improvement", SHARE_GONE, "ssim_improvement", share, f"success: {share:g}"),
        (grid[1, 1], "Bytes ratio", BYTES_RATIO, "bytes_ratio", 1.0, "plain VTracer"),
    ]
    for cell, title, label, field, threshold, meaning in curves:
        axes = figure.add_subplot(cell)
        curve_panel(axes, theme, (title, label), rollouts, validations, field, (threshold, meaning))
    gain_by_traces_panel(figure.add_subplot(grid[1, 2]), theme, validations)
    for number, (title, label, names) in enumerate(PPO_PANELS):
        ppo_panel(figure.add_subplot(grid[2 + number // 3, number % 3]), theme, rollouts, (title, label), *names)
    velocity_panel(figure.add_subplot(grid[3, 2]), theme, rollouts)
    return png(figure)


def validation_over_episodes(
    validations: Sequence[Validation], *, success_rate_threshold: float, dark: bool = False
) -> bytes:
    """Six measures of the judged category on the validation split, with 95 % intervals over the logos.

    Opaque and transparent logos are drawn apart beside them where there are both.
    """
    theme = theme_of(dark)
    figure = sheet(12, 7.4, theme)
    for number, (title, label, field) in enumerate(MEASURE_PANELS):
        axes = figure.add_subplot(2, 3, number + 1)
        measure_panel(axes, theme, (title, label), validations, field)
        if field == "success" and validations:
            text = f"target: {success_rate_threshold:g}"
            axes.axhline(success_rate_threshold, color=theme.ink, linestyle=DASHES[0], linewidth=1.2, label=text)
            percent_axis(axes)
        legend_above(axes, theme, 2)
    return png(figure)


def quality_against_bytes(
    test: Validation, other: Validation | None = None, *, ssim_improvement_threshold: float, dark: bool = False
) -> bytes:
    """Each held-out logo of the judged category by bytes ratio (log2) and SSIM improvement, with another searcher."""
    theme = theme_of(dark)
    figure = sheet(6, 5.4, theme)
    logos_panel(figure.add_subplot(), theme, test, other, ssim_improvement_threshold)
    return png(figure)


def gain_against_traces(test: Validation, baselines: Sequence[Validation] = (), *, dark: bool = False) -> bytes:
    """The agent's mean best gain on the test split after 1, 2, ... traces, with 95 % intervals, and the baselines'.

    A baseline of one trace is a line, one of more a curve; the reference search is a line where it was run.
    """
    theme = theme_of(dark)
    figure = sheet(6, 5.4, theme)
    gain_against_traces_panel(figure.add_subplot(), theme, test, baselines)
    return png(figure)
