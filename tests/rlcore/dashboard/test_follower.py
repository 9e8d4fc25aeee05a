"""Clients of a run are told first all and then what is new, and a journal is read only while somebody listens."""

import asyncio
import json
import time
from collections.abc import Callable
from itertools import pairwise

import pytest

from rlcore.dashboard import follower as follower_module
from rlcore.dashboard.feed import Feed
from rlcore.dashboard.follower import IDLE_KEPT, Follower, Followers
from rlcore.dashboard.hub import BROKEN, Client
from rlcore.dashboard.snapshot import RunIndex
from tests.rlcore.dashboard.made_run import EPISODES, LINES, MadeRun, before, note


def feed_of(run: MadeRun) -> Feed:
    return Feed(run.folder, RunIndex(run.folder.path.parents[1]))


async def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        await asyncio.sleep(0.005)


async def received(client: Client, kind: str, seconds: float = 10.0) -> dict:
    """The next message of a kind; those before it are passed by."""

    async def look() -> dict:
        while True:
            message = json.loads(await client.next_message())
            if message["type"] == kind:
                return message

    return await asyncio.wait_for(look(), seconds)


def test_a_client_is_told_first_all_and_then_what_is_new(tmp_path):
    run = MadeRun(tmp_path).write(before("rollout", 2))

    async def listen() -> None:
        followers = Followers(RunIndex(tmp_path))
        client = Client()
        await followers.join(run.folder, client)
        initial = json.loads(await client.next_message())
        assert initial["type"] == "initial_data"
        assert len(initial["episodes"]) == EPISODES
        run.write([LINES[len(before("rollout", 2))]])
        assert (await received(client, "metrics_update", 2.0))["points"]["rollout/gain"][0] == EPISODES
        await followers.close()

    asyncio.run(listen())


def test_one_follower_for_a_run_and_only_while_somebody_listens(tmp_path):
    run = MadeRun(tmp_path).write(LINES[:1])

    async def listen() -> None:
        followers = Followers(RunIndex(tmp_path))
        first, second, third = Client(), Client(), Client()
        follower = await followers.join(run.folder, first)
        assert await followers.join(run.folder, second) is follower
        note(run, "for both")
        both = [await received(client, "training_event") for client in (first, second)]
        assert both[0] == both[1]
        followers.leave(follower, first)
        note(run, "for one")
        assert (await received(second, "training_event"))["event"]["message"] == "for one"
        followers.leave(follower, second)
        await until(lambda: not follower.is_polling)
        note(run, "for nobody")
        assert await followers.join(run.folder, third) is follower
        assert (await received(third, "initial_data"))["events"][-1]["message"] == "for nobody"
        assert follower.is_polling
        await followers.close()
        assert not follower.is_polling

    asyncio.run(listen())


def test_what_a_newcomer_finds_is_told_to_the_others_too(tmp_path, monkeypatch):
    monkeypatch.setattr(follower_module, "POLL_SECONDS", 3600.0)
    run = MadeRun(tmp_path).write(LINES[:1])

    async def listen() -> None:
        followers = Followers(RunIndex(tmp_path))
        first, second = Client(), Client()
        await followers.join(run.folder, first)
        await asyncio.sleep(0.2)  # the only look that is taken
        note(run, "news")
        await followers.join(run.folder, second)
        assert (await received(first, "training_event"))["event"]["message"] == "news"
        assert (await received(second, "initial_data"))["events"][-1]["message"] == "news"
        with pytest.raises(asyncio.TimeoutError):
            await received(second, "training_event", 0.2)
        await followers.close()

    asyncio.run(listen())


def test_of_runs_without_listeners_a_few_are_remembered(tmp_path):
    runs = [MadeRun(tmp_path, f"run {number}").write(LINES[:1]) for number in range(IDLE_KEPT + 2)]

    async def listen() -> None:
        followers = Followers(RunIndex(tmp_path))
        known = []
        for run in runs:
            client = Client()
            known.append(await followers.join(run.folder, client))
            followers.leave(known[-1], client)
        again = [await followers.join(run.folder, Client()) for run in runs]
        assert [one is other for one, other in zip(known, again, strict=True)] == [False] * 2 + [True] * IDLE_KEPT
        await followers.close()

    asyncio.run(listen())


def test_clients_of_two_runs_hear_of_their_own(tmp_path):
    one, other = (MadeRun(tmp_path, name).write(LINES[:1]) for name in ("one", "other"))

    async def listen() -> None:
        followers = Followers(RunIndex(tmp_path))
        clients = Client(), Client()
        await followers.join(one.folder, clients[0])
        await followers.join(other.folder, clients[1])
        note(one, "in one")
        note(other, "in the other")
        for client, said in zip(clients, ("in one", "in the other"), strict=True):
            assert (await received(client, "training_event"))["event"]["message"] == said
        await followers.close()

    asyncio.run(listen())


def test_summaries_come_once_a_second_at_most(tmp_path):
    run = MadeRun(tmp_path).write(LINES[:1])

    async def listen() -> list[float]:
        followers = Followers(RunIndex(tmp_path))
        client, done = Client(), 0
        await followers.join(run.folder, client)
        times, end = [], time.monotonic() + 3.2
        while time.monotonic() < end:
            run.add("progress", stage="data", done=(done := done + 1), total=1000)
            note(run, "and it is told at once")
            try:
                await received(client, "training_summary", 0.1)
            except asyncio.TimeoutError:
                continue
            times.append(time.monotonic())
        await followers.close()
        return times

    times = asyncio.run(listen())
    assert 3 <= len(times) <= 4
    assert min(later - earlier for earlier, later in pairwise(times)) > 0.9


def test_clients_that_can_be_told_nothing_more_are_told_that(tmp_path, monkeypatch):
    run = MadeRun(tmp_path).write(LINES[:1])

    async def listen() -> None:
        feed = feed_of(run)
        follower, client = Follower(feed), Client()
        await follower.join(client)

        def fails() -> None:
            raise RuntimeError("broken")

        monkeypatch.setattr(feed, "news", fails)
        await asyncio.wait_for(client.until_dropped(), 5)
        assert client.close_code == BROKEN
        await until(lambda: not follower.is_polling)
        with pytest.raises(RuntimeError, match="broken"):
            await follower._task

    asyncio.run(listen())


def test_the_event_loop_is_not_held_up_by_reading(tmp_path, monkeypatch):
    run = MadeRun(tmp_path).write(LINES[:1])

    async def listen() -> None:
        feed = feed_of(run)
        follower = Follower(feed)
        slow = feed.catch_up
        monkeypatch.setattr(feed, "catch_up", lambda: time.sleep(0.5) or slow())
        joining = asyncio.create_task(follower.join(Client()))
        longest, last = 0.0, time.monotonic()
        while not joining.done():
            await asyncio.sleep(0.005)
            longest, last = max(longest, time.monotonic() - last), time.monotonic()
        assert longest < 0.25
        await follower.close()

    asyncio.run(listen())


def test_polling_is_often_enough():
    assert follower_module.POLL_SECONDS <= 0.25
