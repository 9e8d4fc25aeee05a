"""Who may ask: names of the server, origins of pages, the token."""

import json
import socket
from urllib.parse import parse_qs, urlsplit

import pytest
from websockets.sync.client import connect

from rlcore.dashboard.conversation import NO_SUCH_RUN
from tests.rlcore.dashboard.made_run import LINES, MadeRun
from tests.rlcore.dashboard.serving import LIMIT_SECONDS, get, handshake, listening, port_of, serving


def test_every_answer_has_its_security_headers(tmp_path, run, page):
    with serving(tmp_path, page=page) as server:
        for path in ("/", "/api/runs", "/static/main.js", "/nothing"):
            _, headers, _ = get(server, path)
            policy = headers["content-security-policy"]
            assert policy.startswith("default-src 'none'; script-src 'self';")
            assert "frame-ancestors 'none'" in policy
            assert "connect-src 'self'" in policy
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"
            assert "server" not in headers
            assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:80", "LOCALHOST", "[::1]:9000"])
def test_loopback_names_are_answered(tmp_path, page, host):
    with serving(tmp_path, page=page) as server:
        assert get(server, "/", host=host)[0] == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "192.0.2.7", "", "[", "a@localhost", "::1"],
)
def test_other_hosts_are_refused(tmp_path, run, page, host):
    with serving(tmp_path, page=page) as server:
        assert get(server, "/", host=host)[0] == 403
        assert get(server, "/api/runs", host=host)[0] == 403
        assert handshake(server, host=host) == 403


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "http://localhost:{port}",  # another name is another origin
        "https://127.0.0.1:{port}",
        "http://127.0.0.1",
        "http://127.0.0.1:1",
        "http://127.0.0.1:{port}/",
        "http://127.0.0.1:{port}.evil.example",
        "http://evil.example@127.0.0.1:{port}",
        "null",
        "",
        "file://",
    ],
)
def test_pages_of_other_sites_may_not_listen(tmp_path, run, origin):
    with serving(tmp_path) as server:
        assert handshake(server, origin=origin.format(port=port_of(server))) == 403


def test_the_own_page_and_programs_may_listen(tmp_path, run):
    with serving(tmp_path) as server:
        port = port_of(server)
        with listening(server, origin=f"http://127.0.0.1:{port}") as client:
            client.next("initial_data")
        with connect(f"ws://localhost:{port}/ws", origin=f"http://localhost:{port}") as socket_:
            assert json.loads(socket_.recv(LIMIT_SECONDS))["type"] == "initial_data"
        assert handshake(server, host="localhost", origin="http://localhost:80") == 101
        assert handshake(server) == 101


@pytest.mark.parametrize("name", ["none", "..", "..%2Fstage1%2Fmade-run", "made-run%00"])
def test_a_run_that_is_not_there_is_refused(tmp_path, run, name):
    with serving(tmp_path) as server, listening(server, name) as client:
        assert client.until_closed() == NO_SUCH_RUN


def test_a_run_may_begin_after_its_dashboard(tmp_path):
    with serving(tmp_path, run="made-run") as server:
        with listening(server) as client:
            assert client.until_closed() == NO_SUCH_RUN
        MadeRun(tmp_path).write(LINES[:1])
        MadeRun(tmp_path, "later").write([{**line, "time": line["time"] + 60} for line in LINES])
        with listening(server) as client:  # the run that it was started for, not the latest
            assert client.next("initial_data")["run"] == "made-run"


TOKEN = "a token; with = signs, é"


def test_beyond_loopback_a_token_is_needed_everywhere(tmp_path, run, page):
    with serving(tmp_path, host="0.0.0.0", page=page) as server:
        token = parse_qs(urlsplit(server.url).query)["token"][0]
        assert len(token) >= 24
        for path in ("/", "/api/runs", "/static/main.js", "/nothing"):
            assert get(server, path)[0] == 401, path
            assert get(server, f"{path}?token=")[0] == 401
            assert get(server, f"{path}?token={token}x")[0] == 401
        assert handshake(server) == 401
        assert handshake(server, f"/ws?token={token[:-1]}") == 401
        assert handshake(server, f"/ws?token={token}") == 101
        assert get(server, f"/api/runs?token={token}")[0] == 200
        assert "set-cookie" not in get(server, f"/api/runs?token={token}")[1]


def test_the_first_load_sets_a_cookie_that_stands_for_the_token(tmp_path, run, page):
    with serving(tmp_path, token=TOKEN, page=page) as server:
        assert get(server, "/")[0] == 401
        query = urlsplit(server.url).query
        status, headers, _ = get(server, f"/?{query}")
        assert status == 200
        cookie, *attributes = headers["set-cookie"].split("; ")
        assert set(attributes) == {"Path=/", "HttpOnly", "SameSite=Strict"}
        assert TOKEN not in cookie
        assert get(server, "/static/main.js", cookie=f"a=b; {cookie}")[0] == 200
        assert "set-cookie" not in get(server, "/", cookie=cookie)[1]
        assert get(server, "/", cookie=f"{cookie[:-1]}g")[0] == 401
        assert handshake(server, cookie=cookie) == 101
        assert handshake(server, cookie=cookie, origin="http://evil.example") == 403
    with serving(tmp_path, token="another", page=page, port=port_of(server)) as other:
        assert get(other, "/", cookie=cookie)[0] == 401


def test_bound_to_all_addresses_it_answers_to_addresses_and_its_own_name(tmp_path, page):
    with serving(tmp_path, host="0.0.0.0", token="t", page=page) as server:
        for host in ("192.0.2.7:80", "[2001:db8::1]", socket.gethostname(), "localhost"):
            assert get(server, "/?token=t", host=host)[0] == 200, host
        assert get(server, "/?token=t", host="evil.example")[0] == 403
