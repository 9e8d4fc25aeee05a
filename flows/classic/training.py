"""A training in a folder of the caller's, in this process; and one that leaves an event loop free."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console

from flows.classic.report import classic_report
from flows.running import run_stage1
from rlcore.config import Stage1Config, load_config
from rlcore.data.listed import gathered
from rlcore.errors import StoppedError
from rlcore.run_folder import RunFolder
from tasks.elsewhere import runs_kept_in
from tasks.stopping import ask_to_stop

RUN = "training"
"""Name of a folder's one run."""

STOP_SECONDS = 0.5
"""Between two times that a training is asked to stop."""

Image = str | PathLike[str]
T = TypeVar("T")


def with_images(
    config: Stage1Config, training: Sequence[Image] | None, held_out: Sequence[Image] | None, save_dir: Path
) -> Stage1Config:
    """The config with these images as its source, copied into ``save_dir``; None: its own source.

    Raises:
        DataError: a list is empty, or an image can't be read.
    """
    if training is None and held_out is None:
        return config
    held = None if held_out is None else [Path(path) for path in held_out]
    folder = gathered([Path(path) for path in training or ()], held, save_dir / "images")
    splits = "content" if held_out is None else "folders"
    return load_config(None, config.model_dump() | {"images": str(folder.absolute()), "splits": splits})


def train_in(save_dir: Path, config: Stage1Config) -> dict[str, Any]:
    """Runs the flow ``stage1``, or goes on with what was begun there; returns ``classic_report``.

    Raises:
        StoppedError: it was asked to stop.
        Stage1Error: as the flow.
    """
    with kept_in(save_dir):
        report, _ = run_stage1(config, RUN, Console(quiet=True), quiet=True)
    return classic_report(RunFolder(report.parent))


@contextmanager
def kept_in(save_dir: Path) -> Iterator[None]:
    """While it is open, runs are kept there, and one that is asked to stop says so by an error like others.

    Raises:
        StoppedError: instead of KeyboardInterrupt, which in a thread would end the event loop, not the one call.
    """
    try:
        with runs_kept_in(save_dir):
            yield
    except KeyboardInterrupt as error:
        raise StoppedError(f"stopped ({error}); the same call goes on with it") from error


def blocking(work: Callable[[], T]) -> T:
    """Does ``work`` here; or, where an event loop runs (a notebook), in a thread, waiting for it.

    In an event loop, Prefect's functions would be coroutines.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return work()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(work)
        try:
            return running.result()
        except KeyboardInterrupt:
            while not running.done():
                ask_to_stop("SIGINT")
                wait([running], timeout=STOP_SECONDS)
            raise


async def in_thread(work: Callable[[], T]) -> T:
    """Does ``work`` beside the event loop. Cancelled, it has the training stop and waits until all is kept."""
    running = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        while not running.done():
            ask_to_stop("cancellation")  # again: before a run has begun, there is nobody to hear it
            await asyncio.wait([running], timeout=STOP_SECONDS)
        if not running.cancelled():
            running.exception()  # StoppedError, or what came in between: the caller is told of the cancellation
        raise
