"""What Prefect is told of a run: events for its automations, and artifacts."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import asdict
from types import MappingProxyType
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import httpx
from prefect.artifacts import create_image_artifact, create_markdown_artifact, create_table_artifact
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.events.schemas.events import Event, RelatedResource, Resource
from prefect.exceptions import PrefectException
from prefect.runtime import flow_run
from prefect.settings import PREFECT_API_REQUEST_TIMEOUT, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from rlcore.records import Comparison
from tasks.messages import is_repeated, payload_of, picture_of
from tasks.run import Run

TIMEOUT_SECONDS = 10.0

EVENTS = {
    "started": "stage1.started",
    "resumed": "stage1.resumed",
    "validation": "stage1.validation",
    "milestone": "stage1.milestone",
    "alert": "stage1.alert",
    "report": "stage1.report",
    "final_report": "stage1.finished",
}
"""Of the journal, and what automations know them as. The first three have no message of their own: by them Prefect's
server knows what to say of a run that crashed."""

_A_PAGE = 50


class PrefectSink:
    """The server that the flow run belongs to."""

    name = place = "prefect"
    troubles = (httpx.HTTPError, PrefectException, OSError)

    def __init__(self, run: Run) -> None:
        self._run = run
        self._folder = run.folder
        self._again = True
        self._handlers: dict[str, Callable[[dict[str, Any]], None]] = {
            **dict.fromkeys(EVENTS, self._event),
            "validation": self._validation,
            "report": self._report,
            "final_report": self._final_report,
        }

    def takes(self, event: str) -> bool:
        """Whether there is something to tell."""
        return event in self._handlers

    def take(self, entry: dict[str, Any], again: bool) -> None:
        """Tells one event; training waits ``TIMEOUT_SECONDS`` for the answer at most."""
        self._again = again
        with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0, PREFECT_API_REQUEST_TIMEOUT: TIMEOUT_SECONDS}):
            self._handlers[entry["event"]](entry)

    def _event(self, entry: dict[str, Any]) -> None:
        """Posts an event for automations. Prefect's own ``emit_event`` does not say whether it arrived."""
        with get_client(sync_client=True) as client:
            new = self._unknown_until(client, entry) if self._again else [entry]
            told = [self._as_event(one) for one in new if self._is_wanted(one)]
            if told:
                client.request("POST", "/events", json=[event.model_dump(mode="json") for event in told])

    def _is_wanted(self, entry: dict[str, Any]) -> bool:
        return entry["event"] != "milestone" or self._run.config.milestone_notifications

    def _unknown_until(self, client: SyncPrefectClient, entry: dict[str, Any]) -> list[dict[str, Any]]:
        """This event, and those before it that a server took but was killed before it wrote them down."""
        events = [one for one in self._folder.journal.read(*EVENTS) if one["time"] <= entry["time"]]
        known: set[str] = set()
        for start in range(0, len(events), _A_PAGE):
            ids = [str(self._event_id(one)) for one in events[start : start + _A_PAGE]]
            asked = {"filter": {"id": {"id": ids}}, "limit": _A_PAGE}
            known |= {event["id"] for event in client.request("POST", "/events/filter", json=asked).json()["events"]}
        return [one for one in events if str(self._event_id(one)) not in known]

    def _as_event(self, entry: dict[str, Any]) -> Event:
        name, entry_id = self._folder.name, self._event_id(entry)
        return run_event(EVENTS[entry["event"]], name, payload_of(self._run, entry), entry_id, self._labels(entry))

    def _labels(self, entry: dict[str, Any]) -> dict[str, str]:
        """What automations choose by: a milestone's episode; an alert's severity, and whether it was just told."""
        if entry["event"] == "milestone":
            return {"stage1.episode": str(entry["episode"])}
        if entry["event"] != "alert":
            return {}
        alert, repeated = entry["alert"], is_repeated(entry, self._folder.journal.read("alert"))
        return alert_labels(alert["check"], alert["severity"], repeated)

    def _event_id(self, entry: dict[str, Any]) -> UUID:
        """The same for the same event: Prefect keeps one of those that it gets twice."""
        key = entry.get("key", "")  # that a run is taken up again is no fact, and may be told often
        return uuid5(NAMESPACE_URL, f"stage1/{self._folder.path}/{entry['event']}/{key}/{entry['time']}")

    def _validation(self, entry: dict[str, Any]) -> None:
        self._event(entry)
        validation = self._folder.validation_at(entry["episode"])
        rows = [{"reading": name, **asdict(summary)} for name, summary in validation.breakdown().items()]
        comparisons = [Comparison.of(validation, baseline) for baseline in self._folder.baselines("validation")]
        rows += [{"reading": c.baseline.searcher, **asdict(c.baseline.headline())} for c in comparisons]
        key, description = "stage1-validation", f"{self._folder.name}, episode {validation.episode}"
        if self._is_new(key, description):
            create_table_artifact(rows, key=key, description=description)

    def _report(self, entry: dict[str, Any]) -> None:
        self._event(entry)
        key, description = "stage1-hourly-report", f"Progress of {self._folder.name}, {entry['key']}"
        if self._is_new(key, description):
            text = (self._folder.path / entry["files"][-1]).read_text(encoding="utf-8")
            create_markdown_artifact(text, key=key, description=description)

    def _final_report(self, entry: dict[str, Any]) -> None:
        told = f"{self._folder.name}, episode {entry['episode']}, {entry['outcome']}"
        key, description = "stage1-summary", f"Result of {told}"
        if self._is_new(key, description):
            summary = (self._folder.path / "stage1_summary.txt").read_text(encoding="utf-8")
            text = f"# {self._folder.name}\n\n```\n{summary}\n```\n"
            create_markdown_artifact(text, key=key, description=description)
        key, description = "stage1-training-progress", picture_of(self._folder.name, entry)
        if self._is_new(key, description):
            picture = (self._folder.path / "stage1_training_progress.png").read_bytes()
            image = "data:image/png;base64," + base64.b64encode(picture).decode()
            create_image_artifact(image, key=key, description=description)
        self._event(entry)  # last: its message has the picture with it

    def _is_new(self, key: str, description: str) -> bool:
        """Whether no such artifact was left before; asked only where one may have been."""
        if not self._again:
            return True
        with get_client(sync_client=True) as client:
            known = client.read_artifacts(artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])))
        return description not in {artifact.description for artifact in known}


def alert_labels(check: str, severity: str, repeated: bool) -> dict[str, str]:
    """What automations choose alerts by."""
    return {"stage1.check": check, "stage1.severity": severity, "stage1.repeated": str(repeated).lower()}


def run_event(
    event: str, run: str, payload: dict[str, Any], event_id: UUID, labels: Mapping[str, str] = MappingProxyType({})
) -> Event:
    """An event of a run, for automations, which choose by its labels; with the flow run that it goes on in."""
    resource = {"prefect.resource.id": f"stage1.run.{run}", "prefect.resource.name": run, **labels}
    return Event(event=event, resource=Resource(resource), related=_flow_run(), payload=payload, id=event_id)


def _flow_run() -> list[RelatedResource]:
    """The flow run that this goes on in, if any: it links the event to its page."""
    own = flow_run.get_id()
    if own is None:
        return []
    return [RelatedResource({"prefect.resource.id": f"prefect.flow-run.{own}", "prefect.resource.role": "flow-run"})]
