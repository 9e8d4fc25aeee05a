"""What ``stage1 tune`` does around the flow: progress while it runs, the best settings when it is done."""

from __future__ import annotations

from typing import Any

from rich.console import Console, Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from flows.foreground import foreground
from flows.progress_view import ProgressView
from flows.tables import print_table
from flows.tune import tune
from rlcore.config import Stage1Config
from rlcore.learning.tuning_study import StudyRecord, record_of
from rlcore.reporting.tuning_findings import best_table, study_conclusions, toml_of, value_text
from rlcore.run_folder import RunFolder
from tasks.tuning import study_folder, study_of


def tune_ppo(config: Stage1Config, name: str, trials: int, seeds: int, console: Console) -> StudyRecord:
    """Runs the flow in this process, shows what came out of it and returns it."""
    folder = study_folder(config, name)
    view = ProgressView(folder.journal, console, StudyProgress())
    with foreground(view, console, lambda: "the same command goes on with the study"):
        tune(config, folder.name, trials, seeds)
    study = record_of(study_of(folder))
    show_study(study, folder, console)
    return study


class StudyProgress:
    """What a study's journal said so far."""

    def __init__(self) -> None:
        self._now = "starting Prefect and MLflow"
        self._count = ""
        self._trials = 1
        self._ended = 0
        self._baseline: float | None = None
        self._best: tuple[float, int] | None = None
        self.notes: list[str] = []

    def take(self, entry: dict[str, Any]) -> None:
        """One event of the journal; those of an earlier call are begun with ``study`` too."""
        event = entry["event"]
        if event == "study":
            self._trials, self._ended = entry["trials"], entry["ended"]
        elif event in ("stage_begin", "progress"):
            self._now = entry["stage"]
            self._count = f"{entry['done']}/{entry['total']}" if event == "progress" else ""
        elif event == "baseline":
            self._baseline = entry["value"]
        elif event == "trial":
            self._ended += 1
            self._take_trial(entry["number"], entry["value"], entry["failure"])

    def _take_trial(self, number: int, value: float | None, failure: str) -> None:
        self.notes.append(f"trial {number}: {failure or value_text(value)}")
        if value is not None:
            self._best = max(self._best or (value, number), (value, number))

    @property
    def _figures(self) -> str:
        parts = [] if self._baseline is None else [f"without PPO {value_text(self._baseline)}"]
        parts += [] if self._best is None else [f"best {value_text(self._best[0])} (trial {self._best[1]})"]
        return ", ".join(parts)

    def line(self) -> str:
        """All of it on one line."""
        now = f"{self._now} {self._count}".strip()
        return " | ".join(filter(None, [now, f"{self._ended} of {self._trials} trials", self._figures]))

    def panel(self) -> RenderableType:
        """All of it in a terminal."""
        table = Table.grid(padding=(0, 2))
        table.add_column(style="bold", min_width=12)
        table.add_column()
        table.add_row("now", f"{self._now}  {self._count}")
        table.add_row("trials", ProgressBar(total=max(1, self._trials), completed=self._ended, width=40))
        table.add_row("", f"{self._ended} of {self._trials}")
        table.add_row("mean lead", self._figures)
        return Group(table, *(Text(f"  {note}", style="dim") for note in self.notes[-6:]))


def show_study(study: StudyRecord, folder: RunFolder, console: Console) -> None:
    """The best trials, what they say, and the best settings as ``stage1 run --config`` takes them."""
    title = "Mean lead over the portfolio on validation logos"
    print_table(console, title, best_table(study))
    for sentence in study_conclusions(study):
        console.print(f"• {sentence}", highlight=False)
    if study.ranking:
        console.print(f"\n{toml_of(study.ranking[0][1].settings)}", highlight=False, markup=False)
    console.print(f"written  {folder.path}", highlight=False, soft_wrap=True)
