"""The plotted panels of the dashboard's picture: each function fills one pair of axes from a run's state."""

from __future__ import annotations

from statistics import StatisticsError, correlation, fmean, median
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from rlcore.config import Stage1Config
from rlcore.progress.milestones import QUALITIES
from rlcore.progress.series import Series
from rlcore.progress.state import ROLLING_EPISODES, RunState
from rlcore.reporting.drawing import DASHES, Theme, legend_above, note, percent_axis, style
from rlcore.reporting.panels import EPISODES, GAIN
from rlcore.reporting.wording import NARROW, decimal, duration, percent

MOST_POINTS = 3000
"""Drawn of one series."""

FEW_POINTS = 30
"""A line of fewer has its points marked: one alone would not be seen."""

CROWD = 500
"""More dots than this are small and faint."""

NOTHING = "nothing recorded yet"
REWARD = "reward (gain at the episode's size weight)"
SHORT = 20
"""Letters of a baseline's name for which a legend in two columns has room."""


def points(state: RunState, name: str) -> Series:
    """At most 3000 points of a series; none where it was not recorded."""
    # looked up with care: asking for a series makes it
    return state.series[name].sampled(MOST_POINTS) if name in state.series else Series()


def remark(axes: Axes, theme: Theme, text: str) -> None:
    """A few figures at the right end of the title's line."""
    axes.set_title(text, loc="right", fontsize=9, color=theme.muted, pad=6)


def literal(text: str, most: int) -> str:
    """Text from outside on one line, at most so many letters of it, with dollar signs that begin no formula."""
    line = " ".join(text.split())
    line = line if len(line) <= most else f"{line[: most - 1].rstrip()}…"
    return line.replace("$", r"\$")


def training_panel(axes: Axes, theme: Theme, state: RunState, is_lost: bool = False) -> None:
    """Rewards of the episodes with their moving average, as far as the target, and the time left."""
    style(axes, theme, "1  Training progress", REWARD, EPISODES)
    remark(axes, theme, "" if is_lost else _time_left(state))
    if not _dots_and_mean(axes, theme, state, "reward"):
        return
    _up_to_target(axes, state)
    legend_above(axes, theme, 2)


def _time_left(state: RunState) -> str:
    left = state.time_left
    if left is not None:
        return f"ETA {duration(left.seconds)} (95 %: {duration(left.low)} to {duration(left.high)})"
    return "all episodes are done" if 0 < state.target_episodes <= state.episode else ""


def quality_panel(axes: Axes, theme: Theme, state: RunState, config: Stage1Config) -> None:
    """SSIM of the episodes with its moving average, and the values it is to reach."""
    style(axes, theme, "2  Quality", "SSIM of what would be delivered", EPISODES)
    if not _dots_and_mean(axes, theme, state, "quality"):
        return
    mean = state.series["episode/quality_mean"].y[-1]
    remark(axes, theme, f"mean of the last {ROLLING_EPISODES}: {decimal(mean, 4)}")
    target = config.quality_target
    axes.axhline(target, color=theme.ink, linestyle=DASHES[0], linewidth=1.2, label=f"target: {target:g}")
    for value in sorted({*QUALITIES} - {target}):
        axes.axhline(value, color=theme.muted, linestyle=DASHES[1], linewidth=1.2, label=f"{value:.2f}")
    _episode_axis(axes)
    legend_above(axes, theme, 5)


def _dots_and_mean(axes: Axes, theme: Theme, state: RunState, name: str) -> bool:
    """A figure of each episode and the moving average; says so, and returns false, where there is none."""
    dots, mean = points(state, f"episode/{name}"), points(state, f"episode/{name}_mean")
    if not dots.x:
        note(axes, theme, NOTHING)
        return False
    look: dict[str, Any] = {"color": theme.training, "linestyle": "none", "marker": ".", "markeredgewidth": 0}
    size, alpha = (4, 0.35) if len(dots.x) > CROWD else (7, 0.6)
    axes.plot(dots.x, dots.y, markersize=size, alpha=alpha, **look)
    axes.plot([], [], markersize=10, label="episode", **look)  # in the legend it has to be seen alone
    _line(axes, mean, theme.agent, f"mean of {ROLLING_EPISODES} episodes", on=theme.ground)
    return True


def _line(axes: Axes, curve: Series, color: str, label: str, *, on: str = "", **look: Any) -> None:
    """A curve; ``on`` a crowd of dots it has a rim in the colour of the ground."""
    rim = [withStroke(linewidth=4.5, foreground=on)] if on else None
    marker = "." if len(curve.x) < FEW_POINTS else ""
    settings: dict[str, Any] = {"linewidth": 2.2, "marker": marker, "path_effects": rim, **look}
    axes.plot(curve.x, curve.y, color=color, label=label, **settings)


def _episode_axis(axes: Axes) -> None:
    axes.set_xlim(left=min(0.0, axes.get_xlim()[0]))
    axes.xaxis.set_major_locator(_round_numbers())
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))


def _round_numbers() -> MaxNLocator:
    """Whole numbers at the ticks, never by sixes or by 15."""
    return MaxNLocator("auto", steps=[1, 2, 5, 10], integer=True)


