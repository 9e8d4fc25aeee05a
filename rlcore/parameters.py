"""Parameters of one conversion, and the action space that maps a vector in [-1, 1] to them.

Ranges are DESIGN section 3's: wide enough that the best known settings lie inside, narrow enough
that VTracer 0.6.15 answers (``color_precision`` 0 panics, 9 silently merges every path, ...).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlcore.errors import ParameterError


@dataclass(frozen=True, slots=True)
class Parameters:
    """One complete set of settings; the defaults are VTracer's own after alpha clean-up, compactly written.

    ``path_precision=2`` is what VTracer's command line uses; its Python binding, left alone, writes
    unrounded numbers at twice the bytes. Mode ``outline`` takes VTracer's exact pixel outlines (its mode ``none``)
    and straightens them here. ``simplify`` is the tolerance, in px of the logo, that polygons and outlines are
    simplified with after tracing, ``grid`` the steps per px of an outline's coordinates; ``compact`` says whether
    paths are rewritten in fewer bytes. ``color_mode`` is ``color``, or ``binary`` for VTracer's two colours.
    """

    mode: str = "spline"
    hierarchical: str = "stacked"
    filter_speckle: int = 4
    color_precision: int = 6
    layer_difference: int = 16
    corner_threshold: int = 60
    length_threshold: float = 4.0
    max_iterations: int = 10
    splice_threshold: int = 45
    path_precision: int = 2
    supersample: int = 1
    palette_size: int = 0
    simplify: float = 0.0
    grid: int = 6
    clean_alpha: bool = True
    compact: bool = True
    color_mode: str = "color"

    def canonical(self) -> Parameters:
        """The same conversion under one name: what is ignored in its mode is at its default."""
        return dataclasses.replace(self, **{name: getattr(PLAIN, name) for name in IGNORED[self.mode]})

    def conversion(self) -> Parameters:
        """What VTracer itself does, under one name: what comes after it (``AFTER_VTRACER``) is at its default."""
        return dataclasses.replace(self.canonical(), **{name: getattr(PLAIN, name) for name in AFTER_VTRACER})

    def as_dict(self) -> dict[str, Any]:
        """All settings by name, as JSON can hold them."""
        return dataclasses.asdict(self)


SPLINE_ONLY = ("corner_threshold", "length_threshold", "max_iterations", "splice_threshold", "path_precision")
"""What shapes splines only: polygons come out the same to the byte, whatever these say (a test holds it)."""

IGNORED = {"spline": ("simplify", "grid"), "polygon": (*SPLINE_ONLY, "grid"), "outline": SPLINE_ONLY}
"""What shapes nothing, by mode."""

AFTER_VTRACER = ("simplify", "grid", "compact")
"""What shapes the SVG that VTracer wrote: traces that differ in nothing else share one conversion."""

PLAIN = Parameters(clean_alpha=False, compact=False)
"""What a user of VTracer gets today."""

CLEANED_PLAIN = Parameters(compact=False)
"""Plain after the alpha clean-up: the stronger baseline for logos with alpha."""


@dataclass(frozen=True, slots=True)
class Dimension:
    """One tuned parameter: an ordered list of ``choices``, or a float range ``low``..``high``.

    A float is rounded to ``decimals`` so that equal settings are equal objects (and memoised).
    """

    name: str
    choices: tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 0.0
    decimals: int = 2

    def decode(self, coordinate: float) -> Any:
        """The value at ``coordinate`` (clipped to [-1, 1]; -1 is the first value, 0 the middle)."""
        share = (min(max(coordinate, -1.0), 1.0) + 1.0) / 2.0
        if self.choices:
            return self.choices[min(int(share * len(self.choices)), len(self.choices) - 1)]
        return round(self.low + share * (self.high - self.low), self.decimals)

    def encode(self, value: Any) -> float:
        """The coordinate in [-1, 1] that decodes to ``value`` (the middle of a choice's interval).

        Raises:
            ParameterError: the value is not in the range.
        """
        value = self.checked(value)
        if self.choices:
            return (2 * self.choices.index(value) + 1) / len(self.choices) - 1
        return 2 * (float(value) - self.low) / (self.high - self.low) - 1

    def checked(self, value: Any) -> Any:
        """``value`` in the type that VTracer takes: 4.0 is 4 where whole numbers are meant, ``True`` is none.

        Raises:
            ParameterError: the value is not in the range.
        """
        if not isinstance(value, bool):
            if value in self.choices:
                return self.choices[self.choices.index(value)]
            if not self.choices and isinstance(value, (int, float, np.floating)) and self.low <= value <= self.high:
                return float(value)
        raise ParameterError(f"{self.name} = {value!r}: allowed are {self.allowed}")

    def nearest(self, value: Any) -> Any:
        """``value`` itself, or the choice nearest to a number between two choices."""
        if not self.choices or value in self.choices or isinstance(value, str):
            return value
        return min(self.choices, key=lambda choice: abs(choice - value))

    def shifted(self, value: Any, steps: int) -> Any:
        """The value ``steps`` choices (of a float range: twentieths) further, at most the first or last one."""
        if self.choices:
            place = self.choices.index(self.nearest(value)) + steps
            return self.choices[min(max(place, 0), len(self.choices) - 1)]
        moved = value + steps * (self.high - self.low) / 20
        return round(min(max(moved, self.low), self.high), self.decimals)

    @property
    def allowed(self) -> str:
        """The allowed values, for an error message."""
        if not self.choices:
            return f"{self.low:g} to {self.high:g}"
        if len(self.choices) > 16 and len(set(np.diff(self.choices))) == 1:
            return f"{self.choices[0]} to {self.choices[-1]} in steps of {self.choices[1] - self.choices[0]}"
        return ", ".join(str(choice) for choice in self.choices)


def _whole(name: str, low: int, high: int, step: int = 1) -> Dimension:
    return Dimension(name, choices=tuple(range(low, high + 1, step)))


DIMENSIONS: dict[str, Dimension] = {
    dimension.name: dimension
    for dimension in (
        Dimension("mode", choices=("spline", "polygon", "outline")),
        Dimension("hierarchical", choices=("stacked", "cutout")),
        _whole("filter_speckle", 0, 10),
        _whole("color_precision", 2, 8),
        _whole("layer_difference", 0, 64, step=2),
        _whole("corner_threshold", 0, 180, step=5),
        Dimension("length_threshold", low=3.5, high=10.0, decimals=1),
        _whole("max_iterations", 1, 20),
        _whole("splice_threshold", 0, 180, step=5),
        _whole("path_precision", 0, 8),
        _whole("supersample", 1, 4),
        # 0 (off) sits beside 16: no palette is most like a large one, so neighbours stay alike
        Dimension("palette_size", choices=(*range(2, 17), 0)),
        Dimension("simplify", choices=(*(step / 20 for step in range(13)), 0.7, 0.8, 0.9, 1.0, 1.2, 1.4)),
        Dimension("grid", choices=(2, 3, 4, 5, 6, 8, 10)),
    )
}
"""Every parameter that can be tuned. ``clean_alpha`` and ``compact`` are not: they are always applied."""

DEFAULT_TUNED: tuple[str, ...] = tuple(name for name in DIMENSIONS if name != "hierarchical")


def checked(values: Mapping[str, Any]) -> Parameters:
    """Parameters from a mapping of names to values, the rest at their defaults.

    Raises:
        ParameterError: an unknown name, or a value outside its range.
    """
    for name in values:
        if name not in DIMENSIONS:
            raise ParameterError(f"{name}: unknown parameter; known are {', '.join(DIMENSIONS)}")
    return Parameters(**{name: DIMENSIONS[name].checked(value) for name, value in values.items()})


class ActionSpace:
    """The mapping between an action (float vector in [-1, 1], one entry per tuned parameter) and Parameters."""

    def __init__(self, tuned: Sequence[str] = DEFAULT_TUNED, fixed: Mapping[str, Any] | None = None) -> None:
        """``tuned`` names the entries in order, ``fixed`` the values of others (else VTracer's defaults).

        Raises:
            ParameterError: an unknown or repeated name, none tuned, or one both tuned and fixed.
        """
        self.base = checked(fixed or {})
        unknown = [name for name in tuned if name not in DIMENSIONS]
        if unknown:
            raise ParameterError(f"tuned = {unknown}: unknown; known are {', '.join(DIMENSIONS)}")
        both = sorted(set(tuned) & set(fixed or {}))
        if both or not tuned or len(set(tuned)) < len(tuned):
            raise ParameterError(f"tuned = {list(tuned)}: needs at least one name, each once, none fixed too {both}")
        self.dimensions = tuple(DIMENSIONS[name] for name in tuned)

    @property
    def size(self) -> int:
        """Number of entries of an action."""
        return len(self.dimensions)

    def decode(self, action: NDArray[np.floating[Any]]) -> Parameters:
        """Parameters (canonical) for an action of shape ``(size,)``; entries outside [-1, 1] are clipped.

        Raises:
            ParameterError: wrong shape, or a non-finite entry.
        """
        if action.shape != (self.size,) or not np.isfinite(action).all():
            raise ParameterError(f"action {action!r}: needs {self.size} finite numbers")
        values = {d.name: d.decode(float(x)) for d, x in zip(self.dimensions, action, strict=True)}
        return dataclasses.replace(self.base, **values).canonical()

    def encode(self, parameters: Parameters) -> NDArray[np.float32]:
        """The action, float32 of shape ``(size,)``, that decodes to these parameters (where they lie on the grid).

        A value between two choices goes to the nearer one.
        """
        return np.array([d.encode(d.nearest(getattr(parameters, d.name))) for d in self.dimensions], dtype=np.float32)
