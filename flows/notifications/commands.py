"""``stage1 notifications``: heavy imports wait inside the commands, as in ``flows.commands``."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

if TYPE_CHECKING:
    from prefect.blocks.abstract import NotificationBlock
    from prefect.client.orchestration import SyncPrefectClient

    from flows.notifications.channels import MailOptions
    from flows.notifications.registry import Channel

FAILED = 1
ALL_EVENTS = "milestones,alerts,reports,failures,finished"

app = typer.Typer(help="Tell people about runs: Slack, a webhook, mail. Needs a Prefect server.", no_args_is_help=True)


class Severity(str, Enum):
    """Of alerts, the mildest first."""

    low = "low"
    medium = "medium"
    high = "high"
    critical = "critical"


class ChannelName(str, Enum):
    """Of the channels."""

    slack = "slack"
    webhook = "webhook"
    mail = "mail"


@app.command()
def setup(
    slack_webhook: Annotated[
        str, typer.Option(envvar="STAGE1_SLACK_WEBHOOK", show_envvar=True, help="Slack's incoming webhook.")
    ] = "",
    webhook: Annotated[
        str,
        typer.Option(envvar="STAGE1_WEBHOOK", help='Any address that takes JSON {"text", "subject", "body"}.'),
    ] = "",
    email: Annotated[str, typer.Option(help="Who is written to; several with commas between.")] = "",
    smtp: Annotated[str, typer.Option(help="HOST:PORT of the mail server.")] = "",
    user: Annotated[str, typer.Option(help="To log in there.")] = "",
    password_from_env: Annotated[str, typer.Option(help="Name of the variable that has the password.")] = "",
    sender: Annotated[str, typer.Option("--from", help="Address in From; default: the user, else the receiver.")] = "",
    events: Annotated[str, typer.Option(help="What is told.")] = ALL_EVENTS,
    min_severity: Annotated[Severity, typer.Option(help="Milder alerts are not told.")] = Severity.high,
) -> None:
    """Make channels at the Prefect server, or change them; the same once more changes nothing."""
    from flows.automations import prefect_server
    from flows.notifications.automations import chosen_events
    from flows.notifications.channels import MailOptions
    from flows.notifications.registry import set_up

    mail = MailOptions(email, smtp, user, password_from_env, sender) if email or smtp else None
    blocks, groups = _blocks(slack_webhook, webhook, mail), chosen_events(events)
    with prefect_server() as client:
        done = [text for name, block in blocks.items() for text in set_up(client, name, block, groups, min_severity)]
        _say(done, "nothing to change")
        _show(_channels(client))


def _blocks(slack_webhook: str, webhook: str, mail: MailOptions | None) -> dict[str, NotificationBlock]:
    from flows.notifications.channels import mail_block, webhook_block
    from rlcore.errors import NotificationError

    blocks: dict[str, NotificationBlock] = {}
    if slack_webhook:
        blocks["slack"] = webhook_block(slack_webhook, slack=True)
    if webhook:
        blocks["webhook"] = webhook_block(webhook, slack=False)
    if mail is not None:
        blocks["mail"] = mail_block(mail)
    if not blocks:
        raise NotificationError("no channel: --slack-webhook URL, --webhook URL, or --email TO --smtp HOST:PORT")
    return blocks


@app.command("test")
def try_channels() -> None:
    """Send one message of each kind the way that real ones go, and say how each went."""
    from flows.automations import prefect_server
    from flows.notifications.trial import try_out

    with prefect_server() as client:
        deliveries = try_out(client, _channels(client))
    table = Table("channel", "message", "delivery")
    for one in deliveries:
        table.add_row(one.channel, one.kind, one.trouble or "delivered")
    Console().print(table)
    if any(one.trouble for one in deliveries):
        raise typer.Exit(FAILED)


@app.command("list")
def list_channels() -> None:
    """Show the channels, without their secrets."""
    from flows.automations import prefect_server
    from flows.notifications.registry import channels

    with prefect_server() as client:
        found = channels(client)
    _show(found)


@app.command()
def remove(
    channel: Annotated[ChannelName | None, typer.Option(help="The one to remove; default: all.")] = None,
) -> None:
    """Remove channels with their secrets from the Prefect server."""
    from flows.automations import prefect_server
    from flows.notifications.channels import BLOCKS
    from flows.notifications.registry import remove as removed

    with prefect_server() as client:
        names = [channel.value] if channel else list(BLOCKS)
        _say([text for name in names for text in removed(client, name)], "nothing to remove")


def _channels(client: SyncPrefectClient) -> list[Channel]:
    from flows.notifications.registry import channels
    from rlcore.errors import NotificationError

    found = channels(client)
    if not found:
        raise NotificationError("no channel is set up: stage1 notifications setup --help")
    return found


def _say(done: Sequence[str], nothing: str) -> None:
    console = Console()
    for text in done or [nothing]:
        console.print(text, highlight=False, soft_wrap=True)


def _show(found: Sequence[Channel]) -> None:
    if not found:
        _say([], "no channel is set up")
        return
    table = Table("channel", Column("to", overflow="fold"), "events", "alerts from", "state")
    for channel in found:
        paused = [group for group, one in channel.automations.items() if not one.enabled]
        state = f"paused: {', '.join(paused)}" if paused else "on"
        table.add_row(channel.name, channel.place, ", ".join(channel.automations), channel.min_severity, state)
    Console().print(table)
