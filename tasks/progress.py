"""Progress reports: files in the run's folder, and the events that bring them to Prefect and MLflow."""

from __future__ import annotations

import time
from pathlib import Path

from rlcore.files import write_json, write_text
from rlcore.progress.state import RunState
from rlcore.reporting.progress_report import as_markdown, headline, progress_report
from tasks.run import Run


def report_due(run: Run) -> bool:
    """Whether the interval since the last report, or since the beginning, is over."""
    config = run.config
    if not config.hourly_reports:
        return False
    return time.time() - _last_report(run) >= 60 * config.report_interval_minutes


def _last_report(run: Run) -> float:
    reports = run.folder.journal.read("report")
    return float(reports[-1]["time"]) if reports else run.folder.begun


def write_report_of_hour(run: Run) -> None:
    """The time since the last one, as JSON and Markdown; one that is told already stays as it is."""
    folder = run.folder
    state = RunState.read(folder.journal)
    key = f"episode {state.episode}, {state.rollbacks} rollbacks"
    if any(told["key"] == key for told in folder.journal.read("report")):
        return
    report = progress_report(run.config, state, _last_report(run))
    files = [
        write_json(folder.report_file(state.episode, state.rollbacks, "json"), report),
        write_text(folder.report_file(state.episode, state.rollbacks, "md"), as_markdown(report)),
    ]
    names = [str(file.relative_to(folder.path)) for file in files]
    folder.journal.write_once("report", key, episode=state.episode, message=headline(report), files=names)
    write_progress(run)


def write_progress(run: Run) -> Path:
    """``stage1_progress_report.json``: the whole run so far, written anew at every report and verdict."""
    folder = run.folder
    state = RunState.read(folder.journal)
    return write_json(folder.path / "stage1_progress_report.json", progress_report(run.config, state, state.begun))
