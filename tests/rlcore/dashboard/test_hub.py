"""Clients have bounded queues: one that does not read is dropped, and holds up nobody."""

import asyncio
import time

import pytest

from rlcore.dashboard.feed import MOST_MESSAGES, Message
from rlcore.dashboard.hub import MOST_WAITING, MOST_WAITING_BYTES, TOO_SLOW, Audience, Client
from rlcore.dashboard.protocol import TOPICS


async def read(client: Client, count: int, seconds: float = 5.0) -> list[str]:
    return [await asyncio.wait_for(client.next_message(), seconds) for _ in range(count)]


def test_messages_come_in_their_order():
    async def talk() -> None:
        client = Client()
        for number in range(MOST_WAITING):
            client.give(Message("events", str(number)))
        assert await read(client, MOST_WAITING) == [str(number) for number in range(MOST_WAITING)]
        with pytest.raises(asyncio.TimeoutError):
            await read(client, 1, 0.02)
        client.answer("late")
        assert await read(client, 1) == ["late"]

    asyncio.run(talk())


@pytest.mark.parametrize("topic", TOPICS)
def test_a_new_client_is_subscribed_to_all(topic):
    async def talk() -> None:
        client = Client()
        client.give(Message(topic, "told"))
        assert await read(client, 1) == ["told"]

    asyncio.run(talk())


@pytest.mark.parametrize("topic", TOPICS)
def test_topics_that_are_not_subscribed_to_are_not_told(topic):
    async def talk() -> None:
        audience, client = Audience(), Client()
        audience.add(client)
        client.topics.discard(topic)
        for one in TOPICS:
            audience.tell(Message(one, one))
        audience.tell(Message(None, "for all"))
        assert await read(client, len(TOPICS)) == [*(one for one in TOPICS if one != topic), "for all"]
        client.topics.add(topic)
        audience.tell(Message(topic, "again"))
        assert await read(client, 1) == ["again"]

    asyncio.run(talk())


def test_a_client_that_does_not_read_is_dropped_while_others_go_on():
    async def talk() -> None:
        audience, slow, quick = Audience(), Client(), Client()
        for client in (slow, quick):
            audience.add(client)
        for number in range(MOST_WAITING + 1):
            audience.tell(Message("system", str(number)))
            assert await read(quick, 1) == [str(number)]
        await asyncio.wait_for(slow.until_dropped(), 1)
        assert (slow.close_code, quick.close_code, list(audience)) == (TOO_SLOW, None, [quick])
        assert TOO_SLOW == 1013
        slow.give(Message("system", "never"))  # and it is given nothing more
        with pytest.raises(asyncio.TimeoutError):
            await read(slow, 1, 0.02)

    asyncio.run(talk())


def test_long_answers_that_wait_have_a_bound_too():
    async def talk() -> None:
        client = Client()
        client.answer("x" * (MOST_WAITING_BYTES + 1))  # one of any length fits
        assert len((await read(client, 1))[0]) == MOST_WAITING_BYTES + 1
        client.answer("x" * (MOST_WAITING_BYTES // 2))
        client.answer("x" * (MOST_WAITING_BYTES // 2))
        assert client.close_code is None
        client.answer("x")
        assert client.close_code == TOO_SLOW

    asyncio.run(talk())


def test_what_is_told_at_once_fits_into_every_queue():
    assert MOST_MESSAGES <= MOST_WAITING // 2


def test_a_client_is_dropped_for_the_first_reason():
    async def talk() -> None:
        audience, client = Audience(), Client()
        audience.add(client)
        audience.drop_all(1011)
        client.drop(TOO_SLOW)
        assert (client.close_code, len(audience)) == (1011, 0)

    asyncio.run(talk())


def test_who_left_is_told_nothing():
    async def talk() -> None:
        audience, client = Audience(), Client()
        audience.add(client)
        audience.remove(client)
        audience.remove(client)
        audience.tell(Message(None, "x"))
        with pytest.raises(asyncio.TimeoutError):
            await read(client, 1, 0.02)

    asyncio.run(talk())


def test_200_clients_are_told_within_a_second():
    async def talk() -> float:
        audience, clients = Audience(), [Client() for _ in range(200)]
        for client in clients:
            audience.add(client)
        readers = [asyncio.create_task(read(client, MOST_MESSAGES)) for client in clients]
        await asyncio.sleep(0)
        text, begun = "x" * 10_000, time.monotonic()
        for _ in range(MOST_MESSAGES):
            audience.tell(Message("metrics", text))
        found = await asyncio.gather(*readers)
        assert all(message is text for messages in found for message in messages)  # one text, not 200
        return time.monotonic() - begun

    assert asyncio.run(talk()) < 1.0
