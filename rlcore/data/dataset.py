"""Logos from a source to a data set: read, freed of twins, measured, put into categories and splits."""

from __future__ import annotations

import hashlib
import importlib.util
from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rlcore.config import Stage1Config
from rlcore.conversion.tracing import Trace, trace
from rlcore.data.generated import generate_logos
from rlcore.data.reading import LOST, Described, Progress, Skipped, read_folder
from rlcore.data.twins import edge_descriptor, twin_groups
from rlcore.episode import Subject
from rlcore.errors import DataError
from rlcore.features import Features, category_of, measure
from rlcore.gain import Baseline
from rlcore.logos import Logo
from rlcore.parameters import CLEANED_PLAIN, PLAIN
from rlcore.workers import WorkerPool

SPLITS = ("train", "validation", "test")
_SPLIT_ENDS = (0.70, 0.82, 1.0)
MINIMUM = {"train": 8, "validation": 3, "test": 3}
"""Fewest usable logos of the trained category in each split: under that a rate means nothing."""

ALL_IN = ("onprem", "saas", "programming")
"""The most logo-like providers of the ``diagrams`` package: no cap on them."""
PROVIDER_CAP = 150
PREPARATION_LIMIT_SECONDS = 120.0
"""For features and two traces of one logo."""


@dataclass(frozen=True)
class Dataset:
    """Subjects of all splits in a fixed order (by split, then digest), and what was left out and why.

    ``train`` holds the trained category only, logos without headroom are in no split but counted in ``skipped``.
    """

    subjects: tuple[Subject, ...]
    skipped: tuple[Skipped, ...]

    def of(self, split: str, category: str = "all") -> tuple[Subject, ...]:
        """The subjects of a split, of one category or ``all``."""
        return tuple(s for s in self.subjects if s.split == split and category in ("all", s.category))


def default_source() -> Path:
    """The ``resources`` folder of the installed ``diagrams`` package.

    Raises:
        DataError: the package is not installed.
    """
    spec = importlib.util.find_spec("diagrams")
    folder = Path(spec.origin).parent.parent / "resources" if spec and spec.origin else None
    if folder is None or not folder.is_dir():
        raise DataError("the default logos come with the package 'diagrams', which is not installed")
    return folder


def split_of(digest: str) -> str:
    """``train`` (70 %), ``validation`` (12 %) or ``test`` (18 %), by a hash of the content alone."""
    share = int(hashlib.sha256(f"split {digest}".encode()).hexdigest()[:8], 16) / 2**32
    return next(split for split, end in zip(SPLITS, _SPLIT_ENDS, strict=True) if share < end)


def examine(logo: Logo, trained_category: str, split: str = "") -> Subject | str:
    """The measured logo, or the reason why it is not used; ``split``: empty for that of its content."""
    features, split = measure(logo), split or split_of(logo.digest)
    category = category_of(features)
    if split == "train" and trained_category not in ("all", category):
        return f"not trained on: category {category}"
    subject = subject_of(logo, features, split)
    if not isinstance(subject, str) and not subject.plain.has_headroom:
        return f"no headroom: plain VTracer's SSIM is {subject.plain.quality:.5f}"
    return subject


def subject_of(logo: Logo, features: Features, split: str) -> Subject | str:
    """The logo with what plain VTracer makes of it; or why VTracer can't trace it."""
    plain, cleaned = trace(logo, PLAIN), trace(logo, CLEANED_PLAIN)
    if plain.failure or cleaned.failure:
        return f"plain VTracer's trace failed: {plain.failure or cleaned.failure}"
    return Subject(logo, features, _baseline(plain), _baseline(cleaned), category_of(features), split)


def build_dataset(
    config: Stage1Config, on_progress: Progress | None = None, trained_on: Container[str] = ()
) -> Dataset:
    """Reads the config's sources and measures every logo that is kept.

    Args:
        config: the sources, the splits, the trained category.
        on_progress: ``on_progress(stage, done, total)`` is called now and then.
        trained_on: digests of logos that the model which training starts from has seen: no exam is held on them.

    Raises:
        DataError: the folder does not exist, or a split has too few usable logos.
    """
    dataset = read_logos(config, on_progress)
    if trained_on:
        dataset = _without_seen(dataset, trained_on)
    _check_size(dataset, config)
    return dataset


def _without_seen(dataset: Dataset, trained_on: Container[str]) -> Dataset:
    kept, skipped = [], list(dataset.skipped)
    for subject in dataset.subjects:
        if subject.split != "train" and subject.logo.digest in trained_on:
            skipped.append(Skipped(subject.name, "trained on by the model that training starts from"))
        else:
            kept.append(subject)
    return Dataset(tuple(kept), tuple(sorted(skipped, key=lambda item: item.name)))


def source_folder(config: Stage1Config) -> Path | None:
    """Where the config's logos lie; None: there are only drawn ones.

    Raises:
        DataError: there is no such folder.
    """
    if config.images == "none":
        return None
    folder = default_source() if config.images == "default" else Path(config.images).expanduser()
    if not folder.is_dir():
        raise DataError(f"images = {config.images!r}: no such folder")
    return folder


def read_logos(
    config: Stage1Config,
    on_progress: Progress | None = None,
    preferred: Container[str] = (),
) -> Dataset:
    """Like ``build_dataset``, however few logos there are. Of twins, one whose digest is ``preferred`` is kept.

    Raises:
        DataError: the folder does not exist.
    """
    report = on_progress or (lambda stage, done, total: None)
    found, skipped = _read_all(config, report)
    logos, left_out = _without_twins(found, preferred, config)
    del found  # the pixels of twins: hundreds of MB
    skipped += left_out
    if config.images == "default":
        logos, left_out = _capped(logos)
        skipped += left_out
    subjects, left_out = _measured(logos, config, report)
    return Dataset(tuple(subjects), tuple(sorted(skipped + left_out, key=lambda s: s.name)))


