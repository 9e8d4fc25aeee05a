"""The model that comes with the package: ``model_card.md`` beside it says what it is and how good."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from rlcore.learning.model import Model

NAME = "pretrained"
"""What the command line calls it."""

FILE = Path(__file__).with_name("stage1.model")
CARD = Path(__file__).with_name("model_card.md")


@lru_cache(maxsize=1)
def pretrained() -> Model:
    """The model; read once.

    Raises:
        CheckpointError: the installation is damaged.
    """
    return Model.load(FILE)
