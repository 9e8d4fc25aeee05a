"""Pictures of the dashboard on request: by a process of their own, one at a time."""

import os

import pytest

from rlcore.dashboard.drawing import Drawings
from tests.rlcore.dashboard.serving import get, listening, serving, wait_until


def test_a_picture_is_drawn_for_all_who_ask(tmp_path, run, drawing):
    wait = "while not (folder / 'go on').exists(): time.sleep(0.01)"
    with (
        serving(tmp_path, draw=drawing(wait)) as server,
        listening(server) as client,
        listening(server) as other,
    ):
        for one in (client, other):
            one.next("initial_data")
            one.say("request_dashboard")
            one.until_pong()  # which is answered while the picture is being drawn
        client.say("request_dashboard")
        client.until_pong()
        (run.folder.path / "go on").touch()
        told = [
            client.next("dashboard_generated"),
            client.next("dashboard_generated"),
            other.next("dashboard_generated"),
        ]
        made = run.folder.path / "pictures" / "dashboard_000125.png"
        for message in told:
            assert (message["path"], message["episode"]) == (str(made), 125)
            assert message["url"] == "/api/runs/made-run/pictures/dashboard_000125.png"
        assert (run.folder.path / "drawn").read_text() == "x"
        status, headers, body = get(server, told[0]["url"])
        assert (status, headers["content-type"], body) == (200, "image/png", b"a picture")
        client.say("request_dashboard")
        client.next("dashboard_generated")
        assert (run.folder.path / "drawn").read_text() == "xx"  # asked for later: drawn anew


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("raise SystemExit('no figures yet')", "no figures yet"),
        ("print('nothing')", "no picture, and exit status 0"),
        ("print('/etc/passwd')", "no picture"),
        ("print('pictures/dashboard_000001.png')", "no picture"),
        ("import os; os._exit(3)", "exit status 3"),
    ],
)
def test_why_a_picture_failed(tmp_path, run, drawing, content, reason):
    with serving(tmp_path, draw=drawing(content=content)) as server, listening(server) as client:
        client.say("request_dashboard")
        error = client.next("error")
        assert error["code"] == "picture_failed"
        assert reason in error["message"]


def test_a_command_that_is_not_there(tmp_path, run):
    with serving(tmp_path, draw=(str(tmp_path / "none"),)) as server, listening(server) as client:
        client.say("request_dashboard")
        assert client.next("error")["code"] == "picture_failed"


def test_a_drawing_that_takes_too_long_is_ended(tmp_path, run, drawing):
    import asyncio

    from rlcore.dashboard.protocol import MessageError

    wait = "import os; (folder / 'pid').write_text(str(os.getpid())); time.sleep(600)"

    async def draw() -> None:
        drawings = Drawings(drawing(wait), 2.0)
        with pytest.raises(MessageError, match="longer than 2 s"):
            await drawings.draw(run.folder)

    asyncio.run(draw())
    with pytest.raises(ProcessLookupError):
        os.kill(int((run.folder.path / "pid").read_text()), 0)


def test_a_server_that_ends_ends_its_drawing(tmp_path, run, drawing):
    wait = "import os; (folder / 'pid').write_text(str(os.getpid())); time.sleep(600)"
    pid = run.folder.path / "pid"
    with serving(tmp_path, draw=drawing(wait)) as server, listening(server) as client:
        client.say("request_dashboard")
        wait_until(lambda: pid.exists() and pid.read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)
