"""The run's monitor, folded from its journal."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict

from rlcore.config import Stage1Config
from rlcore.errors import ConfigError
from rlcore.quality_assurance import Monitor, disk_shortage
from rlcore.records import Alert, Rollout
from rlcore.run_folder import RunFolder

CHECKPOINT_BYTES = 4 * 2**20
"""Most that a checkpoint of the default library takes is 2.5 MB, once trained."""

COPIES = 3
"""Of a chunk's checkpoint: in the folder, in MLflow's model, among MLflow's artifacts."""

BASE_BYTES = 200 * 2**20
"""Data set, report, pictures, MLflow's and Prefect's databases: 100 MB after 5000 episodes."""


def tell_alerts(folder: RunFolder, alerts: Sequence[Alert], over: Sequence[tuple[Alert, int]] = ()) -> None:
    """Writes down each alert when it is raised, again when it has become worse, and when its trouble is over."""
    if not alerts and not over:  # as after nearly every rollout
        return
    rollbacks = folder.rollbacks
    for alert in alerts:
        key = f"{alert.check}, {alert.severity}, episode {alert.episode}, {rollbacks} rollbacks"
        folder.journal.write_once("alert", key, alert=asdict(alert))
    for alert, episode in over:
        key = f"{alert.check}, episode {alert.episode}, {rollbacks} rollbacks"
        folder.journal.write_once("alert_over", key, check=alert.check, raised=alert.episode, episode=episode)


def monitor_of(folder: RunFolder, config: Stage1Config, until: int | None = None) -> Monitor:
    """All that happened so far; ``until``: episodes after that one are about to be played again and are left out."""
    monitor, memory_mib, rollbacks = Monitor(config), 0.0, folder.rollbacks
    validations = {validation.episode: validation for validation in folder.validations()}
    for entry in folder.journal.read("rollout", "broken", "rollback", "system", "disk", "validation"):
        match entry["event"]:
            case "rollout":
                rollout = Rollout(**entry["rollout"])
                if until is None or entry["rollbacks"] < rollbacks or rollout.episode <= until:
                    monitor.take_rollout(rollout)
            case "broken":
                if until is None or entry["rollbacks"] < rollbacks:
                    monitor.take_broken(entry["episode"], entry["reason"])
            case "rollback":
                monitor.rolled_back(entry["episode"])
            case "system":
                memory_mib = entry["memory_mib"]
            case "disk":
                monitor.take_disk(entry["episode"], entry["free_bytes"], entry["needed_bytes"])
            case "validation":
                monitor.take_validation(validations[entry["episode"]])
                if memory_mib:
                    monitor.take_memory(entry["episode"], memory_mib)
    return monitor


def needed_bytes(config: Stage1Config, episode: int) -> int:
    """What the rest of a run writes from that episode on, roughly."""
    chunks = -(-(config.target_episodes - episode) // config.validation_frequency)
    return BASE_BYTES + COPIES * CHECKPOINT_BYTES * (chunks + 1)


def look_at_disk(folder: RunFolder, config: Stage1Config, episode: int) -> None:
    """Writes down what is free and what is needed, for the monitor."""
    free = shutil.disk_usage(folder.path).free
    folder.journal.write("disk", episode=episode, free_bytes=free, needed_bytes=needed_bytes(config, episode))


def check_disk(folder: RunFolder, config: Stage1Config) -> None:
    """Before the run, or what is left of it.

    Raises:
        ConfigError: less is free than the run needs.
    """
    folder.path.mkdir(parents=True, exist_ok=True)
    short = disk_shortage(config.qa, shutil.disk_usage(folder.path).free, needed_bytes(config, folder.trained_episodes))
    if short is not None:
        raise ConfigError(f"{folder.path}: {short.message}. {short.recommendation}")
