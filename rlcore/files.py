"""Files written beside and renamed, so that a reader meets the old one or the new one, whole."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def write_bytes(path: Path, content: bytes) -> Path:
    """Writes ``content`` to ``path`` (its folder is made), on disk before it takes the name, and then the name too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:  # a full disk, or Ctrl-C: the half that was written is in everybody's way
        beside.unlink(missing_ok=True)
        raise
    _flush_folder(path.parent)
    return path


def _flush_folder(folder: Path) -> None:
    """A new name is an entry of its folder: a power cut may lose it until the folder is on disk too."""
    if os.name == "nt":  # folders can't be opened there
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_text(path: Path, content: str) -> Path:
    """Like ``write_bytes``, in UTF-8."""
    return write_bytes(path, content.encode())


def write_json(path: Path, content: Any) -> Path:
    """Like ``write_text``: indented, keys in the order given, no NaN (it is not JSON)."""
    return write_text(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """The content of a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))
