"""The Gymnasium env and its vectorised form: both are thin shells around the same ``Episode``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvObs, VecEnvStepReturn

from rlcore.config import Stage1Config
from rlcore.episode import Episode, Subject
from rlcore.evaluator import Evaluator
from rlcore.observation import observation_size, observe
from rlcore.parameters import Parameters

ENV_ID = "stage1/Logo-v0"

Schedule = Callable[[int], Subject]
"""Episode number -> the logo that it is played on."""


def shuffled(subjects: Sequence[Subject], seed: int) -> Schedule:
    """Every logo once per round, each round in an order of its own; a pure function of seed and episode number."""

    def subject_of(episode: int) -> Subject:
        turn, position = divmod(episode, len(subjects))
        order = np.random.default_rng([seed, turn]).permutation(len(subjects))
        return subjects[int(order[position])]

    return subject_of


def spaces(config: Stage1Config) -> tuple[gymnasium.spaces.Box[np.float32], gymnasium.spaces.Box[np.float32]]:
    """Observation space and action space of a configuration."""
    size = observation_size(config.action_space, config.steps_per_episode)
    return (
        gymnasium.spaces.Box(-np.inf, np.inf, (size,), np.float32),
        gymnasium.spaces.Box(-1.0, 1.0, (config.action_space.size,), np.float32),
    )


class LogoEnv(gymnasium.Env[NDArray[np.float32], NDArray[np.float32]]):
    """Choose VTracer's parameters for one logo, a few traces long.

    ## Description
    A raster logo is to become an SVG that is closer to it than what plain VTracer makes, at no more bytes. In each step
    the agent proposes one complete set of parameters; the logo is traced with it, the SVG rendered again and compared.

    ## Action space
    ``Box(-1, 1, (tuned,), float32)``: one entry per tuned parameter in the order of ``config.tuned``. -1 is the first
    value of its range (``rlcore.parameters.DIMENSIONS``), 1 the last, 0 the middle; entries outside are clipped.

    ## Observation space
    ``Box(-inf, inf, (n,), float32)``: the logo's features, plain VTracer's result, progress, the last and the best
    trace; ``rlcore.observation.observe`` has the table.

    ## Rewards
    By how much the best gain so far rose, >= 0: the sum over an episode is the best gain (``rlcore.gain``). A trace
    that fails, or is worse than plain, gives 0.

    ## Starting state
    A logo of ``subjects`` without any trace: the next of a seeded shuffle; ``reset(options={"episode": n})`` chooses
    the n-th of it.

    ## Episode end
    Terminated after ``config.steps_per_episode`` traces; never truncated. ``info`` then holds ``quality``,
    ``bytes_ratio`` and ``success`` of what would be delivered, in every step ``best_gain``.

    ## Arguments
    ``subjects``: logos to play on. ``config``: steps, weights, target, tuned and fixed parameters. ``evaluator``: who
    traces (default: this process).

    ## Version history
    v0: the first.
    """

    metadata = {"render_modes": []}  # noqa: RUF012  the base class declares it so

    def __init__(self, subjects: Sequence[Subject], config: Stage1Config, evaluator: Evaluator | None = None) -> None:
        self.observation_space, self.action_space = spaces(config)
        self._subjects = subjects
        self._config = config
        self._space = config.action_space
        self._evaluator = evaluator or Evaluator(workers=0)
        self._schedule = shuffled(subjects, config.seed)
        self._next_episode = 0
        self._episode: Episode | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Begins the next episode; a ``seed`` starts a shuffle of its own from its first logo."""
        super().reset(seed=seed)
        if seed is not None:
            self._schedule, self._next_episode = shuffled(self._subjects, seed), 0
        number = int((options or {}).get("episode", self._next_episode))
        self._next_episode = number + 1
        self._episode = new_episode(self._schedule(number), self._config)
        return observe(self._episode, self._space), episode_info(self._episode)

    def step(self, action: NDArray[np.float32]) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """One trace."""
        if self._episode is None or self._episode.done:
            raise gymnasium.error.ResetNeeded("step() needs a running episode: call reset() first")
        parameters = self._space.decode(np.asarray(action))
        [trace] = self._evaluator.traces([(self._episode.subject.logo, parameters)])
        reward = self._episode.record(parameters, trace)
        observation = observe(self._episode, self._space)
        return observation, reward, self._episode.done, False, episode_info(self._episode)


