"""What a check is, and what it says when its threshold is broken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rlcore.config import Stage1Config
from rlcore.quality_assurance.history import History
from rlcore.records import Kind, Severity


@dataclass(frozen=True, slots=True)
class Reading:
    """A figure on the wrong side of its threshold; the fields are those of ``Alert``."""

    severity: Severity
    message: str
    measured: float
    threshold: float
    recommendation: str


@dataclass(frozen=True, slots=True)
class Check:
    """One look at the history: ``read`` gives None where all is well, or where there is too little to tell."""

    name: str
    kind: Kind
    read: Callable[[Stage1Config, History], Reading | None]
