"""What Prefect is told of a run: events for its automations, and artifacts."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import asdict
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import httpx
from prefect.artifacts import create_image_artifact, create_markdown_artifact, create_table_artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.events import emit_event
from prefect.exceptions import PrefectException

from rlcore.records import Comparison
from tasks.run import Run


class PrefectSink:
    """The server that the flow run belongs to."""

    name = "prefect"
    troubles = (httpx.HTTPError, PrefectException, OSError)

    def __init__(self, run: Run) -> None:
        self._run = run
        self._folder = run.folder
        self._again = True
        self._handlers: dict[str, Callable[[dict[str, Any]], None]] = {
            "milestone": self._milestone,
            "validation": self._validation,
            "hourly_report": self._hourly_report,
            "reported": self._reported,
        }

    def takes(self, event: str) -> bool:
        """Whether there is something to tell."""
        return event in self._handlers

    def take(self, entry: dict[str, Any], again: bool) -> None:
        """Tells one event."""
        self._again = again
        self._handlers[entry["event"]](entry)

    def _milestone(self, entry: dict[str, Any]) -> None:
        if self._run.config.milestone_notifications:
            emit_event(
                "stage1.milestone",
                resource={
                    "prefect.resource.id": f"stage1.run.{self._folder.name}",
                    "prefect.resource.name": self._folder.name,
                },
                payload={key: entry[key] for key in ("name", "episode", "message")},
                id=self._event_id(entry),
            )

    def _event_id(self, entry: dict[str, Any]) -> UUID:
        """The same for the same event: Prefect keeps one of those that it gets twice."""
        return uuid5(NAMESPACE_URL, f"stage1/{self._folder.path}/{entry['event']}/{entry['key']}/{entry['time']}")

    def _validation(self, entry: dict[str, Any]) -> None:
        validation = self._folder.validation_at(entry["episode"])
        rows = [{"reading": name, **asdict(summary)} for name, summary in validation.breakdown().items()]
        comparisons = [Comparison.of(validation, baseline) for baseline in self._folder.baselines("validation")]
        rows += [{"reading": c.baseline.searcher, **asdict(c.baseline.headline())} for c in comparisons]
        key, description = "stage1-validation", f"{self._folder.name}, episode {validation.episode}"
        if self._is_new(key, description):
            create_table_artifact(rows, key=key, description=description)

    def _hourly_report(self, entry: dict[str, Any]) -> None:
        key, description = "stage1-hourly-report", f"Progress of {self._folder.name}, {entry['key']}"
        if self._is_new(key, description):
            create_markdown_artifact(entry["text"], key=key, description=description)

    def _reported(self, entry: dict[str, Any]) -> None:
        summary = (self._folder.path / "stage1_summary.txt").read_text(encoding="utf-8")
        key, description = "stage1-summary", f"Result of {self._folder.name}, episode {entry['episode']}"
        if self._is_new(key, description):
            text = f"# {self._folder.name}\n\n```\n{summary}\n```\n"
            create_markdown_artifact(text, key=key, description=description)
        picture = (self._folder.path / "stage1_training_progress.png").read_bytes()
        key, description = "stage1-training-progress", f"Curves of {self._folder.name}, episode {entry['episode']}"
        if self._is_new(key, description):
            image = "data:image/png;base64," + base64.b64encode(picture).decode()
            create_image_artifact(image, key=key, description=description)

    def _is_new(self, key: str, description: str) -> bool:
        """Whether no such artifact was left before; asked only where one may have been."""
        if not self._again:
            return True
        with get_client(sync_client=True) as client:
            known = client.read_artifacts(artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])))
        return description not in {artifact.description for artifact in known}