def new_episode(subject: Subject, config: Stage1Config) -> Episode:
    """An episode as this configuration plays it."""
    return Episode(subject, config.steps_per_episode, config.weights, config.target)


def episode_info(episode: Episode) -> dict[str, Any]:
    """``best_gain``; after the last trace also ``quality``, ``bytes_ratio`` and ``success`` of what is delivered."""
    info: dict[str, Any] = {"best_gain": episode.best_gain}
    if episode.done:
        delivered, plain = episode.delivered, episode.subject.plain
        info["quality"] = plain.quality if delivered is None else delivered.trace.quality
        info["bytes_ratio"] = 1.0 if delivered is None else delivered.trace.size_bytes / plain.size_bytes
        info["success"] = delivered is not None and delivered.success
    return info


class LogoVecEnv(VecEnv):
    """Many episodes in step, their traces farmed out at once; all state stays in this process.

    Env i plays the episodes ``first_episode + i``, ``+ i + count``, ...: which logo an episode has depends on its
    number alone.
    """

    render_mode = None  # the base class asks for it, and warns where there is none

    def __init__(
        self, schedule: Schedule, count: int, first_episode: int, config: Stage1Config, evaluator: Evaluator
    ) -> None:
        super().__init__(count, *spaces(config))
        self._schedule = schedule
        self._config = config
        self._space = config.action_space
        self._evaluator = evaluator
        self._numbers = [first_episode + index for index in range(count)]
        self._episodes = [new_episode(schedule(number), config) for number in self._numbers]
        self._proposals: list[Parameters] = []
        self.finished: list[Episode] = []
        """Episodes that ended since the list was last emptied (by whoever reads it)."""

    def reset(self) -> VecEnvObs:
        """Begins every env's current episode from its start."""
        self._episodes = [new_episode(self._schedule(number), self._config) for number in self._numbers]
        self.reset_infos = [episode_info(episode) for episode in self._episodes]
        return self._observations()

    def _observations(self) -> NDArray[np.float32]:
        return np.stack([observe(episode, self._space) for episode in self._episodes])

    def step_async(self, actions: NDArray[np.float32]) -> None:
        """Keeps the actions; the traces run in ``step_wait``."""
        self._proposals = [self._space.decode(action) for action in actions]

    def step_wait(self) -> VecEnvStepReturn:
        """Traces every env's proposal; an env whose episode ended begins its next one."""
        jobs = [(e.subject.logo, p) for e, p in zip(self._episodes, self._proposals, strict=True)]
        traces = self._evaluator.traces(jobs)
        rewards = [e.record(p, t) for e, p, t in zip(self._episodes, self._proposals, traces, strict=True)]
        dones = np.array([episode.done for episode in self._episodes])
        infos = [episode_info(episode) for episode in self._episodes]
        for index in np.flatnonzero(dones):
            self._begin_next(int(index), infos[index])
        return self._observations(), np.array(rewards, dtype=np.float32), dones, infos

    def _begin_next(self, index: int, info: dict[str, Any]) -> None:
        ended = self._episodes[index]
        info["terminal_observation"] = observe(ended, self._space)
        self.finished.append(ended)
        self._numbers[index] += self.num_envs
        self._episodes[index] = new_episode(self._schedule(self._numbers[index]), self._config)

    def close(self) -> None:
        """Nothing to close: the evaluator belongs to whoever made it."""

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """The attribute of this object, once per asked env: the envs have none of their own."""
        return [getattr(self, attr_name)] * len(list(self._get_indices(indices)))

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Refused: the envs share one state."""
        raise NotImplementedError(f"set_attr({attr_name!r}): the envs have no attributes of their own")

    def env_method(self, method_name: str, *args: Any, indices: VecEnvIndices = None, **kwargs: Any) -> list[Any]:
        """Refused: the envs share one state."""
        raise NotImplementedError(f"env_method({method_name!r}): the envs have no methods of their own")

    def env_is_wrapped(self, wrapper_class: type[gymnasium.Wrapper], indices: VecEnvIndices = None) -> list[bool]:
        """False for every asked env."""
        return [False] * len(list(self._get_indices(indices)))


gymnasium.register(id=ENV_ID, entry_point="rlcore.env:LogoEnv")
