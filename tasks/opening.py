"""How a run is begun, taken up again and closed, whatever happens in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from filelock import FileLock, Timeout
from mlflow.exceptions import MlflowException
from prefect.runtime import flow_run

from rlcore.config import Stage1Config
from rlcore.data.dataset import source_folder
from rlcore.errors import ConfigError
from rlcore.events import SCHEMA_VERSION
from rlcore.records import Verdict
from rlcore.run_folder import RunFolder, run_folders
from tasks import tracking
from tasks.delivery import deliver, deliver_all
from tasks.drawing import PictureDrawing
from tasks.monitoring import check_disk
from tasks.run import Run
from tasks.stopping import stoppable
from tasks.store import mlruns_folder
from tasks.system import SystemWatch

ENDS = {"out_of_time": "KILLED", "failure": "FAILED"}
"""Verdicts after which a run is not finished in MLflow's eyes; what was out of time can be gone on with."""

NAME = r"[\w-][\w .-]*"
"""Of a run: it is the name of its folder too."""

ADJUSTABLE = (
    "workers",
    "max_training_time_hours",
    "hourly_reports",
    "report_interval_minutes",
    "dashboard_pictures",
    "milestone_notifications",
    "promote",
    "require_approval",
)
"""Settings that a run may be taken up again with other values of: they change no result."""


def new_run_name(config: Stage1Config) -> str:
    """``ppo-<category>-s<seed>-<local time>``."""
    return f"ppo-{config.category}-s{config.seed}-{datetime.now():%Y%m%d-%H%M%S}"


def folder_to_open(config: Stage1Config, name: str) -> RunFolder:
    """The folder of the run of that name; nothing is written yet.

    Raises:
        ConfigError: no run can have that name.
        DataError: it has no data yet, and the folder of logos does not exist.
    """
    if not re.fullmatch(NAME, name):
        raise ConfigError(f"run name {name!r}: letters, digits, spaces, '.', '_' and '-' are allowed, not first a '.'")
    folder = RunFolder(mlruns_folder() / "stage1" / name)
    if not folder.data.exists():
        source_folder(config)
    return folder


def unfinished_run(name: str = "") -> RunFolder:
    """The run of that name, or the latest that has not ended, waits for nobody's approval, and that nobody is at.

    Raises:
        ConfigError: there is none, or it is finished.
    """
    if not name:
        for folder in run_folders(mlruns_folder()):
            gone_on_with = folder.schema_version == SCHEMA_VERSION and not folder.finished
            if gone_on_with and not folder.waits_for_approval and not is_busy(folder):
                return folder
        raise ConfigError(f"no unfinished run in {mlruns_folder() / 'stage1'}")
    folder = RunFolder(mlruns_folder() / "stage1" / name)
    if not folder.config_file.exists():
        names = ", ".join(known.name for known in run_folders(mlruns_folder())[:5])
        raise ConfigError(f"run {name!r} is not in {folder.path.parent}; the latest there: {names or 'none'}")
    if folder.finished:
        raise ConfigError(f"run {name!r} is finished: there is nothing to go on with")
    return folder


@contextmanager
def open_run(config: Stage1Config, run_name: str = "") -> Iterator[Run]:
    """Begins a run, or takes one up again that did not finish; closes its folder and its MLflow run in the end.

    Without a name, a flow run that Prefect starts anew takes up what it began.

    Raises:
        ConfigError: the run is finished, is being run by another process, or was begun with other settings.
        DataError: the folder of logos does not exist.
    """
    name = run_name or _name_of_flow_run(flow_run.get_id()) or new_run_name(config)
    folder = folder_to_open(config, name)
    with alone(folder, "run"):
        if folder.config_file.exists():
            _check_resumable(folder, config)
        check_disk(folder, config)
        folder.write_config(config)
        for left in folder.path.rglob(".*.part"):  # written beside, by a process that was killed
            left.unlink()
        _check_mlflow()
        _close_orphans(folder)
        run = Run(path=folder.path, mlflow_run_id=_mlflow_run(folder, config))
        _tell_beginning(folder, config)
        try:
            with PictureDrawing(folder, config.dashboard_pictures), closed_in_the_end(run):
                yield run
        finally:
            deliver(run)  # the last picture


def _check_mlflow() -> None:
    try:
        tracking.use_store(mlruns_folder())
    except MlflowException as error:
        uri = tracking.store_uri(mlruns_folder())
        raise ConfigError(f"MLflow at {uri} can't be used: {str(error)[:300]}") from error


