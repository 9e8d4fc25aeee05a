"""``stage1 runs`` and ``stage1 status``: what the runs are at, in the terminal."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rich.console import Console
from rich.markdown import Markdown

from flows.tables import print_table
from rlcore.dashboard.snapshot import all_runs
from rlcore.errors import ConfigError
from rlcore.progress.state import RunState
from rlcore.reporting.progress_report import as_markdown, progress_report
from rlcore.reporting.wording import decimal, percent
from rlcore.run_folder import RunFolder, run_folders
from tasks.store import mlruns_folder


def show_runs(console: Console) -> None:
    """One line a run, the latest first."""
    runs = all_runs(mlruns_folder())
    others = len(run_folders(mlruns_folder())) - len(runs)
    if others:
        console.print(f"{others} run(s) of another version of this program are left out", style="dim", highlight=False)
    if not runs:
        console.print(_no_run(), highlight=False, soft_wrap=True)
        return
    rows = [["run", "state", "begun", "episodes", "gain", "success"], *(_row(run) for run in runs)]
    print_table(console, f"runs in {mlruns_folder() / 'stage1'}", rows)


def _no_run() -> str:
    return f"no run in {mlruns_folder() / 'stage1'}: stage1 run begins one"


def _row(run: dict[str, Any]) -> list[str]:
    begun = datetime.fromtimestamp(run["begun"]).strftime("%Y-%m-%d %H:%M")
    episodes = f"{run['episode']:,} of {run['target_episodes']:,}"
    return [run["name"], run["state"], begun, episodes, decimal(run["gain"]), percent(run["success_rate"])]


def show_status(name: str, console: Console) -> None:
    """The progress report of a run (default: the latest) as it stands.

    Raises:
        ConfigError: there is no such run.
    """
    runs = all_runs(mlruns_folder())
    if not runs:
        raise ConfigError(_no_run())
    found = [run for run in runs if name in ("", run["name"])]
    if not found:
        names = ", ".join(run["name"] for run in runs[:5])
        raise ConfigError(f"run {name!r} is not in {mlruns_folder() / 'stage1'}; the latest there: {names}")
    folder = RunFolder(mlruns_folder() / "stage1" / found[0]["name"])
    state = RunState.read(folder.journal)
    now = f"{state.stage} {state.done}/{state.total}" if state.total else state.stage
    console.print(f"{found[0]['state']}{f': {now}' if now else ''}", style="bold", highlight=False)
    report = progress_report(folder.config(), state, state.begun)
    if found[0]["state"] != "running":  # nobody is at it
        report["time_left"] = None
    console.print(Markdown(as_markdown(report)))
