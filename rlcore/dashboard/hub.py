"""Who listens: clients with bounded queues, so that one that does not read holds up nobody."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator

from rlcore.dashboard.feed import Message
from rlcore.dashboard.protocol import TOPICS, Topic

MOST_WAITING = 256
"""Messages that may wait for one client."""

MOST_WAITING_BYTES = 32 * 2**20
"""Of these messages; answers to requests can be long."""

TOO_SLOW = 1013
"""Close code of a client that does not read: "try again later"."""

BROKEN = 1011
"""Close code where the server met an error."""


class Client:
    """One connection's messages on their way. Belongs to one event loop.

    Attributes:
        topics: what it is subscribed to.
        close_code: why it was dropped; None while it is not.
    """

    def __init__(self) -> None:
        self.topics: set[Topic] = set(TOPICS)
        self.close_code: int | None = None
        self._waiting: deque[str] = deque()
        self._waiting_bytes = 0
        self._something = asyncio.Event()
        self._dropped = asyncio.Event()

    def give(self, message: Message) -> None:
        """Puts a message into the queue, if the client wants it; never waits. A full queue drops the client."""
        if self.close_code is not None or (message.topic is not None and message.topic not in self.topics):
            return
        # one message of any length always fits
        too_many_bytes = self._waiting and self._waiting_bytes + len(message.text) > MOST_WAITING_BYTES
        if len(self._waiting) >= MOST_WAITING or too_many_bytes:
            self.drop(TOO_SLOW)
            return
        self._waiting.append(message.text)
        self._waiting_bytes += len(message.text)
        self._something.set()

    def answer(self, text: str) -> None:
        """Puts the answer to a request into the queue, like ``give``."""
        self.give(Message(None, text))

    def drop(self, code: int) -> None:
        """Ends it with a close code, and forgets what waits."""
        if self.close_code is None:
            self.close_code = code
            self._waiting.clear()
            self._dropped.set()

    async def next_message(self) -> str:
        """The next message's text; waits for one."""
        while not self._waiting:
            self._something.clear()
            await self._something.wait()
        text = self._waiting.popleft()
        self._waiting_bytes -= len(text)
        return text

    async def until_dropped(self) -> None:
        """Waits until somebody drops it."""
        await self._dropped.wait()


class Audience:
    """The clients of one run."""

    def __init__(self) -> None:
        self._clients: set[Client] = set()

    def __len__(self) -> int:
        return len(self._clients)

    def __iter__(self) -> Iterator[Client]:
        return iter(tuple(self._clients))

    def add(self, client: Client) -> None:
        """From now on it is told."""
        self._clients.add(client)

    def remove(self, client: Client) -> None:
        """From now on it is not; one that is not there is no error."""
        self._clients.discard(client)

    def tell(self, message: Message) -> None:
        """Gives a message to each; a client that was dropped is forgotten."""
        for client in self:
            client.give(message)
            if client.close_code is not None:
                self._clients.discard(client)

    def drop_all(self, code: int) -> None:
        """Ends all of them."""
        for client in self:
            client.drop(code)
        self._clients.clear()