def _up_to_target(axes: Axes, state: RunState) -> None:
    """Room for all episodes of the run, so that what is missing is seen."""
    known = [state.series[name].x[-1:] for name in ("episode/reward", "validation/gain") if name in state.series]
    end = max([1.0, state.target_episodes, *(last[0] for last in known if last)])
    axes.set_xlim(-0.015 * end, 1.015 * end)
    _episode_axis(axes)


def validation_panel(axes: Axes, theme: Theme, state: RunState) -> None:
    """Gain on the validation logos with its interval, the baselines as lines, and the test's as a star."""
    style(axes, theme, "3  Validation", GAIN, EPISODES)
    gains, baselines = points(state, "validation/gain"), state.baselines.get("validation", [])
    if not (gains.x or baselines or state.test):
        note(axes, theme, NOTHING)
        return
    floor = _lowest_in_view(state)
    if gains.x:
        best = max(zip(gains.y, (-x for x in gains.x), strict=True))
        remark(axes, theme, f"best gain: {decimal(best[0])} at episode {-best[1]:,.0f}")
        _interval(axes, theme, state, "gain", "agent, 95 % interval")
    for number, baseline in enumerate(baselines):
        color, dashes = theme.others[number % len(theme.others)], DASHES[number % len(DASHES)]
        label = _baseline_label(baseline) + (" (below)" if baseline["gain"] < floor else "")
        axes.axhline(baseline["gain"], color=color, linestyle=dashes, linewidth=1.4, label=label)
    if state.test is not None:
        star: dict[str, Any] = {"marker": "*", "markersize": 15, "linestyle": "none", "zorder": 4}
        label = f"best model, test logos: {decimal(state.test['gain'])}"
        axes.plot([state.test["episode"]], [state.test["gain"]], color=theme.agent, label=label, **star)
    _look_at_agent(axes, state, floor)
    _up_to_target(axes, state)
    legend_above(axes, theme, 2)


def _baseline_label(baseline: dict[str, Any]) -> str:
    traces = baseline["traces"]
    name = literal(baseline["searcher"], SHORT)
    return f"{name}, {traces} trace{'s' if traces > 1 else ''}: {decimal(baseline['gain'], 2)}"


def _lowest_in_view(state: RunState) -> float:
    """Baselines that halve the error once less than the agent at its worst would squeeze all that is of interest."""
    lows = points(state, "validation/gain_low").y
    return min(lows) - 1.0 if lows else -np.inf


def _look_at_agent(axes: Axes, state: RunState, floor: float) -> None:
    tested = [state.test["gain"]] if state.test is not None else []
    near = [b["gain"] for b in state.baselines.get("validation", []) if b["gain"] >= floor]
    bounds = [y for end in ("low", "high") for y in points(state, f"validation/gain_{end}").y]
    values = [*tested, *near, *bounds]
    room = 0.08 * (max(values) - min(values)) or 0.1
    axes.set_ylim(min(values) - room, max(values) + room)


def _interval(axes: Axes, theme: Theme, state: RunState, name: str, label: str) -> None:
    """A measure of the validations with its 95 % band."""
    means = points(state, f"validation/{name}")
    ends = [state.series[f"validation/{name}_{end}"] for end in ("low", "high")]
    low, high = (np.interp(means.x, end.x, end.y) for end in ends)  # the same episodes, however many were left out
    axes.fill_between(means.x, low, high, color=theme.agent, alpha=0.18, linewidth=0)
    axes.vlines(means.x, low, high, color=theme.agent, alpha=0.5, linewidth=1.0)  # a single one has no band
    axes.plot(means.x, means.y, color=theme.agent, marker="o", markersize=5, linewidth=2, label=label)


def success_panel(axes: Axes, theme: Theme, state: RunState, config: Stage1Config) -> None:
    """Success rate of the last episodes, and on the validation logos with its interval, under the target."""
    style(axes, theme, "4  Success rate", "share of logos", EPISODES)
    rolling, judged = points(state, "episode/success_mean"), points(state, "validation/success_rate")
    if not (rolling.x or judged.x):
        note(axes, theme, NOTHING)
        return
    if rolling.x:
        _line(axes, rolling, theme.training, f"last {ROLLING_EPISODES} training episodes", linewidth=1.6)
    if judged.x:
        remark(axes, theme, f"last validation: {percent(judged.y[-1])}")
        _interval(axes, theme, state, "success_rate", "validation, 95 % interval")
    target = config.success_rate_threshold
    meaning = f"target: {100 * target:g}{NARROW}%"
    axes.axhline(target, color=theme.ink, linestyle=DASHES[0], linewidth=1.2, label=meaning)
    percent_axis(axes)
    _up_to_target(axes, state)
    legend_above(axes, theme, 1)  # beside the panel of the baselines: so both titles are about as high