def _close_orphans(own: RunFolder) -> None:
    """Runs that MLflow takes for running, but nobody is at: they end as their journal says, or as killed."""
    for orphan in tracking.running_runs():
        folder = RunFolder(orphan.folder)
        if folder.path != own.path and not is_busy(folder):
            ends = folder.journal.read("ended")
            tracking.finish_run(orphan.run_id, ends[-1]["status"] if ends else "KILLED")


def _name_of_flow_run(flow_run_id: str | None) -> str:
    """Of the run that this flow run of Prefect began; empty: none."""
    if flow_run_id is None:
        return ""
    return next((f.name for f in run_folders(mlruns_folder()) if f.identity().get("flow_run_id") == flow_run_id), "")


@contextmanager
def alone(folder: RunFolder, kind: str) -> Iterator[None]:
    """Holds the folder's lock, which the system frees when the process ends, however it ends.

    Raises:
        ConfigError: another process holds it, or the folder can't be written.
    """
    lock = _lock(folder)
    try:
        folder.path.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise ConfigError(f"{kind} {folder.name!r} is being run by another process") from None
    except OSError as error:
        raise ConfigError(f"{folder.path} can't be written: {error.strerror}") from error
    with lock:
        yield


def _lock(folder: RunFolder) -> FileLock:
    return FileLock(folder.path / ".lock", timeout=0)


def is_busy(folder: RunFolder) -> bool:
    """Whether a process is at it."""
    if not folder.path.exists():
        return False
    try:
        with _lock(folder):
            return False
    except Timeout:
        return True


def _check_resumable(folder: RunFolder, config: Stage1Config) -> None:
    if folder.journal.path.exists() and folder.schema_version != SCHEMA_VERSION:
        raise ConfigError(f"run {folder.name!r} was begun by another version of this program: choose another name")
    if folder.finished:
        raise ConfigError(f"run {folder.name!r} exists already in {folder.path.parent}, and is finished")
    known, wanted = (one.model_dump(mode="json", exclude=set(ADJUSTABLE)) for one in (folder.config(), config))
    check_unchanged(f"run {folder.name!r}", known, wanted)


def check_unchanged(what: str, known: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Whether what is taken up again has the settings that it was begun with.

    Raises:
        ConfigError: one is another; the message names each with both values.
    """
    before, now = tracking.flat(known), tracking.flat(wanted)
    changed = [
        f"{key} = {before.get(key)!r}, not {now.get(key)!r}"
        for key in sorted({*before, *now})
        if before.get(key) != now.get(key)
    ]
    if changed:
        raise ConfigError(f"{what} was begun with {'; '.join(changed)}: choose another name")


def _mlflow_run(folder: RunFolder, config: Stage1Config) -> str:
    """The run's own in MLflow, made or opened again; its id is kept in the folder, with Prefect's."""
    known = tracking.find_run(folder.path)
    run_id = tracking.start_run(folder.path, config) if known is None else tracking.reopen_run(known, config)
    folder.write_identity(run_id, flow_run.get_id())
    return run_id


def _tell_beginning(folder: RunFolder, config: Stage1Config) -> None:
    journal = folder.journal
    if not journal.write_once(
        "started",
        folder.name,
        name=folder.name,
        schema_version=SCHEMA_VERSION,
        target_episodes=config.target_episodes,
        chunks=config.chunk_count,
    ):
        journal.write("resumed", name=folder.name)


@contextmanager
def closed_in_the_end(run: Run) -> Iterator[None]:
    """Marks the folder and the MLflow run as finished, failed or killed, and watches the memory until then.

    Signals are answered while it is open; a run whose hours are over is closed as killed, for it can be gone on with.

    Raises:
        DeliveryError: all is done, but MLflow or Prefect could not be told of it.
    """
    journal = run.folder.journal
    try:
        with (
            SystemWatch(journal),
            stoppable(run.config.max_training_time_hours, lambda by: journal.write("stopping", by=by)),
        ):
            yield
            deliver_all(run)
    except BaseException as error:
        reason = f"{type(error).__name__}: {error}"
        journal.write("ended", status=status_after(error), reason=reason, resumable=True)
        deliver(run)
        raise
    status, reason = _outcome(run.folder.verdicts())
    journal.write("ended", status=status, reason=reason, resumable=status == "KILLED")
    deliver(run)


def _outcome(verdicts: Sequence[Verdict]) -> tuple[str, str]:
    """MLflow's status of a run that came to the end of the flow, and why where it is not what was hoped for."""
    last = verdicts[-1] if verdicts else None
    if last is None or last.decision not in ENDS:
        return "FINISHED", ""
    return ENDS[last.decision], last.reason


def status_after(error: BaseException) -> str:
    """What MLflow calls a run that ended so."""
    return "FAILED" if isinstance(error, Exception) else "KILLED"
