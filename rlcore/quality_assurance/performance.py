"""Performance: velocity, memory and disk space. They depend on the machine, so they decide nothing about a training."""

from __future__ import annotations

from itertools import pairwise
from statistics import fmean, median

from rlcore.config import QASettings, Stage1Config
from rlcore.quality_assurance.history import LAST, History
from rlcore.quality_assurance.reading import Check, Reading

_MIB = 2**20


def velocity_drop(config: Stage1Config, history: History) -> Reading | None:
    """The last rollouts are far slower than usual."""
    velocities = list(history.velocities)
    if len(velocities) <= LAST:
        return None
    last, limit = fmean(velocities[-LAST:]), config.qa.velocity_share * median(velocities)
    if last >= limit:
        return None
    message = f"velocity fell to {last:.2f} episodes/s, from a median of {median(velocities):.2f}"
    return Reading("low", message, last, limit, "Look for another program on this machine, or a full disk.")


def memory_growth(config: Stage1Config, history: History) -> Reading | None:
    """Memory grew much in each of the last two chunks; in one alone, caches fill."""
    growths = [after - before for before, after in pairwise(history.memory_mib)]
    if len(growths) < 2 or min(growths) <= config.qa.memory_growth_mib:
        return None
    message = (
        f"memory grew by {min(growths):.0f} MiB or more in each of two chunks, to {history.memory_mib[-1]:.0f} MiB"
    )
    advice = "Use fewer workers, or fewer episodes in a chunk (validation_frequency)."
    return Reading("medium", message, min(growths), config.qa.memory_growth_mib, advice)


def low_disk(config: Stage1Config, history: History) -> Reading | None:
    """The disk is too full for the rest of the run."""
    return disk_shortage(config.qa, history.free_bytes, history.needed_bytes)


def disk_shortage(settings: QASettings, free_bytes: int, needed_bytes: int) -> Reading | None:
    """What is wrong with a disk that has less than a run needs and the reserve; None for one with enough."""
    free, wanted = free_bytes / _MIB, needed_bytes / _MIB + settings.disk_reserve_mib
    if free >= wanted:
        return None
    message = (
        f"{free:.0f} MiB are free on the disk; the run needs {needed_bytes / _MIB:.0f} MiB"
        f" and {settings.disk_reserve_mib:.0f} MiB in reserve"
    )
    return Reading("high", message, free, wanted, "Make room: old runs under mlruns are the first to go.")


ROLLOUT_CHECKS = (Check("velocity", "performance", velocity_drop),)
"""After each rollout."""

MEMORY_CHECKS = (Check("memory", "performance", memory_growth),)
"""After each chunk."""

DISK_CHECKS = (Check("disk", "performance", low_disk),)
"""Whenever the disk was looked at."""
