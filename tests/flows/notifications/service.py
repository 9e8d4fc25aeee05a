"""A Prefect server with channels, and what came of them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

from flows.cli import app
from rlcore.errors import Stage1Error
from tasks.prefect_sink import PrefectSink
from tests.flows.asking import ask
from tests.flows.receivers import Hook, Post, wait_until

SLACK_SECRET, HOOK_SECRET = "slack-secret-5f3a", "hook-secret-91bd"
SECRETS = (SLACK_SECRET, HOOK_SECRET, Post.PASSWORD)
START_SECONDS = 240.0
"""The server's first start makes its database; on a machine that is busy that takes its time."""

SETTLING_SECONDS = 1.0
"""A message that should not come would be there by then: others take under a second."""


@dataclass(frozen=True)
class Service:
    """A Prefect server with its files, and the receivers of its messages."""

    url: str
    home: Path
    log: Path
    hook: Hook
    post: Post


def stage1(*arguments, code=0):
    """What ``stage1 notifications`` prints."""
    result = CliRunner().invoke(app, ["notifications", *arguments], env={"COLUMNS": "300"})
    if isinstance(result.exception, Stage1Error):
        raise result.exception
    assert result.exit_code == code, result.output + repr(result.exception)
    return result.output


def options(service, **more):
    given = {
        "slack-webhook": f"http://127.0.0.1:{service.hook.port}/services/{SLACK_SECRET}",
        "webhook": f"http://127.0.0.1:{service.hook.port}/{HOOK_SECRET}",
        "email": "team@example.com, boss@example.com",
        "smtp": f"127.0.0.1:{service.post.port}",
        "user": Post.USER,
        "password-from-env": "STAGE1_TEST_PASSWORD",
    }
    return [text for name, value in (given | more).items() for text in (f"--{name}", value)]


def state(service):
    """Automations and blocks as the server has them, with ids and times."""
    automations = ask("POST", f"{service.url}/automations/filter", json={})
    asked = {"include_secrets": True, "block_documents": {"is_anonymous": {"eq_": False}}}
    blocks = ask("POST", f"{service.url}/block_documents/filter", json=asked)
    parts = ("id", "updated", "name", "data", "enabled", "trigger", "actions")
    rows = [{part: row[part] for part in parts if part in row} for row in (*automations, *blocks)]
    return {row["name"]: row for row in rows}


def tell(run, entry, again=False):
    """As a run's task does; how many seconds that took."""
    begun = time.monotonic()
    PrefectSink(run).take(entry, again)
    return time.monotonic() - begun


def all_arrived(service, text, number=1):
    """In Slack, at the webhook and by mail, each ``number`` times and no more."""
    hook, post = service.hook, service.post
    places = (
        lambda: hook.with_text(text, SLACK_SECRET),
        lambda: hook.with_text(text, HOOK_SECRET),
        lambda: [mail for mail in post.mails if text in mail.get_body(("plain",)).get_content()],
    )
    wait_until(lambda: all(len(place()) >= number for place in places))
    time.sleep(SETTLING_SECONDS)
    assert [len(place()) for place in places] == [number] * 3
    return [place()[-1] for place in places]
