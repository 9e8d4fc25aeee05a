"""Images that a user names one by one, as a folder that a data set is read from."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from rlcore.errors import DataError


def gathered(training: Sequence[Path], held_out: Sequence[Path] | None, root: Path) -> Path:
    """Copies the images into a folder of ``root`` that is named by what is in it; the same images, the same folder.

    Without ``held_out`` all lie together, to be split by their content. With it, ``training`` lies in ``train``, and
    ``held_out`` half in ``validation``, half in ``test`` (in the order of their content's hash, in turns), for a
    config with ``splits = "folders"``: that leaves out of ``train`` what is held out too, and its near-duplicates.

    Raises:
        DataError: there is no image, or one can't be read.
    """
    if not training or (held_out is not None and not held_out):
        raise DataError("a list of images is empty")
    files = _by_content(training)
    if held_out is not None:
        files = {f"train/{name}": path for name, path in files.items()} | _in_turns(_by_content(held_out))
    folder = root / hashlib.sha256("\n".join(sorted(files)).encode()).hexdigest()[:16]
    if not folder.is_dir():
        _copy(files, folder)
    return folder


def _in_turns(held_out: dict[str, Path]) -> dict[str, Path]:
    return {
        f"{('validation', 'test')[place % 2]}/{name}": held_out[name] for place, name in enumerate(sorted(held_out))
    }


def _by_content(paths: Sequence[Path]) -> dict[str, Path]:
    """By a name that begins with the content's hash; of the same content, the one whose path comes first."""
    found: dict[str, Path] = {}
    for path in sorted(paths):
        try:
            found.setdefault(hashlib.sha256(path.read_bytes()).hexdigest()[:16], path)
        except OSError as error:
            raise DataError(f"image {str(path)!r} can't be read: {error.strerror}") from error
    return {f"{digest}-{path.name}": path for digest, path in found.items()}


def _copy(files: dict[str, Path], folder: Path) -> None:
    """Beside, then renamed: a folder of that name is whole."""
    beside = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    shutil.rmtree(beside, ignore_errors=True)
    for name, path in files.items():
        (beside / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, beside / name)
    beside.rename(folder)
