"""Live progress in the terminal, read from the run's journal: rich where there is a terminal, plain lines elsewhere."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Any, Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from rlcore.journal import Journal
from rlcore.progress.state import RunState
from rlcore.reporting.wording import interval
from rlcore.statistics import Difference

REFRESH_SECONDS = 0.5
LINE_SECONDS = 10.0

TOLD = (
    *("stopping", "resumed", "undelivered", "damaged", "other_versions", "verdict", "broken", "rollback", "report"),
    *("registered", "promotion"),
)
"""Events whose note is shown; the others have a line of their own, or are too many."""


class ProgressState:
    """What the journal said so far, in the few figures that are shown, and a note of what happened."""

    def __init__(self) -> None:
        self.run = RunState()
        self.notes: list[str] = []

    def take(self, entry: dict[str, Any]) -> None:
        """One event of the journal."""
        self.run.take(entry)
        match entry["event"]:
            case "milestone":
                self.notes.append(entry["message"])
            case "alert":
                alert = entry["alert"]
                self.notes.append(f"{alert['severity']} alert: {alert['message']}. {alert['recommendation']}")
            case "comparison":
                gain = Difference(**entry["gain"])
                self.notes.append(
                    f"episode {entry['episode']}: gain less that of {entry['baseline']}: {interval(gain)}"
                )
            case kind if kind in TOLD:
                self.notes.append(self.run.notes[-1].message)

    @property
    def stage(self) -> str:
        """What goes on, and how far it is."""
        run = self.run
        count = f" {run.done}/{run.total}" if run.total else ""
        return f"{run.stage or 'starting Prefect and MLflow'}{count}"

    @property
    def eta(self) -> str:
        """Training time to go."""
        left = self.run.time_left
        if left is None:
            return "–"
        minutes, seconds = divmod(round(left.seconds), 60)
        return f"{minutes}:{seconds:02d}"

    def line(self) -> str:
        """All of it on one line."""
        run, parts = self.run, [self.stage]
        if run.rollouts:
            last = run.rollouts[-1]
            parts.append(f"episode {run.episode}/{run.target_episodes} chunk {run.chunk}/{run.chunks}")
            parts.append(f"gain {last.gain:.3f} success {last.success_rate:.1%}")
            parts.append(f"{run.velocity:.1f} episodes/s ETA {self.eta}")
        if run.validations:
            parts.append(f"validation@{run.validations[-1]['episode']} {_headline(run.validations[-1]['headline'])}")
        return " | ".join(parts)

    def panel(self) -> RenderableType:
        """All of it in a terminal."""
        return render(self)


def _headline(summary: dict[str, Any]) -> str:
    gain, improvement, rate = summary["gain"], summary["ssim_improvement"], summary["success_rate"]
    return f"gain {gain:.3f}, SSIM improvement {improvement:.3f}, success {rate:.1%}"


def render(state: ProgressState) -> RenderableType:
    """The panel of a terminal."""
    run = state.run
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", min_width=12)
    table.add_column()
    table.add_row("now", state.stage)
    table.add_row("episodes", ProgressBar(total=max(1, run.target_episodes), completed=run.episode, width=40))
    table.add_row("", f"{run.episode} of {run.target_episodes}, chunk {run.chunk} of {run.chunks}")
    if run.rollouts:
        last = run.rollouts[-1]
        table.add_row("training", f"mean gain {last.gain:.3f}, success rate {last.success_rate:.1%}")
        table.add_row("velocity", f"{run.velocity:.2f} episodes/s, {state.eta} of training left")
    if run.validations:
        judged = run.validations[-1]
        table.add_row("validation", f"{_headline(judged['headline'])} (episode {judged['episode']})")
    return Group(table, *(Text(f"  {note}", style="dim") for note in state.notes[-6:]))


class View(Protocol):
    """What a journal said so far, and how it is shown."""

    notes: list[str]
    """What happened, a sentence each, in order."""

    def take(self, entry: dict[str, Any]) -> None:
        """One event of the journal."""

    def line(self) -> str:
        """All of it on one line."""

    def panel(self) -> RenderableType:
        """All of it in a terminal."""


class ProgressView:
    """Shows a journal while a run, or a study, goes on in this process."""

    def __init__(self, journal: Journal, console: Console, state: View | None = None) -> None:
        self._journal = journal
        self._console = console
        self._state = state or ProgressState()
        self._offset = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._show, name="progress-view", daemon=True)

    def _read(self) -> None:
        entries, self._offset = self._journal.read_from(self._offset)
        for entry in entries:
            self._state.take(entry)

    def _show(self) -> None:
        if self._console.is_terminal:
            self._show_live()
        else:
            self._show_lines()

    def _show_live(self) -> None:
        with Live(self._state.panel(), console=self._console, refresh_per_second=4) as live:
            while not self._stop.wait(REFRESH_SECONDS):
                self._read()
                live.update(self._state.panel())
            self._read()
            live.update(self._state.panel())

    def _show_lines(self) -> None:
        shown, last, noted = "", 0.0, 0
        while not self._stop.wait(REFRESH_SECONDS):
            self._read()
            for note in self._state.notes[noted:]:
                self._console.print(note, soft_wrap=True, highlight=False, markup=False)
            noted = len(self._state.notes)
            line = self._state.line()
            if line != shown and time.monotonic() - last >= LINE_SECONDS:
                self._console.print(line, soft_wrap=True, highlight=False, markup=False)
                shown, last = line, time.monotonic()

    def __enter__(self) -> ProgressView:
        self._read()
        self._state.notes.clear()  # what an earlier process told is no news
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()
