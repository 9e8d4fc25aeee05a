"""The pipeline as a service on this machine: Prefect's server, a worker, MLflow's server, the dashboard.

All of it listens on loopback and keeps its state in ``mlruns/``; the user's own Prefect profile is not touched.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
from prefect.settings import PREFECT_API_URL, temporary_settings
from rich.console import Console
from rich.text import Text

from flows.answering import answers
from flows.automations import prefect_server
from flows.recovery import set_up_recovery
from rlcore.errors import ServiceError
from rlcore.files import read_json, write_json, write_text
from rlcore.processes import is_alive, this_process
from tasks.store import mlruns_folder
from tasks.tracking import use_store

HOST = "127.0.0.1"
POOL = "stage1"
READY_SECONDS = 90.0
END_SECONDS = 20.0
MOST_ENDS, ENDS_SECONDS = 3, 600.0
STATE = "service.json"
DOT_ENV = Path(".env")
"""Prefect's commands in this folder read it, so that they find the service without any setting of the user's."""

MARK = "# written by stage1 up, removed by its end"

COLOURS = {"prefect": "cyan", "worker": "green", "mlflow": "magenta", "dashboard": "yellow", "deploy": "blue"}


@dataclass(frozen=True, slots=True)
class Ports:
    """Where each server listens."""

    prefect: int = 4200
    mlflow: int = 5000
    dashboard: int = 8768

    @property
    def api(self) -> str:
        """Prefect's API."""
        return f"http://{HOST}:{self.prefect}/api"


