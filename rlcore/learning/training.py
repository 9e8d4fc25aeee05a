"""Training: a segment is a pure function of (checkpoint, config, segment) -> checkpoint.

All random state of a rollout derives from (seed, its first episode), and episodes start afresh at its beginning, so a
run that is interrupted between two rollouts goes on as if it had not been.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger

from rlcore.config import Stage1Config
from rlcore.conversion.evaluator import Evaluator
from rlcore.episode import Episode, Subject
from rlcore.errors import CheckpointError, NonFiniteError
from rlcore.gain import ssim_improvement
from rlcore.learning.agent import Checkpoint
from rlcore.learning.env import LogoVecEnv, shuffled
from rlcore.learning.experience import Experience
from rlcore.learning.library import Library
from rlcore.learning.plan import Segment
from rlcore.learning.policy import LibraryPolicy, Standardised, single_thread
from rlcore.learning.trace_table import TraceTable
from rlcore.records import PlayedEpisode, Rollout


def untrained(config: Stage1Config, library: Library, table: TraceTable, subjects: Sequence[Subject]) -> Checkpoint:
    """The policy before any training, which follows the expected rises of the recorded traces.

    ``table`` holds the library's settings on ``subjects``, the training logos; over these, what an observation says
    of a logo is standardised.
    """
    with single_thread(), Evaluator(workers=0) as idle:
        experience = Experience.of(table, subjects)
        env = LogoVecEnv(shuffled(subjects, config), len(subjects), 0, config, library, experience, idle)
        model = _model(config, env, Segment(0, 0, 1), len(subjects), 0)
        scaling = model.policy.features_extractor
        assert isinstance(scaling, Standardised)
        scaling.fit(experience.entries)
    return _checkpoint(model, Checkpoint(config, library, experience, 0, {}, {}))


def train_segment(
    checkpoint: Checkpoint,
    segment: Segment,
    subjects: Sequence[Subject],
    evaluator: Evaluator,
    on_rollout: Callable[[Rollout], None] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Checkpoint:
    """Plays a segment's episodes on ``subjects`` and updates the policy after every rollout.

    A checkpoint from inside the segment goes on with its next rollout, to the same end.

    Args:
        checkpoint: the one at the segment's beginning, or after any of its rollouts.
        segment: which episodes.
        subjects: the training logos.
        evaluator: who traces.
        on_rollout: called after every update.
        stop: asked before every rollout; where it says yes, the checkpoint so far is returned.

    Raises:
        CheckpointError: the checkpoint is not at one of this segment's rollouts.
        NonFiniteError: a loss or a weight became NaN or infinite.
    """
    config, start = checkpoint.config, checkpoint.episode
    count = _largest_divisor(segment.episodes, config.ppo.rollout_episodes)
    if start not in range(segment.first_episode, segment.end_episode, count):
        raise CheckpointError(
            f"the checkpoint is at episode {start}; of the segment {segment.first_episode} to {segment.end_episode},"
            f" every {count}th episode can be gone on from"
        )
    with single_thread():
        env = LogoVecEnv(
            shuffled(subjects, config), count, start, config, checkpoint.library, checkpoint.experience, evaluator
        )
        rest = Segment(segment.index, start, segment.end_episode)
        model = _model(config, env, rest, count, checkpoint.rollbacks)
        model.policy.load_state_dict(dict(checkpoint.policy))
        model.policy.optimizer.load_state_dict(dict(checkpoint.optimizer))
        recorder = _Recorder(env, checkpoint, evaluator, on_rollout or (lambda rollout: None), stop)
        steps = rest.episodes * config.steps_per_episode
        try:
            _learn(model, steps, recorder)
        except NonFiniteError as error:
            error.checkpoint = _checkpoint(model, replace(checkpoint, episode=recorder.episode))
            raise
        return _checkpoint(model, replace(checkpoint, episode=recorder.episode))


def _learn(model: PPO, steps: int, recorder: _Recorder) -> None:
    try:
        model.learn(steps, callback=recorder, log_interval=None)  # type: ignore[arg-type]
    except _StopAskedError:
        pass
    except ValueError:
        # torch refuses logits that are not numbers, in the middle of the update that broke the weights
        recorder.refuse_broken_weights()
        raise


def _largest_divisor(number: int, most: int) -> int:
    """Of ``number``, at most ``most``: every rollout, and every batch, is full."""
    return max(count for count in range(1, min(most, number) + 1) if number % count == 0)


class _StopAskedError(Exception):
    """Ends Stable-Baselines3's loop between two rollouts."""


def _rollout_seed(seed: int, episode: int, rollbacks: int) -> int:
    return int(np.random.SeedSequence([seed, episode, rollbacks]).generate_state(1)[0])


def _model(config: Stage1Config, env: LogoVecEnv, segment: Segment, count: int, rollbacks: int) -> PPO:
    settings = config.ppo

    def learning_rate(remaining: float) -> float:
        # a whole number of episodes: the same rate wherever in the segment training was begun
        episode = segment.first_episode + round((1 - remaining) * segment.episodes)
        share = max(0.0, 1 - episode / config.target_episodes)
        floor = settings.final_learning_rate_share
        return 0.5**rollbacks * settings.learning_rate * (floor + (1 - floor) * share)

    model = PPO(
        LibraryPolicy,
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
        seed=config.seed,
        device="cpu",
        policy_kwargs={"sharpness": settings.sharpness},
    )
    # without one of its own, every training would leave a folder in the system's temporary one
    model.set_logger(Logger(folder=None, output_formats=[]))
    return model


