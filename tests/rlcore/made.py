"""Results and records with chosen figures, for what is computed from them."""

from __future__ import annotations

from typing import Any

from rlcore.parameters import PLAIN
from rlcore.records import Rollout
from rlcore.validation import LogoResult, Validation


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


def rollout(gain: float = 1.0, episode: int = 10, **values: Any) -> Rollout:
    settings: dict[str, Any] = {
        "episodes": 10,
        "reward": gain,
        "first_gain": 0.5,
        "quality": 0.9,
        "bytes_ratio": 0.8,
        "ssim_improvement": 0.5,
        "success_rate": 0.25,
        "failed_traces": 0,
        "traces": 1000,
        "remembered": 0,
        "seconds": 5.0,
        "trace_seconds": 4.0,
        "train": {"value_loss": 0.5},
    }
    return Rollout(gain=gain, episode=episode, **(settings | values))
