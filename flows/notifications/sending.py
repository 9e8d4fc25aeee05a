"""One message to one receiver, tried again where that may help. What is logged never has a secret in it."""

from __future__ import annotations

import asyncio
import http.client
import json
import smtplib
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from email.message import EmailMessage
from typing import Any

from prefect.blocks.abstract import NotificationError
from prefect.logging import get_logger

TIMEOUT_SECONDS = 10.0
TOO_MANY = 429
SMTPS_PORT = 465


class NotNowError(Exception):
    """The receiver is away, or says that it can't take the message now: worth trying again."""


class NeverError(Exception):
    """The receiver refuses the message: it would do so again."""


async def send(what: str, deliver: Callable[[], None], pauses_seconds: Sequence[float]) -> None:
    """Calls ``deliver`` in a thread, again after each pause while it says ``NotNowError``.

    Args:
        what: channel and subject, for the log.
        deliver: raises ``NotNowError`` or ``NeverError``.
        pauses_seconds: one more attempt for each.

    Raises:
        NotificationError: it did not arrive; Prefect writes that down as a failed action.
    """
    reason = ""
    for attempt, pause in enumerate((0.0, *pauses_seconds), 1):
        await asyncio.sleep(pause)
        try:
            await asyncio.to_thread(deliver)
        except NotNowError as error:
            reason = f"{error} (attempt {attempt} of {len(pauses_seconds) + 1})"
            get_logger("stage1.notifications").info("%s: %s", what, reason)
        except NeverError as error:
            reason = str(error)
            break
        else:
            return
    get_logger("stage1.notifications").warning("%s did not arrive: %s", what, reason)
    raise NotificationError(log=reason)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A webhook that points elsewhere is refused: the message would go to whoever it names."""

    def redirect_request(self, *_: Any) -> None:
        """None: the answer is taken as an error."""
        return None


def post(url: str, content: dict[str, str]) -> None:
    """Posts JSON. Not by httpx: that one logs the address, which is the secret of a webhook.

    Raises:
        NotNowError: no connection, or an answer of 429 or 5xx.
        NeverError: any other answer that is not 2xx.
    """
    data = json.dumps(content).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", "User-Agent": "stage1"})
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=TIMEOUT_SECONDS):
            return
    except urllib.error.HTTPError as error:
        error.close()
        kind = NotNowError if error.code == TOO_MANY or error.code >= 500 else NeverError
        raise kind(f"it answered HTTP {error.code}") from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        # the reason of an URLError is a socket's; the address is in none of them
        reason = getattr(error, "reason", error)
        raise NotNowError(f"it can't be reached: {type(reason).__name__}") from None


def mail(message: EmailMessage, host: str, port: int, user: str, password: str) -> None:
    """Hands a mail to a server, encrypted where the server can; a password is never sent in the clear but to loopback.

    Raises:
        NotNowError: no connection, or a refusal for now (4xx).
        NeverError: a refusal for good, such as a wrong password.
    """
    context = ssl.create_default_context()
    try:
        with (
            smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_SECONDS, context=context)
            if port == SMTPS_PORT
            else smtplib.SMTP(host, port, timeout=TIMEOUT_SECONDS)
        ) as server:
            server.ehlo()
            encrypted = port == SMTPS_PORT
            if not encrypted and server.has_extn("starttls"):
                server.starttls(context=context)
                encrypted = True
            if user:
                _log_in(server, user, password, encrypted or host in ("127.0.0.1", "::1", "localhost"))
            server.send_message(message)
    except smtplib.SMTPResponseException as error:
        kind = NeverError if error.smtp_code >= 500 else NotNowError
        raise kind(f"it answered SMTP {error.smtp_code}") from None
    except smtplib.SMTPRecipientsRefused as error:
        codes = {code for code, _ in error.recipients.values()}
        kind = NeverError if min(codes) >= 500 else NotNowError
        raise kind(f"it refuses the recipient: SMTP {sorted(codes)}") from None
    except ssl.SSLCertVerificationError:
        raise NeverError("its certificate can't be verified") from None
    except (OSError, smtplib.SMTPException) as error:
        raise NotNowError(f"it can't be reached: {type(error).__name__}") from None


def _log_in(server: smtplib.SMTP, user: str, password: str, is_safe: bool) -> None:
    if not is_safe:
        raise NeverError("it offers no encryption, and a password is not sent in the clear")
    try:
        server.login(user, password)
    except smtplib.SMTPNotSupportedError:
        raise NeverError("it knows no way to log in") from None
