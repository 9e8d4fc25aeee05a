"""The whole dashboard as one picture: ten panels under a header, drawn from what a journal said so far."""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import islice
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patches import Rectangle, Wedge
from matplotlib.text import Text

from rlcore.config import Stage1Config
from rlcore.dashboard.picture_panels import (
    NOTHING,
    gain_panel,
    literal,
    quality_panel,
    remark,
    reward_panel,
    success_panel,
    system_panel,
    training_panel,
    validation_panel,
    velocity_panel,
)
from rlcore.progress.health import Indicator, indicators, score
from rlcore.progress.state import RunState, ToldAlert
from rlcore.reporting.drawing import Theme, note, png, sheet, style, theme_of
from rlcore.reporting.wording import MISSING, percent

WIDTH_INCHES, HEIGHT_INCHES = 40 / 3, 18.5
"""1600 x 2220 px at the sheet's 120 dots per inch."""

HEADER_INCHES = 0.95
MARGIN_INCHES = 0.2
ROW_HEIGHTS = (1.0, 1.2, 1.0, 1.0, 1.0)
"""The panel with the baselines has a long legend."""

LINE_INCHES = 0.158
"""From one line of the news to the next."""

NEWS_COLUMNS_INCHES = (0.0, 0.82, 1.6, 2.06)
"""Where kind, episode, state and message begin."""

LOST = "lost"
"""Of a run whose process is gone: its journal does not say so."""

MOST_LETTERS = 400
"""Looked at of a text from outside, before it is fitted to its place."""


def dashboard_picture(state: RunState, config: Stage1Config, *, word: str = "", dark: bool = False) -> bytes:
    """The dashboard as PNG, 1600 x 2220 px; the same state gives the same bytes.

    Args:
        state: may be of a run that has not begun; it is not changed.
        config: the run's, for its targets and limits.
        word: its state, as ``snapshot.run_word`` gives it; empty: what the journal alone says.
        dark: for a dark page.
    """
    return png(dashboard_figure(state, config, word=word, dark=dark))


