"""What the command line takes, and what it says where there is no server."""

from __future__ import annotations

import subprocess
import sys

import pytest

from flows.notifications import trial
from flows.notifications.automations import EVENTS
from flows.notifications.channels import BLOCKS
from flows.notifications.commands import ALL_EVENTS, ChannelName, Severity
from rlcore.errors import NotificationError
from rlcore.records import SEVERITIES
from tests.flows.notifications.service import (
    stage1,
)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["setup"], "no channel"),
        (["setup", "--webhook", "ftp://x"], "--webhook: an address that begins with http"),
        (["setup", "--webhook", "http://[x"], "--webhook: that is no address"),
        (["setup", "--webhook", "http://h", "--events", "milestones,no"], "events 'milestones,no': milestones, "),
        (["setup", "--email", "nobody", "--smtp", "h:25"], "--email 'nobody'"),
        (["setup", "--email", "a@b", "--smtp", "h:25", "--from", "a@b\nBcc: c@d"], "--from 'a@b"),
        (["setup", "--email", "a@b", "--smtp", "h"], "--smtp 'h': HOST:PORT"),
        (["setup", "--email", "a@b", "--smtp", "h:25", "--user", "u"], "--user needs --password-from-env"),
        (
            ["setup", "--email", "a@b", "--smtp", "h:25", "--user", "u", "--password-from-env", "NOT_SET_X"],
            "NOT_SET_X: that variable is not set",
        ),
    ],
)
def test_what_is_wrong_with_the_options_is_said(arguments, message):
    with pytest.raises(NotificationError, match=message.replace("[", r"\[")):
        stage1(*arguments)


def test_what_the_command_line_names_is_what_there_is():
    assert set(ALL_EVENTS.split(",")) == set(EVENTS) == set(trial.KINDS.values())
    assert [severity.value for severity in Severity] == list(SEVERITIES)
    assert [name.value for name in ChannelName] == list(BLOCKS)


def test_the_server_of_prefect_needs_no_numerical_library_for_them():
    code = "import sys, flows.notifications.blocks; print(sorted({'numpy', 'torch', 'mlflow'} & set(sys.modules)))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
