"""What comes of a picture: an SVG with its measures, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlcore.files import write_bytes
from rlcore.parameters import PLAIN, Parameters


@dataclass(frozen=True)
class Plain:
    """What plain VTracer makes of the picture as it is.

    Attributes:
        svg: as VTracer wrote it.
        ssim: measured as that of the result.
    """

    svg: bytes
    ssim: float

    @property
    def size_bytes(self) -> int:
        """Bytes of the SVG."""
        return len(self.svg)


@dataclass(frozen=True)
class Vectorized:
    """The SVG of a picture.

    Attributes:
        name: of the picture: its path, if it has one.
        svg: the file's content, UTF-8. It has the picture's size, and a ``viewBox`` of its own coordinates.
        ssim: SSIM in [-1, 1] of the rendered SVG against the picture, on RGB, in the picture's own size.
        parameters: that it was traced with.
        baseline: what plain VTracer makes of it; its SSIM is never above the result's.
        traces: that the agent spent.
        width, height: of the SVG; px of the picture, or what an SVG says that it has.
        working_size: longest side in px that it was traced in.
    """

    name: str
    svg: bytes
    ssim: float
    parameters: Parameters
    baseline: Plain
    traces: int
    width: float
    height: float
    working_size: int

    @property
    def size_bytes(self) -> int:
        """Bytes of the SVG."""
        return len(self.svg)

    @property
    def improvement(self) -> float:
        """Share of plain VTracer's SSIM error that is gone, 0 to 1; 0 where plain has none."""
        error = 1 - self.baseline.ssim
        return (self.ssim - self.baseline.ssim) / error if error > 0 else 0.0

    @property
    def is_plain(self) -> bool:
        """Whether nothing was better than plain VTracer, whose SVG this then is."""
        return self.parameters == PLAIN

    def save(self, path: Path | str) -> Path:
        """Writes the SVG beside and renames; returns the path."""
        return write_bytes(Path(path), self.svg)

    def as_dict(self) -> dict[str, Any]:
        """All but the SVGs, as JSON can hold it."""
        return {
            "name": self.name,
            "ssim": self.ssim,
            "size_bytes": self.size_bytes,
            "improvement": self.improvement,
            "baseline": {"ssim": self.baseline.ssim, "size_bytes": self.baseline.size_bytes},
            "is_plain": self.is_plain,
            "traces": self.traces,
            "width": self.width,
            "height": self.height,
            "working_size": self.working_size,
            "parameters": self.parameters.as_dict(),
        }

    def _repr_svg_(self) -> str:
        """What a notebook shows."""
        return self.svg.decode()


@dataclass(frozen=True)
class Failure:
    """A picture that gave no SVG.

    Attributes:
        name: of the picture: its path, if it has one.
        reason: why, in a sentence.
    """

    name: str
    reason: str

    def as_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {"name": self.name, "reason": self.reason}
