"""Held-out logos to look at: original, plain VTracer and the agent side by side, with an enlarged edge of each."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rlcore.conversion.evaluator import Evaluator
from rlcore.conversion.tracing import Trace
from rlcore.episode import Subject
from rlcore.errors import ReproductionError
from rlcore.judging.validation import LogoResult, Validation
from rlcore.logos import Logo
from rlcore.parameters import PLAIN, Parameters
from rlcore.rendering import render

REGION_PX = 48
"""Longest side of the region that is enlarged; a quarter of the logo where that is less."""

ENLARGED_PX = 192
"""An enlarged region is about this wide: a whole multiple of its pixels."""

QUALITY_TOLERANCE = 1e-6
"""SSIM may differ by this between machines (DESIGN section 1); bytes may not."""

Group = Literal["best", "typical", "worst"]


@dataclass(frozen=True, slots=True)
class Pictures:
    """Three PNG files of the same size: the logo on its matte, plain VTracer's rendering, the agent's."""

    original: bytes
    plain: bytes
    agent: bytes


@dataclass(frozen=True, slots=True)
class Region:
    """A square of the logo, in px from its top left."""

    left: int
    top: int
    side: int


@dataclass(frozen=True)
class Shown:
    """A logo side by side with its renderings.

    Attributes:
        name: of the logo.
        width, height: px of the logo and of ``pictures``.
        pictures: the whole logo.
        edges: ``region`` of each picture, enlarged pixel by pixel.
        region: where plain's rendering is furthest from the original along its edges.
    """

    name: str
    width: int
    height: int
    pictures: Pictures
    edges: Pictures
    region: Region

    @property
    def region_style(self) -> str:
        """Where the enlarged region lies on the picture, as CSS."""
        parts = {
            "left": self.region.left / self.width,
            "top": self.region.top / self.height,
            "width": self.region.side / self.width,
            "height": self.region.side / self.height,
        }
        return ";".join(f"{name}:{100 * share:.2f}%" for name, share in parts.items())


@dataclass(frozen=True)
class GalleryItem(Shown):
    """One held-out logo.

    Attributes:
        result: what the agent delivered, as the validation recorded it.
        group: why it is shown.
        rank: 1 is the highest SSIM improvement of the judged category.
        plain_svg, agent_svg: the very files that were measured.
    """

    result: LogoResult
    group: Group
    rank: int
    plain_svg: bytes
    agent_svg: bytes


def build_gallery(
    validation: Validation,
    subjects: Sequence[Subject],
    evaluator: Evaluator,
    best: int = 10,
    worst: int = 10,
    typical: int = 10,
) -> list[GalleryItem]:
    """The judged category's best and worst logos by SSIM improvement and evenly spaced ones between, best first.

    A small category is shown whole, without repeating a logo.

    Raises:
        ReproductionError: a logo is not among ``subjects``, or tracing it again gives other figures than recorded.
    """
    chosen = _chosen(validation, best, worst, typical)
    logos = {subject.logo.digest: subject.logo for subject in subjects}
    missing = [result.name for _, _, result in chosen if result.digest not in logos]
    if missing:
        raise ReproductionError(f"no logo at hand for {len(missing)} results, {missing[0]!r} first")
    jobs = [
        (logos[result.digest], parameters)
        for _, _, result in chosen
        for parameters in (PLAIN, PLAIN if result.parameters is None else Parameters(**result.parameters))
    ]
    traces = evaluator.traces(jobs, keep_svg=True)
    return [
        _item(rank, group, result, logos[result.digest], plain, agent)
        for (rank, group, result), plain, agent in zip(chosen, traces[::2], traces[1::2], strict=True)
    ]


def svg_files(gallery: Sequence[GalleryItem]) -> dict[str, bytes]:
    """The SVGs by file name, ASCII only: ``001-<logo>-plain.svg`` and ``001-<logo>-agent.svg`` with the rank before."""
    files = {}
    for item in gallery:
        stem = f"{item.rank:03d}-{file_stem(item.result.name)}"
        files[f"{stem}-plain.svg"] = item.plain_svg
        files[f"{stem}-agent.svg"] = item.agent_svg
    return files


def file_stem(name: str) -> str:
    """A logo's name as part of a file name that every system takes."""
    return re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")[:60] or "logo"


def _chosen(validation: Validation, best: int, worst: int, typical: int) -> list[tuple[int, Group, LogoResult]]:
    """(rank, group, result), by rank."""
    # the digest decides between equals, so that the order of the data set does not
    ranked = sorted(validation.of(), key=lambda result: (-result.ssim_improvement, result.digest))
    count = len(ranked)
    if count < best + worst:
        best = round(count * best / (best + worst))
        worst = count - best
    between = range(best, count - worst)
    groups: dict[int, Group] = dict.fromkeys(range(best), "best")
    groups |= dict.fromkeys(_evenly_spaced(between, typical), "typical")
    groups |= dict.fromkeys(range(count - worst, count), "worst")
    return [(index + 1, group, ranked[index]) for index, group in groups.items()]


