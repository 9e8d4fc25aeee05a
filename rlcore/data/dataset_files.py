"""A data set on disk: a manifest for people and other runs, and the pixels."""

from __future__ import annotations

import hashlib
import io
import zlib
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from rlcore.data.dataset import SPLITS, Dataset
from rlcore.data.reading import Skipped
from rlcore.episode import Subject
from rlcore.errors import DataError
from rlcore.features import Features
from rlcore.files import read_json, write_bytes, write_json
from rlcore.gain import Baseline
from rlcore.logos import Logo


def save_dataset(dataset: Dataset, folder: Path) -> Path:
    """Writes ``manifest.json`` (all but the pixels, and what was skipped) and ``logos.npz`` (the pixels)."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{s.logo.digest: s.logo.rgba for s in dataset.subjects})  # type: ignore[arg-type]
    write_bytes(folder / "logos.npz", buffer.getvalue())
    return write_json(folder / "manifest.json", manifest(dataset))


def manifest(dataset: Dataset) -> dict[str, Any]:
    """Everything but the pixels, as JSON can hold it."""
    by_split: dict[str, Counter[str]] = defaultdict(Counter)
    for subject in dataset.subjects:
        by_split[subject.split][subject.category] += 1
    return {
        "counts": {split: dict(sorted(by_split[split].items())) for split in SPLITS},
        "logos": [_entry(subject) for subject in dataset.subjects],
        "skipped": [asdict(item) for item in dataset.skipped],
    }


def data_hash(content: Mapping[str, Any]) -> str:
    """SHA-256 of a manifest's logos and splits: equal for the same pictures, whatever their order, names or times."""
    lines = sorted(f"{logo['split']} {logo['digest']}" for logo in content["logos"])
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _entry(subject: Subject) -> dict[str, Any]:
    height, width = subject.logo.rgba.shape[:2]
    return {
        "name": subject.name,
        "digest": subject.logo.digest,
        "width_px": width,
        "height_px": height,
        "has_alpha": subject.logo.has_alpha,
        "matte": list(subject.logo.matte),
        "split": subject.split,
        "category": subject.category,
        "plain": {"quality": subject.plain.quality, "size_bytes": subject.plain.size_bytes},
        "cleaned": {"quality": subject.cleaned.quality, "size_bytes": subject.cleaned.size_bytes},
        "plain_seconds": subject.plain.seconds,
        "cleaned_seconds": subject.cleaned.seconds,
        "features": asdict(subject.features),
    }


def load_dataset(folder: Path) -> Dataset:
    """What ``save_dataset`` wrote.

    Raises:
        DataError: there is none.
    """
    try:
        content = read_json(folder / "manifest.json")
        with (folder / "logos.npz").open("rb") as file, np.load(file, allow_pickle=False) as pixels:
            subjects = tuple(_restored(entry, pixels[entry["digest"]]) for entry in content["logos"])
    except (OSError, EOFError, KeyError, ValueError, TypeError, BadZipFile, zlib.error) as error:
        raise DataError(f"no complete data set in {folder}: {error}") from error
    return Dataset(subjects, tuple(Skipped(**item) for item in content["skipped"]))


def _restored(entry: dict[str, Any], rgba: NDArray[np.uint8]) -> Subject:
    red, green, blue = entry["matte"]
    return Subject(
        Logo(entry["name"], rgba, (red, green, blue), entry["digest"]),
        Features(**entry["features"]),
        Baseline(**entry["plain"], seconds=entry["plain_seconds"]),
        Baseline(**entry["cleaned"], seconds=entry["cleaned_seconds"]),
        entry["category"],
        entry["split"],
    )
