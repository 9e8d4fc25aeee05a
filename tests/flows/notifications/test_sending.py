"""What a receiver may answer, and what is made of it; no secret is in any of it."""

import asyncio
import socket
import threading
from email.message import EmailMessage

import pytest
from prefect.blocks.abstract import NotificationError

from flows.notifications.sending import NeverError, NotNowError, _log_in, mail, post, send
from tests.flows.receivers import Hook, Post

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH")


@pytest.fixture
def hook():
    made = Hook()
    yield made
    made.close()


@pytest.fixture
def mails():
    made = Post()
    yield made
    made.close()


def address(port):
    return f"http://127.0.0.1:{port}/secret-in-the-path"


@pytest.mark.parametrize(
    ("status", "error"), [(500, NotNowError), (503, NotNowError), (429, NotNowError), (404, NeverError)]
)
def test_an_answer_says_whether_another_attempt_may_help(hook, status, error):
    hook.statuses[:] = [status]
    with pytest.raises(error, match=rf"^it answered HTTP {status}$"):
        post(address(hook.port), {"text": "a"})


def test_a_message_does_not_follow_a_redirect(hook):
    hook.statuses[:] = [302]
    with pytest.raises(NeverError, match="HTTP 302"):
        post(address(hook.port), {"text": "a"})
    assert [path for path, _ in hook.posted] == ["/secret-in-the-path"]


@pytest.fixture
def babbler():
    """Answers anything but HTTP; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer():
            connection, _ = listening.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"what?\r\n")

        threading.Thread(target=answer, daemon=True).start()
        yield listening.getsockname()[1]


def test_what_is_no_web_server_is_named_by_kind_alone(babbler):
    with pytest.raises(NotNowError, match=r"^it can't be reached: \w+$"):
        post(address(babbler), {"text": "a"})


def written():
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@example.com", "b@example.com", "c"
    message.set_content("d")
    return message


def test_a_wrong_password_is_refused_for_good(mails):
    with pytest.raises(NeverError, match=r"^it answered SMTP 535$"):
        mail(written(), "127.0.0.1", mails.port, Post.USER, "wrong")
    mail(written(), "127.0.0.1", mails.port, Post.USER, Post.PASSWORD)
    assert len(mails.mails) == 1


def test_a_mail_server_that_is_away_may_come_back():
    with pytest.raises(NotNowError, match=r"^it can't be reached: ConnectionRefusedError$"):
        mail(written(), "127.0.0.1", Hook.free_port(), "", "")


def test_a_password_does_not_go_over_the_network_in_the_clear():
    with pytest.raises(NeverError, match="no encryption"):
        _log_in(None, "user", "password", is_safe=False)


@pytest.mark.parametrize(("errors", "attempts"), [([NotNowError] * 3, 3), ([NeverError], 1), ([NotNowError], 2)])
def test_it_is_tried_as_often_as_that_may_help(errors, attempts):
    calls, left = [], list(errors)

    def deliver():
        calls.append(1)
        if left:
            raise left.pop(0)("no")

    sending = send("a place: 'a subject'", deliver, [0.0, 0.0])
    if attempts == 2:
        asyncio.run(sending)
    else:
        with pytest.raises(NotificationError):
            asyncio.run(sending)
    assert len(calls) == attempts