def reward_panel(axes: Axes, theme: Theme, state: RunState) -> None:
    """How the rewards of the recent episodes are spread."""
    style(axes, theme, "7  Reward distribution", "episodes", REWARD)
    rewards = [episode.reward for episode in state.recent]
    if not rewards:
        note(axes, theme, NOTHING)
        return
    remark(axes, theme, f"last {len(rewards):,} episodes")
    axes.hist(rewards, bins=30, color=theme.training, alpha=0.6, edgecolor=theme.ground)
    mean, middle = fmean(rewards), median(rewards)
    axes.axvline(mean, color=theme.agent, linewidth=2.2, label=f"mean: {decimal(mean)}")
    axes.axvline(middle, color=theme.ink, linestyle=DASHES[0], linewidth=1.8, label=f"median: {decimal(middle)}")
    axes.yaxis.set_major_locator(_round_numbers())
    legend_above(axes, theme, 2)


def gain_panel(axes: Axes, theme: Theme, state: RunState) -> None:
    """Each recent episode by gain and quality, successes and others apart."""
    style(axes, theme, "8  Quality against gain", "SSIM of what would be delivered", "gain at the run's size weight")
    if not state.recent:
        note(axes, theme, NOTHING)
        return
    remark(axes, theme, _correlation(state))
    looks = (("success", True, theme.good, "o"), ("no success", False, theme.others[0], "^"))
    for label, success, color, marker in looks:
        shown = [episode for episode in state.recent if episode.success == success]
        places = [episode.gain for episode in shown], [episode.quality for episode in shown]
        look: dict[str, Any] = {"color": color, "marker": marker, "s": 20, "alpha": 0.6, "linewidths": 0}
        axes.scatter(*places, label=f"{label}: {len(shown):,}", **look)
    legend_above(axes, theme, 2)


def _correlation(state: RunState) -> str:
    count = len(state.recent)
    try:
        found = correlation([e.gain for e in state.recent], [e.quality for e in state.recent])
    except StatisticsError:  # of one episode, or of equal ones
        return f"no correlation coefficient, {count:,} episode{'s' if count > 1 else ''}"
    return f"correlation r = {decimal(found, 2)}, last {count:,} episodes"


def velocity_panel(axes: Axes, theme: Theme, state: RunState) -> None:
    """Episodes per minute of each rollout, from zero, with their mean over the time of training."""
    style(axes, theme, "9  Velocity", "episodes per minute", EPISODES)
    paces = points(state, "rollout/episodes_per_minute")
    if not paces.x:
        note(axes, theme, NOTHING)
        return
    mean = 60 * state.mean_velocity
    remark(axes, theme, f"lately: {_pace(60 * state.velocity)} a minute")
    look: dict[str, Any] = {"linewidth": 1.2, "marker": ".", "markersize": 5}
    _line(axes, paces, theme.good, "rollout", **look)
    axes.axhline(mean, color=theme.ink, linestyle=DASHES[0], linewidth=1.2, label=f"mean: {_pace(mean)}")
    axes.set_ylim(0, max(paces.y) * 1.1 or 1.0)
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    _episode_axis(axes)
    legend_above(axes, theme, 2)


def _pace(episodes: float) -> str:
    return f"{episodes:,.0f}" if episodes >= 10 else f"{episodes:.2g}"


def system_panel(axes: Axes, theme: Theme, state: RunState) -> None:
    """Memory of the run over the time since it began, the machine's CPU on an axis of its own."""
    style(axes, theme, "10  System", "memory (MiB)", "minutes since the run began")
    memory, system = points(state, "system/memory_mib"), state.system
    if not memory.x or system is None:
        note(axes, theme, NOTHING)
        return
    workers = system["workers"]
    free = f"{system['disk_free_mib'] / 1024:,.1f} GiB of disk free"
    remark(axes, theme, f"{free}, {workers:,} worker{'' if workers == 1 else 's'}")
    _by_minutes(axes, state, memory, theme.agent, "all processes")
    _by_minutes(axes, state, points(state, "system/main_memory_mib"), theme.others[0], "main process", DASHES[0])
    axes.set_ylim(0, max(memory.y) * 1.1 or 1.0)
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.plot([], [], color=theme.muted, linewidth=1.0, label="CPU (right)")
    _cpu(axes, theme, state)
    legend_above(axes, theme, 3)


def _by_minutes(axes: Axes, state: RunState, curve: Series, color: str, label: str, dashes: Any = "-") -> None:
    begun = state.begun or state.series["system/memory_mib"].x[0]
    minutes = Series([(time - begun) / 60 for time in curve.x], curve.y)
    _line(axes, minutes, color, label, linewidth=1.8, linestyle=dashes)


def _cpu(axes: Axes, theme: Theme, state: RunState) -> None:
    right = axes.twinx()
    style(right, theme, "", "CPU (% of all cores)", "")
    right.grid(False)
    right.spines["right"].set_visible(True)
    right.set_ylim(0, 105)
    cpu = points(state, "system/cpu_percent")
    _by_minutes(right, state, cpu, theme.muted, "")
    right.lines[-1].set(linewidth=1.0, alpha=0.6)
    axes.set_zorder(right.get_zorder() + 1)  # memory over CPU, which flickers
    axes.patch.set_visible(False)
