"""What became of a user's pictures, as a page: original, plain VTracer and agent. No script, and no address."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from PIL import Image as PictureFile

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


def gallery_picture(entries: Sequence[Entry], most: int = 12, background: Colour | None = None) -> bytes | None:
    """Original, plain VTracer and agent of the first pictures, as a PNG file; None: nothing was vectorized.

    Args:
        entries: in the order in which they are shown.
        most: pictures that are shown.
        background: that they were made with.
    """
    done = [entry for entry in entries if isinstance(entry.outcome, Vectorized)][:most]
    items = [item for item in (_item(entry, background) for entry in done) if item is not None]
    if not items:
        return None
    figure = Figure(figsize=(6.6, 2.2 * len(items) + 0.4), layout="constrained")
    axes = figure.subplots(len(items), 3, squeeze=False)
    for row, item in zip(axes, items, strict=True):
        plain, pictures = item.result.baseline, item.shown.pictures
        titles = (
            Path(item.shown.name).name,
            f"plain VTracer: {plain.ssim:.4f}, {plain.size_bytes:,} bytes",
            f"agent: {item.result.ssim:.4f}, {item.result.size_bytes:,} bytes",
        )
        for place, title, content in zip(row, titles, (pictures.original, pictures.plain, pictures.agent), strict=True):
            with PictureFile.open(io.BytesIO(content)) as picture:
                place.imshow(np.asarray(picture.convert("RGB")))
            place.set_title(title, fontsize=7)
            place.set_axis_off()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()


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
