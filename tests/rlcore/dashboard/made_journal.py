"""A whole run's journal with made figures: what a training of this kind looks like, without training."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from itertools import takewhile
from typing import Any

import numpy as np

from rlcore import events
from rlcore.judging.validation import Summary
from rlcore.parameters import CLEANED_PLAIN
from rlcore.records import PlayedEpisode, Rollout, Verdict
from rlcore.statistics import Difference, Estimate
from tests.rlcore.made import alert

BEGUN = 1_790_000_000.0
"""2026-09-21 14:13:20 UTC."""

ROLLOUT_EPISODES = 125
CHECKPOINT_EPISODES = 500
STEPS = 8
SYSTEM_SECONDS = 5.0
VALIDATION_LOGOS = 76

BASELINES = (
    ("plain VTracer", 1, 0.0, 0.912, 0.0),
    ("cleaned plain", 1, 1.204, 0.957, 0.04),
    ("Method 1", 1, 0.561, 0.921, 0.0),
    ("best single setting", 1, 4.36, 0.986, 0.83),
    ("portfolio", 8, 4.53, 0.988, 0.86),
)
"""Name, traces, gain, quality and success rate."""


def entry(event: str, time: float, **fields: Any) -> dict[str, Any]:
    """A line of a journal that the schema takes.

    Raises:
        JournalError: it does not.
    """
    line = {"time": time, "event": event, **fields}
    events.check(line)
    return line


def alert_entry(time: float, **values: Any) -> dict[str, Any]:
    """An alert with these values; the others are made up."""
    return entry("alert", time, alert=asdict(alert(**values)))


def entries(episodes: int = 5000, seed: int = 0, *, name: str = "made-run", chunk: int = 1000) -> list[dict[str, Any]]:
    """A run from ``started`` to ``ended``, in order of time; the same arguments give the same lines."""
    return _Writer(episodes, seed, name, chunk).run()


def until(lines: Iterable[dict[str, Any]], episode: int) -> list[dict[str, Any]]:
    """The lines of a run so far: as far as the rollout that ends with this episode."""
    kept = list(takewhile(lambda line: _trained(line) <= episode, lines))
    last = max((number for number, line in enumerate(kept) if line["event"] == "rollout"), default=len(kept) - 1)
    return kept[: last + 1]


def _trained(line: dict[str, Any]) -> int:
    return int(line["rollout"]["episode"]) if line["event"] == "rollout" else 0


def progress_of(episode: int) -> float:
    """How much of what can be learned is learned, 0 to 1."""
    return 1 - math.exp(-episode / 1200)


class _Writer:
    """Writes the lines one after the other, on a clock of its own."""

    def __init__(self, episodes: int, seed: int, name: str, chunk: int) -> None:
        self._random = np.random.default_rng(seed)
        self._episodes, self._name, self._chunk = episodes, name, chunk
        self._time = BEGUN
        self._last_system = BEGUN - SYSTEM_SECONDS
        self._lines: list[dict[str, Any]] = []

    def run(self) -> list[dict[str, Any]]:
        chunks = -(-self._episodes // self._chunk)
        self._write("started", key=self._name, name=self._name, schema_version=events.SCHEMA_VERSION,
                    target_episodes=self._episodes, chunks=chunks)  # fmt: skip
        self._prepare()
        self._validate(0)
        for number in range(chunks):
            last = min(self._episodes, (number + 1) * self._chunk)
            self._train(number * self._chunk, last)
            self._validate(last)
            verdict = Verdict(last, "continue", "no alert is open")
            self._write("verdict", key=f"episode {last}", verdict=asdict(verdict))
        self._finish()
        return self._lines

    def _write(self, event: str, **fields: Any) -> None:
        self._lines.append(entry(event, round(self._time, 3), **fields))

    def _pass(self, seconds: float) -> None:
        """Time goes by, and the machine is looked at now and then."""
        end = self._time + seconds
        while self._last_system + SYSTEM_SECONDS <= end:
            self._last_system += SYSTEM_SECONDS
            self._time = max(self._time, self._last_system)
            self._look_at_system()
        self._time = end

    def _look_at_system(self) -> None:
        minutes = (self._time - BEGUN) / 60
        main = 900 + 25 * math.sqrt(minutes) + self._random.normal(0, 6)
        self._write("system", memory_mib=round(main + 620 + self._random.normal(0, 20), 1),
                    main_memory_mib=round(main, 1), cpu_percent=round(float(self._random.uniform(70, 99)), 1),
                    disk_free_mib=round(42_000 - 12 * minutes, 1), workers=2)  # fmt: skip

    def _stage(self, name: str, seconds: float, total: int) -> None:
        self._write("stage_begin", stage=name)
        for part in range(4):
            self._write("progress", stage=name, done=total * part // 4, total=total)
            self._pass(seconds / 4)
        self._write("stage", stage=name, seconds=round(seconds, 3))

    def _prepare(self) -> None:
        self._stage("data", 50.0, 2460)
        counts = {"train": {"simple": 434}, "validation": {"simple": VALIDATION_LOGOS}, "test": {"simple": 130}}
        self._write("data", key="data", counts=counts, skipped=1635)
        self._stage("library", 240.0, 48)
        self._write("library", key="library", size=40)
        self._baselines("validation")

    def _baselines(self, split: str) -> None:
        self._stage(f"baselines: {split}", 30.0, 5)
        names = ("searcher", "traces", "gain", "quality", "success_rate")
        found = [dict(zip(names, values, strict=True)) for values in BASELINES]
        self._write("baselines", key=split, split=split, searchers=found)

    def _train(self, first: int, last: int) -> None:
        self._write("stage_begin", stage="training")
        begun = self._time
        for before in range(first, last, ROLLOUT_EPISODES):
            self._rollout(before, min(last, before + ROLLOUT_EPISODES))
        self._write("stage", stage="training", seconds=round(self._time - begun, 3))

    def _rollout(self, before: int, after: int) -> None:
        seconds = (after - before) / float(self._random.normal(6.6, 0.35))
        self._pass(seconds)
        played = [self._episode(number) for number in range(before + 1, after + 1)]
        for one in played:
            self._write("episode", rollbacks=0, episode=asdict(one))
        rollout = self._update(played, seconds)
        self._write("rollout", key=f"0 {after}", rollbacks=0, rollout=rollout.as_dict())
        self._troubles(before, after)
        for share in (0.2, 0.5, 1.0):
            if before < share * self._episodes <= after:
                message = f"{share:.0%} of {self._episodes:,} episodes done"
                self._milestone(f"episodes-{round(share * 100)}", after, message)
        if before // CHECKPOINT_EPISODES < after // CHECKPOINT_EPISODES:
            file = f"checkpoints/episode-{after:06d}.pt"
            self._write("checkpoint", key=f"episode {after}", episode=after, file=file, size_bytes=1_800_000)

    def _episode(self, number: int) -> PlayedEpisode:
        plain = float(self._random.uniform(0.84, 0.97))
        gone = float(self._random.beta(8 + 4 * progress_of(number), 1.6))
        ratio = float(np.clip(self._random.lognormal(-1.4 - 0.25 * progress_of(number), 0.45), 0.02, 1.0))
        weight = float(np.exp(self._random.uniform(math.log(0.25), math.log(2.0))))
        quality = 1 - max(1e-4, (1 - plain) * (1 - gone))
        closer, smaller = math.log2((1 - plain) / (1 - quality)), -math.log2(ratio)
        digest = f"{int(self._random.integers(2**60)):015x}0"
        return PlayedEpisode(
            number=number, logo=f"resources/made/logo-{number % 434:03d}.png", digest=digest, size_weight=weight,
            reward=closer + weight * smaller, gain=closer + 0.5 * smaller, quality=quality,
            ssim_improvement=gone, bytes_ratio=ratio, success=gone > 0.75 and quality >= 0.85,
            length=STEPS, failed_traces=int(self._random.random() < 0.002), parameters=CLEANED_PLAIN.as_dict(),
        )  # fmt: skip

    def _update(self, played: Sequence[PlayedEpisode], seconds: float) -> Rollout:
        learned = progress_of(played[-1].number)
        figures = ("reward", "gain", "quality", "bytes_ratio", "ssim_improvement")
        means = {name: float(np.mean([getattr(one, name) for one in played])) for name in figures}
        failed, traces = sum(one.failed_traces for one in played), sum(one.length for one in played)
        return Rollout(
            episode=played[-1].number, episodes=len(played), first_gain=means["gain"] - 0.2,
            success_rate=float(np.mean([one.success for one in played])), failures={"panic": failed} if failed else {},
            traces=traces, remembered=traces // 9, seconds=round(seconds, 3), trace_seconds=round(1.7 * seconds, 3),
            train={
                "approx_kl": 0.02 + 0.05 * float(self._random.random()),
                "entropy_loss": -2.3 + 1.6 * learned,
                "explained_variance": 0.3 + 0.5 * learned + float(self._random.normal(0, 0.02)),
                "value_loss": 2.7 * (1 - learned) + 0.05,
                "policy_gradient_loss": -0.01 + float(self._random.normal(0, 0.002)),
                "learning_rate": 3e-4 * (1 - 0.9 * played[-1].number / self._episodes),
            }, **means,
        )  # fmt: skip

    def _troubles(self, before: int, after: int) -> None:
        """One that is over soon, and one that stays."""
        soon, over, stays = (share * self._episodes for share in (0.3, 0.4, 0.7))
        if before < soon <= after:
            self._failing_since = after
            self._alert("performance", "velocity", "medium", after, "3.1 episodes a second, where 6.6 are usual",
                        "Look at what else runs on the machine, and at its temperature.")  # fmt: skip
        if before < over <= after:
            self._write("alert_over", check="velocity", raised=self._failing_since, episode=after)
        if before < stays <= after:
            self._alert("overfitting", "gap", "high", after, "training gain rose by 0.31 more than validation gain",
                        "Train on more logos: images, generated_logos, or category = \"all\".")  # fmt: skip

    def _alert(self, kind: str, check: str, severity: str, episode: int, message: str, advice: str) -> None:
        values = {"kind": kind, "check": check, "severity": severity, "message": message, "recommendation": advice}
        made = alert(episode=episode, last_episode=episode, measured=0.31, threshold=0.25, **values)
        self._write("alert", key=f"{check} {episode}", alert=asdict(made))

    def _milestone(self, name: str, episode: int, message: str) -> None:
        self._write("milestone", key=name, name=name, episode=episode, message=message)

    def _validate(self, episode: int) -> None:
        self._stage("validation", 14.0, VALIDATION_LOGOS)
        learned = progress_of(episode)
        gain = 4.42 + 0.2 * learned + float(self._random.normal(0, 0.01))
        rate = round((0.78 + 0.1 * learned) * VALIDATION_LOGOS) / VALIDATION_LOGOS
        for searcher, _, of_baseline, _, _ in BASELINES:
            ahead = gain - of_baseline
            lead = asdict(Difference(ahead, ahead - 0.06, ahead + 0.06, VALIDATION_LOGOS))
            self._write("comparison", key=f"{episode} {searcher}", episode=episode, baseline=searcher, gain=lead)
        if episode:
            self._milestone(f"best-gain-{episode}", episode, f"best validation gain so far: {gain:.3f}")
        around = [asdict(Estimate(gain, gain - 0.24, gain + 0.23, VALIDATION_LOGOS)),
                  asdict(Estimate(rate, rate - 0.09, min(1.0, rate + 0.08), VALIDATION_LOGOS))]  # fmt: skip
        self._write("validation", key=f"episode {episode}", episode=episode, headline=summary(gain, rate),
                    gain=around[0], success_rate=around[1])  # fmt: skip

    def _finish(self) -> None:
        last = self._episodes
        self._stage("test", 25.0, 130)
        self._write("test", key=f"episode {last}", episode=last, headline=summary(4.66, 0.89))
        self._baselines("test")
        self._write("final_report", key=f"episode {last}", episode=last, outcome="completed", files=["report.html"])
        self._write("ended", status="FINISHED", reason="", resumable=False)


def summary(gain: float, success_rate: float) -> dict[str, Any]:
    """Means with these two figures."""
    found = Summary(
        logos=VALIDATION_LOGOS, quality=0.988, gain=gain, ssim_improvement=0.89, success_rate=success_rate,
        bytes_ratio=0.21, regret=0.09, convergence_score=0.6 * 0.988 + 0.4 * success_rate,
        cleaned_ssim_improvement=0.74, cleaned_bytes_ratio=0.24, cleaned_success_rate=0.7, failed_traces=0,
    )  # fmt: skip
    return asdict(found)
