"""What an automation hands to a notification block, and the message that is made of it in Prefect's server."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from prefect.server.api.clients import OrchestrationClient

from rlcore.reporting.messages import Facts, Figure, Link, Message, compose

PICTURE_KEY = "stage1-training-progress"
DATA_URI = "data:image/png;base64,"

FAILED = "FAILED"
FORMS = ("subject", "text", "plain", "html")


@dataclass(frozen=True, slots=True)
class Received:
    """A message, with the curves of the run where it has finished."""

    message: Message
    picture: bytes | None = None


async def receive(body: str, subject: str | None, with_picture: bool) -> Received:
    """The message behind what an automation rendered; any other text is a message as it is."""
    try:
        content = json.loads(body)
        kind = content["kind"]
    except (ValueError, TypeError, KeyError):
        return Received(compose(subject or "message", Facts("Prefect"), [body], ""))
    if kind == "failure":
        return Received(_failure(content, await _last_facts(content["flow_run"])))
    payload = content["payload"]
    try:
        message = Message(**{form: str(payload[form]) for form in FORMS})
    except KeyError:
        headline = str(payload.get("message", kind))
        message = compose(headline, Facts(content["run"]), ["Another version of stage1 told this."], "")
    wanted = payload.get("picture") if with_picture else None
    return Received(message, await _picture(wanted) if wanted else None)


def _failure(content: dict[str, Any], known: Facts | None) -> Message:
    """Of a flow run that is failed or crashed; ``known``: what the run told last."""
    state = content["state"]
    word = "failed" if state["type"] == FAILED else "crashed"
    page = Link("Flow run", content["url"])
    if known is None:
        facts = Facts(run=content["name"], links=(page,))
        told = ["It had told nothing of itself yet."]
    else:
        links = tuple(link for link in known.links if link.name != page.name)
        facts = Facts(**{**_fields(known), "links": (page, *links)})
        told = ["Episode, figures and trend are what it told last."]
    again = f"stage1 resume '{facts.run}'" if known else f"prefect flow-run retry {content['flow_run'].split('.')[-1]}"
    advice = f"Read the flow run's log, mend the cause, go on with: {again}"
    state_figure = Figure("state", f"{state['name']} ({content['name']})")
    facts = Facts(**{**_fields(facts), "figures": (state_figure, *facts.figures)})
    return compose(f"Training {word}", facts, [state["message"] or "No reason was given.", *told], advice)


def _fields(facts: Facts) -> dict[str, Any]:
    return {name: getattr(facts, name) for name in Facts.__dataclass_fields__}


class _Server(OrchestrationClient):
    """The server that this process is: its own API, without a way over the network."""

    async def ask(self, path: str, question: dict[str, Any]) -> Any:
        """The answer to a question; None where there is none."""
        response = await self._http_client.post(path, json=question)
        return response.json() if response.is_success else None


async def _last_facts(flow_run: str) -> Facts | None:
    """What the run of that flow run (``prefect.flow-run.<id>``) told last."""
    own = {"event": {"prefix": ["stage1."]}, "related": {"id": [flow_run]}, "order": "DESC"}
    async with _Server() as server:
        answer = await server.ask("/events/filter", {"filter": own, "limit": 1})
    events = answer["events"] if answer else []
    known = events[0]["payload"].get("facts") if events else None  # earlier versions told none
    return Facts.from_dict(known) if known else None


async def _picture(description: str) -> bytes | None:
    """The image artifact of that description, as PNG."""
    asked = {"artifacts": {"key": {"any_": [PICTURE_KEY]}}, "sort": "CREATED_DESC", "limit": 50}
    async with _Server() as server:
        found = await server.ask("/artifacts/filter", asked)
    data = [artifact["data"] for artifact in found or [] if artifact["description"] == description]
    if not data or not str(data[0]).startswith(DATA_URI):
        return None
    return base64.b64decode(data[0].removeprefix(DATA_URI))
