"""Channels at Prefect's server: made, changed where something is different, listed, removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from prefect.blocks.abstract import NotificationBlock
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import BlockDocument
from prefect.events.schemas.automations import Automation
from prefect.exceptions import ObjectNotFound

from flows.automations import keep_automation
from flows.notifications.automations import EVENTS, automation, name_of
from flows.notifications.channels import BLOCKS, block_name


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


def set_up(
    client: SyncPrefectClient, name: str, block: NotificationBlock, groups: Sequence[str], min_severity: str
) -> list[str]:
    """Makes a channel, or what is different about it; returns what was done, in words."""
    block_id, done = _kept_block(client, name, block)
    for group in EVENTS:
        if group not in groups:
            done += _removed(client, _found(client, name, group))
            continue
        done += keep_automation(client, automation(name, group, groups, min_severity, block_id))
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