def resized(
    subjects: Sequence[Subject], config: Stage1Config, on_progress: Progress | None = None
) -> tuple[Subject, ...]:
    """The same logos, by name, read again at the config's working size; each keeps its split.

    What has no headroom at that size is left out.
    """
    report = on_progress or (lambda stage, done, total: None)
    splits = {subject.name: subject.split for subject in subjects}
    everything = config.model_copy(update={"category": "all"})
    found, _ = _read_all(config, report)
    logos = [logo for logo, _ in found if logo.name in splits]
    del found
    again, _ = _measured(logos, everything, report)
    return tuple(replace(subject, split=splits[subject.name]) for subject in again)


def _read_all(config: Stage1Config, report: Progress) -> tuple[list[Described], list[Skipped]]:
    found: list[Described] = []
    skipped: list[Skipped] = []
    folder = source_folder(config)
    if folder is not None:
        found, skipped = read_folder(folder, config.working_size, max(1, config.workers), report)
        if config.splits == "folders":
            found, left_out = _in_split_folders(found)
            skipped += left_out
    made = generate_logos(config.generated_logos, config.data_seed, config.working_size)
    found += [(logo, edge_descriptor(logo.rgba)) for logo in made]
    return found, skipped


def _in_split_folders(found: list[Described]) -> tuple[list[Described], list[Skipped]]:
    kept = [pair for pair in found if _folder_of(pair[0]) in SPLITS]
    others = [logo for logo, _ in found if _folder_of(logo) not in SPLITS]
    return kept, [Skipped(logo.name, f"in none of the folders {', '.join(SPLITS)}") for logo in others]


def _folder_of(logo: Logo) -> str:
    return logo.name.partition("/")[0]


def _split_in(config: Stage1Config, logo: Logo) -> str:
    """By its content; or by its folder, and then what is generated, and lies in none, is trained on."""
    if config.splits == "content":
        return split_of(logo.digest)
    return _folder_of(logo) if _folder_of(logo) in SPLITS else "train"


def _without_twins(
    found: list[Described], preferred: Container[str], config: Stage1Config
) -> tuple[list[Logo], list[Skipped]]:
    """One logo of each group of near-duplicates: the one with the smallest digest, whatever the files' names.

    Where folders say what is held out, one of these: its twin is not trained on.
    """

    def rank(pair: Described) -> tuple[bool, int, str, str]:
        logo = pair[0]
        held_out = SPLITS.index(_split_in(config, logo)) if config.splits == "folders" else 0
        return logo.digest not in preferred, -held_out, logo.digest, logo.name

    ordered = sorted(found, key=rank)
    groups = twin_groups(np.array([descriptor for _, descriptor in ordered], dtype=np.float32).reshape(-1, 400))
    kept: dict[int, Logo] = {}
    skipped = []
    for (logo, _), group in zip(ordered, groups.tolist(), strict=True):
        first = kept.setdefault(group, logo)
        if first is not logo:
            skipped.append(Skipped(logo.name, f"near-duplicate of {first.name}"))
    return list(kept.values()), skipped


def _capped(logos: Sequence[Logo]) -> tuple[list[Logo], list[Skipped]]:
    kept, skipped = [], []
    counts: Counter[str] = Counter()
    for logo in logos:
        provider = logo.name.partition("/")[0]
        counts[provider] += 1
        if provider in ALL_IN or counts[provider] <= PROVIDER_CAP:
            kept.append(logo)
        else:
            skipped.append(Skipped(logo.name, f"over {PROVIDER_CAP} logos of {provider}"))
    return kept, skipped


def _measured(logos: Sequence[Logo], config: Stage1Config, report: Progress) -> tuple[list[Subject], list[Skipped]]:
    subjects: list[Subject] = []
    skipped: list[Skipped] = []
    splits = {logo.digest: _split_in(config, logo) for logo in logos}
    ordered = sorted(logos, key=lambda logo: (SPLITS.index(splits[logo.digest]), logo.digest))
    with WorkerPool(max(1, config.workers), PREPARATION_LIMIT_SECONDS) as pool:
        for start in range(0, len(ordered), 50):
            report("measure", start, len(ordered))
            batch = ordered[start : start + 50]
            jobs = [(logo, config.category, splits[logo.digest]) for logo in batch]
            results = pool.run(examine, jobs, LOST.__getitem__)
            for logo, result in zip(batch, results, strict=True):
                if isinstance(result, str):
                    skipped.append(Skipped(logo.name, result))
                else:
                    subjects.append(replace(result, logo=logo))  # this process's pixels, not the copy that came back
    report("measure", len(ordered), len(ordered))
    return subjects, skipped


def _baseline(result: Trace) -> Baseline:
    return Baseline(result.quality, result.size_bytes, result.seconds)


def _check_size(dataset: Dataset, config: Stage1Config) -> None:
    counts = {split: len(dataset.of(split, config.category)) for split in SPLITS}
    short = [f"{split} {counts[split]} of {least}" for split, least in MINIMUM.items() if counts[split] < least]
    if short:
        reasons = Counter(item.reason.partition(":")[0] for item in dataset.skipped)
        told = ", ".join(f"{count} × {reason}" for reason, count in reasons.most_common(5)) or "none"
        raise DataError(
            f"too few usable logos of category {config.category!r} in {config.images!r}: {', '.join(short)}"
            f" (skipped: {told}). Add logos, or choose another category."
        )
