"""Batches of pictures to SVGs, for a flow that maps over them; what is done already is read, not made again."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from prefect import task
from prefect.artifacts import create_image_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from rlcore.errors import Stage1Error
from rlcore.files import read_json, write_bytes, write_json, write_text
from rlcore.learning.model import Model
from rlcore.parameters import Parameters
from rlcore.reporting.vectorize_page import Entry, gallery_picture, vectorize_page
from rlcore.vectorizing import Failure, Options, Settings, Vectorized, vectorize_many
from rlcore.vectorizing.result import Plain

RECORDS = ".stage1"
"""Folder beside the SVGs: what each was made from, and the model."""


@dataclass(frozen=True)
class Picture:
    """A picture, the place of its SVG, and of what is known of that."""

    name: str
    image: Path
    output: Path
    record: Path


@dataclass(frozen=True)
class Made:
    """What became of a picture.

    Attributes:
        picture: which.
        outcome: its SVG, or why there is none.
        tries: how often it was tried now; 0: it was there already.
    """

    picture: Picture
    outcome: Vectorized | Failure
    tries: int


@task(name="vectorize batch", task_run_name="vectorize {first} and more", cache_policy=NO_CACHE)
def vectorize_batch(
    batch: Sequence[Picture], model: Path, settings: Settings, retries: int, apart: bool, first: str
) -> list[Made]:
    """Writes the SVGs of a batch that are not there yet, each with a record of what it was made from.

    Args:
        batch: pictures.
        model: a file of ``stage1 export`` or a checkpoint.
        settings: of ``vectorize_many``.
        retries: how often a picture that failed is tried again.
        apart: whether each picture is traced in a process of its own, with limits on time and memory; workers of
            Dask and Ray are such processes, and may have none of their own.
        first: name of the first picture, for the task's name.
    """
    del first
    wanted = _digest(model.read_bytes())
    made = {picture: _made_before(picture, wanted, settings) for picture in batch}
    for attempt in range(1, retries + 2):
        left = [picture for picture, found in made.items() if found is None or isinstance(found.outcome, Failure)]
        outcomes = vectorize_many([p.image for p in left], workers=1 if apart else 0, model=model, **settings)
        for picture, outcome in zip(left, outcomes, strict=True):
            made[picture] = Made(picture, _kept(picture, outcome, wanted, settings), attempt)
    return [found for found in made.values() if found is not None]


def kept_model(model: Model, place: Path) -> Path:
    """The model as a file beside the SVGs, for all workers; the same model has the same file."""
    path = place / RECORDS / f"{model.digest}.model"
    return path if path.exists() else write_bytes(path, model.content)


@task(name="tell vectorized", task_run_name="report of the pictures", cache_policy=NO_CACHE)
def tell_made(made: Sequence[Made], model: str, place: Path) -> None:
    """``report.html`` and ``results.json`` in the folder; a table and a gallery as artifacts of Prefect."""
    rows = [_row(one) for one in made]
    write_json(place / "results.json", {"model": model, "pictures": rows})
    entries = [Entry(one.picture.image, one.outcome, str(one.picture.output)) for one in made]
    write_text(place / "report.html", vectorize_page(entries, model))
    create_table_artifact(rows, key="stage1-vectorize", description=f"{_count(made)}, by {model}")
    gallery = gallery_picture(entries)
    if gallery is not None:
        image = "data:image/png;base64," + base64.b64encode(gallery).decode()
        create_image_artifact(image, key="stage1-vectorize-gallery", description=f"Original, plain VTracer, {model}")


def vectorized_state(made: Sequence[Made], place: Path) -> State[Path]:
    """The flow's final state: named by whether every picture has its SVG, failed where none has."""
    failed = [one.outcome for one in made if isinstance(one.outcome, Failure)]
    if not failed:
        return Completed(message=_count(made), data=place)
    told = f"{_count(made)}; {failed[0].name}: {failed[0].reason}"
    if len(failed) == len(made):
        return Failed(name="None vectorized", message=told)
    return Completed(name="Some failed", message=told, data=place)


def _count(made: Sequence[Made]) -> str:
    done = [one for one in made if isinstance(one.outcome, Vectorized)]
    return f"{len(done)} of {len(made)} pictures vectorized, {sum(not one.tries for one in done)} of them before"


def _row(one: Made) -> dict[str, Any]:
    common = {"name": one.picture.name, "output": str(one.picture.output), "tries": one.tries}
    if isinstance(one.outcome, Failure):
        return common | {"failure": one.outcome.reason}
    told, plain = one.outcome, one.outcome.baseline
    figures = {"plain SSIM": plain.ssim, "SSIM": told.ssim, "plain bytes": plain.size_bytes, "bytes": told.size_bytes}
    return common | {name: round(value, 4) for name, value in figures.items()} | {"traces": told.traces, "failure": ""}


def _kept(picture: Picture, outcome: Vectorized | Failure, model: str, settings: Settings) -> Vectorized | Failure:
    """The outcome once its SVG and its record are written."""
    if isinstance(outcome, Failure):
        return replace(outcome, name=picture.name)
    result = replace(outcome, name=picture.name)
    try:
        result.save(picture.output)
        write_json(
            picture.record,
            _source(picture, model, settings)
            | {"svg": _digest(result.svg), "plain": result.baseline.svg.decode(), "result": result.as_dict()},
        )
    except OSError as error:
        return Failure(picture.name, f"{picture.output} can't be written: {error.strerror}")
    return result


def _made_before(picture: Picture, model: str, settings: Settings) -> Made | None:
    """What an earlier run made of the same picture with the same model and settings, and nobody has changed."""
    try:
        known: dict[str, Any] = read_json(picture.record)
        svg = picture.output.read_bytes()
        source = _source(picture, model, settings)
    except (OSError, ValueError, Stage1Error):  # not there, or not whole: it is made
        return None
    if known.get("svg") != _digest(svg) or any(known.get(name) != value for name, value in source.items()):
        return None
    told = known["result"]
    result = Vectorized(
        name=picture.name,
        svg=svg,
        ssim=told["ssim"],
        parameters=Parameters(**told["parameters"]),
        baseline=Plain(str(known["plain"]).encode(), told["baseline"]["ssim"]),
        **{name: told[name] for name in ("traces", "width", "height", "working_size")},
    )
    return Made(picture, result, 0)


def _source(picture: Picture, model: str, settings: Settings) -> dict[str, Any]:
    """All that an SVG depends on."""
    options = Options.of(settings)
    told = {name: getattr(options, name) for name in Options.__dataclass_fields__}
    return {"picture": _digest(picture.image.read_bytes()), "model": model, "options": repr(sorted(told.items()))}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
