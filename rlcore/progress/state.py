"""What a journal said so far, folded into one value: the terminal, the dashboard and the reports all read it."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

from rlcore.journal import Journal
from rlcore.progress.pace import TimeLeft, mean_velocity, time_left, velocity
from rlcore.progress.series import Series
from rlcore.records import SEVERITIES, Alert, PlayedEpisode, Rollout, Verdict

ROLLING_EPISODES = 100
"""Episodes in a moving average."""

RECENT_EPISODES = 500
"""Kept whole, for distributions and for a look at single ones."""

LAST_NOTES = 200


@dataclass(frozen=True, slots=True)
class Note:
    """Something that happened, in a sentence. ``kind`` is the journal's event."""

    time: float
    kind: str
    message: str
    episode: int


@dataclass(frozen=True, slots=True)
class ToldAlert:
    """An alert with when it was told; ``over`` is the episode at which its trouble was over, None while it is open."""

    time: float
    alert: Alert
    over: int | None = None


class RunState:
    """Folds the entries of a journal, in their order. The same entries give the same state.

    Attributes:
        series: curves by name: ``episode/*`` by episode (``_mean`` ones: moving averages over 100 episodes),
            ``rollout/*`` and ``train/*`` by episodes trained, ``validation/*`` likewise, ``system/*`` by time.
        recent: the last 500 episodes.
    """

    def __init__(self) -> None:
        self.name = ""
        self.schema_version = 0
        self.target_episodes = 0
        self.chunks = 0
        self.chunk = 0
        self.stage = ""
        self.done = 0
        self.total = 0
        self.begun = 0.0
        self.last_time = 0.0
        self.ended: dict[str, Any] | None = None
        self.series: dict[str, Series] = defaultdict(Series)
        self.recent: deque[PlayedEpisode] = deque(maxlen=RECENT_EPISODES)
        self.rollouts: list[Rollout] = []
        self.rollout_times: list[float] = []
        self.rollbacks = 0
        self.validations: list[dict[str, Any]] = []
        self.baselines: dict[str, list[dict[str, Any]]] = {}
        self.leads: dict[str, dict[str, Any]] = {}
        self.test: dict[str, Any] | None = None
        self.milestones: list[dict[str, Any]] = []
        self.alerts: list[ToldAlert] = []
        self.verdicts: list[Verdict] = []
        self.notes: deque[Note] = deque(maxlen=LAST_NOTES)
        self.seconds: dict[str, float] = defaultdict(float)
        self.system: dict[str, Any] | None = None
        self.picture = ""
        self._validation_seconds: list[float] = []
        self._chunks_done = 0
        self._success = Series()
        self._rewards: deque[float] = deque(maxlen=ROLLING_EPISODES)
        self._qualities: deque[float] = deque(maxlen=ROLLING_EPISODES)
        self._successes: deque[float] = deque(maxlen=ROLLING_EPISODES)

    def take(self, entry: dict[str, Any]) -> None:
        """One line of the journal; kinds that say nothing of how far the run is are passed by."""
        self.last_time = max(self.last_time, entry["time"])
        handler = getattr(self, f"_on_{entry['event']}", None)
        if handler is not None:
            handler(entry)

    @classmethod
    def of(cls, entries: Iterable[dict[str, Any]]) -> RunState:
        """The state after all of them."""
        state = cls()
        for entry in entries:
            state.take(entry)
        return state

    @classmethod
    def read(cls, journal: Journal) -> RunState:
        """The state after all that a journal says, read line by line: they take many times the room of the state."""
        return cls.of(entry for entry, _ in journal.follow(0))

    # -- the run and its stages

    def _on_started(self, entry: dict[str, Any]) -> None:
        self.name, self.begun, self.schema_version = entry["name"], entry["time"], entry["schema_version"]
        self.target_episodes, self.chunks = entry["target_episodes"], entry["chunks"]

    def _on_resumed(self, entry: dict[str, Any]) -> None:
        self.ended = None
        self._note(entry, "taken up again where it was")

    def _on_stopping(self, entry: dict[str, Any]) -> None:
        self._note(entry, f"{entry['by']}: stopping where nothing is lost; once more stops at once")

    def _on_ended(self, entry: dict[str, Any]) -> None:
        self.ended, self.stage, self.done, self.total = entry, "", 0, 0
        reason = f": {entry['reason']}" if entry["reason"] else ""
        self._note(entry, f"ended as {entry['status']}{reason}")

    def _on_stage_begin(self, entry: dict[str, Any]) -> None:
        self.stage, self.done, self.total = entry["stage"], 0, 0
        if entry["stage"] == "training":  # a run that is taken up again trains a chunk in several goes
            self.chunk = self._chunks_done + 1

    def _on_progress(self, entry: dict[str, Any]) -> None:
        self.stage, self.done, self.total = entry["stage"], entry["done"], entry["total"]

    def _on_stage(self, entry: dict[str, Any]) -> None:
        self.seconds[entry["stage"]] += entry["seconds"]
        if entry["stage"] == "validation":
            self._validation_seconds.append(entry["seconds"])

    def _on_data(self, entry: dict[str, Any]) -> None:
        logos = sum(sum(counts.values()) for counts in entry["counts"].values())
        self._note(entry, f"data set of {logos:,} logos; {entry['skipped']:,} files skipped")

    # -- training

    def _on_episode(self, entry: dict[str, Any]) -> None:
        episode = PlayedEpisode(**entry["episode"])
        curve = self.series["episode/reward"]
        if curve.x and episode.number <= curve.x[-1]:  # written again after a kill
            return
        self.recent.append(episode)
        for name in ("reward", "gain", "quality", "bytes_ratio"):
            self.series[f"episode/{name}"].add(episode.number, getattr(episode, name))
        self._success.add(episode.number, float(episode.success))
        self._rewards.append(episode.reward)
        self._qualities.append(episode.quality)
        self._successes.append(float(episode.success))
        self.series["episode/reward_mean"].add(episode.number, fmean(self._rewards))
        self.series["episode/quality_mean"].add(episode.number, fmean(self._qualities))
        self.series["episode/success_mean"].add(episode.number, fmean(self._successes))

    def _on_rollout(self, entry: dict[str, Any]) -> None:
        rollout = Rollout(**entry["rollout"])
        self.rollouts.append(rollout)
        self.rollout_times.append(entry["time"])
        figures = {
            "rollout/gain": rollout.gain,
            "rollout/success_rate": rollout.success_rate,
            "rollout/episodes_per_minute": 60 * rollout.episodes_per_second,
            "rollout/failed_share": rollout.failed_share,
            "rollout/traces_per_second": rollout.traces / rollout.seconds if rollout.seconds > 0 else 0.0,
            **{f"train/{name}": value for name, value in rollout.train.items()},
        }
        for name, value in figures.items():
            self.series[name].add(rollout.episode, value)

    def _on_broken(self, entry: dict[str, Any]) -> None:
        self._note(entry, f"training broke: {entry['reason']}")

    def _on_checkpoint(self, entry: dict[str, Any]) -> None:
        self._note(entry, f"checkpoint {entry['file']}")

    def _on_rollback(self, entry: dict[str, Any]) -> None:
        """What was trained after the good checkpoint is forgotten; open alerts are over."""
        last = entry["episode"]
        self.rollbacks = entry["number"]
        for name, curve in self.series.items():
            if not name.startswith("system/"):
                curve.cut(last)
        kept = sum(rollout.episode <= last for rollout in self.rollouts)
        del self.rollouts[kept:], self.rollout_times[kept:]
        self._success.cut(last)
        rewards, qualities = self.series["episode/reward"], self.series["episode/quality"]
        for rolling, curve in (
            (self._rewards, rewards),
            (self._qualities, qualities),
            (self._successes, self._success),
        ):
            rolling.clear()
            rolling.extend(curve.y[-ROLLING_EPISODES:])
        self.recent = deque((e for e in self.recent if e.number <= last), maxlen=RECENT_EPISODES)
        self.alerts = [told if told.over is not None else replace(told, over=last) for told in self.alerts]
        self._note(entry, f"back to the checkpoint of episode {last:,}: {entry['reason']}")

    # -- judging

    def _on_baselines(self, entry: dict[str, Any]) -> None:
        self.baselines[entry["split"]] = entry["searchers"]

    def _on_comparison(self, entry: dict[str, Any]) -> None:
        self.leads[entry["baseline"]] = {"episode": entry["episode"], **entry["gain"]}

    def _on_validation(self, entry: dict[str, Any]) -> None:
        found = {name: entry[name] for name in ("time", "episode", "headline", "gain", "success_rate")}
        self.validations.append(found)
        headline, episode = entry["headline"], entry["episode"]
        for name in ("gain", "success_rate", "quality", "ssim_improvement", "bytes_ratio"):
            self.series[f"validation/{name}"].add(episode, headline[name])
        for name in ("gain", "success_rate"):
            for end in ("low", "high"):
                self.series[f"validation/{name}_{end}"].add(episode, entry[name][end])

    def _on_test(self, entry: dict[str, Any]) -> None:
        self.test = {"episode": entry["episode"], **entry["headline"]}

    def _on_milestone(self, entry: dict[str, Any]) -> None:
        self.milestones.append({key: entry[key] for key in ("time", "name", "episode", "message")})

    def _on_alert(self, entry: dict[str, Any]) -> None:
        alert = Alert(**entry["alert"])
        told = ToldAlert(entry["time"], alert)
        for number, earlier in enumerate(self.alerts):
            if earlier.over is None and (earlier.alert.check, earlier.alert.episode) == (alert.check, alert.episode):
                self.alerts[number] = told  # it has become worse
                return
        self.alerts.append(told)

    def _on_alert_over(self, entry: dict[str, Any]) -> None:
        self.alerts = [
            replace(told, over=entry["episode"])
            if told.over is None and (told.alert.check, told.alert.episode) == (entry["check"], entry["raised"])
            else told
            for told in self.alerts
        ]

    def _on_verdict(self, entry: dict[str, Any]) -> None:
        content = entry["verdict"]
        verdict = Verdict(**{**content, "alerts": tuple(Alert(**alert) for alert in content["alerts"])})
        self.verdicts.append(verdict)
        self._note(entry, f"gate: {verdict.decision.replace('_', ' ')} ({verdict.reason})")
        if verdict.decision not in ("roll_back", "out_of_time"):
            self._chunks_done += 1

    # -- around it

    def _on_system(self, entry: dict[str, Any]) -> None:
        self.system = {key: value for key, value in entry.items() if key not in ("event", "key")}
        for name in ("memory_mib", "main_memory_mib", "cpu_percent", "disk_free_mib", "workers"):
            self.series[f"system/{name}"].add(entry["time"], entry[name])

    def _on_undelivered(self, entry: dict[str, Any]) -> None:
        self._note(entry, f"{entry['sink']} is away, what it is to know is kept: {entry['reason'][:120]}")

    def _on_damaged(self, entry: dict[str, Any]) -> None:
        self._note(entry, f"damaged, set aside: {entry['file']}")

    def _on_other_versions(self, entry: dict[str, Any]) -> None:
        self._note(entry, f"begun with other libraries, so the end may differ: {entry['key']}")

    def _on_report(self, entry: dict[str, Any]) -> None:
        self._note(entry, entry["message"])

    def _on_final_report(self, entry: dict[str, Any]) -> None:
        self._note(entry, f"final report: {entry['outcome'].replace('_', ' ')}")

    def _on_registered(self, entry: dict[str, Any]) -> None:
        self._note(entry, f"registered as version {entry['version']}")

    def _on_promotion(self, entry: dict[str, Any]) -> None:
        self._note(entry, f"version {entry['version']}: {entry['answer']}, {entry['reason']}")

    def _on_picture(self, entry: dict[str, Any]) -> None:
        self.picture = entry["file"]

    def _note(self, entry: dict[str, Any], message: str) -> None:
        self.notes.append(Note(entry["time"], entry["event"], message, self.episode))

    # -- read off

    @property
    def episode(self) -> int:
        """Episodes behind the last update."""
        return self.rollouts[-1].episode if self.rollouts else 0

    @property
    def velocity(self) -> float:
        """Episodes per second lately; 0 before the first rollout."""
        return velocity(self.rollouts)

    @property
    def mean_velocity(self) -> float:
        """Episodes per second of training so far."""
        return mean_velocity(self.rollouts)

    @property
    def time_left(self) -> TimeLeft | None:
        """Of training, with the validations in it; None before there is a pace, and when training is over."""
        if self.ended is not None or self.stage not in ("training", "validation"):
            return None
        validations = max(0, self.chunks - self._chunks_done)
        seconds = fmean(self._validation_seconds) if self._validation_seconds else 0.0
        return time_left(self.rollouts, self.target_episodes, validations, seconds)

    @property
    def open_alerts(self) -> list[Alert]:
        """The worst first."""
        found = [told.alert for told in self.alerts if told.over is None]
        return sorted(found, key=lambda alert: -SEVERITIES.index(alert.severity))

    def rollouts_since(self, moment: float) -> Sequence[Rollout]:
        """Those that were done at or after it, in seconds since 1970."""
        first = sum(time < moment for time in self.rollout_times)
        return self.rollouts[first:]
