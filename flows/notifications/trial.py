"""One message of each kind, the way that real ones go: events at Prefect's server, its automations, the receivers."""

from __future__ import annotations

import base64
import io
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID, uuid4

from PIL import Image, ImageDraw
from prefect.client.orchestration import SyncPrefectClient
from prefect.utilities.urls import url_for

from flows.notifications.automations import EVENTS
from flows.notifications.received import DATA_URI, PICTURE_KEY
from flows.notifications.registry import Channel
from rlcore.reporting.messages import Facts, Figure, Link, compose

RUN = "notification-test"
PATIENCE_SECONDS = 120.0
"""Attempts, with their time limits and pauses, take under a minute; then the server writes down how they went."""

EXECUTED = "prefect.automation.action.executed"
FAILED = "prefect.automation.action.failed"

KINDS = {
    "milestone": "milestones",
    "alert": "alerts",
    "report": "reports",
    "finished": "finished",
    "failed": "failures",
    "crashed": "failures",
}
"""Kinds of messages, and the groups that they belong to."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """How one message went; ``trouble`` is empty where it arrived."""

    channel: str
    kind: str
    trouble: str = ""


def try_out(client: SyncPrefectClient, channels: Sequence[Channel]) -> list[Delivery]:
    """Sends one message of each kind to each channel that tells it, and says how each went."""
    with _flow_runs(client, 2) as flow_runs, _curves(client) as picture:
        told = [kind for kind in list(KINDS)[:4] if any(KINDS[kind] in c.automations for c in channels)]
        sent = {kind: _emit(client, kind, flow_runs, picture) for kind in told}
        # the server knows what to say of a failed run by the events before it
        _wait_until_kept(client, _emit(client, "started", flow_runs, picture))
        if any("failures" in channel.automations for channel in channels):
            sent["failed"] = _end(client, flow_runs[0], "FAILED")
            sent["crashed"] = _end(client, flow_runs[1], "CRASHED")
        return _deliveries(client, channels, sent)


def _deliveries(client: SyncPrefectClient, channels: Sequence[Channel], sent: dict[str, UUID]) -> list[Delivery]:
    waiting = {
        (f"prefect.automation.{channel.automations[KINDS[kind]].id}", f"prefect.event.{event}"): (channel.name, kind)
        for channel in channels
        for kind, event in sent.items()
        if KINDS[kind] in channel.automations
    }
    order, troubles = list(waiting.values()), dict.fromkeys(waiting.values(), "no answer from Prefect's server")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while waiting and time.monotonic() < deadline:
        time.sleep(0.5)
        for result in _results(client, {automation for automation, _ in waiting}):
            events = [r["prefect.resource.id"] for r in result["related"]]
            for event in events:
                place = waiting.pop((result["resource"]["prefect.resource.id"], event), None)
                if place is not None:
                    troubles[place] = _trouble(result)
    return [Delivery(channel, kind, troubles[channel, kind]) for channel, kind in order]


def _results(client: SyncPrefectClient, automations: set[str]) -> list[dict[str, Any]]:
    own = {"event": {"name": [EXECUTED, FAILED]}, "resource": {"id": sorted(automations)}, "order": "DESC"}
    answer = client.request("POST", "/events/filter", json={"filter": own, "limit": 50}).json()
    return list(answer["events"])


def _trouble(result: dict[str, Any]) -> str:
    if result["event"] == EXECUTED:
        return ""
    payload = result["payload"]
    reason = str(payload.get("notification_log") or payload["reason"])
    if "No block class found" in reason:
        return "Prefect's server does not know stage1's blocks: install stage1 where it runs, and start it again"
    return reason


def _emit(client: SyncPrefectClient, kind: str, flow_runs: Sequence[UUID], picture: str) -> UUID:
    """An event as ``tasks.prefect_sink`` sends it."""
    labels = {"prefect.resource.id": f"stage1.run.{RUN}", "prefect.resource.name": RUN}
    if kind == "milestone":
        labels["stage1.episode"] = "100"
    if kind == "alert":
        labels |= {"stage1.check": "test", "stage1.severity": "critical", "stage1.repeated": "false"}
    facts = _facts(flow_runs[0])
    advice = "Nothing to do: this message was sent by `stage1 notifications test`."
    message = compose(f"Test of notifications: {kind}", facts, ["The figures are made up."], advice)
    payload = {"facts": facts.as_dict(), **asdict(message), "test": True}
    event = {
        "id": str(uuid4()),
        "event": EVENTS.get(KINDS.get(kind, ""), f"stage1.{kind}"),
        "resource": labels,
        "related": [
            {"prefect.resource.id": f"prefect.flow-run.{one}", "prefect.resource.role": "flow-run"} for one in flow_runs
        ],
        "payload": payload | ({"picture": picture} if kind == "finished" else {}),
        "occurred": _now(),
    }
    client.request("POST", "/events", json=[event])
    return UUID(str(event["id"]))


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _facts(flow_run: UUID) -> Facts:
    figures = (Figure("success rate on 0 validation logos", "81.0 %", "80%"), Figure("mean SSIM", "0.9710", "0.85"))
    links = (
        Link("Flow run", url_for("flow-run", obj_id=flow_run) or str(flow_run)),
        Link("Dashboard", f"stage1 dashboard --run '{RUN}'"),
        Link("MLflow run", "none"),
    )
    return Facts(RUN, 100, 200, figures, "Validation gain 1.000 → 1.100 (+0.100) since episode 50.", links)


def _wait_until_kept(client: SyncPrefectClient, event: UUID) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        asked = {"filter": {"id": {"id": [str(event)]}}, "limit": 1}
        if client.request("POST", "/events/filter", json=asked).json()["events"]:
            return
        time.sleep(0.5)


@contextmanager
def _flow_runs(client: SyncPrefectClient, number: int) -> Iterator[list[UUID]]:
    """Running flow runs of ``stage1``, which no process is behind; they are deleted in the end."""
    flow = client.request("POST", "/flows/", json={"name": "stage1"}).json()["id"]
    asked = {"flow_id": flow, "name": RUN, "state": {"type": "RUNNING"}, "tags": [RUN]}
    made: list[UUID] = []
    try:
        for _ in range(number):
            made.append(UUID(client.request("POST", "/flow_runs/", json=asked).json()["id"]))
        yield made
    finally:
        for one in made:
            client.delete_flow_run(one)


def _end(client: SyncPrefectClient, flow_run: UUID, state_type: str) -> UUID:
    """Ends a flow run; the id of the event that the server makes of that, which is the state's."""
    state = {"type": state_type, "message": "This run was made, and ended so, by `stage1 notifications test`."}
    answer = client.request(
        "POST", "/flow_runs/{id}/set_state", path_params={"id": flow_run}, json={"state": state, "force": True}
    ).json()
    return UUID(answer["state"]["id"])


@contextmanager
def _curves(client: SyncPrefectClient) -> Iterator[str]:
    """A picture among Prefect's artifacts, as a finished run leaves one; deleted in the end. Its description."""
    picture, buffer = Image.new("RGB", (480, 240), "white"), io.BytesIO()
    points = [(x, 230 - 220 * x / (x + 90)) for x in range(0, 480, 8)]
    ImageDraw.Draw(picture).line(points, fill="navy", width=3)
    picture.save(buffer, "PNG")
    described = f"Curves of {RUN} {uuid4()}"
    data = DATA_URI + base64.b64encode(buffer.getvalue()).decode()
    made = {"key": PICTURE_KEY, "type": "image", "description": described, "data": data}
    artifact = client.request("POST", "/artifacts/", json=made).json()["id"]
    try:
        yield described
    finally:
        client.delete_artifact(UUID(artifact))