def _checkpoint(model: PPO, base: Checkpoint) -> Checkpoint:
    """``base`` with the model's weights and its optimizer's state."""
    policy = {name: tensor.detach().clone() for name, tensor in model.policy.state_dict().items()}
    return replace(base, policy=policy, optimizer=model.policy.optimizer.state_dict())


class _Recorder(BaseCallback):
    """Makes one ``Rollout`` of the episodes just played and the update that they led to."""

    def __init__(
        self,
        env: LogoVecEnv,
        checkpoint: Checkpoint,
        evaluator: Evaluator,
        on_rollout: Callable[[Rollout], None],
        stop: Callable[[], bool],
    ) -> None:
        super().__init__()
        self._env = env
        self._config = checkpoint.config
        self._rollbacks = checkpoint.rollbacks
        self._evaluator = evaluator
        self.episode = checkpoint.episode
        self._on_rollout_record = on_rollout
        self._stop = stop
        self._reward_spread = 0.0
        self._mark()

    def _mark(self) -> None:
        statistics = self._evaluator.statistics
        self._start = time.perf_counter()
        self._before = (statistics.asked, statistics.remembered, statistics.trace_seconds)

    def _on_rollout_start(self) -> None:
        self._emit()
        if self._stop():
            raise _StopAskedError
        self.model.set_random_seed(_rollout_seed(self._config.seed, self.episode, self._rollbacks))

    def _on_rollout_end(self) -> None:
        assert isinstance(self.model, PPO)
        self._reward_spread = float(self.model.rollout_buffer.rewards.std())

    def _on_training_end(self) -> None:
        self._emit()

    def _on_step(self) -> bool:
        return True

    def refuse_broken_weights(self) -> None:
        """A gradient that is not finite shows here too: Adam makes such a weight of it.

        Raises:
            NonFiniteError: a weight is NaN or infinite; the message names the tensor.
        """
        for name, tensor in self.model.policy.named_parameters():
            if not tensor.isfinite().all():
                raise NonFiniteError(
                    f"after episode {self.episode}: {name} is not finite: training can't go on from here"
                )

    def _emit(self) -> None:
        """Called when an update is through: before the next rollout, and at the end."""
        episodes, self._env.finished = self._env.finished, []
        self.episode += len(episodes)
        figures = self._train_figures()
        self.refuse_broken_weights()
        if not episodes:
            self._mark()
            return
        # envs play the numbers side by side, so they ended in order
        played = [
            _played(number, episode, self._config)
            for number, episode in enumerate(episodes, start=self.episode - len(episodes) + 1)
        ]
        figures["reward_spread"] = self._reward_spread
        statistics, (asked, remembered, seconds) = self._evaluator.statistics, self._before
        rollout = Rollout(
            episode=self.episode,
            episodes=len(episodes),
            failures=_failures(episodes),
            **_means(played),
            first_gain=float(np.mean([e.with_weights(self._config.weights).best_gain_after(1) for e in episodes])),
            traces=statistics.asked - asked,
            remembered=statistics.remembered - remembered,
            seconds=time.perf_counter() - self._start,
            trace_seconds=statistics.trace_seconds - seconds,
            train=figures,
            played=tuple(played),
        )
        self._mark()
        self._on_rollout_record(rollout)

    def _train_figures(self) -> dict[str, float]:
        values = self.logger.name_to_value
        figures = {
            name.removeprefix("train/"): float(value)
            for name, value in values.items()
            # how many updates a model has had says nothing: each segment makes a new one
            if name.startswith("train/") and name != "train/n_updates" and value is not None
        }
        bad = {name: value for name, value in figures.items() if not math.isfinite(value)}
        # explained variance is undefined, not broken, where all returns are equal
        bad.pop("explained_variance", None)
        if bad:
            raise NonFiniteError(f"episode {self.episode}: {bad}: training can't go on from here")
        return {name: value for name, value in figures.items() if math.isfinite(value)}


def _failures(episodes: Sequence[Episode]) -> dict[str, int]:
    kinds = Counter(attempt.trace.failure for episode in episodes for attempt in episode.attempts)
    return {kind: kinds[kind] for kind in sorted(filter(None, kinds))}


def _played(number: int, episode: Episode, config: Stage1Config) -> PlayedEpisode:
    plain, best = episode.subject.plain, episode.delivered
    quality, size = (plain.quality, plain.size_bytes) if best is None else (best.trace.quality, best.trace.size_bytes)
    return PlayedEpisode(
        number=number,
        logo=episode.subject.name,
        digest=episode.subject.logo.digest,
        size_weight=episode.weights.size,
        reward=episode.best_gain,
        # each episode has a size weight of its own: at the run's, gains are comparable with a validation's
        gain=episode.with_weights(config.weights).best_gain,
        quality=quality,
        ssim_improvement=ssim_improvement(quality, plain),
        bytes_ratio=size / plain.size_bytes,
        success=best is not None and best.success,
        length=episode.step,
        failed_traces=sum(attempt.trace.failure is not None for attempt in episode.attempts),
        parameters=None if best is None else best.parameters.as_dict(),
    )


def _means(played: Sequence[PlayedEpisode]) -> dict[str, float]:
    names = ("reward", "gain", "quality", "bytes_ratio", "ssim_improvement")
    means = {name: float(np.mean([getattr(episode, name) for episode in played])) for name in names}
    return means | {"success_rate": float(np.mean([episode.success for episode in played]))}
