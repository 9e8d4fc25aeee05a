"""What ``stage1 run`` does around the flow: progress while it runs, the result and where to look when it is done."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from flows.foreground import foreground
from flows.progress_view import ProgressView
from flows.stage1 import stage1
from flows.tables import print_table
from rlcore.config import Stage1Config
from rlcore.errors import ConfigError
from rlcore.records import Evidence
from rlcore.reporting.findings import COLUMNS, conclusions, result_table, target_sentence
from rlcore.reporting.tables import cells
from rlcore.run_folder import RunFolder
from tasks.opening import folder_to_open, is_busy, new_run_name
from tasks.registration import registered_version
from tasks.report import collect_evidence
from tasks.run import REJECTED
from tasks.tracking import store_uri


def run_stage1(
    config: Stage1Config, name: str, console: Console, quiet: bool, port: int | None = None
) -> tuple[Path, bool]:
    """Runs the flow in this process; returns the path of the final report's JSON, and whether the gate let it pass.

    ``port``: where its dashboard is served while it runs; None: nowhere.

    Raises:
        ConfigError: another process is at this run, or no run can have that name.
        DataError: the folder of logos does not exist.
        KeyboardInterrupt: the run was asked to stop; how to go on with it is said.
    """
    folder = folder_to_open(config, name or new_run_name(config))  # before servers start
    if is_busy(folder):  # before its progress is shown
        raise ConfigError(f"run {folder.name!r} is being run by another process")
    view = None if quiet else ProgressView(folder.journal, console)
    begun = folder.config_file.exists
    with foreground(view, console, lambda: _way_on(folder) if begun() else "", run=folder.name, port=port):
        state = stage1(config, folder.name, return_state=True)
    if state.is_failed() and state.name != REJECTED:
        state.result(raise_on_failure=True)
    if not quiet:
        show_result(collect_evidence(folder), folder, console)
    if not folder.finished:
        console.print(f"out of time; {_way_on(folder)}", highlight=False, soft_wrap=True)
    return folder.path / "stage1_final_report.json", state.name != REJECTED


def _way_on(folder: RunFolder) -> str:
    return f"go on with: stage1 resume {folder.name}"


def show_result(evidence: Evidence, folder: RunFolder, console: Console) -> None:
    """The result table, what it says, and the paths and commands to look further."""
    rows = result_table(evidence)
    logos = rows[0].measures.logos
    title = f"{logos} test logos of category {evidence.test.category}, never seen in training"
    columns = COLUMNS[:-1]  # the intervals follow in words: 80 columns have no room for them
    print_table(console, title, [[column.title for column in columns], *cells(rows, columns)])
    for sentence in (target_sentence(evidence), *conclusions(evidence)):
        console.print(f"• {sentence}", highlight=False)
    store = folder.path.parent.parent
    console.print(f"\nreport   {folder.path / 'report.html'}", highlight=False, soft_wrap=True)
    console.print(f"run      {folder.path}", highlight=False, soft_wrap=True)
    console.print(f"curves   stage1 dashboard --run {folder.name}", highlight=False, soft_wrap=True)
    own = f"sqlite:///{store / 'mlflow.db'}"
    server = f"mlflow server --backend-store-uri {own} --host 127.0.0.1 --port 5000, then http://127.0.0.1:5000"
    address = server if store_uri(store) == own else store_uri(store)
    console.print(f"MLflow   {address}/?workflowType=machine_learning", highlight=False, soft_wrap=True)
    console.print("Prefect  prefect server start, then http://127.0.0.1:4200", highlight=False, soft_wrap=True)
    version = registered_version(folder)
    if version:
        console.print(f"model    stage1 models card {version}", highlight=False)
    console.print(f"use it   stage1 vectorize LOGO.png --model {folder.best_model}", highlight=False, soft_wrap=True)
