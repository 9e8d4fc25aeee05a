"""What ``stage1 compare`` does: a model, logos that it was not trained on, every searcher, a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from flows.tables import print_table
from rlcore.config import Stage1Config, load_config
from rlcore.conversion.evaluator import Evaluator
from rlcore.data.held_out import held_out_logos
from rlcore.errors import ConfigError
from rlcore.judging.comparison import compare
from rlcore.judging.reference import reference_searches
from rlcore.judging.standings import About, ComparisonTable, Standing
from rlcore.learning.agent import Agent
from rlcore.learning.model import Model
from rlcore.reporting.comparison_findings import LEADS, MEASURES, conclusions, readings
from rlcore.reporting.tables import Column, cells
from tasks.models import latest_model, load_model
from tasks.store import mlruns_folder


@dataclass(frozen=True)
class ComparisonOptions:
    """The command's options; None is the model's own setting.

    Attributes:
        models: paths or ``models:/...``; empty: the latest run's best. Of several, figures are means over them.
        images: ``default`` or a folder.
        split: of the model's own source; another source is taken whole.
        budget: whole numbers with commas between.
        others: whether logos of other categories than the judged one are tried too, for the table beside.
    """

    models: tuple[str, ...]
    images: str | None
    split: str
    budget: str
    seeds: int
    category: str | None
    size_weight: float | None
    working_size: int | None
    most_traces: int
    reference_traces: int
    workers: int
    others: bool


def compare_model(options: ComparisonOptions, console: Console) -> ComparisonTable:
    """Runs the comparison; its progress is shown on ``console``.

    Raises:
        CheckpointError: there is no model, or it has no portfolio.
        ConfigError: an option is out of its range.
        DataError: no logo to try the model on.
    """
    budgets = _budgets(options.budget)
    names = options.models or (str(latest_model()),)
    models = [load_model(name) for name in names]
    config = _config(models[0], options)
    agents = [Agent(model, config) for model in models]
    images = options.images or models[0].config.images
    with _Display(console) as display:
        logos = held_out_logos(
            models[0].config.model_copy(update={"workers": config.workers}),
            images,
            options.split,
            config.working_size,
            frozenset().union(*(model.experience.digests for model in models)),
            display,
        )
        judged = [subject for subject in logos.subjects if config.category in ("all", subject.category)]
        with Evaluator(config.workers) as evaluator:
            references = reference_searches(
                judged,
                config,
                evaluator,
                mlruns_folder() / "cache" / "reference",
                lambda done, total: display("reference search (logos)", done, total),
            )
            source = f"{images}, {options.split} split" if images == models[0].config.images else images
            return compare(
                agents,
                [model.library.portfolio(config.size_weight) for model in models],
                logos.subjects if options.others else judged,
                config,
                evaluator,
                About(", ".join(names), source, logos.excluded),
                budgets=budgets,
                seeds=options.seeds,
                most_traces=options.most_traces,
                references=references,
                cache=mlruns_folder() / "cache" / "search",
                on_progress=display,
            )


def _budgets(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise ConfigError(f"budget = {text!r}: write whole numbers with commas between, as in 1,2,4,8") from None


def _config(model: Model, options: ComparisonOptions) -> Stage1Config:
    """The model's configuration with the options that were given."""
    given = {
        "category": options.category,
        "size_weight": options.size_weight,
        "working_size": options.working_size,
        "reference_traces": options.reference_traces,
        "workers": options.workers,
    }
    return load_config(None, model.config.model_dump() | {k: v for k, v in given.items() if v is not None})


class _Display:
    """A line for each part of the comparison, with a bar, as long as it runs."""

    def __init__(self, console: Console) -> None:
        columns = (TextColumn("{task.description:24}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns, console=console, transient=True)
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, name: str, done: int, total: int) -> None:
        """``done`` of ``total`` units; a search may end before its last step."""
        if name not in self._tasks:
            for task in self._tasks.values():
                self._progress.stop_task(task)
            self._tasks[name] = self._progress.add_task(name)
        self._progress.update(self._tasks[name], completed=done, total=total)

    def __enter__(self) -> _Display:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()


def show_comparison(table: ComparisonTable, written: Sequence[Path], console: Console) -> None:
    """The table, what it says, and the files."""
    about = table.about
    left_out = f", {about.excluded} training logos left out" if about.excluded else ""
    kind = "" if table.category == "all" else f" of category {table.category}"
    title = f"{table.logos} logos{kind} ({about.source}{left_out}); size weight {table.size_weight:g}"
    print_table(console, title, _texts(table.standings, MEASURES))
    others = [standing for standing in table.standings if not standing.is_agent]
    print_table(
        console, f"\nThe agent's lead with as many traces, or with all of its {table.longest}", _texts(others, LEADS)
    )
    for sentence in conclusions(table):
        console.print(f"• {sentence}", highlight=False)
    print_table(console, "\nSuccess by kind of logo", _success(readings(table)))
    for path in written:
        console.print(f"written  {path}", highlight=False, soft_wrap=True)


def _texts(rows: Sequence[Standing], columns: Sequence[Column[Standing]]) -> list[list[str]]:
    return [[column.title for column in columns], *cells(rows, columns)]


def _success(rows: list[list[str]]) -> list[list[str]]:
    """The success rates alone: SSIM improvement is on the page."""
    shown = 2 + (len(rows[0]) - 2) // 2
    head = [title.removesuffix(": success") for title in rows[0][:shown]]
    return [head, *(row[:shown] for row in rows[1:])]
