"""What ``stage1 vectorize`` does: pictures in, SVGs out, a line about each."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from flows.vectorize_files import Job
from rlcore.errors import CheckpointError
from rlcore.files import write_text
from rlcore.learning.agent import read_model
from rlcore.learning.model import Model
from rlcore.pretrained import NAME as PRETRAINED
from rlcore.pretrained import pretrained
from rlcore.vectorizing import Failure, Options, Settings, Vectorized, vectorize_many
from tasks.store import CHAMPION_MODEL, may_have_champion


@dataclass
class Told:
    """What is said, and where: stdout may be taken by an SVG or by JSON.

    Attributes:
        console: for what became of the pictures.
        errors: for the others: failures, the model, the bar.
    """

    console: Console
    errors: Console = field(default_factory=lambda: Console(stderr=True))

    def line(self, text: str) -> None:
        """A line about a picture."""
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)

    def note(self, text: str, style: str = "") -> None:
        """A line beside that."""
        self.errors.print(text, style=style, highlight=False, markup=False, soft_wrap=True)


def find_model(name: str, told: Told) -> tuple[str, Model]:
    """The model of that name; without one the registry's champion, else the one in the package. With what to call it.

    Raises:
        CheckpointError: there is no such model.
    """
    if name.startswith("models:/"):
        return name, _registered(name)
    if name not in ("", PRETRAINED):
        return name, read_model(Path(name))
    if not name and may_have_champion():
        try:
            return CHAMPION_MODEL, _registered(CHAMPION_MODEL)
        except CheckpointError as error:  # there is none after all, its server is away, or it is of another version
            told.note(f"the registry's champion is not used: {error}")
    return PRETRAINED, pretrained()


def _registered(name: str) -> Model:
    from tasks.models import load_model  # brings MLflow: seconds

    return load_model(name)


def vectorize_files(
    jobs: Sequence[Job],
    model: tuple[str, Model],
    workers: int,
    settings: Settings,
    told: Told,
    as_json: bool = False,
    report: Path | None = None,
) -> bool:
    """Writes the SVGs and says what was gained; whether each picture has one, and the report is written."""
    name, loaded = model
    told.note(f"model    {name}")
    outcomes = vectorize_many(
        [job.image for job in jobs],
        workers=workers,
        model=None if name == PRETRAINED else loaded,
        **settings,
    )
    found = [(job, _delivered(job, outcome, told)) for job, outcome in _counted(jobs, outcomes, told)]
    done = [(job, outcome) for job, outcome in found if isinstance(outcome, Vectorized)]
    if len(jobs) > 1:
        told.note(f"{len(done)} of {len(jobs)} pictures vectorized")
    written = report is None or _reported(report, found, name, settings, told)
    if as_json:
        written = _as_json(_content(name, loaded, found), told) and written
    return written and len(done) == len(jobs)


def _as_json(content: dict[str, Any], told: Told) -> bool:
    try:
        _write_to_stdout(json.dumps(content, indent=2, ensure_ascii=False).encode() + b"\n")
    except OSError as error:
        told.note(f"stage1: stdout can't be written: {error.strerror}", style="red")
        return False
    return True


def _counted(
    jobs: Sequence[Job], outcomes: Iterator[Vectorized | Failure], told: Told
) -> Iterator[tuple[Job, Vectorized | Failure]]:
    """The same with a bar on the terminal, as long as it goes on."""
    columns = (TextColumn("vectorize"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=told.errors, transient=True, disable=not told.errors.is_terminal) as progress:
        task = progress.add_task("vectorize", total=len(jobs))
        for job, outcome in zip(jobs, outcomes, strict=True):
            yield job, outcome
            progress.advance(task)


def _delivered(job: Job, outcome: Vectorized | Failure, told: Told) -> Vectorized | Failure:
    """The outcome once its SVG is where it should be."""
    if isinstance(outcome, Failure):
        return _failed(job, outcome.reason, told)
    place = job.output or "stdout"
    try:
        if job.output is None:
            _write_to_stdout(outcome.svg)
        else:
            outcome.save(job.output)
    except OSError as error:
        return _failed(job, f"{place} can't be written: {error.strerror}", told)
    told.line(f"{job.name} -> {place}: {_gained(outcome)}")
    return replace(outcome, name=job.name)


def _write_to_stdout(content: bytes) -> None:
    try:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    except OSError:
        # what is left in the buffer would fail once more when the process ends, with an exit code of its own
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
        raise


def _failed(job: Job, reason: str, told: Told) -> Failure:
    told.note(f"stage1: {job.name}: {reason}", style="red")
    return Failure(job.name, reason)


def _gained(result: Vectorized) -> str:
    plain, traces = result.baseline, f"{result.traces} trace{'s' if result.traces != 1 else ''}"
    figures = f"SSIM {plain.ssim:.4f} → {result.ssim:.4f}, {plain.size_bytes:,} → {result.size_bytes:,} bytes, {traces}"
    return f"{figures}; nothing was better than plain VTracer, whose paths these are" if result.is_plain else figures


def _content(name: str, model: Model, found: Sequence[tuple[Job, Vectorized | Failure]]) -> dict[str, Any]:
    return {
        "model": {"name": name, "sha256": model.digest, "episode": model.episode},
        "results": [
            {**outcome.as_dict(), "output": None if job.output is None else str(job.output)}
            for job, outcome in found
            if isinstance(outcome, Vectorized)
        ],
        "failures": [outcome.as_dict() for _, outcome in found if isinstance(outcome, Failure)],
    }


def _reported(
    path: Path, found: Sequence[tuple[Job, Vectorized | Failure]], model: str, settings: Settings, told: Told
) -> bool:
    from rlcore.reporting.vectorize_page import Entry, vectorize_page  # brings matplotlib and pandas

    entries = [Entry(job.image, outcome, str(job.output or "stdout")) for job, outcome in found]
    page = vectorize_page(entries, model, Options.of(settings).background)
    try:
        write_text(path, page)
    except OSError as error:
        told.note(f"stage1: {path} can't be written: {error.strerror}", style="red")
        return False
    told.note(f"report   {path}")
    return True
