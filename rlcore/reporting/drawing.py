"""What every figure shares: themes, panels, legends that cover no data, and PNG bytes that depend on nothing else.

Only matplotlib's objects are used, never pyplot with its global figures, so figures may be made in any thread.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

DOTS_PER_INCH = 120


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours by role. Series colours are Okabe and Ito's, which colour-blind readers tell apart.

    https://jfly.uni-koeln.de/color/; on a dark ground the darker ones are lightened.
    """

    ground: str
    ink: str
    muted: str
    grid: str
    training: str
    agent: str
    good: str
    others: tuple[str, ...]


LIGHT = Theme(
    ground="#ffffff",
    ink="#1f2328",
    muted="#59636e",
    grid="#e4e7eb",
    training="#e69f00",
    agent="#0072b2",
    good="#009e73",
    others=("#d55e00", "#9c4f80", "#009e73", "#000000", "#8a6d00", "#56b4e9"),
)
DARK = Theme(
    ground="#161b22",
    ink="#e6edf3",
    muted="#9da7b3",
    grid="#2d343d",
    training="#e69f00",
    agent="#56b4e9",
    good="#2fc79a",
    others=("#f08a4b", "#e09bc4", "#2fc79a", "#ffffff", "#f0e442", "#9ecae1"),
)
DASHES: tuple[tuple[int, tuple[float, ...]], ...] = (
    (0, (5, 2)),
    (0, (1, 1.5)),
    (0, (5, 2, 1, 2)),
    (0, (8, 3)),
    (0, (3, 1, 1, 1, 1, 1)),
    (0, (2, 3)),
)
"""Line styles beside the colours: a grey print still tells the lines apart."""


def theme_of(dark: bool) -> Theme:
    """The theme for a dark or a light page."""
    return DARK if dark else LIGHT


def sheet(width_inches: float, height_inches: float, theme: Theme) -> Figure:
    """An empty figure that finds room for labels and legends by itself."""
    figure = Figure(figsize=(width_inches, height_inches), dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    figure.set_facecolor(theme.ground)
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.set(w_pad=0.12, h_pad=0.1, wspace=0.02, hspace=0.02)  # type: ignore[call-arg]
    return figure


def style(axes: Axes, theme: Theme, title: str, y_label: str, x_label: str) -> None:
    """Title, labels with units, a quiet grid and no frame on top and right."""
    axes.set_facecolor(theme.ground)
    axes.set_title(title, loc="left", fontsize=11, fontweight="bold", color=theme.ink, pad=6)
    axes.set_xlabel(x_label, fontsize=9, color=theme.muted)
    axes.set_ylabel(y_label, fontsize=9, color=theme.muted)
    axes.tick_params(colors=theme.muted, which="both", labelsize=9)
    axes.grid(True, color=theme.grid, linewidth=0.8)
    axes.set_axisbelow(True)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(theme.muted)


def legend_above(axes: Axes, theme: Theme, columns: int) -> None:
    """A legend between title and axes, where no data is; none for a panel without labelled series."""
    handles, labels = axes.get_legend_handles_labels()
    if not labels:
        return
    columns = min(columns, len(labels))
    legend = axes.legend(
        handles,
        labels,
        loc="lower left",
        bbox_to_anchor=(-0.01, 1.0),
        ncols=columns,
        fontsize=8.5,
        frameon=False,
        labelcolor=theme.ink,
        borderpad=0.2,
        borderaxespad=0.2,
        labelspacing=0.35,
        columnspacing=1.4,
        handlelength=2.4,
    )
    legend.set_zorder(5)
    rows = math.ceil(len(labels) / columns)
    axes.set_title(
        axes.get_title(loc="left"), loc="left", fontsize=11, fontweight="bold", color=theme.ink, pad=8 + 12.5 * rows
    )


def percent_axis(axes: Axes) -> None:
    """Shares on the y axis as whole per cent, 0 to 100 with a little room."""
    axes.set_ylim(-0.03, 1.03)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))


def whole_numbers(axes: Axes) -> None:
    """Only whole numbers on the x axis."""
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def note(axes: Axes, theme: Theme, text: str) -> None:
    """Says in an empty panel why it is empty."""
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=theme.muted, fontsize=10)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(False)


def apart(places: Sequence[float], gap: float) -> list[float]:
    """The places moved as little as needed to lie at least ``gap`` from each other, in the same order."""
    order = sorted(range(len(places)), key=lambda index: places[index])
    blocks: list[list[int]] = []
    for index in order:
        blocks.append([index])
        # neighbours that touch move as one block, centred where its members would be
        while len(blocks) > 1 and _start(blocks[-1], places, gap) < _start(blocks[-2], places, gap) + gap * len(
            blocks[-2]
        ):
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    found = dict.fromkeys(range(len(places)), 0.0)
    for block in blocks:
        for number, index in enumerate(block):
            found[index] = _start(block, places, gap) + gap * number
    return list(found.values())


def _start(block: Sequence[int], places: Sequence[float], gap: float) -> float:
    """Lowest place of a block."""
    return sum(places[index] for index in block) / len(block) - gap * (len(block) - 1) / 2


def finite(values: Sequence[float | None]) -> list[float]:
    """The values with NaN, which is drawn as a gap, for what is missing or infinite."""
    return [value if value is not None and math.isfinite(value) else math.nan for value in values]


def rolling_mean(values: Sequence[float], window: int) -> list[float]:
    """Mean of ``window`` values (odd) around each one, of fewer at both ends."""
    half = window // 2
    parts = [values[max(0, index - half) : index + half + 1] for index in range(len(values))]
    return [sum(part) / len(part) for part in parts]


def png(figure: Figure) -> bytes:
    """The figure as PNG; the same figure gives the same bytes (no date, no version inside)."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", facecolor=figure.get_facecolor(), metadata={"Software": None})
    return buffer.getvalue()
