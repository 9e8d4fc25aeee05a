"""Logos that a model may be tried on: what it was trained on, and twins of that, is left out and counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass

import numpy as np

from rlcore.config import Stage1Config
from rlcore.data.dataset import build_dataset, read_logos, resized
from rlcore.data.twins import edge_descriptor, twin_groups
from rlcore.episode import Subject


@dataclass(frozen=True)
class HeldOut:
    """Logos of every category in a fixed order, and how many were left out because they were trained on."""

    subjects: tuple[Subject, ...]
    excluded: int


def held_out_logos(
    config: Stage1Config,
    images: str,
    split: str,
    working_size: int,
    trained_on: Set[str],
    on_progress: Callable[[str, int, int], None] | None = None,
) -> HeldOut:
    """Logos for a model of ``config``.

    Of the source that it was trained from, ``split`` is taken; of any other, all logos. Which ones these are is
    decided at the model's own working size, since digests and splits are of the pixels.

    Args:
        config: the model's.
        images: ``default``, or a folder.
        split: ``validation`` or ``test``.
        working_size: longest side in px that they are compared at.
        trained_on: digests of training logos.
        on_progress: called with (stage, done, total) now and then.

    Raises:
        DataError: the folder does not exist, or the model's own source has too few usable logos by now.
    """
    if images == config.images:
        source = config
        found = build_dataset(source, on_progress).subjects
        trained = {subject.logo.digest for subject in found if subject.split == "train"} | trained_on
        chosen = tuple(subject for subject in found if subject.split == split)
    else:
        others = {"images": images, "splits": "content", "generated_logos": 0, "category": "all"}
        source = config.model_copy(update=others)
        trained = set(trained_on)
        chosen = found = read_logos(source, on_progress, preferred=trained).subjects
    kept = tuple(subject for subject in chosen if subject.logo.digest not in trained)
    excluded = sum(subject.logo.digest in trained for subject in found)
    if working_size != config.working_size:
        kept = resized(kept, source.model_copy(update={"working_size": working_size}), on_progress)
    return HeldOut(kept, excluded)


def neutral_logos(tests: Sequence[Subject], trained: Sequence[Subject], trained_on: Set[str]) -> HeldOut:
    """Test logos of several models that none of them was trained on, nor on a twin; of twins among them the first.

    Twins are told by their drawing, so this holds for models of different sources and working sizes too.

    Args:
        tests: of all models, the preferred ones first.
        trained: training logos of all models, as far as their pixels are known.
        trained_on: digests of training logos, with those whose pixels are not.
    """
    everything = [*trained, *tests]
    if not tests:
        return HeldOut((), 0)
    groups = twin_groups(np.stack([edge_descriptor(subject.logo.rgba) for subject in everything])).tolist()
    taken, kept, excluded = set(groups[: len(trained)]), [], 0
    seen: set[int] = set()
    for subject, group in zip(tests, groups[len(trained) :], strict=True):
        if group in taken or subject.logo.digest in trained_on:
            excluded += 1
        elif group not in seen:
            seen.add(group)
            kept.append(subject)
    return HeldOut(tuple(kept), excluded)
