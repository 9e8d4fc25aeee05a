"""Training that goes on from another model: what of it is kept, and what is measured anew on other logos.

Kept are the network's weights with its optimizer, which mean something for one library alone, so the library's settings
and moves too, and what the settings gave on the logos that it was trained on before. Measured anew, on the new training
logos, are the table of the settings, the portfolios and the moves' rises.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rlcore.config import Stage1Config
from rlcore.episode import Subject
from rlcore.learning.agent import Checkpoint, library_versions
from rlcore.learning.experience import Experience
from rlcore.learning.library import Library
from rlcore.learning.trace_table import TraceTable


def carried_over(
    start: Checkpoint, config: Stage1Config, library: Library, table: TraceTable, subjects: Sequence[Subject]
) -> Checkpoint:
    """The start of a training on other logos: the same weights, at episode 0.

    Args:
        start: where it goes on from; ``check_fits`` has passed it.
        config: of the new training.
        library: the start's, measured anew (``carried_library``).
        table: its settings on ``subjects``.
        subjects: the new training logos; what is known of the earlier ones stays behind them.
    """
    return replace(
        start,
        config=config,
        library=library,
        experience=Experience.of(table, subjects).with_earlier(start.experience),
        episode=0,
        rollbacks=0,
        versions=library_versions(),
    )
