"""What the checks look at: rolling windows over the events of a run, and the few validations that matter."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from rlcore.config import QASettings
from rlcore.judging.validation import Validation
from rlcore.records import Rollout

LAST = 3
"""Rollouts whose mean is the present state of a figure that jumps from one to the next."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A validation, and the mean gains of the rollouts in the window at that time."""

    validation: Validation
    gains: tuple[float, ...]


class History:
    """Everything here has a greatest length, so that a run of any length fits.

    Attributes:
        rollouts: the last ``window`` ones.
        first_rollouts: the first ``window`` ones.
        gains: (episodes, mean gain) of the rollouts that make up the last ``stagnation_episodes``.
        velocities: episodes per second of the last ``velocity_window`` rollouts.
        first, best: validations; the best has the highest mean gain, the earliest of equals.
        previous, last: the last two validations with their training gains.
        memory_mib: after the last three chunks.
        free_bytes, needed_bytes: of the disk, when it was last looked at.
    """

    def __init__(self, settings: QASettings) -> None:
        self._settings = settings
        self.first: Validation | None = None
        self.best: Validation | None = None
        self.first_rollouts: list[Rollout] = []
        self._clear()

    def _clear(self) -> None:
        settings = self._settings
        self.rollouts: deque[Rollout] = deque(maxlen=settings.window)
        # a rollout has one episode at least
        self.gains: deque[tuple[int, float]] = deque(maxlen=settings.stagnation_episodes)
        self.velocities: deque[float] = deque(maxlen=settings.velocity_window)
        self.memory_mib: deque[float] = deque(maxlen=3)
        self.previous: Standing | None = None
        self.last: Standing | None = None
        self.free_bytes = self.needed_bytes = 0

    def add_rollout(self, rollout: Rollout) -> None:
        """One update of the policy."""
        self.rollouts.append(rollout)
        self.velocities.append(rollout.episodes_per_second)
        self.gains.append((rollout.episodes, rollout.gain))
        while sum(episodes for episodes, _ in self.gains) - self.gains[0][0] >= self._settings.stagnation_episodes:
            self.gains.popleft()
        if len(self.first_rollouts) < self._settings.window:
            self.first_rollouts.append(rollout)

    def add_validation(self, validation: Validation) -> None:
        """The agent on the validation logos."""
        self.previous = self.last
        self.last = Standing(validation, tuple(rollout.gain for rollout in self.rollouts))
        self.first = self.first or validation
        if self.best is None or validation.headline().gain > self.best.headline().gain:
            self.best = validation

    def return_to(self, episode: int) -> None:
        """Forgets what came after ``episode``, and all windows: what comes next does not follow from them."""
        self._clear()
        self.first_rollouts = [rollout for rollout in self.first_rollouts if rollout.episode <= episode]
        if self.first is not None and self.first.episode > episode:
            self.first = None
        if self.best is not None and self.best.episode > episode:
            self.best = self.first

    def figures(self, name: str) -> list[float]:
        """One of PPO's own figures over the window, of the rollouts that have it."""
        return [rollout.train[name] for rollout in self.rollouts if name in rollout.train]