def _evenly_spaced(indices: range, count: int) -> list[int]:
    """``count`` of the indices, each in the middle of an equal share; all of them where there are fewer."""
    count = min(count, len(indices))
    return [indices[int((number + 0.5) * len(indices) / count)] for number in range(count)]


def _item(rank: int, group: Group, result: LogoResult, logo: Logo, plain: Trace, agent: Trace) -> GalleryItem:
    plain_svg = _verified(result.name, "plain", plain, result.plain_quality, result.plain_bytes)
    agent_svg = _verified(result.name, "agent", agent, result.quality, result.size_bytes)
    shown = show(result.name, logo, plain_svg, agent_svg)
    return GalleryItem(**vars(shown), result=result, group=group, rank=rank, plain_svg=plain_svg, agent_svg=agent_svg)


def show(name: str, logo: Logo, plain_svg: bytes, agent_svg: bytes) -> Shown:
    """A logo and two SVGs of its size, drawn on its matte.

    Raises:
        RenderError: Skia can't read one of the SVGs.
    """
    height, width = logo.rgba.shape[:2]
    pictures = [logo.on_matte, *(render(svg, width, height, logo.matte) for svg in (plain_svg, agent_svg))]
    region = most_telling_region(*pictures[:2])
    return Shown(
        name,
        width,
        height,
        Pictures(*(as_png(picture) for picture in pictures)),
        Pictures(*(as_png(_enlarged(picture, region)) for picture in pictures)),
        region,
    )


def _verified(name: str, who: str, again: Trace, quality: float, size_bytes: int) -> bytes:
    """The SVG of a trace that gave what was recorded."""
    same = abs(again.quality - quality) <= QUALITY_TOLERANCE and again.size_bytes == size_bytes
    if again.failure is not None or again.svg is None or not same:
        got = again.failure or f"SSIM {again.quality:.6f} and {again.size_bytes} bytes"
        raise ReproductionError(f"{name}, {who}: recorded SSIM {quality:.6f} and {size_bytes} bytes, again gave {got}")
    return again.svg


def most_telling_region(original: NDArray[np.uint8], plain: NDArray[np.uint8]) -> Region:
    """The square where ``plain`` differs most from ``original`` along its edges (both uint8 RGB of one shape).

    Whole numbers throughout, the first of equals: the same pictures give the same region everywhere.
    """
    height, width = original.shape[:2]
    side = min(REGION_PX, max(8, max(height, width) // 4), height, width)
    error = cv2.absdiff(original, plain).max(axis=2).astype(np.int64)
    steps = cv2.morphologyEx(original, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)).max(axis=2).astype(np.int64)
    # where plain is perfect, the edges alone decide
    weight = error * steps * 65_536 + steps
    # two box sums make a pyramid: what matters most comes to the middle
    totals = _box_sums(_box_sums(weight, side // 2), side - side // 2 + 1)
    top, left = divmod(int(totals.argmax()), totals.shape[1])
    return Region(left, top, side)


def _box_sums(values: NDArray[np.int64], side: int) -> NDArray[np.int64]:
    """Sum of each square of this side that lies inside, by the position of its top left corner."""
    sums: NDArray[np.int64] = np.pad(values.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    inside: NDArray[np.int64] = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    return inside


def _enlarged(picture: NDArray[np.uint8], region: Region) -> NDArray[np.uint8]:
    factor = max(1, ENLARGED_PX // region.side)
    cut = picture[region.top : region.top + region.side, region.left : region.left + region.side]
    return cut.repeat(factor, axis=0).repeat(factor, axis=1)


def as_png(rgb: NDArray[np.uint8]) -> bytes:
    """A picture (uint8 RGB) as a PNG file."""
    done, buffer = cv2.imencode(".png", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_PNG_COMPRESSION, 9])
    if not done:
        raise MemoryError(f"no PNG of {rgb.shape}")
    return buffer.tobytes()


def side_by_side(item: GalleryItem) -> NDArray[np.uint8]:
    """Original, plain and agent in a row with white between: uint8 RGB ``(height, 3 width + 16, 3)``."""
    gap = np.full((item.height, 8, 3), 255, dtype=np.uint8)
    original, plain, agent = (
        _pixels(png) for png in (item.pictures.original, item.pictures.plain, item.pictures.agent)
    )
    return np.concatenate([original, gap, plain, gap, agent], axis=1)


def _pixels(png: bytes) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), dtype=np.uint8)
