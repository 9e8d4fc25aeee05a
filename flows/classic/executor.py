"""``create_stage1_executor``: a stage 1 training on the caller's images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from flows.classic.training import Image, in_thread, train_in, with_images
from rlcore.config import Stage1Config


class Stage1TrainingExecutor:
    """One training, kept in ``save_dir``.

    Attributes:
        config: what it trains with, its images among it.
        save_dir: holds the images, the run (``stage1/training``), MLflow's database and caches.
    """

    def __init__(self, save_dir: Path, config: Stage1Config) -> None:
        self.save_dir = save_dir
        self.config = config

    async def execute_stage1_training(self) -> dict[str, Any]:
        """Prepares logos, trains, validates, tests and reports; the event loop goes on meanwhile.

        What was stopped, killed or out of time is gone on with by the same call. Cancelled, it stops at the next
        rollout, with all kept.

        Returns:
            ``flows.classic.report.classic_report``.

        Raises:
            DataError: too few of the images can be used.
            ConfigError: there is a finished training in ``save_dir``, or one of other settings or images.
            StoppedError: it was asked to stop.
        """
        return await in_thread(lambda: train_in(self.save_dir, self.config))


def create_stage1_executor(
    simple_geometric_images: Sequence[Image] | None = None,
    validation_images: Sequence[Image] | None = None,
    save_dir: Image = "models/stage1_training",
    config: Stage1Config | None = None,
) -> Stage1TrainingExecutor:
    """A training on images given one by one, which are copied into ``save_dir``.

    Args:
        simple_geometric_images: PNG, JPEG, WebP, BMP, GIF, SVG; None: the config's own source. Those of the config's
            category are used (``simple`` by default; ``all`` takes them as they are).
        validation_images: never trained on, nor is a near-duplicate of one: half of them judge the checkpoints, half
            are the final test. None: 70 / 12 / 18 % of the images by a hash of their pixels.
        save_dir: one training; made where it is not there.
        config: all settings.

    Raises:
        DataError: a list is empty, or an image can't be read.
    """
    folder = Path(save_dir)
    return Stage1TrainingExecutor(
        folder, with_images(config or Stage1Config(), simple_geometric_images, validation_images, folder)
    )
