"""What a run leaves behind: one frozen record per kind of event. The journal keeps them, reports are made from them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, get_args

from rlcore.judging.standings import ComparisonTable
from rlcore.judging.validation import Validation
from rlcore.statistics import Difference, paired_difference


@dataclass(frozen=True, slots=True)
class PlayedEpisode:
    """One training episode.

    Attributes:
        number: from 1, in the order of training.
        logo: name; digest: of its pixels.
        size_weight: its own.
        reward: best gain at its own size weight.
        gain: best gain at the run's size weight.
        quality, ssim_improvement, bytes_ratio, success: of what would be delivered.
        length: traces.
        failed_traces: of these.
        parameters: of the trace that would be delivered; None: plain VTracer.
    """

    number: int
    logo: str
    digest: str
    size_weight: float
    reward: float
    gain: float
    quality: float
    ssim_improvement: float
    bytes_ratio: float
    success: bool
    length: int
    failed_traces: int
    parameters: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Rollout:
    """One update of the policy: means over the episodes just played, then PPO's own figures.

    Attributes:
        episode: episodes finished so far, this rollout's included.
        episodes: episodes of this rollout.
        reward: mean best gain of an episode, each with its own size weight.
        gain: mean best gain at the run's size weight.
        quality, bytes_ratio, ssim_improvement: of what would be delivered.
        success_rate: share of its episodes that are a success.
        first_gain: mean best gain after the first trace, at the run's size weight.
        failures: number of failed traces by kind (``panic``, ``timeout``, ...).
        traces: traces asked for; remembered: of these, answered from memory.
        seconds: wall time of playing and learning.
        trace_seconds: seconds inside the traces, added up over the workers.
        train: Stable-Baselines3's figures by their own names without the prefix (``policy_loss``, ``approx_kl``, ...).
        played: its episodes, in order; empty where it is read back from a journal, which has a line for each.
    """

    episode: int
    episodes: int
    reward: float
    gain: float
    first_gain: float
    quality: float
    bytes_ratio: float
    ssim_improvement: float
    success_rate: float
    failures: dict[str, int]
    traces: int
    remembered: int
    seconds: float
    trace_seconds: float
    train: dict[str, float] = field(default_factory=dict)
    played: tuple[PlayedEpisode, ...] = field(default=(), compare=False)

    @property
    def failed_traces(self) -> int:
        """Number of failed traces."""
        return sum(self.failures.values())

    @property
    def episodes_per_second(self) -> float:
        """Velocity."""
        return self.episodes / self.seconds if self.seconds > 0 else 0.0

    @property
    def failed_share(self) -> float:
        """Share of the traces that failed."""
        return self.failed_traces / max(1, self.traces)

    def as_dict(self) -> dict[str, Any]:
        """As JSON can hold it, without its episodes."""
        content = asdict(replace(self, played=()))
        del content["played"]
        return content


Kind = Literal["failure", "overfitting", "stagnation", "degradation", "performance"]
Severity = Literal["low", "medium", "high", "critical"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""The mildest first."""
Decision = Literal["continue", "roll_back", "target_reached", "early_stopping", "out_of_time", "failure"]


@dataclass(frozen=True, slots=True)
class Alert:
    """A trouble that the QA system noticed, from when it was raised to when it was last seen.

    Attributes:
        kind: what it is about.
        check: name of the check that raised it (``kl``, ``disk``, ...); a check has one open alert at most.
        severity: the worst so far.
        episode: when it was raised.
        last_episode: when it was last seen.
        updates: how often it was seen again since it was raised.
        message: what is wrong, with the figure, when it was last as bad as ``severity``.
        measured: the figure.
        threshold: the limit that it broke, in the figure's unit.
        recommendation: what to do about it.
    """

    kind: Kind
    check: str
    severity: Severity
    episode: int
    last_episode: int
    updates: int
    message: str
    measured: float
    threshold: float
    recommendation: str


@dataclass(frozen=True, slots=True)
class Milestone:
    """Something worth telling: ``name`` for machines, one of a kind in a run; ``message`` for people."""

    name: str
    episode: int
    message: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The gate's answer after a chunk.

    Attributes:
        episode: episodes trained when it was given.
        decision: ``continue``; ``roll_back`` to the last good checkpoint and go on from there; or stop because of
            ``target_reached``, ``early_stopping``, ``out_of_time`` or ``failure``.
        reason: why, in a sentence.
        alerts: those that are open or were seen in the chunk, in the order in which they were raised.
        rollbacks: how often the run was rolled back, with the one that this verdict asks for.
    """

    episode: int
    decision: Decision
    reason: str
    alerts: tuple[Alert, ...] = ()
    rollbacks: int = 0

    @property
    def goes_back(self) -> bool:
        """Whether training goes on from an earlier checkpoint."""
        return self.decision == "roll_back"

    @property
    def stops(self) -> bool:
        """Whether training ends here."""
        return self.decision not in ("continue", "roll_back")


@dataclass(frozen=True)
class Comparison:
    """The agent against one baseline on the same logos of the judged category, paired by logo.

    Attributes:
        baseline: the baseline's validation.
        gain: agent's best gain minus the baseline's.
        ssim_improvement: likewise.
    """

    baseline: Validation
    gain: Difference
    ssim_improvement: Difference

    @classmethod
    def of(cls, agent: Validation, baseline: Validation) -> Comparison:
        """Compares two validations of the same logos.

        Raises:
            ValueError: their judged logos are not the same.
        """
        mine, theirs = agent.of(), baseline.of()
        if [result.digest for result in mine] != [result.digest for result in theirs]:
            raise ValueError(f"{agent.searcher} and {baseline.searcher} were not measured on the same logos")
        return cls(
            baseline,
            paired_difference([r.gain for r in mine], [r.gain for r in theirs]),
            paired_difference([r.ssim_improvement for r in mine], [r.ssim_improvement for r in theirs]),
        )


@dataclass(frozen=True)
class Evidence:
    """Everything that the final report is made from.

    Attributes:
        run_name: name of the run (its folder's name too).
        config: the run's configuration as a plain dict.
        versions: library versions by package name.
        logo_counts: logos by split and category.
        skipped: number of skipped files by reason.
        rollouts: in order.
        validations: the agent on the validation split, episode 0 (untrained) first.
        verdicts: the gate's, in order.
        test: the best model on the test split, with ``steps_per_episode`` traces.
        comparisons: against every baseline on the test split.
        training_effect: best gain of the last trained policy minus the untrained one's on the validation split.
        best_episode: episodes behind the best model.
        outcome: the last verdict's decision, or ``completed``.
        seconds: wall time by stage (``data``, ``baselines``, ``training``, ``validation``, ``test``, ...).
        peak_memory_mib: of all processes of the run together; None where it was not measured.
        comparison: with every other searcher on the test split; None where it was not made.
        milestones: in the order in which they were reached.
    """

    run_name: str
    config: dict[str, Any]
    versions: dict[str, str]
    logo_counts: dict[str, dict[str, int]]
    skipped: dict[str, int]
    rollouts: tuple[Rollout, ...]
    validations: tuple[Validation, ...]
    verdicts: tuple[Verdict, ...]
    test: Validation
    comparisons: tuple[Comparison, ...]
    training_effect: Difference
    best_episode: int
    outcome: str
    seconds: dict[str, float]
    peak_memory_mib: float | None
    comparison: ComparisonTable | None = None
    milestones: tuple[Milestone, ...] = ()
