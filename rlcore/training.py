"""Training: a segment is a pure function of (checkpoint, config, segment) -> checkpoint.

All random state of a segment derives from (seed, segment index), and episodes start afresh at its beginning, so a run
that is interrupted between two segments goes on as if it had not been.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.running_mean_std import RunningMeanStd
from stable_baselines3.common.vec_env import VecNormalize

from rlcore.agent import OBSERVATION_CLIP, Checkpoint, Normaliser, policy_arguments, single_thread
from rlcore.config import Stage1Config
from rlcore.env import LogoVecEnv, shuffled
from rlcore.episode import Episode, Subject
from rlcore.errors import CheckpointError, NonFiniteError
from rlcore.evaluator import Evaluator
from rlcore.gain import ssim_improvement
from rlcore.parameters import Parameters
from rlcore.plan import Segment
from rlcore.records import Rollout

START_BOUND = 0.8
"""The start's action is kept this far inside [-1, 1], so that the spread around it reaches both sides."""


def untrained(config: Stage1Config, subjects: Sequence[Subject], start: Parameters | None = None) -> Checkpoint:
    """The policy before any episode; its observation statistics are those of the training logos' first look.

    Its mean action is that of ``start`` for every logo (default: the middle of every range).
    """
    with single_thread(), Evaluator(workers=0) as idle:
        env = LogoVecEnv(shuffled(subjects, config.seed), len(subjects), 0, config, idle)
        model = _model(
            config, VecNormalize(env, norm_reward=False, clip_obs=OBSERVATION_CLIP), Segment(0, 0, 1), len(subjects)
        )
        if start is not None:
            action = np.clip(config.action_space.encode(start), -START_BOUND, START_BOUND)
            head = model.policy.action_net
            assert isinstance(head, torch.nn.Linear)
            with torch.no_grad():
                head.bias.copy_(torch.from_numpy(action))
        statistics = RunningMeanStd(epsilon=1e-4, shape=env.observation_space.shape or ())
        statistics.update(np.asarray(env.reset()))
    return _checkpoint(model, statistics, config, episode=0, segments=0)


def train_segment(
    checkpoint: Checkpoint,
    segment: Segment,
    subjects: Sequence[Subject],
    evaluator: Evaluator,
    on_rollout: Callable[[Rollout], None] | None = None,
) -> Checkpoint:
    """Plays a segment's episodes on ``subjects`` and updates the policy after every rollout.

    Raises:
        CheckpointError: the checkpoint is not the one before this segment.
        NonFiniteError: a loss or a weight became NaN or infinite.
    """
    if checkpoint.episode != segment.first_episode:
        raise CheckpointError(
            f"segment starts at episode {segment.first_episode}, the checkpoint at {checkpoint.episode}"
        )
    config = checkpoint.config
    count = _largest_divisor(segment.episodes, config.ppo.rollout_episodes)
    with single_thread():
        env = LogoVecEnv(shuffled(subjects, config.seed), count, segment.first_episode, config, evaluator)
        normalised = VecNormalize(env, norm_reward=False, clip_obs=OBSERVATION_CLIP)
        statistics = _statistics(checkpoint.normaliser)
        normalised.obs_rms = statistics  # type: ignore[assignment]
        model = _model(config, normalised, segment, count)
        model.policy.load_state_dict(dict(checkpoint.policy))
        model.policy.optimizer.load_state_dict(dict(checkpoint.optimizer))
        model.set_random_seed(_segment_seed(config.seed, segment.index))
        recorder = _Recorder(env, evaluator, segment.first_episode, on_rollout or (lambda rollout: None))
        steps = segment.episodes * config.steps_per_episode
        try:
            model.learn(steps, callback=recorder, log_interval=None)  # type: ignore[arg-type]
        except ValueError as error:
            # torch refuses an action mean that is not a number, before any loss can tell
            if all(bool(tensor.isfinite().all()) for tensor in model.policy.parameters()):
                raise
            reason = (
                f"after episode {recorder.episode}: a weight is not a finite number: training can't go on from here"
            )
            raise NonFiniteError(reason) from error
        return _checkpoint(model, statistics, config, segment.end_episode, segment.index + 1)


def _largest_divisor(number: int, most: int) -> int:
    """Of ``number``, at most ``most``: every rollout, and every batch, is full."""
    return max(count for count in range(1, min(most, number) + 1) if number % count == 0)


def _segment_seed(seed: int, index: int) -> int:
    return int(np.random.SeedSequence([seed, index]).generate_state(1)[0])


