"""Panels of the figures: each function fills one pair of axes from the records, and says so where there is nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from rlcore.judging.validation import LogoResult, Validation
from rlcore.records import Rollout
from rlcore.reporting.drawing import (
    DASHES,
    Theme,
    finite,
    legend_above,
    note,
    percent_axis,
    rolling_mean,
    style,
    whole_numbers,
)
from rlcore.statistics import estimate

EPISODES = "training episodes"
TRACES = "traces spent on a logo"
GAIN = "mean best gain (1 = error halved)"


def gain_panel(
    axes: Axes,
    theme: Theme,
    rollouts: Sequence[Rollout],
    validations: Sequence[Validation],
    baselines: Sequence[Validation],
    test: Validation | None,
) -> None:
    """Gain of training and validation over episodes, the best model on the test split, and baselines as lines."""
    style(axes, theme, "Gain over plain VTracer", GAIN, EPISODES)
    _train_and_validation(axes, theme, rollouts, validations, "gain")
    where = " (test logos)" if test is not None else ""
    if test is not None:
        star: dict[str, Any] = {"color": theme.agent, "marker": "*", "markersize": 15, "linestyle": "none", "zorder": 4}
        axes.plot([test.episode], [test.headline().gain], label=f"best model{where}", **star)
    for number, baseline in enumerate(baselines):
        axes.axhline(baseline.headline().gain, label=f"{_with_budget(baseline)}{where}", **_line(theme, number))
    _note_if_empty(axes, theme)
    legend_above(axes, theme, 3)


def _line(theme: Theme, number: int) -> dict[str, Any]:
    """The look of the baseline with this number."""
    color, dashes = theme.others[number % len(theme.others)], DASHES[number % len(DASHES)]
    return {"color": color, "linestyle": dashes, "linewidth": 1.4}


def _with_budget(validation: Validation) -> str:
    return f"{validation.searcher}, {validation.budget} trace{'s' if validation.budget > 1 else ''}"


def _note_if_empty(axes: Axes, theme: Theme) -> None:
    if not axes.has_data():
        note(axes, theme, "nothing recorded yet")


def curve_panel(
    axes: Axes,
    theme: Theme,
    labels: tuple[str, str],
    rollouts: Sequence[Rollout],
    validations: Sequence[Validation],
    field: str,
    threshold: tuple[float, str],
) -> None:
    """A field that rollouts and summaries share, over episodes, with a threshold (value and meaning)."""
    style(axes, theme, *labels, EPISODES)
    _train_and_validation(axes, theme, rollouts, validations, field)
    axes.axhline(threshold[0], color=theme.ink, linestyle=DASHES[0], linewidth=1.2, label=threshold[1])
    if field == "success_rate":
        percent_axis(axes)
    legend_above(axes, theme, 2)


def _train_and_validation(
    axes: Axes, theme: Theme, rollouts: Sequence[Rollout], validations: Sequence[Validation], field: str
) -> None:
    """Training in orange, by rollout and smoothed; validation in blue."""
    episodes = [rollout.episode for rollout in rollouts]
    values = finite([getattr(rollout, field) for rollout in rollouts])
    window = max(3, min(9, len(values) // 10 * 2 + 1))
    if rollouts:
        look: dict[str, Any] = {"alpha": 0.55, "marker": ".", "markersize": 5, "linewidth": 0.7}
        axes.plot(episodes, values, color=theme.training, label="training, by rollout", **look)
    if len(values) > window:
        smooth = rolling_mean(values, window)
        axes.plot(episodes, smooth, color=theme.training, linewidth=2.4, label=f"training, mean of {window}")
    if validations:
        points = finite([getattr(validation.headline(), field) for validation in validations])
        axes.plot(
            [v.episode for v in validations], points, color=theme.agent, marker="o", linewidth=2, label="validation"
        )


def gain_by_traces_panel(axes: Axes, theme: Theme, validations: Sequence[Validation]) -> None:
    """Gain after 1, 2, ... traces at the first, the middle and the last validation."""
    style(axes, theme, "Validation gain by traces", GAIN, TRACES)
    chosen = sorted({0, len(validations) // 2, len(validations) - 1}) if validations else []
    for number, index in enumerate(chosen):
        validation = validations[index]
        look: dict[str, Any] = {
            "alpha": 0.25 + 0.75 * (number + 1) / len(chosen),
            "marker": "os^"[number],
            "linestyle": DASHES[1] if index == 0 and len(chosen) > 1 else "-",
        }
        label = f"{validation.episode:,} episodes" if validation.episode else "before PPO"
        axes.plot(*_gain_curve(validation), color=theme.agent, label=label, **look)
    whole_numbers(axes)
    _note_if_empty(axes, theme)
    legend_above(axes, theme, 2)


def _gain_curve(validation: Validation) -> tuple[list[int], list[float]]:
    traces = list(range(1, validation.budget + 1))
    return traces, [validation.gain_after(count) for count in traces]


def ppo_panel(axes: Axes, theme: Theme, rollouts: Sequence[Rollout], labels: tuple[str, str], *names: str) -> None:
    """One of PPO's own figures, under the first of ``names`` that was recorded; gaps where it was not finite."""
    style(axes, theme, *labels, EPISODES)
    recorded = next((name for name in names if any(name in rollout.train for rollout in rollouts)), None)
    values = finite([rollout.train.get(recorded or "") for rollout in rollouts])
    if not np.isfinite(values).any():
        note(axes, theme, "not recorded")
        return
    axes.plot([rollout.episode for rollout in rollouts], values, color=theme.training, marker=".", markersize=5)


