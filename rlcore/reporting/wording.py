"""Numbers as people read them, the same in every form of the report."""

from __future__ import annotations

import math

from rlcore.statistics import Difference

MISSING = "–"
"""Stands for what was not measured."""

NARROW = "\u00a0"
"""No-break space: a figure and its unit stay on one line."""


def decimal(value: float | None, digits: int = 3) -> str:
    """A number with a true minus; a dash for what was not measured."""
    if value is None or not math.isfinite(value):
        return MISSING
    return f"{value:.{digits}f}".replace("-", "−")


def percent(value: float | None) -> str:
    """A share as per cent with one decimal, on one line."""
    return MISSING if value is None else f"{decimal(100 * value, 1)}{NARROW}%"


def signed(value: float, digits: int = 3) -> str:
    """A number that always shows its sign."""
    return f"{value:+.{digits}f}".replace("-", "−")


def interval(difference: Difference | None) -> str:
    """``+0.312 [+0.201, +0.423]``."""
    if difference is None:
        return MISSING
    return f"{signed(difference.mean)} [{signed(difference.low)}, {signed(difference.high)}]"


def duration(seconds: float) -> str:
    """``1 h 02 min``, ``3 min 05 s`` or ``12.5 s``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def told(difference: Difference, of: str, than: str) -> str:
    """A difference in a sentence, no stronger than its interval."""
    figures = f"{interval(difference)}, 95{NARROW}% interval over {difference.pairs:,} logos"
    if difference.low > 0:
        return f"{of} is above {than}: {figures}."
    if difference.high < 0:
        return f"{of} is below {than}: {figures}."
    return f"{of} is not distinguishable from {than}: {figures}, which includes zero."
