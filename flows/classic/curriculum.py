"""``CurriculumTrainingPipeline``: the flow ``curriculum`` on the caller's images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from flows.classic.training import Image, blocking, kept_in, with_images
from flows.curriculum_running import run_curriculum
from rlcore.config import Stage1Config
from rlcore.curriculum import ALL_STAGES, CurriculumStage, curriculum_of
from rlcore.curriculum_folder import CurriculumFolder
from rlcore.errors import ConfigError
from rlcore.run_folder import RunFolder

NAME = "curriculum"
"""Name of a folder's one curriculum."""


class CurriculumTrainingPipeline:
    """Simple, text, gradient, complex: each stage goes on from the last one's model.

    Attributes:
        plan: all that it is run with.
        curriculum_stages: the stages with their episodes and thresholds.
        save_dir: holds the curriculum, its runs (``stage1/curriculum-...``), MLflow's database and caches.
    """

    def __init__(
        self,
        training_images: Mapping[str, Sequence[Image]] | None = None,
        validation_images: Mapping[str, Sequence[Image]] | None = None,
        save_dir: Image = "models/curriculum_training",
        config: Stage1Config | None = None,
        stages: Sequence[str] | None = None,
        episodes_scale: float = 1.0,
        allow_advance_below_threshold: bool = False,
    ) -> None:
        """Copies images into ``save_dir``; nothing is trained yet.

        Args:
            training_images: by stage; a stage's images are taken whole. None: each stage takes the logos of its
                category from the config's source.
            validation_images: for the same stages: never trained on in theirs, half judge checkpoints, half are the
                final test. None: by a hash of their pixels.
            save_dir: one curriculum; made where it is not there.
            config: settings of every stage, but for category, episodes, threshold and seed, which the stage sets.
            stages: in their order. None: all four, or those that ``training_images`` has.
            episodes_scale: all stages' episodes are multiplied by it.
            allow_advance_below_threshold: after three attempts go on even so; that is recorded and told.

        Raises:
            ConfigError: a stage is unknown, images are held out for some stages only, or a value is out of its range.
            DataError: a list is empty, or an image can't be read.
        """
        self.save_dir, own = Path(save_dir), config or Stage1Config()
        given, held_out = training_images or {}, validation_images
        if held_out is not None and held_out.keys() != given.keys():
            raise ConfigError(
                f"validation_images are of {', '.join(held_out) or 'no stage'}, training_images of"
                f" {', '.join(given) or 'no stage'}: the same are needed"
            )
        images = {
            name: with_images(own, listed, None if held_out is None else held_out[name], self.save_dir).images
            for name, listed in given.items()
        }
        self.plan = curriculum_of(
            config=own,
            stages=tuple(stages or [name for name in ALL_STAGES if not given or name in given]),
            episodes_scale=episodes_scale,
            images=images,
            image_splits="content" if held_out is None else "folders",
            allow_advance_below_threshold=allow_advance_below_threshold,
        )

    @property
    def curriculum_stages(self) -> tuple[CurriculumStage, ...]:
        """In their order."""
        return tuple(self.plan.stage(index) for index in range(len(self.plan.stages)))

    def run_curriculum(self) -> dict[str, Any]:
        """Trains through the stages, or goes on with what was begun in ``save_dir``.

        Returns:
            The content of ``curriculum_report.json`` (``docs/classic.md``), and ``final_model_path``.

        Raises:
            StoppedError: it was asked to stop.
            ConfigError: a curriculum of other settings or images is in ``save_dir``.
            Stage1Error: as the flow.
        """
        folder = blocking(self._run)
        report = folder.report()
        model = RunFolder(folder.path.parent.parent / "stage1" / report["final_model"]).best_model
        return report | {"final_model_path": str(model)}

    def _run(self) -> CurriculumFolder:
        with kept_in(self.save_dir):
            return run_curriculum(self.plan, NAME, Console(quiet=True), quiet=True)
