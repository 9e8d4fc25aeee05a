"""Runs as processes of their own, what happens to them, and whether two runs came to the same."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import mlflow
import psutil
from prefect.settings import PREFECT_API_URL, PREFECT_HOME

from rlcore.files import read_json
from rlcore.journal import Journal
from rlcore.run_folder import RunFolder
from tasks.tracking import find_run

PERFORMANCE_CHECKS = ("velocity", "memory", "disk")

TIMES = ("velocity", "seconds", "memory")
"""Figures with one of these in their name say how it went on this machine: they alone may differ."""

DEADLINE_SECONDS = 150

PREPARED = ("data", "library.json", "table.npz", "checkpoints/episode-000000.pt")
"""Made before any training: copied, so that a run begins there."""

FACTS = (
    "data",
    "library",
    "baselines",
    "validation",
    "comparison",
    "milestone",
    "verdict",
    "test",
    "alert",
    "alert_over",
)
"""Events of the journal that every run of the same settings has, once each."""


def prepare(folder: RunFolder, run: RunFolder) -> None:
    """Gives a new run what another one of the same settings made before its training."""
    for part in PREPARED:
        source, target = run.path / part, folder.path / part
        target.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, target)


def toml_of(config) -> str:
    """A configuration as ``--config`` takes it."""
    values = config.model_dump(mode="json")
    tables = {name: value for name, value in values.items() if isinstance(value, dict)}
    lines = [f"{name} = {json.dumps(value)}" for name, value in values.items() if name not in tables]
    for name, table in tables.items():
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
    return "\n".join(lines) + "\n"


def start(mlruns, *arguments: str) -> subprocess.Popen[str]:
    """The command line, as a process."""
    return launch(mlruns, [sys.executable, "-c", "from flows.cli import main; main()", *arguments])


def launch(mlruns, command, **environment: str) -> subprocess.Popen[str]:
    """A process in a session of its own, on this process's Prefect."""
    own = {
        "STAGE1_MLRUNS": str(mlruns),
        "PREFECT_API_URL": PREFECT_API_URL.value() or "",
        "PREFECT_HOME": str(PREFECT_HOME.value()),
    }
    # MLflow tells processes that are started where this one keeps its runs: they have a store of their own
    inherited = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    return subprocess.Popen(
        command,
        env=inherited | own | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


@dataclass(frozen=True)
class Blow:
    """After the ``number``-th ``event`` since the process began, and a moment, ``signals`` go to the ``whom``."""

    event: str
    number: int = 1
    whom: str = "flow"
    signals: tuple[signal.Signals, ...] = (signal.SIGKILL,)


def wait_for(folder: RunFolder, blow: Blow, offset: int, process: subprocess.Popen[str]) -> bool:
    """Until the journal says so; whether it did before the process ended."""
    begun = time.monotonic()
    while time.monotonic() - begun < DEADLINE_SECONDS and process.poll() is None:
        entries, _ = Journal(folder.journal.path).read_from(offset)
        if sum(entry["event"] == blow.event for entry in entries) >= blow.number:
            return True
        time.sleep(0.005)
    return False


def strike(process: subprocess.Popen[str], blow: Blow) -> None:
    """Sends the signals to the flow's process, to all of its group, or to its youngest child."""
    workers = psutil.Process(process.pid).children(recursive=True)
    for number in blow.signals:
        if blow.whom == "group":
            os.killpg(process.pid, number)
        elif blow.whom == "worker":
            for worker in workers[-1:]:
                worker.send_signal(number)
        else:
            process.send_signal(number)
        time.sleep(0.2)


def figures(rollout) -> dict[str, Any]:
    """Of a rollout, without those that say how it went on this machine."""
    return {k: v for k, v in asdict(rollout).items() if k not in ("seconds", "trace_seconds", "remembered")}


def without_times(value: Any) -> Any:
    """Nested content without figures of ``TIMES``, the time of an event, and the run's name."""
    if isinstance(value, Mapping):
        kept = {k: v for k, v in value.items() if not any(word in k for word in TIMES)}
        return {k: without_times(v) for k, v in kept.items() if k not in ("time", "run_name", "model", "remembered")}
    if isinstance(value, (list, tuple)):
        return [without_times(item) for item in value if not _is_of_machine(item)]
    return value


def _is_of_machine(item: Any) -> bool:
    """An alert about velocity, memory or disk, or that it is over."""
    if not isinstance(item, Mapping):
        return False
    alert = item.get("alert", item)
    return alert.get("kind") == "performance" or item.get("check") in PERFORMANCE_CHECKS


def other_files(ours: RunFolder, theirs: RunFolder) -> list[str]:
    """Names of the files that do not have the same bytes in both; those with times in them by their content."""
    names = ["library.json", "table.npz", "best_model.pt", "data/logos.npz"]
    for pattern in ("validations/*.json", "checkpoints/*.pt", "samples/*.png"):
        names += sorted(path.relative_to(theirs.path).as_posix() for path in theirs.path.glob(pattern))
    found = [name for name in names if (ours.path / name).read_bytes() != (theirs.path / name).read_bytes()]
    for name in ("data/manifest.json", "stage1_final_report.json", "comparison.json"):
        contents = [without_times(read_json(folder.path / name)) for folder in (ours, theirs)]
        found += [name] if contents[0] != contents[1] else []
    return found


def other_facts(ours: RunFolder, theirs: RunFolder) -> list[str]:
    """Events that the journals do not agree on."""
    found = [
        event for event in FACTS if without_times(ours.journal.read(event)) != without_times(theirs.journal.read(event))
    ]
    found += [] if _episodes(ours) == _episodes(theirs) else ["episode"]
    same = [figures(one) for one in ours.rollouts()] == [figures(one) for one in theirs.rollouts()]
    return found if same else [*found, "rollout"]


def _episodes(folder: RunFolder) -> dict[tuple[int, int], Any]:
    """Each counts once, also where a kill had it written twice."""
    return {(e["rollbacks"], e["episode"]["number"]): e["episode"] for e in folder.journal.read("episode")}


def other_series(ours: RunFolder, theirs: RunFolder) -> list[str]:
    """Metrics that the two runs' MLflow runs do not agree on, or that have a step twice."""
    client = mlflow.MlflowClient()
    ids = [find_run(folder.path) for folder in (ours, theirs)]
    keys = [set(client.get_run(run_id).data.metrics) for run_id in ids]
    found = sorted(keys[0] ^ keys[1])
    alike = keys[0] & keys[1]
    if any(_is_of_machine(entry) for folder in (ours, theirs) for entry in folder.journal.read("alert")):
        alike -= {"gate/alerts"}
    for key in sorted(alike):
        series = [sorted((m.step, m.value) for m in client.get_metric_history(run_id, key)) for run_id in ids]
        steps = [[step for step, _ in points] for points in series]
        once = len(steps[0]) == len(set(steps[0]))
        same = steps[0] == steps[1] if any(word in key for word in TIMES) else series[0] == series[1]
        found += [] if once and same else [key]
    return found


def kept_in_mlflow(folder: RunFolder) -> list[Any]:
    """Models with their state, artifacts, and pictures by logo and step."""
    client, run_id = mlflow.MlflowClient(), find_run(folder.path)
    experiment = client.get_run(run_id).info.experiment_id
    models = client.search_logged_models([experiment], f"source_run_id = '{run_id}'")
    places = (None, "checkpoints", "validation", "test")
    files = [sorted(item.path for item in client.list_artifacts(run_id, place)) for place in places]
    pictures = sorted(item.path.split("+")[:3] for item in client.list_artifacts(run_id, "images"))
    return [sorted((model.name, str(model.status)) for model in models), files, pictures]
