"""A user's files to logos, in worker processes: what hangs, crashes or eats memory is left out with a reason."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rlcore.data.twins import edge_descriptor
from rlcore.errors import UnusableFileError
from rlcore.logos import Logo, load_logo
from rlcore.workers import WorkerPool

READING_LIMIT_SECONDS = 30.0
"""The largest picture that is read takes 5; a small SVG can be drawn for hours."""

AT_ONCE = 100
"""Files between two reports of progress."""

LOST = {
    "timeout": "examining it takes too long",
    "memory": "examining it takes too much memory",
    "crash": "examining it ended in a crash",
}
"""Why a file is not used whose worker was lost."""

Progress = Callable[[str, int, int], None]
"""Called with the stage, how many are done, and of how many."""

Described = tuple[Logo, NDArray[np.float32]]
"""A logo and its edge descriptor."""


@dataclass(frozen=True)
class Skipped:
    """A file that is not used, with the reason."""

    name: str
    reason: str


def read_apart(path: Path, working_size: int) -> Logo:
    """``load_logo`` in a worker process of its own.

    Raises:
        UnusableFileError: as ``load_logo``, or reading it takes too long, too much memory, or ends its process.
    """
    with WorkerPool(1, READING_LIMIT_SECONDS) as pool:
        [result] = pool.run(_read, [(path, path.name, working_size)], LOST.__getitem__)
    if isinstance(result, str):
        raise UnusableFileError(result)
    return result[0]


def read_folder(
    folder: Path, working_size: int, workers: int, report: Progress
) -> tuple[list[Described], list[Skipped]]:
    """The logos of all files in a folder and those under it, and what can't be used."""
    found: list[Described] = []
    skipped: list[Skipped] = []
    calls = [(folder / name, _shown(name), working_size) for name in file_names(folder)]
    with WorkerPool(workers, READING_LIMIT_SECONDS) as pool:
        for start in range(0, len(calls), AT_ONCE):
            report("read", start, len(calls))
            batch = calls[start : start + AT_ONCE]
            for (_, name, _), result in zip(batch, pool.run(_read, batch, LOST.__getitem__), strict=True):
                if isinstance(result, str):
                    skipped.append(Skipped(name, result))
                else:
                    found.append(result)
    report("read", len(calls), len(calls))
    return found, skipped


def _read(path: Path, name: str, working_size: int) -> Described | str:
    try:
        logo = load_logo(path, working_size, name)
    except UnusableFileError as error:
        return str(error)
    return logo, edge_descriptor(logo.rgba)


def file_names(folder: Path) -> list[str]:
    """Every file in the folder and those under it, relative to it, sorted.

    A folder under it that can't be listed is named like a file, so that it is left out with a reason. Links to folders
    are not followed, so a loop of links ends nowhere.
    """
    found: list[Path] = []
    folders = [folder]
    while folders:
        here = folders.pop()
        try:
            paths = list(here.iterdir())
        except OSError:  # no permission, a path beyond the system's limit: load_logo says which
            found.append(here)
            continue
        for path in paths:
            if not _is_folder(path):
                found.append(path)
            elif not path.is_symlink():
                folders.append(path)
    return sorted(path.relative_to(folder).as_posix() for path in found)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False


def _shown(name: str) -> str:
    # a name that is not UTF-8 can be opened, but neither printed nor written down
    return os.fsencode(name).decode("utf-8", "replace")
