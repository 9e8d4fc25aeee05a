"""Made events of a run, and what a monitor says of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rlcore.config import Stage1Config
from rlcore.judging.validation import Validation
from rlcore.quality_assurance import Monitor
from rlcore.records import Alert, Rollout
from tests.conftest import small_config
from tests.rlcore.made import result, rollout

CONFIG = small_config(qa={"window": 4, "stagnation_episodes": 80})
FIGURES = {"value_loss": 0.5, "policy_gradient_loss": -0.01, "entropy_loss": -1.5, "approx_kl": 0.01}
"""Of a healthy update."""


def good(count: int, first: int = 1, rise: float = 0.1, **values: Any) -> list[Rollout]:
    """Healthy rollouts of ten episodes, the ``first``-th ones of a run, whose gain rises."""
    return [
        rollout(**({"gain": 1 + rise * number, "episode": 10 * number, "train": FIGURES} | values))
        for number in range(first, first + count)
    ]


def updates(name: str, values: Sequence[float]) -> list[Rollout]:
    """Rollouts that are healthy but for one of PPO's own figures."""
    return [good(1, number, train=FIGURES | {name: value})[0] for number, value in enumerate(values, start=1)]


def measured(gains: Sequence[float], episode: int = 0, **values: Any) -> Validation:
    """A validation of as many logos, with these gains."""
    results = [result(digest=f"{number}", gain=gain, **values) for number, gain in enumerate(gains)]
    return Validation("agent", episode, 2, "simple", tuple(results))


def folded(events: Iterable[Rollout | Validation], config: Stage1Config = CONFIG) -> Monitor:
    """A monitor that has taken these events."""
    monitor = Monitor(config)
    for event in events:
        take(monitor, event)
    return monitor


def take(monitor: Monitor, event: Rollout | Validation) -> list[Alert]:
    """What the monitor says of one event."""
    return monitor.take_rollout(event) if isinstance(event, Rollout) else monitor.take_validation(event)


def found(monitor: Monitor) -> list[tuple[str, str]]:
    """Check and severity of all alerts so far."""
    return [(alert.check, alert.severity) for alert in monitor.alerts]
