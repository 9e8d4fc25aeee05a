"""Which events of Prefect's server are told, as automations: one for each channel and group of events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from prefect.events.schemas.automations import AutomationCore
from prefect.utilities.urls import url_for

from rlcore.errors import NotificationError
from rlcore.records import SEVERITIES
from tasks.run import REJECTED

TAG = "stage1-notifications"

EVENTS = {
    "milestones": "stage1.milestone",
    "alerts": "stage1.alert",
    "reports": "stage1.report",
    "finished": "stage1.finished",
    "failures": "prefect.flow-run.*",
}
"""Groups of events, and what they are to Prefect."""

RUNS = "stage1.run.*"


def chosen_events(text: str) -> tuple[str, ...]:
    """Groups of events from a list with commas.

    Raises:
        NotificationError: one is unknown, or there is none.
    """
    found = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    unknown = [name for name in found if name not in EVENTS]
    if unknown or not found:
        raise NotificationError(f"events {text!r}: {', '.join(EVENTS)} are allowed, with commas between")
    return found


def name_of(channel: str, group: str) -> str:
    """Of an automation; by it a second setup finds the first one's."""
    return f"stage1 notifications: {channel}, {group}"


def automation(channel: str, group: str, groups: Sequence[str], min_severity: str, block_id: UUID) -> AutomationCore:
    """The automation that tells a group of events in a channel.

    Args:
        channel: name of the channel.
        group: of events.
        groups: all that the channel tells.
        min_severity: of alerts.
        block_id: of the channel's block.
    """
    trigger: dict[str, Any] = {
        "type": "event",
        "posture": "Reactive",
        "expect": [EVENTS[group]],
        "match": {"prefect.resource.id": RUNS},
        "for_each": ["prefect.resource.id"],
        "threshold": 1,
        "within": 0,
    }
    described = "Made by `stage1 notifications setup`."
    if group == "alerts":
        severities = SEVERITIES[SEVERITIES.index(min_severity) :]
        trigger["match"] |= {"stage1.severity": list(severities), "stage1.repeated": "false"}
        described += f" Severities: {', '.join(severities)}."
    if group == "milestones":
        # what the untrained policy reaches comes all at once, and is no merit of the training
        trigger["match"]["stage1.episode"] = "!0"
    if group == "failures":
        trigger |= _of_failed_flow_runs("finished" in groups)
    subject, body = _failure_templates() if group == "failures" else _templates(group)
    return AutomationCore.model_validate(
        {
            "name": name_of(channel, group),
            "description": described,
            "enabled": True,
            "tags": [TAG],
            "trigger": trigger,
            "actions": [{"type": "send-notification", "block_document_id": block_id, "subject": subject, "body": body}],
            "actions_on_trigger": [],
            "actions_on_resolve": [],
        }
    )


def _of_failed_flow_runs(rejected_is_told: bool) -> dict[str, Any]:
    """By the state's type, for its name may be any; a rejected run is finished, and told as that where it is."""
    match: dict[str, Any] = {
        "prefect.resource.id": "prefect.flow-run.*",
        "prefect.state-type": ["FAILED", "CRASHED"],
    }
    if rejected_is_told:
        match["prefect.state-name"] = f"!{REJECTED}"
    of = {"prefect.resource.role": "flow", "prefect.resource.name": ["stage1", "curriculum"]}
    return {"match": match, "match_related": of}


def _templates(group: str) -> tuple[str, str]:
    return "{{ event.payload.subject }}", _as_json(
        kind=f'"{group}"', run="event.resource.name", payload="event.payload"
    )


def _failure_templates() -> tuple[str, str]:
    id_of_run = "event.resource.id.split('.')[-1]"
    page = url_for("flow-run", obj_id="ID") or "ID"
    before, _, after = page.partition("ID")
    body = _as_json(
        kind='"failure"',
        flow_run="event.resource.id",
        name="event.resource.name",
        state="event.payload.validated_state",
        url=f'"{before}" ~ {id_of_run} ~ "{after}"',
    )
    return "stage1: {{ event.resource.name }}", body


def _as_json(**fields: str) -> str:
    """A template that renders as a JSON object; each field is an expression."""
    inside = ", ".join(f'"{name}": {value}' for name, value in fields.items())
    return f"{{{{ {{{inside}}} | tojson }}}}"
