"""Ports, and the server as a process that ends with another one."""

import signal
import subprocess
import sys
import textwrap
import threading

import pytest
from websockets.sync.client import connect

from rlcore.dashboard import server as server_module
from rlcore.dashboard.server import bound_socket, serve
from rlcore.errors import DashboardError
from tests.rlcore.dashboard.serving import LIMIT_SECONDS, Listener, get, port_of, serving


def test_a_busy_port_gives_way_to_the_next_free_one(tmp_path, page):
    with bound_socket("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with serving(tmp_path, port=port, page=page) as server, serving(tmp_path, port=port, page=page) as another:
            assert port < port_of(server) < port_of(another) <= port + server_module.FURTHER_PORTS
            assert get(server, "/")[0] == get(another, "/")[0] == 200


def test_of_many_busy_ports_none_is_found(monkeypatch):
    monkeypatch.setattr(server_module, "FURTHER_PORTS", 0)
    with bound_socket("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(DashboardError, match=f"the ports {port} to {port} are all busy"):
            bound_socket("127.0.0.1", port)


@pytest.mark.parametrize(
    ("host", "port"),
    [
        ("192.0.2.7", 8768),
        ("no-such-host.invalid", 8768),
        ("x" * 300, 8768),
        ("127.0.0.1", -1),
        ("127.0.0.1", 65536),
    ],
)
def test_a_host_that_is_not_ours_is_named(tmp_path, host, port):
    with pytest.raises(DashboardError, match=str(port)):
        serve(tmp_path, host=host, port=port)


def test_a_run_that_is_asked_for_has_to_be_there(tmp_path, run):
    with pytest.raises(DashboardError, match=r"run 'none' is not in .*; the latest there: made-run"):
        serve(tmp_path, "none", port=0)


def test_the_address_names_run_and_token(tmp_path, run):
    with serving(tmp_path, run="a run", token="a=b") as server:
        assert server.url == f"http://127.0.0.1:{port_of(server)}/?run=a+run&token=a%3Db"
    with serving(tmp_path) as server:
        assert server.url == f"http://127.0.0.1:{port_of(server)}/"


SERVE = """
import sys
from pathlib import Path
from rlcore.dashboard.server import serve
ends_with = int(sys.argv[2]) or None
serve(Path(sys.argv[1]), port=0, on_ready=lambda url: print(url, flush=True), ends_with=ends_with)
print("ended", flush=True)
"""


@pytest.fixture
def process(tmp_path):
    """A server in a process of its own, and what it is told of."""
    started = []

    def start(ends_with: int = 0) -> tuple[subprocess.Popen, str]:
        command = [sys.executable, "-c", textwrap.dedent(SERVE), str(tmp_path), str(ends_with)]
        one = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(one)
        return one, one.stdout.readline().strip()

    yield start
    for one in started:
        one.kill()
        one.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(run, process, number):
    one, url = process()
    with connect(url.replace("http", "ws") + "ws") as socket:
        client = Listener(socket)
        client.next("initial_data")
        one.send_signal(number)
        said, complaints = one.communicate(timeout=LIMIT_SECONDS)
        assert (one.returncode, said, complaints) == (0, "ended\n", "")
        assert client.until_closed() == 1012


def test_it_ends_with_the_process_that_it_serves_for(run, process):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as training:
        one, url = process(training.pid)
        assert url.startswith("http://127.0.0.1:")
        with pytest.raises(subprocess.TimeoutExpired):
            one.wait(1.2)
        one.send_signal(signal.SIGINT)  # a terminal sends it to both, and the training may go on for a while
        with pytest.raises(subprocess.TimeoutExpired):
            one.wait(1.2)
        training.kill()  # nobody asks how it ended: for us it is gone all the same
        said, complaints = one.communicate(timeout=LIMIT_SECONDS)
        assert (one.returncode, said, complaints) == (0, "ended\n", "")


def test_it_ends_at_once_where_that_process_is_gone_already(run, process):
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    one, _ = process(gone.pid)
    assert one.wait(LIMIT_SECONDS) == 0


def test_it_can_be_stopped_before_it_has_started(tmp_path):
    with serving(tmp_path):
        pass  # and a server that is used by nobody ends too
    server = server_module.DashboardServer(tmp_path, port=0)
    server.stop()
    thread = threading.Thread(target=server.run, args=(lambda url: None, lambda: False))
    thread.start()
    thread.join(LIMIT_SECONDS)
    assert not thread.is_alive()
