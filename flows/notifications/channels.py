"""Where messages go: the options of a channel, checked, as the block that keeps them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from prefect.blocks.abstract import NotificationBlock
from pydantic import SecretStr

from flows.notifications.blocks import Stage1Mail, Stage1Webhook
from rlcore.errors import NotificationError

BLOCKS: dict[str, type[NotificationBlock]] = {"slack": Stage1Webhook, "webhook": Stage1Webhook, "mail": Stage1Mail}
"""Channels by name; a server has one of each."""


def block_name(channel: str) -> str:
    """Name of a channel's block document."""
    return f"stage1-notifications-{channel}"


@dataclass(frozen=True)
class MailOptions:
    """As they are given on the command line.

    Attributes:
        to: addresses with commas between.
        smtp: HOST:PORT.
        user: empty: no login.
        password_variable: the environment variable that has the password.
        sender: empty: the user where that is an address, else the first recipient.
    """

    to: str
    smtp: str
    user: str = ""
    password_variable: str = ""
    sender: str = field(default="")


def webhook_block(url: str, slack: bool) -> Stage1Webhook:
    """The block of a webhook.

    Raises:
        NotificationError: it is no address.
    """
    option = "--slack-webhook" if slack else "--webhook"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise NotificationError(f"{option}: that is no address") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise NotificationError(f"{option}: an address that begins with http:// or https:// is needed, without a login")
    place = f"{parts.scheme}://{parts.hostname}{f':{port}' if port else ''}/…"
    return Stage1Webhook(url=SecretStr(url), place=place, slack=slack)


def mail_block(options: MailOptions) -> Stage1Mail:
    """The block of a mail server.

    Raises:
        NotificationError: an option is missing or wrong.
    """
    recipients = [address.strip() for address in options.to.split(",") if address.strip()]
    if not recipients or not all(map(_is_address, recipients)):
        raise NotificationError(f"--email {options.to!r}: addresses such as team@example.com are needed")
    if options.sender and not _is_address(options.sender):
        raise NotificationError(f"--from {options.sender!r}: an address such as stage1@example.com is needed")
    host, _, port = options.smtp.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise NotificationError(f"--smtp {options.smtp!r}: HOST:PORT is needed with --email")
    user_as_sender = options.user if "@" in options.user else recipients[0]
    return Stage1Mail(
        host=host.strip("[]"),
        port=int(port),
        user=options.user,
        password=SecretStr(_password(options)),
        sender=options.sender or user_as_sender,
        recipients=", ".join(recipients),
        place=f"{', '.join(map(_masked, recipients))} by {host}:{port}",
    )


def _password(options: MailOptions) -> str:
    if not options.password_variable:
        if options.user:
            raise NotificationError("--user needs --password-from-env NAME, the variable that has the password")
        return ""
    if not options.user:
        raise NotificationError("--password-from-env needs --user")
    password = os.environ.get(options.password_variable)
    if not password:
        raise NotificationError(f"--password-from-env {options.password_variable}: that variable is not set")
    return password


def _is_address(text: str) -> bool:
    """Whether it looks like one; that nothing else can get into a mail's head is what matters."""
    name, _, domain = text.rpartition("@")
    return bool(name and domain) and text.isprintable() and not set(text) & set(" <>,;")


def _masked(address: str) -> str:
    """``t…@example.com``."""
    name, _, domain = address.rpartition("@")
    return f"{name[:1]}…@{domain}"
