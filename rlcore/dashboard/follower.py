"""Follows runs' journals while somebody listens: one follower for a run, however many clients it has."""

from __future__ import annotations

import asyncio
import time

from rlcore.dashboard.feed import Feed
from rlcore.dashboard.hub import BROKEN, Audience, Client
from rlcore.dashboard.protocol import RequestMetricsHistory
from rlcore.dashboard.snapshot import RunIndex
from rlcore.run_folder import RunFolder

POLL_SECONDS = 0.25
SUMMARY_SECONDS = 1.0
"""A summary comes at most so often."""

IDLE_KEPT = 4
"""Followers without a client that are remembered, so that a page that is loaded again has its data at once."""


class Follower:
    """One run and its clients. Belongs to one event loop; reading and computing happen in threads beside it.

    Attributes:
        users: clients that are here or about to come.
    """

    def __init__(self, feed: Feed) -> None:
        self.users = 0
        self._feed = feed
        self._audience = Audience()
        self._task: asyncio.Task[None] | None = None
        self._looked = self._summed_up = float("-inf")
        # a step at a time: what a client was told first and what it is told next meet without gap and overlap
        self._step = asyncio.Lock()

    @property
    def is_polling(self) -> bool:
        """Whether it reads the journal."""
        return self._task is not None and not self._task.done()

    async def join(self, client: Client) -> None:
        """Gives a client ``initial_data``, and from then on all that is new."""
        async with self._step:
            if self._audience:
                await self._tell_news()
            else:
                await asyncio.to_thread(self._feed.catch_up)
            client.answer(await asyncio.to_thread(self._feed.initial))
            self._audience.add(client)
        if not self.is_polling:
            self._task = asyncio.create_task(self._poll())

    def leave(self, client: Client) -> None:
        """It is gone."""
        self._audience.remove(client)

    async def history(self, asked: RequestMetricsHistory) -> str:
        """``metrics_history``, as text."""
        async with self._step:
            return await asyncio.to_thread(self._feed.history, asked)

    async def close(self) -> None:
        """Stops following."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _poll(self) -> None:
        """Until nobody listens: the last client's leaving ends it, so that no step is cut short."""
        try:
            while self._audience:
                async with self._step:
                    await self._tell_summary(anything_new=await self._tell_news())
                await asyncio.sleep(POLL_SECONDS)
        except Exception:
            # nobody would be told any more: they see it, and may come again
            self._audience.drop_all(BROKEN)
            raise

    async def _tell_news(self) -> bool:
        """Returns whether there was any."""
        messages = await asyncio.to_thread(self._feed.news)
        for message in messages:
            self._audience.tell(message)
        return bool(messages)

    async def _tell_summary(self, anything_new: bool) -> None:
        """After news, and every second: a process may be gone, or another run begun, without a line in the journal."""
        now = time.monotonic()
        if now - self._summed_up < SUMMARY_SECONDS or (now - self._looked < SUMMARY_SECONDS and not anything_new):
            return
        self._looked = now
        message = await asyncio.to_thread(self._feed.changed_summary)
        if message is not None:
            self._summed_up = now
            self._audience.tell(message)


class Followers:
    """All runs that somebody listens to. Belongs to one event loop."""

    def __init__(self, runs: RunIndex) -> None:
        self._runs = runs
        self._known: dict[str, Follower] = {}

    async def join(self, folder: RunFolder, client: Client) -> Follower:
        """The follower of a run, with the client among those that are told.

        Raises:
            ConfigError: the run's configuration is another version's.
        """
        follower = self._known.get(folder.name)
        if follower is None:
            follower = self._known[folder.name] = Follower(Feed(folder, self._runs))
        follower.users += 1
        try:
            await follower.join(client)
        except BaseException:
            self.leave(follower, client)
            raise
        return follower

    def leave(self, follower: Follower, client: Client) -> None:
        """The client is gone; of runs that nobody listens to, a few are remembered."""
        follower.leave(client)
        follower.users -= 1
        idle = [name for name, known in self._known.items() if not known.users]
        for name in idle[:-IDLE_KEPT]:
            del self._known[name]

    async def close(self) -> None:
        """Stops following all of them."""
        for follower in self._known.values():
            await follower.close()
