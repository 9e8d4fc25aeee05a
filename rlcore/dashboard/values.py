"""The values inside the dashboard's messages, read off a run's state; ``docs/dashboard.md`` says what is in each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rlcore.config import Stage1Config
from rlcore.progress import health
from rlcore.progress.series import Series
from rlcore.progress.state import Note, RunState, ToldAlert
from rlcore.records import PlayedEpisode
from rlcore.run_folder import RunFolder

MOVING_AVERAGES = ("reward_mean", "quality_mean", "success_mean")
"""Series ``episode/<name>``, whose values of the moment each episode has too."""

CONFIG_FIELDS = (
    "target_episodes",
    "success_rate_threshold",
    "ssim_improvement_threshold",
    "quality_target",
    "category",
    "seed",
    "steps_per_episode",
)


def config_values(config: Stage1Config) -> dict[str, Any]:
    """What the page draws as targets and tells of the run."""
    return {name: getattr(config, name) for name in CONFIG_FIELDS}


def series_values(
    state: RunState,
    points: int,
    names: Sequence[str] | None = None,
    first: float = float("-inf"),
    last: float = float("inf"),
) -> dict[str, Any]:
    """At most ``points`` (4 or more) of each series with ``first <= x <= last``; a name without points has none.

    ``names``: of series; None: all that there are.
    """
    wanted = sorted(state.series) if names is None else dict.fromkeys(names)
    curves = {name: state.series.get(name, Series()) for name in wanted}
    return {name: asdict(curve.between(first, last).sampled(points)) for name, curve in curves.items()}


def latest(state: RunState, name: str) -> float | None:
    """The last value of a series; None without one."""
    curve = state.series.get(name)
    return curve.y[-1] if curve and curve.y else None


def latest_episode(state: RunState) -> dict[str, Any]:
    """The last episode, where there is one."""
    return _episode(state.recent[-1], [latest(state, f"episode/{name}") for name in MOVING_AVERAGES])


def recent_episodes(state: RunState) -> list[dict[str, Any]]:
    """The last 500, in order."""
    count = len(state.recent)
    # the curves have a point for each episode, and lose them in a rollback as the episodes are lost
    curves = [state.series[f"episode/{name}"].y[-count:] for name in MOVING_AVERAGES] if count else []
    return [_episode(one, means) for one, *means in zip(state.recent, *curves, strict=True)] if count else []


def _episode(played: PlayedEpisode, means: Sequence[float | None]) -> dict[str, Any]:
    return {**asdict(played), **dict(zip(MOVING_AVERAGES, means, strict=True))}


def health_value(config: Stage1Config, state: RunState) -> dict[str, Any]:
    """Score and indicators."""
    found = health.indicators(config, state)
    return {"score": health.score(found, state.open_alerts), "indicators": [asdict(indicator) for indicator in found]}


def alert_value(told: ToldAlert) -> dict[str, Any]:
    """One alert, open or over."""
    names = ("kind", "check", "severity", "episode", "message", "measured", "threshold", "recommendation")
    return {
        "time": float(told.time),
        **{name: getattr(told.alert, name) for name in names},
        "over": told.over,
    }


def find_alert(state: RunState, check: str, raised: int) -> ToldAlert | None:
    """The last that ``check`` raised at that episode."""
    wanted = (check, raised)
    return next((told for told in reversed(state.alerts) if (told.alert.check, told.alert.episode) == wanted), None)


def event_value(note: Note) -> dict[str, Any]:
    """Something that happened."""
    return {**asdict(note), "time": float(note.time)}


def timed(found: dict[str, Any]) -> dict[str, Any]:
    """With its time as a float, whatever the journal wrote."""
    return {**found, "time": float(found["time"])}


def system_value(state: RunState) -> dict[str, Any] | None:
    """The last sample of the machine; None before the first."""
    return None if state.system is None else {"gpu_memory_mib": [], **timed(state.system)}


def best_validation(state: RunState) -> dict[str, Any] | None:
    """That with the highest convergence score, the earliest of several; None before the first."""
    if not state.validations:
        return None
    best = max(state.validations, key=lambda validation: validation["headline"]["convergence_score"])
    return {"episode": best["episode"], **{name: best["headline"][name] for name in ("gain", "success_rate")}}


def samples_value(folder: RunFolder, state: RunState) -> dict[str, Any] | None:
    """Pictures of held-out logos, of the last validation that has any; None without."""
    for validation in reversed(state.validations):
        episode = validation["episode"]
        numbers = [path.stem.rpartition("-")[2] for path in folder.samples(episode)]
        if numbers:
            return {"episode": episode, "urls": [run_url(folder, f"samples/{episode}-{n}.png") for n in numbers]}
    return None


def picture_url(folder: RunFolder, state: RunState) -> str | None:
    """Where the last picture of the whole dashboard is; None where there is none."""
    if not state.picture or not (folder.path / state.picture).is_file():
        return None
    return run_url(folder, f"pictures/{quote(Path(state.picture).name)}")


def run_url(folder: RunFolder, rest: str) -> str:
    """An address below a run's."""
    return f"/api/runs/{quote(folder.name, safe='')}/{rest}"