def _model(config: Stage1Config, env: VecNormalize, segment: Segment, count: int) -> PPO:
    settings = config.ppo

    def learning_rate(remaining: float) -> float:
        episode = segment.first_episode + (1 - remaining) * segment.episodes
        share = max(0.0, 1 - episode / config.target_episodes)
        floor = settings.final_learning_rate_share
        return settings.learning_rate * (floor + (1 - floor) * share)

    return PPO(
        "MlpPolicy",
        env,
        learning_rate=learning_rate,
        n_steps=config.steps_per_episode,
        batch_size=_largest_divisor(count * config.steps_per_episode, settings.batch_size),
        n_epochs=settings.epochs,
        gamma=settings.discount,
        gae_lambda=settings.gae_lambda,
        clip_range=settings.clip_range,
        ent_coef=settings.entropy_coefficient,
        vf_coef=settings.value_coefficient,
        max_grad_norm=settings.max_gradient_norm,
        policy_kwargs=policy_arguments(config),
        seed=config.seed,
        device="cpu",
    )


def _statistics(normaliser: Normaliser) -> RunningMeanStd:
    statistics = RunningMeanStd(shape=normaliser.mean.shape)
    statistics.mean, statistics.var = normaliser.mean.copy(), normaliser.variance.copy()
    statistics.count = normaliser.count
    return statistics


def _checkpoint(
    model: PPO, statistics: RunningMeanStd, config: Stage1Config, episode: int, segments: int
) -> Checkpoint:
    normaliser = Normaliser(statistics.mean.copy(), statistics.var.copy(), float(statistics.count))
    policy = {name: tensor.detach().clone() for name, tensor in model.policy.state_dict().items()}
    return Checkpoint(config, episode, segments, policy, model.policy.optimizer.state_dict(), normaliser)


class _Recorder(BaseCallback):
    """Makes one ``Rollout`` of the episodes just played and the update that they led to."""

    def __init__(
        self, env: LogoVecEnv, evaluator: Evaluator, episode: int, on_rollout: Callable[[Rollout], None]
    ) -> None:
        super().__init__()
        self._env = env
        self._evaluator = evaluator
        self.episode = episode
        self._on_rollout_record = on_rollout
        self._mark()

    def _mark(self) -> None:
        statistics = self._evaluator.statistics
        self._start = time.perf_counter()
        self._before = (statistics.asked, statistics.remembered, statistics.trace_seconds)

    def _on_rollout_start(self) -> None:
        self._emit()

    def _on_training_end(self) -> None:
        self._emit()

    def _on_step(self) -> bool:
        return True

    def _emit(self) -> None:
        """Called when an update is through: before the next rollout, and at the end."""
        episodes = self._env.finished
        if not episodes:
            self._mark()
            return
        self._env.finished = []
        self.episode += len(episodes)
        statistics, (asked, remembered, seconds) = self._evaluator.statistics, self._before
        rollout = Rollout(
            episode=self.episode,
            episodes=len(episodes),
            failed_traces=sum(a.trace.failure is not None for episode in episodes for a in episode.attempts),
            **_means(episodes),
            traces=statistics.asked - asked,
            remembered=statistics.remembered - remembered,
            seconds=time.perf_counter() - self._start,
            trace_seconds=statistics.trace_seconds - seconds,
            train=self._train_figures(),
        )
        self._mark()
        self._on_rollout_record(rollout)

    def _train_figures(self) -> dict[str, float]:
        values = self.logger.name_to_value
        figures = {
            name.removeprefix("train/"): float(value)
            for name, value in values.items()
            if name.startswith("train/") and value is not None
        }
        bad = {name: value for name, value in figures.items() if not math.isfinite(value)}
        # explained variance is undefined, not broken, where all returns are equal
        bad.pop("explained_variance", None)
        if bad:
            raise NonFiniteError(f"episode {self.episode}: {bad}: training can't go on from here")
        return {name: value for name, value in figures.items() if math.isfinite(value)}


def _means(episodes: Sequence[Episode]) -> dict[str, float]:
    def mean(values: list[float]) -> float:
        return float(np.mean(values))

    plains = [episode.subject.plain for episode in episodes]
    delivered = [
        (plain.quality, plain.size_bytes, False)
        if (best := episode.delivered) is None
        else (best.trace.quality, best.trace.size_bytes, best.success)
        for episode, plain in zip(episodes, plains, strict=True)
    ]
    pairs = list(zip(delivered, plains, strict=True))
    return {
        "reward": mean([episode.best_gain for episode in episodes]),
        "gain": mean([episode.best_gain for episode in episodes]),
        "first_gain": mean([episode.best_gain_after(1) for episode in episodes]),
        "quality": mean([quality for quality, _, _ in delivered]),
        "bytes_ratio": mean([size / plain.size_bytes for (_, size, _), plain in pairs]),
        "ssim_improvement": mean([ssim_improvement(quality, plain) for (quality, _, _), plain in pairs]),
        "success_rate": mean([float(success) for _, _, success in delivered]),
    }
