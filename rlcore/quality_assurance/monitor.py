"""The monitor: folds the events of a run into alerts. The same events give the same alerts: no clock, no chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

from rlcore.config import Stage1Config
from rlcore.judging.validation import Validation
from rlcore.quality_assurance import degradation, failure, overfitting, performance, stagnation
from rlcore.quality_assurance.history import History
from rlcore.quality_assurance.reading import Check, Reading
from rlcore.records import SEVERITIES, Alert, Kind, Rollout

_ROLLOUT_CHECKS = (*failure.CHECKS, *stagnation.CHECKS, *performance.ROLLOUT_CHECKS)
_VALIDATION_CHECKS = (*degradation.CHECKS, *overfitting.CHECKS)
_CALM_LOOKS = 2
"""Good validations, or looks at memory or disk, that close an alert: one alone may be luck."""


class Monitor:
    """Raises an alert once, updates it while the trouble goes on, and closes it when the trouble is over.

    It is over after ``qa.window`` good rollouts in a row, or two good validations or looks at memory or disk. What
    comes again later is a new alert.
    """

    def __init__(self, config: Stage1Config) -> None:
        """``config``: thresholds, and which checks are on."""
        self._config = config
        self._history = History(config.qa)
        self._alerts: list[Alert] = []
        self._open: dict[str, int] = {}
        self._calm: dict[str, int] = {}
        self._over: list[tuple[Alert, int]] = []
        self._seen_in_chunk: set[int] = set()
        self._seen_since: set[int] = set()

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """All so far, in the order in which they were raised."""
        return tuple(self._alerts)

    @property
    def open_alerts(self) -> tuple[Alert, ...]:
        """Those whose trouble is not over."""
        return tuple(self._alerts[number] for number in sorted(self._open.values()))

    @property
    def over(self) -> tuple[tuple[Alert, int], ...]:
        """Alerts whose trouble is over, with the episode at which that was seen; since the last rollback."""
        return tuple(self._over)

    @property
    def recent_alerts(self) -> tuple[Alert, ...]:
        """For a verdict on a chunk: those that are open or were seen since the validation before the last one."""
        numbers = {*self._open.values(), *self._seen_in_chunk, *self._seen_since}
        return tuple(self._alerts[number] for number in sorted(numbers))

    @property
    def critical(self) -> Alert | None:
        """The first open alert that is critical."""
        return next((alert for alert in self.open_alerts if alert.severity == "critical"), None)

    def take_rollout(self, rollout: Rollout) -> list[Alert]:
        """One update of the policy; gives the alerts that it raised or updated, as the other events do."""
        self._history.add_rollout(rollout)
        return self._look(_ROLLOUT_CHECKS, rollout.episode, self._config.qa.window)

    def take_validation(self, validation: Validation) -> list[Alert]:
        """The agent on the validation logos, the untrained one first.

        Raises:
            ValueError: it is not of the same logos as the ones before.
        """
        self._seen_in_chunk, self._seen_since = self._seen_since, set()
        self._history.add_validation(validation)
        return self._look(_VALIDATION_CHECKS, validation.episode)

    def take_memory(self, episode: int, mib: float) -> list[Alert]:
        """Memory of all processes of the run together at the end of a chunk, in MiB."""
        self._history.memory_mib.append(mib)
        return self._look(performance.MEMORY_CHECKS, episode)

    def take_disk(self, episode: int, free_bytes: int, needed_bytes: int) -> list[Alert]:
        """What is free on the run's disk, and what the rest of the run will write."""
        self._history.free_bytes, self._history.needed_bytes = free_bytes, needed_bytes
        return self._look(performance.DISK_CHECKS, episode)

    def take_broken(self, episode: int, reason: str) -> list[Alert]:
        """A loss, a gradient or a weight is not a finite number; told whatever is switched off."""
        return [self._tell("non-finite", "failure", failure.broken(reason), episode)]

    def rolled_back(self, episode: int) -> None:
        """The run goes on from the checkpoint of ``episode``: open alerts are closed, windows are empty."""
        for collected in (self._open, self._calm, self._seen_in_chunk, self._seen_since, self._over):
            collected.clear()
        self._history.return_to(episode)

    def _look(self, checks: Sequence[Check], episode: int, patience: int = _CALM_LOOKS) -> list[Alert]:
        told = []
        for check in checks:
            if not _is_on(self._config, check.kind):
                continue
            reading = check.read(self._config, self._history)
            if reading is None:
                self._rest(check.name, patience, episode)
            else:
                told.append(self._tell(check.name, check.kind, reading, episode))
        return told

    def _tell(self, name: str, kind: Kind, reading: Reading, episode: int) -> Alert:
        """Raises the check's alert, or updates the open one."""
        if name in self._open:
            number = self._open[name]
            self._alerts[number] = _updated(self._alerts[number], reading, episode)
        else:
            number = self._open[name] = len(self._alerts)
            alert = Alert(kind=kind, check=name, episode=episode, last_episode=episode, updates=0, **asdict(reading))
            self._alerts.append(alert)
        self._calm[name] = 0
        self._seen_since.add(number)
        return self._alerts[number]

    def _rest(self, name: str, patience: int, episode: int) -> None:
        """A look that found nothing wrong."""
        if name in self._open:
            self._calm[name] += 1
            if self._calm[name] >= patience:
                self._over.append((self._alerts[self._open.pop(name)], episode))


def _is_on(config: Stage1Config, kind: Kind) -> bool:
    switches = {"overfitting": config.overfitting_detection, "performance": config.performance_monitoring}
    return switches.get(kind, config.failure_detection)


def _updated(alert: Alert, reading: Reading, episode: int) -> Alert:
    seen = replace(alert, last_episode=episode, updates=alert.updates + 1)
    milder = SEVERITIES.index(reading.severity) < SEVERITIES.index(alert.severity)
    return seen if milder else replace(seen, **asdict(reading))
