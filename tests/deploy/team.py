"""The services of ``deploy/compose.yaml`` as processes on loopback: the same commands, variables and health checks."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil

from tests.deploy.composition import ROOT, composition, image_environment, secrets
from tests.flows.receivers import wait_until
from tests.flows.up import free_ports

START_SECONDS = 120.0
END_SECONDS = 20.0
PAUSE_SECONDS = 1.5
"""Between two looks at a service: each takes of the time that it needs itself."""


class Team:
    """What docker compose would run, with folders and ports of this machine in the place of a container's.

    Attributes:
        folder: holds the checkout, the volumes, and what each service said, in ``<service>.log``.
        secrets: the values of the env file.
    """

    def __init__(self, folder: Path, database_port: int) -> None:
        self.folder = folder
        self.secrets = secrets()
        self.prefect, self.mlflow, self.dashboard, health = free_ports(4)
        self._services = composition(self.secrets)["services"]
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._here = {
            "/opt/venv/bin": str(Path(sys.executable).parent),
            "/opt/stage1": str(folder / "checkout"),
            "/srv/stage1": str(folder / "volumes"),
            "/tmp": str(folder / "tmp"),
            "$PATH": os.environ["PATH"],
            "http://prefect:": "http://127.0.0.1:",
            "http://mlflow:": "http://127.0.0.1:",
            "0.0.0.0": "127.0.0.1",
            "4200": str(self.prefect),
            "5000": str(self.mlflow),
            "8768": str(self.dashboard),
            "5432": str(database_port),
            "8080": str(health),
        }
        self._health_port = {"PREFECT_WORKER_WEBSERVER_PORT": str(health)}
        for part in ("flows", "tasks", "rlcore"):
            shutil.copytree(ROOT / part, folder / "checkout" / part, ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "checkout" / "deploy").mkdir()
        shutil.copy(ROOT / "prefect.yaml", folder / "checkout")
        shutil.copy(ROOT / "deploy" / "mlflow_auth.ini", folder / "checkout" / "deploy")
        for name in ("tmp", "volumes/mlruns", "volumes/artifacts"):
            (folder / name).mkdir(parents=True)

    def _local(self, text: str) -> str:
        if text == "database":  # the host
            return "127.0.0.1"
        return re.sub("|".join(map(re.escape, self._here)), lambda match: self._here[match[0]], text)

    def environment(self, service: str) -> dict[str, str]:
        """Of a service: the image's, the compose file's, and where Python finds the checkout."""
        given = image_environment() | self._services[service].get("environment", {})
        found = [self._here["/opt/stage1"], os.environ.get("PYTHONPATH", "")]
        own = {"PYTHONPATH": os.pathsep.join(filter(None, found)), **self._health_port}
        return {name: self._local(value) for name, value in given.items()} | own

    def run(self, service: str, *command: str, seconds: float = START_SECONDS) -> subprocess.CompletedProcess[str]:
        """A service that ends, or another command in its place."""
        return subprocess.run(
            command or self._command(service),
            cwd=self._here["/opt/stage1"],
            env=self.environment(service),
            capture_output=True,
            text=True,
            timeout=seconds,
        )

    def start(self, service: str) -> None:
        """One that keeps running."""
        with self.log(service).open("wb") as log:
            self._processes[service] = subprocess.Popen(
                self._command(service),
                cwd=self._here["/opt/stage1"],
                env=self.environment(service),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _command(self, service: str) -> list[str]:
        return [self._local(word) for word in self._services[service]["command"]]

    def log(self, service: str) -> Path:
        """What it said."""
        return self.folder / f"{service}.log"

    def is_healthy(self, service: str) -> bool:
        """What its health check says; a service that has ended is an error."""
        process = self._processes[service]
        assert process.poll() is None, f"{service} ended with {process.returncode}:\n{self.log(service).read_text()}"
        _, *test = self._services[service]["healthcheck"]["test"]
        return self.run(service, *map(self._local, test)).returncode == 0

    def wait_for(self, service: str) -> None:
        """Until it is healthy."""
        wait_until(lambda: self.is_healthy(service) or time.sleep(PAUSE_SECONDS), START_SECONDS)

    def end(self) -> None:
        """As docker would: SIGTERM, and after a while SIGKILL."""
        running = [psutil.Process(process.pid) for process in self._processes.values() if process.poll() is None]
        family = [*running, *(child for process in running for child in process.children(recursive=True))]
        for process in reversed(running):
            process.terminate()
        _, alive = psutil.wait_procs(family, timeout=END_SECONDS)
        for left in alive:
            left.kill()
        for ended in self._processes.values():
            ended.wait()

    def ask(self, method: str, path: str, password: str | None = None, **arguments: object) -> httpx.Response:
        """A request to Prefect's API, with its login or with another password; "" for no login."""
        given = self.secrets["PREFECT_ADMIN_PASSWORD"] if password is None else password
        return httpx.request(
            method,
            f"http://127.0.0.1:{self.prefect}/api/{path}",
            auth=("admin", given) if given else None,
            timeout=30,
            **arguments,
        )

    def ask_mlflow(self, password: str, host: str = "mlflow") -> int:
        """The status that MLflow answers with to who has a password, if any, and calls its host so."""
        return httpx.post(
            f"http://127.0.0.1:{self.mlflow}/api/2.0/mlflow/experiments/search",
            auth=("admin", password) if password else None,
            headers={"host": f"{host}:{self.mlflow}"},
            json={"max_results": 1},
            timeout=30,
        ).status_code
