"""A run's logos as small pictures, read one by one from its data set."""

from __future__ import annotations

import io
import threading
import zlib
from collections import OrderedDict
from zipfile import BadZipFile

import numpy as np
from PIL import Image

from rlcore.files import read_json
from rlcore.logos import composite
from rlcore.run_folder import RunFolder

LONGEST_SIDE_PX = 128
KEPT_PICTURES = 1024
"""Of all runs; some 5 KB each."""
KEPT_RUNS = 8
"""Whose mattes are kept."""

Matte = tuple[int, int, int]


class LogoPictures:
    """Pictures by run and digest, the last asked for kept in memory. Any thread may ask."""

    def __init__(self, kept: int = KEPT_PICTURES) -> None:
        self._kept = kept
        self._pictures: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        self._mattes: OrderedDict[str, tuple[int, dict[str, Matte]]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._pictures)

    def png(self, folder: RunFolder, digest: str) -> bytes | None:
        """A logo on its matte, 128 px or less, as PNG; None where the run has no such logo, or no data yet."""
        key = (folder.name, digest)
        with self._lock:
            if key in self._pictures:
                self._pictures.move_to_end(key)
                return self._pictures[key]
        try:
            matte = self._mattes_of(folder).get(digest)
            made = None if matte is None else _png(folder, digest, matte)
        except (OSError, EOFError, KeyError, ValueError, TypeError, BadZipFile, zlib.error):
            return None  # the data set is not there yet, or damaged
        if made is not None:
            with self._lock:
                self._pictures[key] = made
                while len(self._pictures) > self._kept:
                    self._pictures.popitem(last=False)
        return made

    def _mattes_of(self, folder: RunFolder) -> dict[str, Matte]:
        manifest = folder.data / "manifest.json"
        written = manifest.stat().st_mtime_ns
        with self._lock:
            known = self._mattes.get(folder.name)
        if known is None or known[0] != written:
            entries = read_json(manifest)["logos"]
            known = (written, {str(entry["digest"]): _matte(entry["matte"]) for entry in entries})
            with self._lock:
                self._mattes[folder.name] = known
                self._mattes.move_to_end(folder.name)
                while len(self._mattes) > KEPT_RUNS:
                    self._mattes.popitem(last=False)
        return known[1]


def _matte(kept: list[int]) -> Matte:
    red, green, blue = kept
    return red, green, blue


def _png(folder: RunFolder, digest: str, matte: Matte) -> bytes:
    # lazy: of the whole archive, its table of contents and this one entry are read
    with (folder.data / "logos.npz").open("rb") as file, np.load(file, allow_pickle=False) as pixels:
        rgba = pixels[digest]
    picture = Image.fromarray(composite(rgba, matte))
    picture.thumbnail((LONGEST_SIDE_PX, LONGEST_SIDE_PX), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()
