"""Automations at Prefect's server: found by their names, made, or changed where something is different."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.events.schemas.automations import Automation, AutomationCore
from prefect.exceptions import PrefectException
from prefect.settings import PREFECT_API_URL

from rlcore.errors import AutomationError

COMPARED = ("name", "description", "tags", "trigger", "actions")
"""Of an automation; not whether it is enabled: who pauses one in Prefect's pages wants it paused."""


@contextmanager
def prefect_server() -> Iterator[SyncPrefectClient]:
    """The server of ``PREFECT_API_URL``.

    Raises:
        AutomationError: there is none, it can't be reached, or it refuses what it is asked.
    """
    url = PREFECT_API_URL.value()
    if not url:
        raise AutomationError(
            "a Prefect server that stays is needed: `make up`, or `prefect server start` and PREFECT_API_URL=http://…/api"
        )
    try:
        with get_client(sync_client=True) as client:
            client.hello()
            yield client
    except httpx.TransportError as error:
        raise AutomationError(f"Prefect's server at {url} can't be reached: {type(error).__name__}") from error
    except httpx.HTTPStatusError as error:
        # the answer may repeat what was asked, secrets with it
        raise AutomationError(f"Prefect's server at {url} answered HTTP {error.response.status_code}") from None
    except PrefectException as error:
        raise AutomationError(f"Prefect's server at {url} refused: {type(error).__name__}") from None


def keep_automation(client: SyncPrefectClient, wanted: AutomationCore) -> list[str]:
    """Makes an automation, or changes the one of its name where it differs; returns what was done, in words."""
    known = client.read_automations_by_name(wanted.name)
    if not known:
        client.create_automation(wanted)
        return [f"made the automation {wanted.name!r}"]
    if _differs(known[0], wanted):
        client.update_automation(known[0].id, wanted.model_copy(update={"enabled": known[0].enabled}))
        return [f"changed the automation {wanted.name!r}"]
    return []


def _differs(known: Automation, wanted: AutomationCore) -> bool:
    have, want = known.model_dump(), wanted.model_dump()
    return any(have[field] != want[field] for field in COMPARED)
