"""Curves that grow, and fewer points of them that still show their extremes."""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field


@dataclass
class Series:
    """A curve: ``x`` (episodes, or seconds since 1970) rises, ``y`` is finite."""

    x: list[float] = field(default_factory=list)
    y: list[float] = field(default_factory=list)

    def add(self, x: float, y: float) -> None:
        """One more point, to the right of the others."""
        self.x.append(x)
        self.y.append(y)

    def cut(self, last: float) -> None:
        """Forgets what lies beyond ``last``."""
        end = bisect.bisect_right(self.x, last)
        del self.x[end:], self.y[end:]

    def between(self, first: float, last: float) -> Series:
        """The points with ``first <= x <= last``."""
        start, end = bisect.bisect_left(self.x, first), bisect.bisect_right(self.x, last)
        return Series(self.x[start:end], self.y[start:end])

    def sampled(self, points: int) -> Series:
        """At most ``points`` (4 or more) of it: first and last, and of equal parts between the lowest and highest.

        A peak of a single point survives, however few points are asked for.
        """
        count = len(self.x)
        if count <= points:
            return Series(list(self.x), list(self.y))
        parts = (points - 2) // 2
        kept = {0, count - 1}
        for part in range(parts):
            # of what lies between first and last
            start, end = 1 + part * (count - 2) // parts, 1 + (part + 1) * (count - 2) // parts
            inside = range(start, end)
            kept |= {min(inside, key=self.y.__getitem__), max(inside, key=self.y.__getitem__)}
        order = sorted(kept)
        return Series([self.x[i] for i in order], [self.y[i] for i in order])
