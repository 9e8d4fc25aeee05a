"""Picture of a study: the objective by trial, between the start without PPO and the default settings."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

from matplotlib.axes import Axes

from rlcore.learning.tuning_study import StudyRecord
from rlcore.reporting.drawing import DASHES, Theme, legend_above, note, png, sheet, style, theme_of, whole_numbers
from rlcore.reporting.tuning_findings import value_text


def study_figure(study: StudyRecord, *, dark: bool = False) -> bytes:
    """Value of every trial, the best so far, and both lines that a trial has to pass."""
    theme = theme_of(dark)
    figure = sheet(9, 4.6, theme)
    study_panel(figure.add_subplot(), theme, study)
    return png(figure)


def study_panel(axes: Axes, theme: Theme, study: StudyRecord) -> None:
    """The panel of ``study_figure``."""
    style(axes, theme, f"Study {study.name}", "mean lead over the portfolio (gain)", "trial")
    rated = [(trial.number, trial.value) for trial in study.trials if trial.value is not None]
    if not rated:
        note(axes, theme, "no trial has a value yet")
        return
    numbers, values = [number for number, _ in rated], [value for _, value in rated]
    best = list(accumulate(values, max))
    axes.step(
        numbers, best, where="post", color=theme.good, linewidth=1.8, label=f"best so far: {value_text(best[-1])}"
    )
    axes.plot(numbers, values, color=theme.agent, marker="o", markersize=6, linestyle="none", label="trial")
    default = None if study.default is None else study.default.value
    for number, (name, value) in enumerate((("default settings", default), ("without PPO", study.baseline))):
        if value is not None:
            look: dict[str, Any] = {"color": theme.others[number], "linestyle": DASHES[number], "linewidth": 1.4}
            axes.axhline(value, label=f"{name}: {value_text(value)}", **look)
    whole_numbers(axes)
    legend_above(axes, theme, 4)
