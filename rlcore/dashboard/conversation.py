"""One client's connection, from its handshake to its end."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.websockets import WebSocket, WebSocketDisconnect

from rlcore.dashboard.drawing import Drawings
from rlcore.dashboard.follower import Follower, Followers
from rlcore.dashboard.hub import TOO_SLOW, Client
from rlcore.dashboard.protocol import (
    LONGEST_MESSAGE_BYTES,
    ClientMessage,
    MessageError,
    Ping,
    RequestDashboard,
    RequestMetricsHistory,
    Subscribe,
    encode,
    error_message,
    parse,
)
from rlcore.dashboard.snapshot import RunIndex
from rlcore.errors import ConfigError
from rlcore.run_folder import RunFolder

NO_SUCH_RUN = 4404
"""Close code where the run is not there, or not yet."""

REASONS = {TOO_SLOW: "messages were not read"}


class Conversation:
    """One task sends what waits, one reads and answers, one waits for being dropped: the first to end ends them all."""

    def __init__(self, socket: WebSocket, followers: Followers, drawings: Drawings) -> None:
        self._socket = socket
        self._followers = followers
        self._drawings = drawings
        self._client = Client()
        self._pictures_asked = 0
        self._drawing: asyncio.Task[None] | None = None

    async def hold(self, runs: RunIndex, run: str) -> None:
        """Closes with ``NO_SUCH_RUN`` where there is none (yet); else talks until either side has enough."""
        folder = await asyncio.to_thread(runs.find, run)
        # accepted first: a browser can't tell a refused handshake from a server that is away, and complains of it
        await self._socket.accept()
        if folder is None:
            await self._socket.close(NO_SUCH_RUN, "no such run, or not yet")
            return
        try:
            follower = await self._followers.join(folder, self._client)
        except (ConfigError, OSError) as error:  # since it was looked for
            await self._socket.close(1011, str(error)[:100])
            return
        try:
            await self._talk(follower, folder)
        finally:
            self._followers.leave(follower, self._client)

    async def _talk(self, follower: Follower, folder: RunFolder) -> None:
        tasks = [
            asyncio.create_task(work)
            for work in (self._send(), self._read(follower, folder), self._client.until_dropped())
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if self._drawing is not None:
                tasks.append(self._drawing)
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        if self._client.close_code is not None:
            with suppress(WebSocketDisconnect, RuntimeError):  # it is gone already
                await self._socket.close(self._client.close_code, REASONS.get(self._client.close_code))
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def _send(self) -> None:
        with suppress(WebSocketDisconnect):
            while True:
                await self._socket.send_text(await self._client.next_message())

    async def _read(self, follower: Follower, folder: RunFolder) -> None:
        while True:
            received = await self._socket.receive()
            if received["type"] == "websocket.disconnect":
                return
            try:
                await self._answer(_parsed(received.get("text")), follower, folder)
            except MessageError as error:
                self._client.answer(error_message(error))

    async def _answer(self, message: ClientMessage, follower: Follower, folder: RunFolder) -> None:
        client = self._client
        if isinstance(message, Ping):
            client.answer(encode("pong"))
        elif isinstance(message, RequestMetricsHistory):
            client.answer(await follower.history(message))
        elif isinstance(message, RequestDashboard):
            self._pictures_asked += 1
            if self._drawing is None or self._drawing.done():
                self._drawing = asyncio.create_task(self._draw(folder))
        elif isinstance(message, Subscribe):
            client.topics.update(message.topics)
        else:
            client.topics.difference_update(message.topics)

    async def _draw(self, folder: RunFolder) -> None:
        """Beside the conversation; as many answers as there were requests in the meantime."""
        try:
            text = (await self._drawings.draw(folder)).as_message()
        except MessageError as error:
            text = error_message(error)
        asked, self._pictures_asked = self._pictures_asked, 0
        for _ in range(asked):
            self._client.answer(text)


def _parsed(text: str | None) -> ClientMessage:
    if text is None:
        raise MessageError("malformed_json", f"a message is text, of at most {LONGEST_MESSAGE_BYTES:,} bytes")
    return parse(text)
