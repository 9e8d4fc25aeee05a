"""What ``stage1 curriculum`` does around the flow: progress while it runs, what came of each stage when it is over."""

from __future__ import annotations

from typing import Any

from rich.console import Console, Group, RenderableType
from rich.text import Text

from flows.curriculum import curriculum
from flows.foreground import foreground
from flows.progress_view import ProgressState, ProgressView
from flows.tables import print_table
from rlcore.curriculum import Curriculum
from rlcore.curriculum_folder import CurriculumFolder
from rlcore.errors import ConfigError
from rlcore.reporting.wording import percent
from rlcore.run_folder import RunFolder
from tasks.curriculum import NOT_REACHED, curriculum_folder, new_curriculum_name
from tasks.opening import is_busy
from tasks.store import mlruns_folder


def run_curriculum(
    plan: Curriculum, name: str, console: Console, quiet: bool, port: int | None = None
) -> CurriculumFolder:
    """Runs the flow in this process, or goes on with the curriculum of that name, and shows what came of it.

    ``port``: where the dashboard of its runs is served meanwhile; None: nowhere.

    Raises:
        ConfigError: another process is at it, or it was begun with other settings.
        KeyboardInterrupt: it was asked to stop; how to go on with it is said.
    """
    folder = curriculum_folder(name or new_curriculum_name(plan.config.seed))
    if is_busy(RunFolder(folder.path)):
        raise ConfigError(f"curriculum {folder.name!r} is being run by another process")
    view = None if quiet else ProgressView(folder.journal, console, CurriculumProgress())
    begun = folder.plan_file.exists
    fields = {field: getattr(plan, field) for field in type(plan).model_fields}
    with foreground(view, console, lambda: _way_on(folder) if begun() else "", port=port):
        state = curriculum(**fields, name=folder.name, return_state=True)
    if state.is_failed() and state.name != NOT_REACHED:
        state.result(raise_on_failure=True)
    if not quiet:
        show_curriculum(folder, console)
    return folder


def _way_on(folder: CurriculumFolder) -> str:
    return f"go on with: stage1 curriculum --resume --name {folder.name}"


def show_curriculum(folder: CurriculumFolder, console: Console) -> None:
    """One line an attempt, then how it ended and where things are."""
    report = folder.report()
    rows = [["stage", "episodes", "run", "success", "threshold", "then"]]
    for number, stage in enumerate(report["stages"]):
        for attempt in stage["attempts"] or [None]:
            last = attempt is None or attempt == stage["attempts"][-1]
            then = stage["decision"].replace("_", " ") if last else "repeat"
            rows.append(
                [
                    f"{number + 1} {stage['name']}",
                    f"{stage['episodes']:,}",
                    attempt["run"] if attempt else "–",
                    percent(attempt["success_rate"]) if attempt else "–",
                    percent(stage["success_rate_threshold"]),
                    then,
                ]
            )
    print_table(console, f"curriculum {report['name']}", rows)
    for name in report["advanced_below_threshold"]:
        console.print(f"stage {name} did NOT reach its threshold; it was gone on from all the same", style="red")
    console.print(f"• {report['reason']}", highlight=False)
    if report["outcome"] == "unfinished":
        console.print(f"out of time; {_way_on(folder)}", highlight=False, soft_wrap=True)
    console.print(f"written  {folder.report_file}", highlight=False, soft_wrap=True)


class CurriculumProgress:
    """What a curriculum's journal said so far, and that of the run which is going on."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self._now = "starting Prefect and MLflow"
        self._run = ProgressState()
        self._folder: RunFolder | None = None
        self._offset = 0

    def take(self, entry: dict[str, Any]) -> None:
        """One event of the curriculum's journal."""
        if entry["event"] == "attempt":
            self._now = f"{entry['stage']}, attempt {entry['number']}"
            self._run, self._offset = ProgressState(), 0
            self._folder = RunFolder(mlruns_folder() / "stage1" / entry["run"])
            self.notes.append(f"{self._now}: {entry['run']}")
        elif entry["event"] == "step":
            self.notes.append(entry["reason"])

    def _follow(self) -> None:
        if self._folder is None:
            return
        entries, self._offset = self._folder.journal.read_from(self._offset)
        for one in entries:
            self._run.take(one)

    def line(self) -> str:
        """All of it on one line."""
        self._follow()
        return f"{self._now} | {self._run.line()}" if self._folder else self._now

    def panel(self) -> RenderableType:
        """All of it in a terminal."""
        self._follow()
        notes = (Text(f"  {note}", style="dim") for note in self.notes[-3:])
        return Group(Text(self._now, style="bold"), self._run.panel(), *notes)
