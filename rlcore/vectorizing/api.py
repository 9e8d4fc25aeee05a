"""``vectorize`` and ``vectorize_many``: any picture to an SVG, here or in processes of its own."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from itertools import islice
from pathlib import Path

from typing_extensions import Unpack

from rlcore.errors import ConfigError, Stage1Error
from rlcore.learning.agent import Agent, read_model
from rlcore.learning.model import Model
from rlcore.pretrained import pretrained
from rlcore.vectorizing.choosing import vectorized
from rlcore.vectorizing.options import Options, Settings
from rlcore.vectorizing.result import Failure, Vectorized
from rlcore.vectorizing.source import Image, name_of, read_source
from rlcore.workers import WorkerPool

_log = logging.getLogger(__name__)

LIMIT_SECONDS = 300.0
"""For one picture in a worker."""

AHEAD = 4
"""Pictures handed out at once, for each worker: results come in the order of the pictures, a batch at a time."""

_LOST = {
    "timeout": f"it takes longer than {LIMIT_SECONDS:.0f} s",
    "memory": "it takes too much memory",
    "crash": "its process ended in a crash",
}


def vectorize(image: Image, *, model: Model | Path | str | None = None, **settings: Unpack[Settings]) -> Vectorized:
    """Turns a picture into an SVG that is never worse than plain VTracer's.

    It runs in this process, without a limit on time: files from strangers are for ``vectorize_many``. The same
    picture, model and settings give the same bytes.

    Args:
        image: a path (PNG, JPEG, WebP, BMP, GIF or SVG), a file's content, a Pillow image, or uint8 pixels
            ``(h, w)``, ``(h, w, 3)`` or ``(h, w, 4)``.
        model: a model, or the path of one or of a checkpoint (which needs torch); None: the one in the package
            (the command also knows those of a registry: ``tasks.models.load_model("models:/…")`` gives them).
        settings: see ``Settings``.

    Raises:
        UnusableFileError: the picture can't be read, is too small or empty, or VTracer gives nothing for it.
        ConstraintError: nothing that was found is within ``max_bytes`` and ``min_ssim``.
        ConfigError: a setting is out of its range.
        CheckpointError: there is no such model.

    Examples:
        >>> import numpy as np
        >>> from rlcore import vectorize
        >>> square = np.zeros((64, 64, 4), dtype=np.uint8)
        >>> square[16:48, 16:48] = (200, 30, 60, 255)
        >>> result = vectorize(square, budget=2)
        >>> result.size_bytes < result.baseline.size_bytes and result.ssim >= result.baseline.ssim
        True
        >>> result.svg[:4]
        b'<svg'
    """
    return _vectorized(name_of(image), image, _model(model), Options.of(settings))


def vectorize_many(
    images: Iterable[Image],
    *,
    workers: int | None = None,
    model: Model | Path | str | None = None,
    **settings: Unpack[Settings],
) -> Iterator[Vectorized | Failure]:
    """An outcome for each picture, in their order; one that can't be used is a ``Failure`` with its reason.

    Each picture is read, traced and measured in a worker process with limits on time (``LIMIT_SECONDS``) and memory,
    so that a hostile file harms no other. The outcomes are those of ``vectorize``, whatever the number of workers.

    Args:
        images: as ``vectorize`` takes them; they are drawn from as the work goes on.
        workers: processes; None: one for each core; 0: none beside this one, and no limits.
        model: as ``vectorize`` takes it.
        settings: see ``Settings``.

    Raises:
        ConfigError: a setting or ``workers`` is out of its range, or ``images`` is one path or one file's content.
        CheckpointError: there is no such model.

    Examples:
        >>> from rlcore import vectorize_many
        >>> [outcome.reason for outcome in vectorize_many([b"no picture"], workers=0)]
        ['not an image, whatever its name says']
    """
    if isinstance(images, (str, bytes)):
        raise ConfigError(f"images = {images[:40]!r}: give a list of pictures, or vectorize() one")
    if workers is not None and workers < 0:
        raise ConfigError(f"workers = {workers}: allowed are 0 and more, or None for one for each core")
    options, chosen = Options.of(settings), _model(model)
    # the model in the package is read by each worker itself
    content = None if model is None else chosen.content
    calls = ((name_of(image), image, content, options) for image in images)
    if workers == 0:
        return (_outcome(*call) for call in calls)
    return _in_workers(calls, workers or os.cpu_count() or 1)


_Call = tuple[str, Image, "bytes | None", Options]


def _in_workers(calls: Iterator[_Call], workers: int) -> Iterator[Vectorized | Failure]:
    with WorkerPool(workers, LIMIT_SECONDS) as pool:
        while batch := list(islice(calls, AHEAD * workers)):
            for (name, *_), outcome in zip(batch, pool.run(_outcome, batch, _lost), strict=True):
                yield replace(outcome, name=name)


def _lost(kind: str) -> Vectorized | Failure:
    return Failure("", _LOST[kind])


def _outcome(name: str, image: Image, content: bytes | None, options: Options) -> Vectorized | Failure:
    try:
        return _vectorized(name, image, pretrained() if content is None else _kept(content), options)
    except Stage1Error as error:
        return Failure(name, str(error))
    except Exception as error:  # whatever a picture brings about, the others are not its victims
        _log.exception("%s: a fault of this program", name)
        return Failure(name, f"{type(error).__name__}: {error}")


@lru_cache(maxsize=2)
def _kept(content: bytes) -> Model:
    return Model.of(content)


def _vectorized(name: str, image: Image, model: Model, options: Options) -> Vectorized:
    source = read_source(image, name, options.working_size, options.background)
    return vectorized(name, source, Agent(model, mode=options.mode), model, options)


def _model(model: Model | Path | str | None) -> Model:
    if model is None:
        return pretrained()
    return model if isinstance(model, Model) else read_model(Path(model))
