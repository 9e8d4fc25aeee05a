"""Promotion and rollback by a person: recorded like the gate's decisions, as tags and as a file in MLflow."""

from __future__ import annotations

import getpass
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone

import mlflow
from mlflow.exceptions import MlflowException

from rlcore.errors import RegistryError
from tasks import registry
from tasks.registry import Version


@dataclass(frozen=True, slots=True)
class Change:
    """Who is champion now, and who was before; None: nobody."""

    champion: Version
    before: Version | None


def promote_by_hand(number: str) -> Change:
    """Makes a version champion, whatever the gate says of it.

    Raises:
        RegistryError: there is no such version, or it is champion already.
    """
    wanted = registry.version(number)
    with registry.lock():
        before = registry.with_alias(registry.CHAMPION)
        if before is not None and before.number == wanted.number:
            raise RegistryError(f"version {wanted.number} of {registry.MODEL} is champion already")
        registry.crown(wanted.number)
    change = Change(registry.version(wanted.number), before)
    _record(change, "promoted", change.champion)
    return change


def roll_back_by_hand() -> Change:
    """Gives the champion's place back to the one before.

    Raises:
        RegistryError: there is no champion, or none was before it.
    """
    with registry.lock():
        left, back = registry.roll_back()
    change = Change(registry.version(back.number), left)
    _record(change, "rolled back", left)
    _record(change, "champion again", change.champion)
    return change


def _record(change: Change, what: str, of: Version) -> None:
    now, by = datetime.now(timezone.utc), _user()
    before = change.before.number if change.before else ""
    told = f"{what}: by hand, {by}, {now:%Y-%m-%d %H:%M} UTC; champion {before or 'none'} -> {change.champion.number}"
    registry.record(of.number, of.run_id, told)
    content = {
        "version": of.number,
        "answer": what,
        "reason": told,
        "champion_before": before,
        "champion": change.champion.number,
        "by": by,
        "time": now.isoformat(),
    }
    with suppress(MlflowException):  # the run was deleted: the version's tag says it
        mlflow.MlflowClient().log_dict(of.run_id, content, f"promotions/{now:%Y%m%d-%H%M%S-%f}.json")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "unknown"
