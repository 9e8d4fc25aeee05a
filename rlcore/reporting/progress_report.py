"""The report of an hour: how far a training is, how it went since the last one, and how long it will go on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from statistics import fmean, stdev
from typing import Any

from scipy import stats

from rlcore.config import Stage1Config
from rlcore.progress.state import RunState
from rlcore.records import Milestone, Rollout
from rlcore.reporting.timeline import timeline
from rlcore.reporting.wording import MISSING, decimal, duration, percent, signed

TREND_FIELDS = ("gain", "quality", "success_rate")


def progress_report(config: Stage1Config, state: RunState, since: float) -> dict[str, Any]:
    """Everything about a run at the moment of its journal's last line, as JSON can hold it.

    Args:
        config: of the run.
        state: its journal, folded.
        since: when the time looked at begins (seconds since 1970); trends are over the rollouts from then on.
    """
    rollouts, left = state.rollouts_since(since), state.time_left
    milestones = [Milestone(m["name"], m["episode"], m["message"]) for m in state.milestones]
    return {
        "run": state.name,
        "time": state.last_time,
        "episode": state.episode,
        "target_episodes": state.target_episodes,
        "elapsed_seconds": round(state.last_time - state.begun, 3),
        "episodes_per_minute": 60 * state.velocity,
        "mean_episodes_per_minute": 60 * state.mean_velocity,
        "time_left": None if left is None else asdict(left),
        "since": since,
        "episodes_since": sum(rollout.episodes for rollout in rollouts),
        "trends": {name: trend(rollouts, name) for name in TREND_FIELDS},
        "validations": [
            {"episode": v["episode"], **v["headline"], "gain_interval": [v["gain"]["low"], v["gain"]["high"]]}
            for v in state.validations
        ],
        "success_rate_threshold": config.success_rate_threshold,
        "open_alerts": [asdict(alert) for alert in state.open_alerts],
        "milestones": [asdict(milestone) for milestone in milestones],
        "timeline": [asdict(entry) for entry in timeline(state.verdicts, milestones)],
        "rollbacks": state.rollbacks,
        "resources": state.system,
        "seconds": dict(state.seconds),
    }


def trend(rollouts: Sequence[Rollout], field: str) -> dict[str, Any]:
    """Mean of a field of rollouts, and its second half against its first.

    ``direction`` is ``rising`` or ``falling`` where the halves differ at the 5 % level (Student's t), ``flat`` where
    they do not, ``unknown`` under four rollouts.
    """
    values = [float(getattr(rollout, field)) for rollout in rollouts]
    if not values:
        return {"mean": None, "change": None, "direction": "unknown"}
    if len(values) < 4:
        return {"mean": fmean(values), "change": None, "direction": "unknown"}
    first, second = values[: len(values) // 2], values[len(values) // 2 :]
    change = fmean(second) - fmean(first)
    error = math.sqrt(stdev(first) ** 2 / len(first) + stdev(second) ** 2 / len(second))
    limit = float(stats.t.ppf(0.975, len(values) - 2)) * error
    direction = "flat" if abs(change) <= limit else "rising" if change > 0 else "falling"
    return {"mean": fmean(values), "change": change, "direction": direction}


def headline(report: dict[str, Any]) -> str:
    """The report in a sentence."""
    gain = report["trends"]["gain"]
    told = f", training gain {decimal(gain['mean'])} ({gain['direction']})" if gain["mean"] is not None else ""
    return f"episode {report['episode']:,} of {report['target_episodes']:,}{told}, {left_in_words(report)}"


def left_in_words(report: dict[str, Any]) -> str:
    """``12 min left (10 to 14 min)``."""
    left = report["time_left"]
    if left is None:
        return "all episodes are done" if report["episode"] >= report["target_episodes"] else "time left unknown"
    return f"{duration(left['seconds'])} of training left ({duration(left['low'])} to {duration(left['high'])})"


def as_markdown(report: dict[str, Any]) -> str:
    """The report for people."""
    return "\n".join([*_head(report), *_trends(report), *_validations(report), *_watch(report)]) + "\n"


def _head(report: dict[str, Any]) -> list[str]:
    share = report["episode"] / max(1, report["target_episodes"])
    return [
        f"# {report['run']}: episode {report['episode']:,} of {report['target_episodes']:,} ({share:.0%})",
        "",
        f"- {duration(report['elapsed_seconds'])} gone, {left_in_words(report)}",
        f"- {report['episodes_per_minute']:,.1f} episodes a minute now,"
        f" {report['mean_episodes_per_minute']:,.1f} on average",
        "",
    ]


def _trends(report: dict[str, Any]) -> list[str]:
    since = report["time"] - report["since"]
    span = "Since the beginning" if since >= report["elapsed_seconds"] - 1 else f"The last {duration(since)}"
    lines = [f"## {span}: {report['episodes_since']:,} episodes of training", ""]
    lines += ["| | mean | second half against the first | |", "|---|---|---|---|"]
    for name, found in report["trends"].items():
        show = percent if name == "success_rate" else decimal
        change = MISSING if found["change"] is None else signed(found["change"], 4)
        lines.append(f"| {name.replace('_', ' ')} | {show(found['mean'])} | {change} | {found['direction']} |")
    return [*lines, ""]


def _validations(report: dict[str, Any]) -> list[str]:
    lines = ["## Validation so far", ""]
    if not report["validations"]:
        return [*lines, "None yet.", ""]
    lines += ["| episode | gain (95 % interval) | quality | success rate | bytes ratio |", "|---|---|---|---|---|"]
    for found in report["validations"]:
        low, high = found["gain_interval"]
        lines.append(
            f"| {found['episode']:,} | {decimal(found['gain'])} [{decimal(low)}, {decimal(high)}] |"
            f" {decimal(found['quality'], 4)} | {percent(found['success_rate'])} | {decimal(found['bytes_ratio'])} |"
        )
    return [*lines, "", f"Target: a success rate of {report['success_rate_threshold']:.0%}.", ""]


def _watch(report: dict[str, Any]) -> list[str]:
    lines = ["## To look at", ""]
    for alert in report["open_alerts"]:
        lines.append(
            f"- **{alert['severity']}** {alert['message']} (episode {alert['episode']:,}). {alert['recommendation']}"
        )
    if not report["open_alerts"]:
        lines.append("No open alert.")
    system = report["resources"]
    if system is not None:
        lines += [
            "",
            f"Memory {system['memory_mib']:,.0f} MiB, CPU {system['cpu_percent']:.0f} %,"
            f" {system['workers']} trace processes, {system['disk_free_mib'] / 1024:,.1f} GiB of the disk free.",
        ]
    return lines
