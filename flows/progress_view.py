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
from rlcore.progress import VELOCITY_ROLLOUTS, velocity
from rlcore.records import Rollout
from rlcore.reporting.wording import interval
from rlcore.statistics import Difference

REFRESH_SECONDS = 0.5
LINE_SECONDS = 10.0


class ProgressState:
    """What the journal said so far, folded into the few figures that are shown."""

    def __init__(self) -> None:
        self.target_episodes = 0
        self.chunks = 0
        self.chunk = 0
        self.stage = "starting Prefect and MLflow"
        self.done = 0
        self.total = 0
        self.episode = 0
        self.gain: float | None = None
        self.success_rate: float | None = None
        self.validation: dict[str, Any] | None = None
        self.validation_episode = 0
        self.notes: list[str] = []
        self._recent: list[Rollout] = []
        self._chunks_done = 0

    def take(self, entry: dict[str, Any]) -> None:
        """One event of the journal."""
        handler = getattr(self, f"_on_{entry['event']}", None)
        if handler is not None:
            handler(entry)

    def _on_run(self, entry: dict[str, Any]) -> None:
        self.target_episodes, self.chunks = entry["target_episodes"], entry["chunks"]

    def _on_stage_begin(self, entry: dict[str, Any]) -> None:
        self.stage, self.done, self.total = entry["stage"], 0, 0
        if entry["stage"] == "training":  # a run that is taken up again trains a chunk in several goes
            self.chunk = self._chunks_done + 1

    def _on_progress(self, entry: dict[str, Any]) -> None:
        self.stage, self.done, self.total = entry["stage"], entry["done"], entry["total"]

    def _on_rollout(self, entry: dict[str, Any]) -> None:
        rollout = Rollout(**entry["rollout"])
        self.episode, self.gain, self.success_rate = rollout.episode, rollout.gain, rollout.success_rate
        self._recent = [*self._recent, rollout][-VELOCITY_ROLLOUTS:]

    def _on_validation(self, entry: dict[str, Any]) -> None:
        self.validation, self.validation_episode = entry["headline"], entry["episode"]

    def _on_comparison(self, entry: dict[str, Any]) -> None:
        gain = Difference(**entry["gain"])
        self.notes.append(f"episode {entry['episode']}: gain ahead of {entry['baseline']} by {interval(gain)}")

    def _on_milestone(self, entry: dict[str, Any]) -> None:
        self.notes.append(entry["message"])

    def _on_stopping(self, entry: dict[str, Any]) -> None:
        self.notes.append(f"{entry['by']}: stopping where nothing is lost; once more stops at once")

    def _on_resumed(self, entry: dict[str, Any]) -> None:
        self.notes.append("taken up again where it was")

    def _on_undelivered(self, entry: dict[str, Any]) -> None:
        self.notes.append(f"{entry['sink']} is away, what it is to know is kept: {entry['reason'][:120]}")

    def _on_damaged(self, entry: dict[str, Any]) -> None:
        self.notes.append(f"damaged, set aside: {entry['file']}")

    def _on_other_versions(self, entry: dict[str, Any]) -> None:
        self.notes.append(f"begun with other libraries, so the end may differ: {entry['key']}")

    def _on_verdict(self, entry: dict[str, Any]) -> None:
        verdict = entry["verdict"]
        self.notes.append(f"gate: {verdict['decision'].replace('_', ' ')} ({verdict['reason']})")
        if verdict["decision"] not in ("roll_back", "out_of_time"):
            self._chunks_done += 1

    def _on_alert(self, entry: dict[str, Any]) -> None:
        alert = entry["alert"]
        self.notes.append(f"{alert['severity']} alert: {alert['message']}. {alert['recommendation']}")

    @property
    def velocity(self) -> float:
        """Episodes per second lately; 0 before the first rollout."""
        return velocity(self._recent)

    @property
    def eta(self) -> str:
        """Training time to go."""
        if not self.velocity:
            return "–"
        minutes, seconds = divmod(round((self.target_episodes - self.episode) / self.velocity), 60)
        return f"{minutes}:{seconds:02d}"

    def line(self) -> str:
        """All of it on one line."""
        parts = [f"{self.stage}" + (f" {self.done}/{self.total}" if self.total else "")]
        if self.episode:
            parts.append(f"episode {self.episode}/{self.target_episodes} chunk {self.chunk}/{self.chunks}")
            parts.append(f"gain {self.gain:.3f} success {self.success_rate:.1%}")
            parts.append(f"{self.velocity:.1f} episodes/s ETA {self.eta}")
        if self.validation is not None:
            parts.append(f"validation@{self.validation_episode} {_headline(self.validation)}")
        return " | ".join(parts)

    def panel(self) -> RenderableType:
        """All of it in a terminal."""
        return render(self)


def _headline(summary: dict[str, Any]) -> str:
    gain, improvement, rate = summary["gain"], summary["ssim_improvement"], summary["success_rate"]
    return f"gain {gain:.3f}, SSIM improvement {improvement:.3f}, success {rate:.1%}"


def render(state: ProgressState) -> RenderableType:
    """The panel of a terminal."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", min_width=12)
    table.add_column()
    count = f"  {state.done}/{state.total}" if state.total else ""
    table.add_row("now", f"{state.stage}{count}")
    bar = ProgressBar(total=max(1, state.target_episodes), completed=state.episode, width=40)
    table.add_row("episodes", bar)
    table.add_row("", f"{state.episode} of {state.target_episodes}, chunk {state.chunk} of {state.chunks}")
    if state.gain is not None and state.success_rate is not None:
        table.add_row("training", f"mean gain {state.gain:.3f}, success rate {state.success_rate:.1%}")
        table.add_row("velocity", f"{state.velocity:.2f} episodes/s, {state.eta} of training left")
    if state.validation is not None:
        table.add_row("validation", f"{_headline(state.validation)} (episode {state.validation_episode})")
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
                self._console.print(note, soft_wrap=True, highlight=False)
            noted = len(self._state.notes)
            line = self._state.line()
            if line != shown and time.monotonic() - last >= LINE_SECONDS:
                self._console.print(line, soft_wrap=True, highlight=False)
                shown, last = line, time.monotonic()

    def __enter__(self) -> ProgressView:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()