def velocity_panel(axes: Axes, theme: Theme, rollouts: Sequence[Rollout]) -> None:
    """Episodes per second of each rollout, from zero."""
    style(axes, theme, "Velocity", "episodes per second", EPISODES)
    if not rollouts:
        note(axes, theme, "nothing recorded yet")
        return
    velocities = [rollout.episodes_per_second for rollout in rollouts]
    axes.plot([r.episode for r in rollouts], velocities, color=theme.good, marker=".", markersize=5)
    axes.set_ylim(0, max(velocities) * 1.1 or 1.0)


def measure_panel(
    axes: Axes, theme: Theme, labels: tuple[str, str], validations: Sequence[Validation], field: str
) -> None:
    """A field of the logos' results over episodes: mean with 95 % interval, opaque and transparent apart beside it."""
    style(axes, theme, *labels, EPISODES)
    known = [v for v in validations if all(getattr(result, field) is not None for result in v.of())]
    if not known:
        note(axes, theme, "not measured")
        return
    episodes = [validation.episode for validation in known]
    means, lows, highs = np.array([_interval([getattr(r, field) for r in v.of()]) for v in known]).T
    axes.plot(episodes, means, color=theme.agent, marker="o", linewidth=2, label="judged, 95 % interval")
    spans = [means - lows, highs - means]
    axes.errorbar(episodes, means, spans, fmt="none", ecolor=theme.agent, capsize=3, elinewidth=1)
    for number, has_alpha in enumerate((False, True)):
        parts = [validation.of(has_alpha=has_alpha) for validation in known]
        if all(0 < len(part) < len(v.of()) for part, v in zip(parts, known, strict=True)):
            values = [float(np.mean([getattr(result, field) for result in part])) for part in parts]
            look: dict[str, Any] = {"marker": "s^"[number], "markersize": 4, **_line(theme, number)}
            axes.plot(episodes, values, label="transparent" if has_alpha else "opaque", **look)


def _interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean with its 95 % bootstrap interval over the logos."""
    interval = estimate(values)
    return interval.mean, interval.low, interval.high


def logos_panel(axes: Axes, theme: Theme, test: Validation, other: Validation | None, improvement: float) -> None:
    """Each logo by bytes ratio (log2) and SSIM improvement; where a success lies is shaded."""
    style(axes, theme, "What each held-out logo gets", "SSIM improvement (share of error gone)",
          "bytes / plain VTracer's bytes (log scale)")  # fmt: skip
    axes.set_xscale("log", base=2)
    _scatter(axes, test, color=theme.agent, marker="o", s=24, alpha=0.8, linewidths=0, zorder=3)
    if other is not None:
        _scatter(axes, other, marker="^", facecolors="none", edgecolors=theme.others[0], s=26, linewidths=1)
    shown = [*test.of(), *(other.of() if other is not None else ())]
    ratios, improvements = [r.bytes_ratio for r in shown], [r.ssim_improvement for r in shown]
    low, high = min(*ratios, 0.5) / 1.25, max(*ratios, 1.0) * 1.25
    label = f"success: over {improvement:g} at no more bytes"
    axes.fill_between([low, 1], improvement, 1.05, color=theme.good, alpha=0.14, linewidth=0, zorder=0, label=label)
    axes.set_xlim(low, high)
    axes.set_ylim(min(-0.05, *improvements), 1.05)
    axes.xaxis.set_major_locator(FixedLocator([2.0**power for power in range(-8, 9)]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(_as_fraction))
    legend_above(axes, theme, 1)


def _as_fraction(value: float, _: int | None) -> str:
    return f"{value:g}" if value >= 1 else f"1/{1 / value:g}"


def _scatter(axes: Axes, validation: Validation, **look: Any) -> None:
    results = validation.of()
    kept = sum(result.parameters is None for result in results)
    label = _with_budget(validation) + (f" ({kept} of {len(results)} stay plain)" if kept else "")
    axes.scatter([r.bytes_ratio for r in results], [r.ssim_improvement for r in results], label=label, **look)


def gain_against_traces_panel(axes: Axes, theme: Theme, test: Validation, baselines: Sequence[Validation]) -> None:
    """The agent's curve with its interval; a baseline of one trace is a line, one of more a curve."""
    style(axes, theme, "Gain by traces on held-out logos", GAIN, TRACES)
    traces, gains = _gain_curve(test)
    bounds = [_interval([result.gains[count - 1] for result in test.of()])[1:] for count in traces]
    lows, highs = np.array(bounds).T
    axes.fill_between(traces, lows, highs, color=theme.agent, alpha=0.18, linewidth=0)
    label = f"{test.searcher}, 95 % interval"
    axes.plot(traces, gains, color=theme.agent, marker="o", linewidth=2.2, zorder=3, label=label)
    for number, baseline in enumerate(baselines):
        if baseline.budget == 1:
            axes.axhline(baseline.headline().gain, label=_with_budget(baseline), **_line(theme, number))
        else:
            axes.plot(*_gain_curve(baseline), marker=".", label=_with_budget(baseline), **_line(theme, number))
    reference = _reference(test.of())
    if reference is not None:
        axes.axhline(reference, color=theme.muted, linewidth=1.2, label="reference: a long search")
    whole_numbers(axes)
    legend_above(axes, theme, 2)


def _reference(results: Sequence[LogoResult]) -> float | None:
    """Mean reference gain; None unless every logo has one: over other logos it could not be compared."""
    gains = [result.gain + result.regret for result in results if result.regret is not None]
    return float(np.mean(gains)) if len(gains) == len(results) else None
