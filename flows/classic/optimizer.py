"""``PPOVTracerOptimizer``: train a policy, keep it, and have it choose parameters for an image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from flows.classic.env import subject_from
from flows.classic.training import Image, blocking, train_in, with_images
from rlcore.config import Stage1Config, load_config
from rlcore.conversion.evaluator import Evaluator
from rlcore.episode import Subject
from rlcore.errors import CheckpointError, ConfigError
from rlcore.judging.validation import run_searcher
from rlcore.learning.agent import Agent
from rlcore.learning.model import Model
from rlcore.parameters import PLAIN
from tasks.models import load_model

_ENV_SETTINGS = {"target_quality": "quality_target", "max_steps": "steps_per_episode"}


class PPOVTracerOptimizer:
    """A policy, and how it is trained.

    Attributes:
        config: what it is trained with.
        save_dir: where ``train`` keeps everything.
        model: the policy with all that it knows; None before ``train`` or ``load_model``.
    """

    def __init__(
        self,
        env_kwargs: Mapping[str, Any] | None = None,
        save_dir: Image = "models/ppo_vtracer",
        config: Stage1Config | None = None,
    ) -> None:
        """Settings of the env, as the earlier system took them, win over the config's.

        Args:
            env_kwargs: ``image_path``: a folder of logos to train on, or a list of images (missing: the config's
                source; one image is too few, ``train`` says so); ``target_quality``: SSIM; ``max_steps``: traces
                of an episode, 1 to 64.
            save_dir: one training; made where it is not there.
            config: all settings, PPO's among them.

        Raises:
            ConfigError: an unknown name in ``env_kwargs``, or a value out of its range.
            DataError: an image can't be read.
        """
        given = dict(env_kwargs or {})
        images = given.pop("image_path", None)
        unknown = sorted(given.keys() - _ENV_SETTINGS.keys())
        if unknown:
            raise ConfigError(
                f"env_kwargs: {', '.join(unknown)}: unknown; known are {', '.join(('image_path', *_ENV_SETTINGS))}"
            )
        settings = (config or Stage1Config()).model_dump() | {
            _ENV_SETTINGS[name]: value for name, value in given.items()
        }
        self.save_dir = Path(save_dir)
        self.config = _with_source(load_config(None, settings), images, self.save_dir)
        self.model: Model | None = None

    def train(self) -> dict[str, Any]:
        """Runs the flow ``stage1`` to its end and takes its best model; goes on with what was begun in ``save_dir``.

        Returns:
            ``flows.classic.report.classic_report``.

        Raises:
            As ``Stage1TrainingExecutor.execute_stage1_training``.
        """
        report = blocking(lambda: train_in(self.save_dir, self.config))
        self.load_model(report["artifacts"]["best_model_path"])
        return report

    def optimize_parameters(self, image_path: Image, max_episodes: int = 10) -> dict[str, Any]:
        """The policy's choice for one image.

        Args:
            image_path: PNG, JPEG, WebP, BMP, GIF or SVG.
            max_episodes: 1 and more. The policy always takes what it holds best, so that a second episode would
                repeat the first: one is played, of the ``steps_per_episode`` that it was trained with.

        Returns:
            ``best_quality`` (SSIM), ``best_reward`` (gain), ``best_parameters`` (by name), ``bytes_ratio`` and
            ``ssim_improvement`` against plain VTracer, which is what comes out where nothing is better; ``success``,
            ``target_reached`` (``best_quality`` is at ``quality_target``), ``episodes_run``.

        Raises:
            CheckpointError: there is no policy yet.
            ConfigError: ``max_episodes`` is under 1.
            UnusableFileError: the file is no logo.
        """
        if max_episodes < 1:
            raise ConfigError(f"max_episodes = {max_episodes}: 1 and more are allowed")
        model = self._model()
        subject = subject_from(Path(image_path), model.config.working_size)
        chosen = _chosen(model, subject) if subject.plain.has_headroom else _plain(subject)
        reached = chosen["best_quality"] >= self.config.quality_target
        return chosen | {"target_reached": reached, "episodes_run": 1}

    def save_model(self, save_path: Image) -> None:
        """Writes the policy with its library and configuration, as ``stage1 vectorize --model`` takes it.

        Raises:
            CheckpointError: there is no policy yet.
        """
        self._model().save(Path(save_path))

    def load_model(self, model_path: Image) -> None:
        """Takes a kept policy: a file, the name of a run, or ``models:/...`` of MLflow.

        Raises:
            CheckpointError: there is none, or it is damaged.
        """
        self.model = load_model(str(model_path))

    def _model(self) -> Model:
        if self.model is None:
            raise CheckpointError("there is no policy yet: call train() or load_model() first")
        return self.model


def _with_source(config: Stage1Config, images: Image | Sequence[Image] | None, save_dir: Path) -> Stage1Config:
    if images is None or (isinstance(images, Sequence) and not isinstance(images, str)):
        return with_images(config, images, None, save_dir)
    if Path(images).is_dir():
        return load_config(None, config.model_dump() | {"images": str(Path(images).absolute())})
    return with_images(config, [images], None, save_dir)


def _chosen(model: Model, subject: Subject) -> dict[str, Any]:
    with Evaluator(workers=0) as evaluator:
        steps = model.config.steps_per_episode
        [found] = run_searcher(Agent(model), [subject], steps, model.config, evaluator).results
    return {
        "best_quality": found.quality,
        "best_reward": found.gain,
        "best_parameters": found.parameters or PLAIN.as_dict(),
        "bytes_ratio": found.bytes_ratio,
        "ssim_improvement": found.ssim_improvement,
        "success": found.success,
    }


def _plain(subject: Subject) -> dict[str, Any]:
    return {
        "best_quality": subject.plain.quality,
        "best_reward": 0.0,
        "best_parameters": PLAIN.as_dict(),
        "bytes_ratio": 1.0,
        "ssim_improvement": 0.0,
        "success": False,
    }
