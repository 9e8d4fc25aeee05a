"""What a user may ask of an SVG, checked at the door."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from PIL import ImageColor
from typing_extensions import TypedDict

from rlcore.errors import ConfigError
from rlcore.parameters import DIMENSIONS

OBJECTIVES: Mapping[str, float] = {"quality": 0.25, "balanced": 0.5, "small": 2.0}
"""Size weight that the policy is given: what halving the bytes is worth where halving the SSIM error is worth 1."""

MODES: tuple[str, ...] = DIMENSIONS["mode"].choices
MOST_TRACES = 64
MOST_WEIGHT = 100.0
WORKING_SIZES = (16, 2048)

Colour = tuple[int, int, int]


class Settings(TypedDict, total=False):
    """Keyword arguments of ``vectorize`` and ``vectorize_many``, all of them optional.

    Attributes:
        budget: traces that the agent may spend, 1 to 64 (default 8). Two more tell what plain VTracer makes of it.
        objective: ``quality``, ``balanced`` (default) or ``small``, or the size weight as a number, 0 to 100.
        mode: the only mode of the agent's traces: ``spline``, ``polygon`` or ``outline`` (default: any).
        background: a colour (``white``, ``#0a64c8``) under the logo; default: what is transparent stays so.
        working_size: longest side in px that the picture is reduced to for tracing, 16 to 2048, or ``auto``.
        max_bytes: most bytes of the SVG.
        min_ssim: least SSIM of the SVG, 0 to 1.
        optimize: try a lossless clean-up of the SVG by ``scour``.
    """

    budget: int
    objective: str | float
    mode: str | None
    background: str | None
    working_size: int | Literal["auto"]
    max_bytes: int | None
    min_ssim: float | None
    optimize: bool


@dataclass(frozen=True, slots=True)
class Options:
    """``Settings`` that were checked; ``working_size`` None is ``auto``."""

    budget: int = 8
    size_weight: float = OBJECTIVES["balanced"]
    mode: str | None = None
    background: Colour | None = None
    working_size: int | None = None
    max_bytes: int | None = None
    min_ssim: float | None = None
    optimize: bool = False

    @classmethod
    def of(cls, settings: Settings) -> Options:
        """The options that these keyword arguments ask for.

        Raises:
            ConfigError: one is unknown, of a wrong type, or out of its range.
        """
        unknown = sorted(set(settings) - set(Settings.__annotations__))
        if unknown:
            raise ConfigError(f"{unknown[0]}: unknown option; known are {', '.join(Settings.__annotations__)}")
        working_size = settings.get("working_size", "auto")
        mode = settings.get("mode")
        if mode is not None and mode not in MODES:
            raise ConfigError(f"mode = {mode!r}: allowed are {', '.join(MODES)}")
        return cls(
            budget=_whole("budget", settings.get("budget", 8), 1, MOST_TRACES),
            size_weight=size_weight(settings.get("objective", "balanced")),
            mode=mode,
            background=colour(settings.get("background")),
            working_size=None if working_size == "auto" else _working_size(working_size),
            max_bytes=_optional_whole("max_bytes", settings.get("max_bytes")),
            min_ssim=_optional_share("min_ssim", settings.get("min_ssim")),
            optimize=bool(settings.get("optimize", False)),
        )


def size_weight(objective: str | float) -> float:
    """The size weight of an objective, which may be that number itself, also as text.

    Raises:
        ConfigError: it is none of the names, nor a number from 0 to 100.

    Examples:
        >>> size_weight("small"), size_weight(1), size_weight("0.7")
        (2.0, 1.0, 0.7)
    """
    if isinstance(objective, str) and objective in OBJECTIVES:
        return OBJECTIVES[objective]
    try:
        value = math.nan if isinstance(objective, bool) else float(objective)
    except (TypeError, ValueError):
        value = math.nan
    if not 0 <= value <= MOST_WEIGHT:
        raise ConfigError(f"objective = {objective!r}: allowed are {', '.join(OBJECTIVES)}, or 0 to {MOST_WEIGHT:g}")
    return value


def colour(text: str | None) -> Colour | None:
    """Red, green and blue, 0 to 255, of a colour's name or ``#rrggbb``.

    Raises:
        ConfigError: it is no opaque colour.

    Examples:
        >>> colour("white"), colour("#0a64c8"), colour(None)
        ((255, 255, 255), (10, 100, 200), None)
    """
    if text is None:
        return None
    try:
        found = ImageColor.getrgb(text)
    except (ValueError, AttributeError, TypeError):
        found = None
    if found is None or len(found) != 3 or max(found) > 255:
        raise ConfigError(f"background = {text!r}: write an opaque colour, as in white, #0a64c8 or rgb(10, 100, 200)")
    return found


def _working_size(value: object) -> int:
    try:
        return _whole("working_size", value, *WORKING_SIZES)
    except ConfigError as error:
        raise ConfigError(f"{error}, and auto") from None


def _whole(name: str, value: object, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ConfigError(f"{name} = {value!r}: allowed are {low} to {high}")
    return value


def _optional_whole(name: str, value: object) -> int | None:
    return None if value is None else _whole(name, value, 1, 2**40)


def _optional_share(name: str, value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise ConfigError(f"{name} = {value!r}: allowed are 0 to 1")
    return float(value)
