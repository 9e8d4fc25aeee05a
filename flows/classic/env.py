"""``VTracerOptimizationEnv``: choose every parameter for one image file, trace by trace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from flows.classic.training import Image
from rlcore.config import Stage1Config, load_config
from rlcore.conversion.evaluator import Evaluator
from rlcore.data.dataset import subject_of
from rlcore.data.reading import read_apart
from rlcore.episode import Episode, Subject
from rlcore.errors import ConfigError, UnusableFileError
from rlcore.features import measure
from rlcore.learning.observation import ATTEMPT_SIZE, attempt_entries
from rlcore.learning.subject_entries import SUBJECT_SIZE, subject_entries
from rlcore.parameters import PLAIN, Parameters


def subject_from(path: Path, working_size: int) -> Subject:
    """An image file, measured.

    Raises:
        UnusableFileError: it can't be read as a logo, or VTracer can't trace it.
    """
    try:
        logo = read_apart(path, working_size)
    except UnusableFileError as error:
        raise UnusableFileError(f"{path}: {error}") from error
    subject = subject_of(logo, measure(logo), "own")
    if isinstance(subject, str):
        raise UnusableFileError(f"{path}: {subject}")
    return subject


class VTracerOptimizationEnv(gymnasium.Env[NDArray[np.float32], NDArray[np.float32]]):
    """One image; each step is one trace with the parameters that the action stands for.

    The agent itself chooses from a library and is trained in ``rlcore.learning.env``; this env is for other learners,
    and for trying parameters by hand.

    ## Action space
    ``Box(-1, 1, (n,), float32)``: an entry for each of ``config.tuned``, 0 is the middle of its range.

    ## Observation space
    ``Box(-inf, inf, (n,), float32)``: what is known of the image before any trace (25), share of the steps left, best
    gain so far / 4, last and best trace (5 each, ``attempt_entries``), action of the best (zeros before there is one).

    ## Rewards
    By how much the best gain so far rose, >= 0 (``rlcore.gain``): halving plain VTracer's SSIM error is worth 1,
    halving its bytes 0.5. A trace that fails, or is worse than plain VTracer, gives 0.

    ## Starting state
    No trace made. Nothing is random: a ``seed`` changes nothing.

    ## Episode end
    Terminated by a success (``config.ssim_improvement_threshold`` of plain VTracer's SSIM error gone, no more bytes,
    SSIM of ``target_quality`` or more), truncated after ``max_steps`` traces. ``info``: ``quality`` (SSIM),
    ``bytes_ratio``, ``success``, ``best_gain`` and ``parameters`` of what would be delivered now.
    """

    metadata = {"render_modes": []}  # noqa: RUF012  the base class declares it so

    def __init__(
        self,
        image_path: Image,
        target_quality: float = 0.85,
        max_steps: int = 50,
        config: Stage1Config | None = None,
    ) -> None:
        """Reads and measures the image.

        Args:
            image_path: PNG, JPEG, WebP, BMP, GIF or SVG.
            target_quality: SSIM, 0 to 1.
            max_steps: traces of an episode, 1 and more.
            config: working size, tuned and fixed parameters, weights of the gain, what a success is.

        Raises:
            ConfigError: ``target_quality`` or ``max_steps`` is out of its range.
            UnusableFileError: the file is no logo, or plain VTracer leaves nothing to gain.
        """
        if max_steps < 1:
            raise ConfigError(f"max_steps = {max_steps}: 1 and more are allowed")
        self.config = load_config(None, (config or Stage1Config()).model_dump() | {"quality_target": target_quality})
        self.image_path, self.target_quality, self.max_steps = Path(image_path), target_quality, max_steps
        self._subject = subject_from(self.image_path, self.config.working_size)
        if not self._subject.plain.has_headroom:
            quality = self._subject.plain.quality
            raise UnusableFileError(f"{image_path}: nothing to gain, plain VTracer's SSIM is {quality:.5f}")
        self._space = self.config.action_space
        self._evaluator = Evaluator(workers=0)
        self._episode = self._begun()
        size = SUBJECT_SIZE + 2 + 2 * ATTEMPT_SIZE + self._space.size
        self.action_space = gymnasium.spaces.Box(-1, 1, (self._space.size,), np.float32)
        self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (size,), np.float32)

    @property
    def current_params(self) -> Parameters:
        """What would be delivered now; plain VTracer's before anything is better."""
        delivered = self._episode.delivered
        return PLAIN if delivered is None else delivered.parameters

    @property
    def best_quality(self) -> float:
        """SSIM of that, 0 to 1."""
        delivered = self._episode.delivered
        return self._subject.plain.quality if delivered is None else delivered.trace.quality

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Forgets all traces."""
        super().reset(seed=seed)
        self._episode = self._begun()
        return self._observation(), self._info()

    def step(self, action: NDArray[np.float32]) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """One trace.

        Raises:
            ParameterError: the action is of another shape, or not finite; beyond [-1, 1] it is clipped.
            gymnasium.error.ResetNeeded: the episode is over.
        """
        if self._is_solved or self._episode.done:
            raise gymnasium.error.ResetNeeded("step() needs a running episode: call reset() first")
        parameters = self._space.decode(np.asarray(action, dtype=np.float32))
        [trace] = self._evaluator.traces([(self._subject.logo, parameters)])
        reward = self._episode.record(parameters, trace)
        over = self._episode.done and not self._is_solved
        return self._observation(), reward, self._is_solved, over, self._info()

    def _begun(self) -> Episode:
        return Episode(self._subject, self.max_steps, self.config.weights, self.config.target)

    @property
    def _is_solved(self) -> bool:
        delivered = self._episode.delivered
        return delivered is not None and delivered.success

    def _observation(self) -> NDArray[np.float32]:
        episode = self._episode
        best, last = episode.best, episode.attempts[-1] if episode.attempts else None
        action = np.zeros(self._space.size) if best is None else self._space.encode(best.parameters)
        left = 1 - episode.step / episode.budget
        return np.concatenate(
            [
                subject_entries(self._subject),
                [left, np.clip(episode.best_gain / 4, -4, 4)],
                attempt_entries(episode, last),
                attempt_entries(episode, best),
                action,
            ]
        ).astype(np.float32)

    def _info(self) -> dict[str, Any]:
        delivered, plain = self._episode.delivered, self._subject.plain
        return {
            "quality": self.best_quality,
            "bytes_ratio": 1.0 if delivered is None else delivered.trace.size_bytes / plain.size_bytes,
            "success": self._is_solved,
            "best_gain": self._episode.best_gain,
            "parameters": self.current_params.as_dict(),
        }
