"""Automations at Prefect's server, and the server that they need."""

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.automations import prefect_server
from rlcore.errors import AutomationError


def test_without_a_server_that_stays_there_are_none():
    with (
        temporary_settings({PREFECT_API_URL: None}),
        pytest.raises(AutomationError, match="a Prefect server that stays is needed"),
        prefect_server(),
    ):
        pytest.fail("it was opened")


def test_a_server_that_is_away_is_named():
    away = "http://127.0.0.1:9/api"
    with (
        temporary_settings({PREFECT_API_URL: away}),
        pytest.raises(AutomationError, match=f"server at {away} can't be reached"),
        prefect_server(),
    ):
        pytest.fail("it was opened")
