"""What every HTML page shares: templates that escape and refuse gaps, numbers in words, figures inside the file."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined

from rlcore.reporting import wording


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure for light and dark pages; ``width`` is its width in CSS px at 100 %."""

    alt: str
    width: int
    light: bytes
    dark: bytes


def templates() -> Environment:
    """The templates of ``rlcore/reporting/templates``; a page made of them needs no other file."""
    environment = Environment(
        loader=PackageLoader("rlcore.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        decimal=wording.decimal,
        percent=wording.percent,
        interval=wording.interval,
        data_uri=_data_uri,
        duration=wording.duration,
    )
    return environment


def _data_uri(content: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"
