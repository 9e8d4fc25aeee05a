"""Results, records, logos and libraries with chosen figures, for what is computed from them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from rlcore.conversion.tracing import Trace
from rlcore.episode import Subject
from rlcore.features import measure
from rlcore.gain import Baseline
from rlcore.judging.validation import LogoResult, Validation
from rlcore.learning.library import Library, Move
from rlcore.learning.trace_table import TraceTable
from rlcore.parameters import PLAIN, Parameters
from rlcore.records import Alert, PlayedEpisode, Rollout
from rlcore.statistics import estimate
from tests.rlcore.pictures import disk, flat, logo

SETTINGS = tuple(Parameters(filter_speckle=number) for number in range(11))
"""Some to make libraries of, all canonical."""


def result(**values: Any) -> LogoResult:
    settings: dict[str, Any] = {
        "name": "logo",
        "digest": "00ff",
        "category": "simple",
        "has_alpha": True,
        "plain_quality": 0.8,
        "plain_bytes": 1000,
        "quality": 0.9,
        "size_bytes": 500,
        "ssim_improvement": 0.5,
        "bytes_ratio": 0.5,
        "success": False,
        "gain": 1.5,
        "gains": (1.0, 1.5),
        "cleaned_ssim_improvement": 0.25,
        "cleaned_bytes_ratio": 0.75,
        "cleaned_success": False,
        "regret": 0.5,
        "failed_traces": 0,
        "parameters": PLAIN.as_dict(),
    }
    return LogoResult(**(settings | values))


def validation(gain: float = 1.0, episode: int = 0, quality: float = 0.9, success: bool = False) -> Validation:
    """Of one logo; its headline has just these figures."""
    only = result(gain=gain, gains=(gain, gain), quality=quality, success=success)
    return Validation("agent", episode, 2, "simple", (only,))


def rollout(gain: float = 1.0, episode: int = 10, failed_traces: int = 0, **values: Any) -> Rollout:
    settings: dict[str, Any] = {
        "episodes": 10,
        "reward": gain,
        "first_gain": 0.5,
        "quality": 0.9,
        "bytes_ratio": 0.8,
        "ssim_improvement": 0.5,
        "success_rate": 0.25,
        "failures": {"panic": failed_traces} if failed_traces else {},
        "traces": 1000,
        "remembered": 0,
        "seconds": 5.0,
        "trace_seconds": 4.0,
        "train": {"value_loss": 0.5},
    }
    return Rollout(gain=gain, episode=episode, **(settings | values))


def alert(**values: Any) -> Alert:
    settings: dict[str, Any] = {
        "kind": "overfitting",
        "check": "gap",
        "severity": "medium",
        "episode": 10,
        "last_episode": 10,
        "updates": 0,
        "message": "a gap",
        "measured": 0.6,
        "threshold": 0.5,
        "recommendation": "more logos",
    }
    return Alert(**(settings | values))


def library(count: int = 3, moves: Sequence[Move] = (), rises: Sequence[float] = (), **values: Any) -> Library:
    """Of the first ``SETTINGS``, its portfolios in their order."""
    portfolios: Mapping[float, tuple[int, ...]] = {0.5: tuple(range(count))}
    made = Library(SETTINGS[:count], tuple(moves), portfolios, tuple(rises))
    return dataclasses.replace(made, **values)


def subject(number: int = 0, **features: float) -> Subject:
    """A logo unlike that of any other number, which looks just like theirs but for ``features``."""
    red, green = divmod(number, 256)
    looks = dataclasses.replace(measure(logo(disk(16))), **features)
    baseline = Baseline(0.5, 1024)
    return Subject(logo(flat(16, 16, (red, green, 7)), f"made {number}"), looks, baseline, baseline, "simple", "train")


def trace_of(gain: float, octaves_smaller: float = 0.0) -> Trace:
    """What has this gain on a made logo by its quality, and this many times its size weight more by its bytes."""
    return Trace(1 - 0.5 * 2.0**-gain, round(1024 * 2.0**-octaves_smaller), 0.01)


def table(gains: ArrayLike) -> TraceTable:
    """Settings with these gains on made logos, ``(settings, logos)``, all by quality; below 0: worse than plain."""
    wanted = np.asarray(gains, dtype=np.float64)
    same = np.full(wanted.shape, 1024.0)
    return TraceTable(1 - 0.5 * 2.0**-wanted, same, np.full(wanted.shape[1], 0.5), same[0].copy())


def played(number: int = 1, **values: Any) -> PlayedEpisode:
    settings: dict[str, Any] = {
        "logo": "logo",
        "digest": "00ff",
        "size_weight": 0.5,
        "reward": 1.25,
        "gain": 1.0,
        "quality": 0.9,
        "ssim_improvement": 0.5,
        "bytes_ratio": 0.5,
        "success": False,
        "length": 8,
        "failed_traces": 0,
        "parameters": PLAIN.as_dict(),
    }
    return PlayedEpisode(number, **(settings | values))


def judged(validation: Validation) -> dict[str, Any]:
    """The fields of the journal's event of a validation."""
    results = validation.of()
    return {
        "episode": validation.episode,
        "headline": dataclasses.asdict(validation.headline()),
        "gain": dataclasses.asdict(estimate([result.gain for result in results])),
        "success_rate": dataclasses.asdict(estimate([float(result.success) for result in results])),
    }


def system(**values: Any) -> dict[str, Any]:
    """The fields of a journal's ``system`` event."""
    settings: dict[str, Any] = {
        "memory_mib": 900.0,
        "main_memory_mib": 400.0,
        "cpu_percent": 50.0,
        "disk_free_mib": 50_000.0,
        "workers": 2,
    }
    return settings | values
