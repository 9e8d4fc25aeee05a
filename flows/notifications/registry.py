"""Channels at Prefect's server: made, changed where something is different, listed, removed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
from prefect.blocks.abstract import NotificationBlock
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import BlockDocument
from prefect.events.schemas.automations import Automation, AutomationCore
from prefect.exceptions import ObjectNotFound, PrefectException
from prefect.settings import PREFECT_API_URL

from flows.notifications.automations import EVENTS, automation, name_of
from flows.notifications.channels import BLOCKS, block_name
from rlcore.errors import NotificationError

COMPARED = ("name", "description", "tags", "trigger", "actions")
"""Of an automation; not whether it is enabled: who pauses one in Prefect's pages wants it paused."""


@dataclass(frozen=True)
class Channel:
    """One that is set up.

    Attributes:
        name: ``slack``, ``webhook`` or ``mail``.
        place: where its messages go, without secrets.
        automations: by group of events.
    """

    name: str
    place: str
    automations: dict[str, Automation]

    @property
    def min_severity(self) -> str:
        """Of alerts; empty where they are not told."""
        if "alerts" not in self.automations:
            return ""
        trigger = self.automations["alerts"].trigger.model_dump()
        return str(trigger["match"]["stage1.severity"][0])


@contextmanager
def prefect_server() -> Iterator[SyncPrefectClient]:
    """The server of ``PREFECT_API_URL``.

    Raises:
        NotificationError: there is none, it can't be reached, or it refuses what it is asked.
    """
    url = PREFECT_API_URL.value()
    if not url:
        raise NotificationError(
            "notifications need a Prefect server that stays: `prefect server start`, then PREFECT_API_URL=http://…/api"
        )
    try:
        with get_client(sync_client=True) as client:
            client.hello()
            yield client
    except httpx.TransportError as error:
        raise NotificationError(f"Prefect's server at {url} can't be reached: {type(error).__name__}") from error
    except httpx.HTTPStatusError as error:
        # the answer may repeat what was asked, secrets with it
        raise NotificationError(f"Prefect's server at {url} answered HTTP {error.response.status_code}") from None
    except PrefectException as error:
        raise NotificationError(f"Prefect's server at {url} refused: {type(error).__name__}") from None


def set_up(
    client: SyncPrefectClient, name: str, block: NotificationBlock, groups: Sequence[str], min_severity: str
) -> list[str]:
    """Makes a channel, or what is different about it; returns what was done, in words."""
    block_id, done = _kept_block(client, name, block)
    for group in EVENTS:
        known = _found(client, name, group)
        if group not in groups:
            done += _removed(client, known)
            continue
        wanted = automation(name, group, groups, min_severity, block_id)
        if not known:
            client.create_automation(wanted)
            done.append(f"made the automation {wanted.name!r}")
        elif _differs(known[0], wanted):
            client.update_automation(known[0].id, wanted.model_copy(update={"enabled": known[0].enabled}))
            done.append(f"changed the automation {wanted.name!r}")
    return done


def channels(client: SyncPrefectClient) -> list[Channel]:
    """All that are set up."""
    found = []
    for name in BLOCKS:
        document = _document(client, name, secrets=False)
        known = {group: _found(client, name, group) for group in EVENTS}
        automations = {group: ones[0] for group, ones in known.items() if ones}
        if document is not None or automations:
            place = str(document.data["place"]) if document is not None else "its block is missing: set it up again"
            found.append(Channel(name, place, automations))
    return found


def remove(client: SyncPrefectClient, name: str) -> list[str]:
    """Removes a channel with its secrets; returns what was done, in words."""
    done = []
    for group in EVENTS:
        done += _removed(client, _found(client, name, group))
    document = _document(client, name, secrets=False)
    if document is not None:
        client.delete_block_document(document.id)
        done.append(f"removed the block {block_name(name)!r}")
    return done


def _removed(client: SyncPrefectClient, known: Sequence[Automation]) -> list[str]:
    for one in known:
        client.delete_automation(one.id)
    return [f"removed the automation {one.name!r}" for one in known]


def _found(client: SyncPrefectClient, name: str, group: str) -> list[Automation]:
    return client.read_automations_by_name(name_of(name, group))


def _differs(known: Automation, wanted: AutomationCore) -> bool:
    have, want = known.model_dump(), wanted.model_dump()
    return any(have[field] != want[field] for field in COMPARED)


def _document(client: SyncPrefectClient, name: str, secrets: bool) -> BlockDocument | None:
    slug = BLOCKS[name].get_block_type_slug()
    try:
        return client.read_block_document_by_name(block_name(name), slug, include_secrets=secrets)
    except ObjectNotFound:
        return None


def _kept_block(client: SyncPrefectClient, name: str, block: NotificationBlock) -> tuple[UUID, list[str]]:
    known = _document(client, name, secrets=True)
    if known is not None and known.data == _content(block):
        return known.id, []
    # by the class, for `save` is a coroutine to who calls it in one
    saved = block.save(block_name(name), overwrite=True)
    assert isinstance(saved, UUID)
    return saved, [f"{'made' if known is None else 'changed'} the block {block_name(name)!r}"]


def _content(block: NotificationBlock) -> dict[str, Any]:
    """What the server keeps of it."""
    fields = set(type(block).model_json_schema(by_alias=False)["properties"])
    return block.model_dump(mode="json", include=fields, context={"include_secrets": True})
