"""What became of a user's pictures, as a page: original, plain VTracer and agent. No script, and no address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rlcore.errors import Stage1Error
from rlcore.reporting.gallery import Shown, show
from rlcore.reporting.pages import templates
from rlcore.vectorizing import Failure, Vectorized
from rlcore.vectorizing.finishing import finished
from rlcore.vectorizing.options import Colour
from rlcore.vectorizing.source import Image, read_source

PICTURE_PX = 256
"""Longest side of a picture on the page."""

MOST_PICTURES = 100
"""Logos that are shown: each takes some 50 kB. The table has all."""


@dataclass(frozen=True)
class Entry:
    """A picture with its outcome; ``output``: where its SVG is."""

    image: Image
    outcome: Vectorized | Failure
    output: str = ""


@dataclass(frozen=True)
class _Item:
    shown: Shown
    result: Vectorized
    output: str


def vectorize_page(entries: Sequence[Entry], model: str, background: Colour | None = None) -> str:
    """One HTML file for light and dark screens.

    Args:
        entries: in the order in which they are shown.
        model: what made them.
        background: that they were made with.
    """
    done = [entry for entry in entries if isinstance(entry.outcome, Vectorized)]
    return (
        templates()
        .get_template("vectorize.html.j2")
        .render(
            model=model,
            done=[(entry.outcome, entry.output) for entry in done],
            failed=[entry.outcome for entry in entries if isinstance(entry.outcome, Failure)],
            means=_means([entry.outcome for entry in done if isinstance(entry.outcome, Vectorized)]),
            gallery=[item for item in (_item(entry, background) for entry in done[:MOST_PICTURES]) if item],
        )
    )


def _means(results: Sequence[Vectorized]) -> dict[str, Any] | None:
    if not results:
        return None
    return {
        "improvement": float(np.mean([result.improvement for result in results])),
        "bytes_ratio": float(np.mean([result.size_bytes / result.baseline.size_bytes for result in results])),
        "ssim": float(np.mean([result.ssim for result in results])),
        "plain_ssim": float(np.mean([result.baseline.ssim for result in results])),
        "plain": sum(result.is_plain for result in results),
    }


def _item(entry: Entry, background: Colour | None) -> _Item | None:
    """The pictures are drawn anew from what was read; None: the file is gone or another by now."""
    result = entry.outcome
    assert isinstance(result, Vectorized)
    try:
        logo = read_source(entry.image, result.name, PICTURE_PX, background).logo
    except Stage1Error:
        return None
    size = (logo.rgba.shape[1], logo.rgba.shape[0])
    shown = show(result.name, logo, finished(result.baseline.svg, size), finished(result.svg, size))
    return _Item(shown, result, entry.output)
