"""Conversations with the real server on loopback, by real WebSocket clients."""

import asyncio
import json
import socket
import time
from contextlib import AsyncExitStack

import pytest
from websockets.asyncio.client import ClientConnection, connect

from rlcore.dashboard import server as server_module
from rlcore.dashboard.protocol import LONGEST_MESSAGE_BYTES, TOPICS
from rlcore.dashboard.server import LONGEST_FRAME_BYTES
from tests.rlcore.dashboard.made_journal import BEGUN, entry
from tests.rlcore.dashboard.made_run import CHUNK, EPISODES, LINES, RUNNING, MadeRun, Page, before, note
from tests.rlcore.dashboard.serving import listening, port_of, serving, wait_until


def test_every_message_of_the_document(tmp_path, run, drawing):
    """A training goes on while a page looks: it has all of it, once."""
    rest = LINES[len(before("rollout")) :]
    with serving(tmp_path, draw=drawing()) as server, listening(server, "made-run") as client:
        page = Page()
        page.take(client.next())
        assert page.received == ["initial_data"]
        run.write(rest[:-1])
        client.say("request_dashboard")
        client.say("request_metrics_history", metrics=["rollout/gain"], points=4)
        client.say("ping")
        client.say("nonsense")
        run.write(rest[-1:])
        while (
            page.data["events"][-1]["kind"] != "ended"
            or page.data["summary"]["state"] != "finished"
            or "dashboard_generated" not in page.received
        ):
            page.take(client.next())
    assert set(page.received) == {
        "initial_data",
        "episode_metrics",
        "metrics_update",
        "system_metrics",
        "validation_result",
        "milestone_achieved",
        "qa_alert",
        "training_event",
        "training_summary",
        "metrics_history",
        "dashboard_generated",
        "pong",
        "error",
    }
    assert page.received.count("initial_data") == 1
    with serving(tmp_path) as server, listening(server, "made-run") as client:
        whole = Page()
        whole.take(client.next())
        assert page.lasting == whole.lasting


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("{", "malformed_json"),
        (b'{"type": "ping"}', "malformed_json"),
        ("[1, 2]", "not_an_object"),
        ('{"type": "fly"}', "unknown_type"),
        ('{"type": "subscribe", "topics": ["weather"]}', "invalid_field"),
        ("x" * (LONGEST_MESSAGE_BYTES + 1), "too_long"),
        ("x" * (LONGEST_FRAME_BYTES - 1), "too_long"),
    ],
)
def test_what_is_not_understood_is_said_and_the_connection_stays(tmp_path, run, sent, code):
    with serving(tmp_path) as server, listening(server) as client:
        client.next("initial_data")
        client.socket.send(sent)
        assert client.next("error")["code"] == code
        client.until_pong()


def test_a_message_that_is_far_too_long_ends_the_connection(tmp_path, run):
    with serving(tmp_path) as server:
        with listening(server) as client:
            client.next("initial_data")
            client.socket.send("x" * (LONGEST_FRAME_BYTES + 1))
            assert client.until_closed() == 1009
        with listening(server) as another:
            another.next("initial_data")


def test_nothing_is_compressed_for_each_client_anew(tmp_path, run):
    with serving(tmp_path) as server, listening(server, compression="deflate") as client:
        assert client.socket.protocol.extensions == []


def test_history_in_another_resolution(tmp_path, run):
    with serving(tmp_path) as server, listening(server) as client:
        rewards = client.next("initial_data")["series"]["episode/reward"]
        client.say("request_metrics_history", metrics=["episode/reward"], first=20, last=100, points=10)
        part = client.next("metrics_history")["series"]["episode/reward"]
        assert (part["x"][0], part["x"][-1], len(part["x"])) == (20, 100, 10)
        assert max(part["y"]) == max(rewards["y"][19:100])
        assert min(part["y"]) == min(rewards["y"][19:100])


@pytest.mark.parametrize("topic", [topic for topic in TOPICS if topic != "summary"])
def test_subscriptions_filter(tmp_path, topic):
    run = MadeRun(tmp_path).write(LINES[:1])
    types = {
        "episode_metrics": "episodes",
        "metrics_update": "metrics",
        "system_metrics": "system",
        "validation_result": "validation",
        "milestone_achieved": "milestones",
        "qa_alert": "alerts",
        "training_event": "events",
    }
    with serving(tmp_path) as server, listening(server) as client, listening(server) as witness:
        client.next("initial_data")
        witness.next("initial_data")
        client.say("unsubscribe", topics=list(TOPICS))
        client.say("subscribe", topics=[topic])
        client.until_pong()
        run.write(LINES[1:-1])
        note(run, "the last")
        while witness.next("training_event")["event"]["message"] != "the last":
            pass
        assert {types.get(message["type"]) for message in client.until_pong()} == {topic}
        client.say("unsubscribe", topics=[topic])
        client.until_pong()
        note(run, "once more")
        while witness.next("training_event")["event"]["message"] != "once more":
            pass
        assert client.until_pong() == []


def test_summaries_can_be_subscribed_to_alone(tmp_path, run):
    with serving(tmp_path) as server, listening(server) as client:
        client.next("initial_data")
        client.say("unsubscribe", topics=[topic for topic in TOPICS if topic != "summary"])
        client.until_pong()
        run.write(LINES[len(before("rollout")) :])
        while client.next()["summary"]["state"] != "finished":  # nothing else comes
            pass


