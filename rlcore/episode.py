"""The state machine of one episode: one logo, up to T traces, what they gave and what would be delivered."""

from __future__ import annotations

from dataclasses import dataclass, field

from rlcore.conversion.tracing import Trace
from rlcore.features import Features
from rlcore.gain import Baseline, Target, Weights, gain, is_deliverable, is_success
from rlcore.logos import Logo
from rlcore.parameters import Parameters


@dataclass(frozen=True)
class Subject:
    """A logo with all that is known of it before the first trace.

    Attributes:
        plain: baseline of every measure.
        cleaned: the stronger baseline, after alpha clean-up.
        category: by ``features.category_of``.
        split: ``train``, ``validation`` or ``test``.
    """

    logo: Logo
    features: Features
    plain: Baseline
    cleaned: Baseline
    category: str
    split: str

    @property
    def name(self) -> str:
        """The logo's name."""
        return self.logo.name


@dataclass(frozen=True, slots=True)
class Attempt:
    """One trace of an episode. ``gain`` is -inf where the trace failed."""

    parameters: Parameters
    trace: Trace
    gain: float
    deliverable: bool
    success: bool


@dataclass
class Episode:
    """What a searcher sees and adds to."""

    subject: Subject
    budget: int
    weights: Weights = field(default_factory=Weights)
    target: Target = field(default_factory=Target)
    attempts: list[Attempt] = field(default_factory=list)

    def record(self, parameters: Parameters, trace: Trace) -> float:
        """Adds a trace; returns by how much the best gain rose (>= 0)."""
        plain = self.subject.plain
        before = self.best_gain
        self.attempts.append(
            Attempt(
                parameters,
                trace,
                gain(trace, plain, self.weights),
                is_deliverable(trace, plain),
                is_success(trace, plain, self.target),
            )
        )
        return self.best_gain - before

    def with_weights(self, weights: Weights) -> Episode:
        """The same traces, read with other weights of the gain."""
        again = Episode(self.subject, self.budget, weights, self.target)
        for attempt in self.attempts:
            again.record(attempt.parameters, attempt.trace)
        return again

    @property
    def step(self) -> int:
        """Traces made."""
        return len(self.attempts)

    @property
    def done(self) -> bool:
        """Whether the budget is used."""
        return self.step >= self.budget

    @property
    def best(self) -> Attempt | None:
        """The deliverable attempt with the best gain above plain's 0, the earliest of equals; None is plain."""
        return self._best_of([a for a in self.attempts if a.deliverable and a.gain > 0])

    @property
    def best_gain(self) -> float:
        """Best gain so far, >= 0: plain is always kept."""
        best = self.best
        return 0.0 if best is None else best.gain

    @property
    def delivered(self) -> Attempt | None:
        """What the user gets: the best gain, a success before any that is not; None is plain."""
        return self._best_of([a for a in self.attempts if a.success]) or self.best

    @staticmethod
    def _best_of(attempts: list[Attempt]) -> Attempt | None:
        return max(attempts, key=lambda attempt: attempt.gain, default=None)

    def best_gain_after(self, traces: int) -> float:
        """Best gain of the first ``traces`` attempts, >= 0."""
        return max([0.0, *(a.gain for a in self.attempts[:traces] if a.deliverable)])
