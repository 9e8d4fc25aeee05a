"""Debian's PostgreSQL as a server of a test's own: in a folder that is deleted, on a free port of loopback."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.flows.receivers import wait_until
from tests.flows.up import free_ports

START_SECONDS = 60.0
BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
"""Debian keeps them out of the path; the newest version last."""


def is_installed() -> bool:
    """Whether there is a server here, and a user to run it as: it refuses root."""
    return bool(BINARIES) and (BINARIES[-1] / "initdb").exists()


def _user() -> str:
    return "postgres" if os.geteuid() == 0 else getpass.getuser()


def run_psql(port: int, password: str, *arguments: str, user: str = "postgres", **environment: str) -> str:
    """What ``psql`` prints, with rows as lines and nothing else."""
    command = [str(BINARIES[-1] / "psql"), "-XqAt", "--host=127.0.0.1", f"--port={port}", f"--username={user}"]
    done = subprocess.run(
        [*command, *arguments],
        env={"PATH": os.environ["PATH"], "PGPASSWORD": password, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@contextmanager
def postgresql(password: str) -> Iterator[int]:
    """A server with the superuser ``postgres``; gives its port. Logins need a password, as in PostgreSQL's image."""
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))  # pytest's own folders are closed to other users
    [port] = free_ports(1)
    secret, data = folder / "password", folder / "data"
    secret.write_text(password)
    for path in (folder, secret):
        shutil.chown(path, _user())
    # as a user alone: root may change to another one, anybody else is who they are
    who = {"user": _user(), "group": _user(), "extra_groups": []} if os.geteuid() == 0 else {}
    common = {"cwd": folder, "stdout": subprocess.DEVNULL, "stderr": (folder / "log").open("ab"), **who}
    options = ["--username=postgres", "--auth=scram-sha-256", f"--pwfile={secret}", "--encoding=UTF8", "--no-sync"]
    subprocess.run([BINARIES[-1] / "initdb", f"--pgdata={data}", *options], check=True, timeout=60, **common)
    settings = ["-clisten_addresses=127.0.0.1", "-cunix_socket_directories=", "-cfsync=off", f"-cport={port}"]
    process = subprocess.Popen([BINARIES[-1] / "postgres", "-D", data, *settings], **common)
    ready = [BINARIES[-1] / "pg_isready", "--host=127.0.0.1", f"--port={port}", "--quiet"]
    try:
        wait_until(lambda: subprocess.run(ready, timeout=60).returncode == 0, START_SECONDS)
        yield port
    finally:
        process.send_signal(signal.SIGINT)  # ends connections, then itself
        process.wait(30)
        common["stderr"].close()
        shutil.rmtree(folder)