def test_going_back_sends_everything_again(tmp_path):
    run = MadeRun(tmp_path).write(RUNNING)
    with serving(tmp_path) as server, listening(server) as client:
        assert client.next("initial_data")["episodes"][-1]["number"] == EPISODES
        client.say("unsubscribe", topics=list(TOPICS))
        client.until_pong()
        run.add("rollback", number=1, episode=CHUNK, reason="no good")
        again = client.next()
        assert (again["type"], again["episodes"][-1]["number"]) == ("initial_data", CHUNK)
        note(run, "the subscriptions are kept")
        with listening(server) as witness:
            assert witness.next("initial_data")["events"][-1]["message"] == "the subscriptions are kept"
        assert client.until_pong() == []


def test_a_torn_last_line_is_told_when_it_is_whole(tmp_path, run):
    text = json.dumps(entry("report", BEGUN, episode=0, message="whole", files=[]))
    run.write_text(text[:40])
    with serving(tmp_path) as server, listening(server) as client, listening(server) as witness:
        for one in (client, witness):
            assert "whole" not in str(one.next("initial_data")["events"])
        run.write_text(text[40:] + "\n")
        assert client.next("training_event")["event"]["message"] == "whole"
        assert witness.next("training_event")["event"]["message"] == "whole"


def test_two_clients_on_two_runs(tmp_path, run):
    other = MadeRun(tmp_path, "other").write([{**line, "time": line["time"] + 60} for line in LINES[:1]])
    with (
        serving(tmp_path) as server,
        listening(server, "made-run") as client,
        listening(server) as latest,
    ):
        assert client.next("initial_data")["run"] == "made-run"
        initial = latest.next("initial_data")
        assert (initial["run"], [one["name"] for one in initial["runs"]]) == ("other", ["other", "made-run"])
        note(run, "in one")
        note(other, "in the other")
        assert client.next("training_event")["event"]["message"] == "in one"
        assert latest.next("training_event")["event"]["message"] == "in the other"


def test_a_new_run_is_in_the_list_soon(tmp_path, run):
    with serving(tmp_path) as server, listening(server) as client:
        assert len(client.next("initial_data")["runs"]) == 1
        MadeRun(tmp_path, "new").write(LINES)
        while len(client.next("training_summary")["runs"]) < 2:
            pass


def test_who_comes_again_after_the_server_was_away_has_everything_once(tmp_path, run):
    page, rest = Page(), LINES[len(before("rollout")) :]
    with serving(tmp_path) as server:
        with listening(server) as client:
            page.take(client.next())
            run.write(rest[:1])
            page.take(client.next("metrics_update"))
            server.stop()
            assert client.until_closed() == 1012
        port = port_of(server)
    run.write(rest[1:40])  # while nobody serves it
    with serving(tmp_path, port=port) as server, listening(server) as client:
        assert port_of(server) == port
        page.take(client.next())
        run.write(rest[40:])
        while page.data["events"][-1]["kind"] != "ended":
            page.take(client.next())
    with serving(tmp_path) as server, listening(server) as client:
        whole = Page()
        whole.take(client.next())
    assert page.lasting == whole.lasting


def test_a_client_that_does_not_read_is_dropped_while_others_go_on(tmp_path, run):
    with serving(tmp_path) as server, listening(server) as quick, slow_socket(server) as slow:
        quick.next("initial_data")
        slow.next("initial_data")
        # the slow one reads no more; what the system keeps on the way for it has to be full first
        for number in range(12):
            for _ in range(60):
                note(run, "x" * 20_000)
            note(run, f"end {number}")
            begun = time.monotonic()
            while not quick.next("training_event")["event"]["message"].startswith("end"):
                pass
            assert time.monotonic() - begun < 5
        assert slow.until_closed() == 1013
        assert len(slow.passed) < 12 * 60
        quick.until_pong()


def test_the_connection_of_a_client_that_never_reads_is_cut(tmp_path, run, monkeypatch):
    monkeypatch.setattr(server_module, "CLOSE_SECONDS", 0.5)
    with serving(tmp_path) as server, listening(server) as quick, slow_socket(server) as slow:
        slow.next("initial_data")
        quick.next("initial_data")
        connections = server._server.server_state.connections
        assert len(connections) == 2
        for number in range(12):
            for _ in range(60):
                note(run, "x" * 20_000)
            note(run, f"end {number}")
            while not quick.next("training_event")["event"]["message"].startswith("end"):
                pass
        wait_until(lambda: len(connections) == 1)
        quick.until_pong()


def slow_socket(server):
    """A client with little room for what it does not read."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    raw.connect(("127.0.0.1", port_of(server)))
    return listening(server, sock=raw, max_queue=1)


def test_a_connection_that_broke_disturbs_nobody(tmp_path, run):
    with serving(tmp_path) as server, listening(server) as client:
        for _ in range(3):
            with listening(server) as gone:
                gone.next("initial_data")
                gone.socket.socket.shutdown(socket.SHUT_RDWR)
        client.next("initial_data")
        note(run, "still here")
        assert client.next("training_event")["event"]["message"] == "still here"


def test_200_clients_have_an_update_within_a_second(tmp_path, run):
    async def until(client: ClientConnection, kind: str) -> None:
        while json.loads(await client.recv())["type"] != kind:
            pass

    async def listen(address: str) -> float:
        async with AsyncExitStack() as stack:
            opening = (connect(address, max_size=None, open_timeout=60) for _ in range(200))
            clients = [await stack.enter_async_context(one) for one in opening]
            await asyncio.wait_for(asyncio.gather(*(until(one, "initial_data") for one in clients)), 60)
            begun = time.monotonic()
            note(run, "for all")
            await asyncio.wait_for(asyncio.gather(*(until(one, "training_event") for one in clients)), 30)
            return time.monotonic() - begun

    with serving(tmp_path) as server:
        assert asyncio.run(listen(f"ws://127.0.0.1:{port_of(server)}/ws")) < 1.0
