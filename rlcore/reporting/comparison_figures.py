"""Pictures of a comparison: gain against traces of every searcher, and the agent's lead over its rivals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from rlcore.judging.standings import BEST_SINGLE, REFERENCE, ComparisonTable, Curve, Standing
from rlcore.reporting.comparison_findings import rivals
from rlcore.reporting.drawing import DASHES, Theme, apart, legend_above, note, png, sheet, style, theme_of
from rlcore.reporting.panels import GAIN, TRACES

TICKS = (1, 2, 4, 8, 16, 32, 50, 100, 200, 400, 1000)
LABEL_GAP = 0.042
"""Least distance of two labels, as a share of the height."""


def gain_curves(table: ComparisonTable, *, dark: bool = False) -> bytes:
    """Mean best gain against traces (log scale) with 95 % bands; what ends earlier goes on as a dotted level."""
    theme = theme_of(dark)
    figure = sheet(12, 6.2, theme)
    curves_panel(figure.add_subplot(), theme, table)
    return png(figure)


def leads(table: ComparisonTable, *, dark: bool = False) -> bytes:
    """The agent's gain minus each rival's, with 95 % intervals."""
    theme = theme_of(dark)
    figure = sheet(6, 5.4, theme)
    leads_panel(figure.add_subplot(), theme, rivals(table))
    return png(figure)


@dataclass(frozen=True, slots=True)
class _Line:
    """A line with the text at its right end."""

    text: str
    traces: Sequence[int]
    curve: Curve
    look: dict[str, Any]


def curves_panel(axes: Axes, theme: Theme, table: ComparisonTable) -> None:
    """The agent's curve before all others, each named at the right, where its last level is."""
    style(axes, theme, "Gain by traces, with 95 % intervals over the logos", GAIN, f"{TRACES} (log scale)")
    lines = [*_curves(theme, table), *_levels(theme, table)]
    end = max(2, *(line.traces[-1] for line in lines))
    lowest = min(min(line.curve.lows) for line in lines)
    highest = max(max(line.curve.highs) for line in lines)
    room = 0.04 * (highest - lowest) or 0.1
    axes.set_xscale("log")
    axes.set_xlim(0.95, end)
    axes.set_ylim(lowest - room, highest + room)
    for line in lines:
        _draw(axes, line, end)
    _name(axes, theme, lines, end)
    axes.xaxis.set_major_locator(FixedLocator([tick for tick in TICKS if tick <= end]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _curves(theme: Theme, table: ComparisonTable) -> list[_Line]:
    lines = []
    for number, curve in enumerate(table.curves):
        look: dict[str, Any] = {"color": theme.agent, "linewidth": 3, "zorder": 4}
        if number:
            color, dashes = theme.others[(number - 1) % len(theme.others)], DASHES[(number - 1) % len(DASHES)]
            look = {"color": color, "linestyle": dashes, "linewidth": 1.7, "zorder": 3}
        count = len(curve.means)
        text = f"{curve.searcher}, {count} {'trace' if count == 1 else 'traces'}: {curve.means[-1]:.2f}"
        lines.append(_Line(text, range(1, count + 1), curve, look))
    return lines


def _levels(theme: Theme, table: ComparisonTable) -> list[_Line]:
    """Best single setting and reference search: a level each."""
    found = [s for s in table.standings if s.searcher in (BEST_SINGLE, REFERENCE)]
    look: dict[str, Any] = {"color": theme.muted, "linewidth": 1.2}
    return [_Line(_level_text(s), [1], Curve(s.searcher, *[(s.summary.gain,)] * 3), look) for s in found]


def _level_text(standing: Standing) -> str:
    count = standing.traces
    return f"{standing.searcher}, {count} {'trace' if count == 1 else 'traces'}: {standing.summary.gain:.2f}"


def _draw(axes: Axes, line: _Line, end: int) -> None:
    curve, last, color = line.curve, line.traces[-1], line.look["color"]
    if len(line.traces) > 1:
        axes.fill_between(line.traces, curve.lows, curve.highs, color=color, alpha=0.08, linewidth=0)
        axes.plot(line.traces, curve.means, **line.look)
        axes.plot([last], [curve.means[-1]], color=color, marker="o", markersize=5, zorder=5)
    look = {**line.look, "linestyle": ":", "linewidth": 1.1, "zorder": 2}
    axes.plot([last, end], [curve.means[-1]] * 2, **look)


def _name(axes: Axes, theme: Theme, lines: Sequence[_Line], end: int) -> None:
    """Names beside the axes, as near to their lines as they can be without touching each other."""
    low, high = axes.get_ylim()
    heights = [(line.curve.means[-1] - low) / (high - low) for line in lines]
    for line, at in zip(lines, apart(heights, LABEL_GAP), strict=True):
        is_agent = line is lines[0]
        axes.annotate(
            line.text,
            xy=(end, line.curve.means[-1]),
            xytext=(1.03, at),
            textcoords="axes fraction",
            color=line.look["color"],
            fontsize=9.5,
            fontweight="bold" if is_agent else "normal",
            va="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": line.look["color"], "linewidth": 0.8, "relpos": (0, 0.5)},
        )


def leads_panel(axes: Axes, theme: Theme, standings: Sequence[Standing]) -> None:
    """A row for each rival: mean difference and interval; zero is no difference."""
    style(axes, theme, "How far the agent is ahead", "", "agent's gain − searcher's gain, paired by logo")
    rows = [(standing, standing.lead) for standing in standings if standing.lead is not None]
    if not rows:
        note(axes, theme, "nothing to compare with")
        return
    axes.axvline(0, color=theme.ink, linewidth=1.2)
    for place, (_, lead) in enumerate(reversed(rows)):
        gain = lead.gain
        color = theme.good if gain.low > 0 else theme.others[0] if gain.high < 0 else theme.muted
        axes.plot([gain.low, gain.high], [place, place], color=color, linewidth=2.4, solid_capstyle="round")
        axes.plot([gain.mean], [place], color=color, marker="o", markersize=7)
    names = [f"{standing.searcher}, {standing.traces}\n(agent: {lead.traces})" for standing, lead in rows]
    axes.set_yticks(range(len(rows)), names[::-1])
    axes.set_ylim(-0.6, len(rows) - 0.4)
    for color, meaning in ((theme.good, "ahead"), (theme.muted, "not distinguishable"), (theme.others[0], "behind")):
        axes.plot([], [], color=color, marker="o", linewidth=2.4, label=meaning)
    legend_above(axes, theme, 3)
