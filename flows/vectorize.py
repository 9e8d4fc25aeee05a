"""The flow ``vectorize``: a folder of pictures to SVGs, in batches, on threads, Dask or Ray."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from prefect import flow
from prefect.client.schemas.objects import State
from pydantic import Field
from rich.console import Console

from flows.task_runners import Runner, task_runner
from flows.vectorize_files import jobs_of
from flows.vectorizing import Told, find_model
from rlcore.vectorizing import Settings
from tasks.vectorizing import RECORDS, Made, Picture, kept_model, tell_made, vectorize_batch, vectorized_state

BATCHES = "vectorize batches"


@flow(name="vectorize", flow_run_name="vectorize {images}", validate_parameters=True)
def vectorize(
    images: str,
    output: str,
    model: str = "",
    budget: Annotated[int, Field(ge=1, le=64)] = 8,
    objective: str | float = "balanced",
    runner: Runner = "threads",
    workers: Annotated[int, Field(ge=1, le=512)] = os.cpu_count() or 1,
    runner_address: str = "",
    batch_size: Annotated[int, Field(ge=1, le=10_000)] = 16,
    retries: Annotated[int, Field(ge=0, le=10)] = 1,
) -> State[Path]:
    """Turns every picture of a folder into an SVG; run again, it makes what is missing or was changed.

    The SVGs are the same bytes with any runner, number of workers and size of batches.

    Args:
        images: a folder, gone through with all under it, or a picture.
        output: a folder for the SVGs, in the same structure, and ``report.html``.
        model: as ``stage1 vectorize --model`` takes it; empty: the champion, else the pretrained model.
        budget: traces for each picture.
        objective: quality, balanced, small, or a size weight.
        runner: threads, dask or ray.
        workers: pictures at once.
        runner_address: of a cluster of Dask or Ray that is there already.
        batch_size: pictures of a task.
        retries: how often a picture that failed is tried again.
    """
    place = Path(output).absolute()
    name, loaded = find_model(model, Told(Console(stderr=True)))
    pictures = [
        Picture(job.name, job.image.absolute(), job.output, _record(place, job.output))
        for job in jobs_of([images], None, place, b"")
        if isinstance(job.image, Path) and job.output is not None
    ]
    chosen = task_runner(runner, workers, runner_address)
    made = _batches.with_options(task_runner=chosen)(
        [pictures[start : start + batch_size] for start in range(0, len(pictures), batch_size)],
        kept_model(loaded, place),
        Settings(budget=budget, objective=objective),
        retries,
        runner == "threads",
    )
    tell_made(made, name, place)
    return vectorized_state(made, place)


def _record(place: Path, output: Path) -> Path:
    return place / RECORDS / output.relative_to(place).with_suffix(".svg.json")


@flow(name=BATCHES, flow_run_name=BATCHES, validate_parameters=False)
def _batches(
    batches: Sequence[Sequence[Picture]], model: Path, settings: Settings, retries: int, apart: bool
) -> list[Made]:
    """A flow of its own, for the runner is chosen by a parameter."""
    futures = [vectorize_batch.submit(batch, model, settings, retries, apart, batch[0].name) for batch in batches]
    return [made for future in futures for made in future.result()]