class Service:
    """Starts the processes, passes their lines on, and ends them in the opposite order.

    Use as a context; inside it, everything is ready.
    """

    def __init__(self, ports: Ports, console: Console) -> None:
        self._ports = ports
        self._console = console
        self._mlruns = mlruns_folder()
        self._processes: dict[str, subprocess.Popen[str]] = {}
        self._ended: dict[str, list[float]] = defaultdict(list)

    @property
    def environment(self) -> dict[str, str]:
        """Of every process: a Prefect home of its own, and nothing told to anybody outside."""
        return {
            **os.environ,
            "STAGE1_MLRUNS": str(self._mlruns),
            "PREFECT_HOME": str(self._mlruns / "prefect"),
            "PREFECT_API_URL": self._ports.api,
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "PYTHONUNBUFFERED": "1",
        }

    def __enter__(self) -> Service:
        try:
            self._start()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def _start(self) -> None:
        (self._mlruns / "prefect").mkdir(parents=True, exist_ok=True)
        use_store(self._mlruns)  # made by one process: two at once end in a broken migration
        prefect, python = str(Path(sys.executable).with_name("prefect")), sys.executable
        ports = self._ports
        self._run("prefect", prefect, "server", "start", "--host", HOST, "--port", str(ports.prefect))
        self._run("mlflow", python, "-m", "mlflow", "server", *_mlflow_options(self._mlruns, ports.mlflow))
        self._run("dashboard", python, "-m", "flows.cli", "dashboard", "--port", str(ports.dashboard))
        self._wait_for("prefect", f"{ports.api}/health")
        self._wait_for("mlflow", f"http://{HOST}:{ports.mlflow}/health")
        self._run("worker", prefect, "worker", "start", "--pool", POOL, "--type", "process")
        self._deploy(prefect)
        with temporary_settings({PREFECT_API_URL: ports.api}), prefect_server() as client:
            set_up_recovery(client)

    def _run(self, name: str, *command: str) -> subprocess.Popen[str]:
        """A process in a session of its own: Ctrl-C comes here only, and ends them in order."""
        process = subprocess.Popen(
            command,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._processes[name] = process
        threading.Thread(target=self._pass_on, args=(name, process), daemon=True).start()
        return process

    def _pass_on(self, name: str, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            prefix = Text(f"{name:>9} | ", style=COLOURS[name])
            self._console.print(prefix + Text(line.rstrip()), soft_wrap=True, highlight=False)

    def _wait_for(self, name: str, url: str) -> None:
        process = self._processes[name]
        if answers(url, process, READY_SECONDS):
            return
        if process.poll() is not None:
            raise ServiceError(f"{name} ended with exit code {process.returncode}; is its port free?")
        raise ServiceError(f"{name} did not answer at {url} within {READY_SECONDS:g} s")

    def _deploy(self, prefect: str) -> None:
        process = self._run("deploy", prefect, "--no-prompt", "deploy", "--all")
        if process.wait(READY_SECONDS) != 0:
            raise ServiceError("prefect deploy failed: see the lines above")
        del self._processes["deploy"]

    def wait(self) -> None:
        """For ever; what ends by itself is started again.

        Raises:
            ServiceError: one of them ended by itself ``MOST_ENDS`` times within ``ENDS_SECONDS``.
        """
        while True:
            for name, process in list(self._processes.items()):
                if process.poll() is not None:
                    self._again(name, process)
            time.sleep(0.5)

    def _again(self, name: str, process: subprocess.Popen[str]) -> None:
        now, told = time.monotonic(), f"{name} ended with exit code {process.returncode}"
        ends = self._ended[name] = [end for end in (*self._ended[name], now) if now - end < ENDS_SECONDS]
        if len(ends) >= MOST_ENDS:
            raise ServiceError(f"{told}, {len(ends)} times within {ENDS_SECONDS / 60:g} minutes")
        self._console.print(f"{told}: it is started again", style="bold red", highlight=False)
        self._run(name, *process.args)  # type: ignore[misc]  # a sequence: _run made it

    def end(self) -> None:
        """Ends all, the last first; what does not end in time is killed."""
        for process in reversed(self._processes.values()):
            _end(process)
        self._processes.clear()


def _mlflow_options(mlruns: Path, port: int) -> Sequence[str]:
    return (
        *("--backend-store-uri", f"sqlite:///{mlruns / 'mlflow.db'}"),
        *("--default-artifact-root", (mlruns / "artifacts").as_uri(), "--no-serve-artifacts"),
        *("--host", HOST, "--port", str(port), "--workers", "1"),
    )


def _end(process: subprocess.Popen[str]) -> None:
    """The process with all that it started."""
    try:
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    process.send_signal(signal.SIGINT)
    _, alive = psutil.wait_procs(family, timeout=END_SECONDS)
    for left in alive:
        left.kill()
    process.wait()


@contextmanager
def _announced(service: Service, ports: Ports) -> Iterator[None]:
    """While the service is up: who runs it, for ``stage1 down``, and where Prefect's API is, for Prefect's commands."""
    state = mlruns_folder() / STATE
    write_json(state, this_process() | asdict(ports))
    own = not DOT_ENV.exists() or DOT_ENV.read_text(encoding="utf-8").startswith(MARK)
    if own:
        write_text(DOT_ENV, f"{MARK}\nPREFECT_API_URL={ports.api}\n")
    try:
        yield
    finally:
        state.unlink(missing_ok=True)
        if own:
            DOT_ENV.unlink(missing_ok=True)


def up(ports: Ports, console: Console) -> None:
    """Runs the service in the foreground until Ctrl-C or SIGTERM.

    Raises:
        ServiceError: it is up already, or one of its processes did not start, or ended by itself again and again.
    """
    known = running_service()
    if known is not None:
        raise ServiceError(f"the service is up already (process {known}): stage1 down ends it")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C
    begun = time.monotonic()
    try:
        with Service(ports, console) as service, _announced(service, ports):
            _tell(ports, time.monotonic() - begun, console)
            service.wait()
    except KeyboardInterrupt:
        console.print("service ended", highlight=False)


def _tell(ports: Ports, seconds: float, console: Console) -> None:
    lines = [
        f"ready after {seconds:.0f} s",
        f"Prefect   http://{HOST}:{ports.prefect}",
        f"MLflow    http://{HOST}:{ports.mlflow}/?workflowType=machine_learning",
        f"dashboard http://{HOST}:{ports.dashboard}",
        "train     prefect deployment run stage1/default -p config='{\"target_episodes\": 400}' --watch",
        f"          (in another folder than this: with PREFECT_API_URL={ports.api})",
    ]
    for line in lines:
        console.print(line, style="bold", highlight=False, soft_wrap=True)


def running_service() -> int | None:
    """Id of the process that runs the service of this store; None: it is not up."""
    file = mlruns_folder() / STATE
    known = read_json(file) if file.exists() else {}
    return int(known["pid"]) if is_alive(known) else None


def up_detached(ports: Ports, console: Console) -> None:
    """Starts the service in the background and returns when it is ready.

    Raises:
        ServiceError: it did not become ready; its lines are in ``service.log`` of the store.
    """
    mlruns = mlruns_folder()
    mlruns.mkdir(parents=True, exist_ok=True)
    log, begun = mlruns / "service.log", time.monotonic()
    options = [f"--{name}-port={port}" for name, port in asdict(ports).items()]
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "flows.cli", "up", *options],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    while running_service() is None:
        if process.poll() is not None:
            raise ServiceError(f"the service did not start: see {log}")
        time.sleep(0.2)
    _tell(ports, time.monotonic() - begun, console)
    console.print(f"log       {log}\nend it    stage1 down", highlight=False, soft_wrap=True)


def down(console: Console) -> None:
    """Ends the service, wherever it was started from.

    Raises:
        ServiceError: it is not up.
    """
    pid = running_service()
    if pid is None:
        raise ServiceError(f"no service is up in {mlruns_folder()}")
    process = psutil.Process(pid)
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=5 * END_SECONDS)
    console.print("service ended", highlight=False)
