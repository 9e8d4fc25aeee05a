"""The figures of a run that messages tell, with their targets, and the trend in a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rlcore.config import Stage1Config
from rlcore.reporting.messages import Figure
from rlcore.reporting.wording import decimal, duration, percent, signed


def figures(config: Stage1Config, measures: Mapping[str, Any], on: str) -> tuple[Figure, ...]:
    """Of a ``Summary`` as a dict; ``on`` names the logos (``150 test logos``)."""
    improvement = config.ssim_improvement_threshold
    return (
        Figure(f"success rate on {on}", percent(measures["success_rate"]), f"{config.success_rate_threshold:.0%}"),
        Figure("mean SSIM", decimal(measures["quality"], 4), f"{config.quality_target:g}"),
        Figure("SSIM improvement over plain VTracer", decimal(measures["ssim_improvement"]), f"over {improvement:g}"),
        Figure("bytes ratio", decimal(measures["bytes_ratio"]), "at most 1"),
        Figure("gain", decimal(measures["gain"])),
    )


def validation_figures(config: Stage1Config, validations: Sequence[Mapping[str, Any]]) -> tuple[Figure, ...]:
    """Of the last of the journal's validations; none before the first."""
    if not validations:
        return ()
    headline = validations[-1]["headline"]
    on = f"{headline['logos']:,} validation logos after {validations[-1]['episode']:,} episodes"
    return figures(config, headline, on)


def validation_trend(validations: Sequence[Mapping[str, Any]]) -> str:
    """The last of the journal's validations against the one before, and against the untrained policy."""
    if len(validations) < 2:
        return ""
    first, before, last = validations[0], validations[-2], validations[-1]
    told = f"Validation gain {_change(before, last, 'gain')} since episode {before['episode']:,}"
    if before is not first:
        told += f", {_change(first, last, 'gain')} since episode {first['episode']:,}"
    rates = [percent(validation["headline"]["success_rate"]) for validation in (before, last)]
    return f"{told}; success rate {rates[0]} → {rates[1]}."


def _change(before: Mapping[str, Any], after: Mapping[str, Any], name: str) -> str:
    old, new = before["headline"][name], after["headline"][name]
    return f"{decimal(old)} → {decimal(new)} ({signed(new - old)})"


def report_trend(report: Mapping[str, Any]) -> str:
    """The training trends of a progress report, and its pace."""
    told = [
        f"{name.replace('_', ' ')} {decimal(found['mean'])} ({found['direction']})"
        for name, found in report["trends"].items()
        if found["mean"] is not None
    ]
    pace = f"{report['episodes_per_minute']:.1f} episodes a minute"
    since = f"{report['episodes_since']:,} episodes in {duration(report['time'] - report['since'])}"
    return f"Training: {', '.join(told) or 'no update yet'}; {since}, {pace} now."
