"""The blocks that hold a channel's secrets and send its messages, in Prefect's server.

Prefect's own blocks try once, and say the address of a webhook in their errors; hence these. The server finds them by
the entry point ``prefect.collections`` of this package, which has to be installed where the server runs.
"""

from __future__ import annotations

from email import policy
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from prefect.blocks.abstract import NotificationBlock
from pydantic import ConfigDict, Field, SecretStr

from flows.notifications.received import Received, receive
from flows.notifications.sending import mail, post, send

PAUSES_SECONDS = (1.0, 3.0, 9.0)
"""Between attempts. Prefect's server works on two messages at a time: longer ones would hold up the others."""

ONE_LINE = policy.default.clone(max_line_length=250)
"""A subject of plain letters stays on one line: where it is folded, some readers show a space before it."""


class Stage1Webhook(NotificationBlock):
    """An address that takes JSON: Slack's ``{"text"}``, or ``{"text", "subject", "body"}``."""

    _block_type_name = "Stage1 Webhook"
    _block_type_slug = "stage1-webhook"

    model_config = ConfigDict(hide_input_in_errors=True)  # Prefect logs why it can't read a block

    url: SecretStr = Field(description="Address; who knows it can post.")
    place: str = Field(description="The address without what is secret in it.")
    slack: bool = Field(default=False, description="Send Slack's field alone.")
    pauses_seconds: tuple[float, ...] = Field(default=PAUSES_SECONDS, description="Between attempts.")

    async def notify(self, body: str, subject: str | None = None) -> None:
        """Sends what an automation rendered.

        Raises:
            NotificationError: it did not arrive.
        """
        message = (await receive(body, subject, with_picture=False)).message
        content = {"text": message.text}
        if not self.slack:
            content |= {"subject": message.subject, "body": message.plain}
        url = self.url.get_secret_value()
        await send(f"{self.place}: {message.subject!r}", lambda: post(url, content), self.pauses_seconds)


class Stage1Mail(NotificationBlock):
    """A mail server, and who is written to."""

    _block_type_name = "Stage1 Mail"
    _block_type_slug = "stage1-mail"

    model_config = ConfigDict(hide_input_in_errors=True)

    host: str = Field(description="Of the SMTP server.")
    port: int = Field(description="465: TLS from the start; else STARTTLS where the server offers it.")
    user: str = Field(default="", description="Empty: no login.")
    password: SecretStr = Field(default=SecretStr(""), description="Of the user.")
    sender: str = Field(description="Address in From.")
    recipients: str = Field(description="Addresses in To, with commas between.")
    place: str = Field(description="What the channel is shown as.")
    pauses_seconds: tuple[float, ...] = Field(default=PAUSES_SECONDS, description="Between attempts.")

    async def notify(self, body: str, subject: str | None = None) -> None:
        """Sends what an automation rendered, with the run's curves where it has finished.

        Raises:
            NotificationError: it did not arrive.
        """
        received = await receive(body, subject, with_picture=True)
        written, secret = self._written(received), self.password.get_secret_value()
        what = f"{self.place}: {received.message.subject!r}"
        await send(what, lambda: mail(written, self.host, self.port, self.user, secret), self.pauses_seconds)

    def _written(self, received: Received) -> EmailMessage:
        """Plain text, the same as HTML, and the picture. Its id is made once: an attempt more is the same mail."""
        written = EmailMessage(ONE_LINE)
        written["Subject"] = received.message.subject
        written["From"], written["To"] = self.sender, self.recipients
        written["Date"], written["Message-ID"] = formatdate(localtime=True), make_msgid(domain="stage1.local")
        written.set_content(received.message.plain)
        written.add_alternative(received.message.html, subtype="html")
        if received.picture is not None:
            written.add_attachment(
                received.picture, maintype="image", subtype="png", filename="stage1_training_progress.png"
            )
        return written