def dashboard_figure(state: RunState, config: Stage1Config, *, word: str = "", dark: bool = False) -> Figure:
    """The figure of ``dashboard_picture``: its first ten axes are the panels, in order."""
    theme = theme_of(dark)
    figure = sheet(WIDTH_INCHES, HEIGHT_INCHES, theme)
    grid = figure.add_gridspec(len(ROW_HEIGHTS), 2, height_ratios=ROW_HEIGHTS)
    panels = [figure.add_subplot(grid[number // 2, number % 2]) for number in range(10)]
    training_panel(panels[0], theme, state, is_lost=word == LOST)
    quality_panel(panels[1], theme, state, config)
    validation_panel(panels[2], theme, state)
    success_panel(panels[3], theme, state, config)
    health_panel(panels[4], theme, state, config)
    style(panels[5], theme, "6  Milestones and alerts", "", "")
    reward_panel(panels[6], theme, state)
    gain_panel(panels[7], theme, state)
    velocity_panel(panels[8], theme, state)
    system_panel(panels[9], theme, state)
    _settle(figure)
    _header(figure, theme, state, word)
    news_panel(panels[5], theme, state)
    return figure


def _settle(figure: Figure) -> None:
    """Gives the panels their places for good: from here on it is known how much text has room."""
    engine = figure.get_layout_engine()
    if isinstance(engine, ConstrainedLayoutEngine):
        engine.set(rect=(0.0, 0.0, 1.0, 1 - HEADER_INCHES / HEIGHT_INCHES))
        engine.execute(figure)
    figure.set_layout_engine("none")


def _header(figure: Figure, theme: Theme, state: RunState, word: str) -> None:
    """Name and standing of the run, how far it is, and of when all this is."""
    word, color = (word, theme.others[0]) if word == LOST else _standing(state, theme)
    left, right = MARGIN_INCHES / WIDTH_INCHES, 1 - MARGIN_INCHES / WIDTH_INCHES
    top, below = 1 - 0.34 / HEIGHT_INCHES, 1 - 0.62 / HEIGHT_INCHES
    title = literal(state.name, MOST_LETTERS) or "a run that has not begun"
    ending = figure.text(right, top, word, ha="right", color=color, fontsize=13, fontweight="bold")
    name = figure.text(left, top, title, color=theme.ink, fontsize=16, fontweight="bold")
    details = figure.text(left, below, " · ".join(_details(state)), color=theme.muted, fontsize=10)
    room = (right - left) * WIDTH_INCHES * figure.dpi
    _fit(name, room - ending.get_window_extent().width - MARGIN_INCHES * figure.dpi)
    _fit(details, room)
    share = min(1.0, state.episode / state.target_episodes) if state.target_episodes else 0.0
    place, height = (left, 1 - 0.82 / HEIGHT_INCHES), 0.07 / HEIGHT_INCHES
    for part, shade in ((1.0, theme.grid), (share, theme.agent)):
        figure.add_artist(Rectangle(place, part * (right - left), height, facecolor=shade, edgecolor="none"))


def _standing(state: RunState, theme: Theme) -> tuple[str, str]:
    if state.ended is None:
        return ("running", theme.agent) if state.last_time else ("not begun", theme.muted)
    known = {"FINISHED": ("finished", theme.good), "FAILED": ("failed", theme.others[0])}
    return known.get(state.ended["status"], ("stopped", theme.training))


def _details(state: RunState) -> Iterator[str]:
    if state.stage:
        yield literal(state.stage, 60) + (f": {state.done:,} of {state.total:,}" if state.total else "")
    if state.target_episodes:
        share = percent(state.episode / state.target_episodes)
        yield f"episode {state.episode:,} of {state.target_episodes:,} ({share})"
    if state.chunk:
        yield f"chunk {state.chunk:,} of {state.chunks:,}"
    yield f"last event {_moment(state.last_time)}" if state.last_time else NOTHING
    if state.ended is not None and state.ended["reason"]:
        yield literal(state.ended["reason"], MOST_LETTERS)


def _moment(time: float) -> str:
    return datetime.fromtimestamp(time, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")


def health_panel(axes: Axes, theme: Theme, state: RunState, config: Stage1Config) -> None:
    """The score on a semicircle, and the indicators that it is the worst of."""
    style(axes, theme, "5  Training health", "", "")
    found = indicators(config, state)
    value = score(found, state.open_alerts)
    axes.axis("off")
    if value is None:
        note(axes, theme, NOTHING)
        return
    worst = min((one for one in found if one.headroom is not None), key=lambda one: one.headroom or 0.0)
    _gauge(axes.inset_axes((0.0, 0.02, 0.4, 0.96)), theme, value, worst.name)
    _bars(axes.inset_axes((0.47, 0.0, 0.53, 1.0)), theme, found)


def _level_color(theme: Theme, share: float) -> str:
    """Colour beside the figure: half of the way left, some of it, next to none; as the page has it."""
    return theme.good if share >= 0.5 else theme.training if share > 0.15 else theme.others[0]


def _gauge(axes: Axes, theme: Theme, value: float, worst: str) -> None:
    axes.axis("off")
    axes.set(xlim=(-1.15, 1.15), ylim=(-0.45, 1.1), aspect="equal")
    axes.add_patch(Wedge((0, 0), 1, 0, 180, width=0.26, color=theme.grid, linewidth=0))
    needle = 180 - 1.8 * value
    axes.add_patch(Wedge((0, 0), 1, needle, 180, width=0.26, color=_level_color(theme, value / 100), linewidth=0))
    middle: dict[str, Any] = {"ha": "center", "va": "center"}
    axes.text(0, 0.22, f"{value:.0f}", fontsize=30, fontweight="bold", color=theme.ink, **middle)
    for x, text in ((-0.87, "0"), (0, "of 100"), (0.87, "100")):
        axes.text(x, -0.11, text, fontsize=9, color=theme.muted, **middle)
    axes.text(0, -0.34, f"least headroom: {worst}", fontsize=9, color=theme.muted, **middle)


def _bars(axes: Axes, theme: Theme, found: list[Indicator]) -> None:
    axes.axis("off")
    axes.set(xlim=(0, 1), ylim=(-0.35, len(found)))
    for place, one in enumerate(reversed(found)):
        axes.text(0, place + 0.5, one.name, fontsize=9.5, color=theme.ink, va="bottom")
        figures = f"{_figure(one.value)} (limit {_figure(one.limit)})"
        axes.text(1, place + 0.5, figures, fontsize=9.5, color=theme.ink, ha="right", va="bottom")
        axes.barh(place + 0.32, 1.0, 0.2, color=theme.grid)
        if one.headroom is not None:
            axes.barh(place + 0.32, one.headroom, 0.2, color=_level_color(theme, one.headroom))
    axes.text(0, -0.2, "full bar: healthy; empty: at the limit or beyond", fontsize=8.5, color=theme.muted, va="center")


def _figure(value: float | None) -> str:
    return MISSING if value is None else f"{value:.3g}".replace("-", "−")


@dataclass(frozen=True, slots=True)
class _News:
    """A milestone, or an alert with what to do about it; ``over``: it needs no more attention."""

    time: float
    kind: str
    color: str
    episode: int
    standing: str
    message: str
    advice: str = ""

    @property
    def lines(self) -> int:
        return 2 if self.advice else 1


def news_panel(axes: Axes, theme: Theme, state: RunState) -> None:
    """Milestones and alerts, the newest first, as many as there is room for. The axes have their place already."""
    axes.axis("off")
    news = _news(theme, state)
    back = f", {state.rollbacks:,} rollback{'s' if state.rollbacks > 1 else ''}" if state.rollbacks else ""
    remark(axes, theme, f"open alerts: {len(state.open_alerts):,}{back}")
    if not news:
        note(axes, theme, "none yet")
        return
    _line_of_news(axes, 0, ("kind", "episode", "state", "message, and what to do"), [theme.muted] * 4)
    room = int(axes.get_window_extent().height / axes.figure.dpi / LINE_INCHES) - 2  # the heads', and what is left out
    shown = _that_fit(news, room)
    line = 1
    for one in shown:
        texts = one.kind, f"{one.episode:,}", one.standing, literal(one.message, MOST_LETTERS)
        ink = theme.ink if one.standing != "over" else theme.muted
        _line_of_news(axes, line, texts, [one.color, ink, ink, ink])
        if one.advice:
            advice = f"→ {literal(one.advice, MOST_LETTERS)}"
            _line_of_news(axes, line + 1, ("", "", "", advice), [theme.muted] * 4)
        line += one.lines
    if len(shown) < len(news):
        left_out = f"and {len(news) - len(shown):,} earlier"
        _line_of_news(axes, line, ("", "", "", left_out), [theme.muted] * 4)


def _news(theme: Theme, state: RunState) -> list[_News]:
    """The newest first; of one moment, what was told last."""
    reached = [
        _News(one["time"], "milestone", theme.good, one["episode"], "", one["message"]) for one in state.milestones
    ]
    found = [*reached, *(_of_alert(theme, told) for told in state.alerts)]
    return sorted(found, key=lambda one: one.time)[::-1]


def _of_alert(theme: Theme, told: ToldAlert) -> _News:
    alert = told.alert
    colors = {"critical": theme.others[0], "high": theme.others[1], "medium": theme.training, "low": theme.agent}
    standing = "open" if told.over is None else "over"
    return _News(
        told.time, alert.severity, colors[alert.severity], alert.episode, standing, alert.message, alert.recommendation
    )


def _that_fit(news: list[_News], room: int) -> list[_News]:
    """The first of them, as many as have room in so many lines."""
    ends = [sum(one.lines for one in islice(news, number + 1)) for number in range(len(news))]
    return news[: bisect.bisect_right(ends, room)]


def _line_of_news(axes: Axes, line: int, texts: tuple[str, str, str, str], colors: list[str]) -> None:
    """Texts in the columns of the list, each fitted to its column."""
    place = axes.get_window_extent()
    dpi = axes.figure.dpi
    ends = [*NEWS_COLUMNS_INCHES[1:], place.width / dpi + 0.1]
    for number, (text, color) in enumerate(zip(texts, colors, strict=True)):
        if not text:
            continue
        start = NEWS_COLUMNS_INCHES[number]
        x, y = start * dpi / place.width, 1 - (line + 0.5) * LINE_INCHES * dpi / place.height
        weight = "bold" if number == 0 and line else "normal"
        look: dict[str, Any] = {"color": color, "fontweight": weight, "fontsize": 8.5, "va": "center"}
        artist = axes.text(x, y, text, transform=axes.transAxes, **look)
        artist.set_in_layout(False)
        _fit(artist, (ends[number] - start - 0.1) * dpi)


def _fit(artist: Text, most_pixels: float) -> None:
    """Shortens a text, at a word's end where one is near, until it is no wider."""
    whole = artist.get_text()
    if artist.get_window_extent().width <= most_pixels:
        return

    def width(letters: int) -> float:
        artist.set_text(f"{whole[:letters]}…")
        return artist.get_window_extent().width

    kept = whole[: max(0, bisect.bisect_right(range(len(whole)), most_pixels, key=width) - 1)]
    at_word, _, rest = kept.rpartition(" ")
    artist.set_text(f"{(at_word if at_word and len(rest) < 12 else kept).rstrip(' ,;:.')}…")
