"""The Gymnasium env and its vectorised form: both are thin shells around the same ``Episode``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvObs, VecEnvStepReturn

from rlcore.config import Stage1Config
from rlcore.conversion.evaluator import Evaluator
from rlcore.conversion.tracing import Trace
from rlcore.episode import Episode, Subject
from rlcore.learning.experience import Experience
from rlcore.learning.library import Library
from rlcore.learning.observation import observation_size, observe
from rlcore.parameters import Parameters

ENV_ID = "stage1/Logo-v1"

Schedule = Callable[[int], Episode]
"""Number of an episode -> the episode before its first trace."""


def shuffled(subjects: Sequence[Subject], config: Stage1Config, seed: int | None = None) -> Schedule:
    """Every logo once per round, each round in an order of its own, each episode with a size weight of its own.

    Size weights are log-uniform in ``config.least_size_weight`` to ``config.greatest_size_weight``. A pure function of
    the seed (default: the config's) and the episode's number.
    """
    seed = config.seed if seed is None else seed
    low, high = np.log2(config.least_size_weight), np.log2(config.greatest_size_weight)

    def episode_of(number: int) -> Episode:
        turn, position = divmod(number, len(subjects))
        order = np.random.default_rng([seed, turn]).permutation(len(subjects))
        size_weight = float(2 ** np.random.default_rng([seed, turn, position]).uniform(low, high))
        weights = replace(config.weights, size=size_weight)
        return Episode(subjects[int(order[position])], config.steps_per_episode, weights, config.target)

    return episode_of


def spaces(
    config: Stage1Config, library: Library
) -> tuple[gymnasium.spaces.Box[np.float32], gymnasium.spaces.Discrete]:
    """Observation space and action space of a configuration and a library."""
    size = observation_size(library, config.action_space, config.steps_per_episode)
    return gymnasium.spaces.Box(-np.inf, np.inf, (size,), np.float32), gymnasium.spaces.Discrete(library.size)


class LogoEnv(gymnasium.Env[NDArray[np.float32], np.int64]):
    """Choose VTracer's parameters for one logo, a few traces long.

    ## Description
    A raster logo is to become an SVG that is closer to it than what plain VTracer makes, at no more bytes. In each step
    the agent proposes one complete set of parameters; the logo is traced with it, the SVG rendered again and compared.

    ## Action space
    ``Discrete(n)``: the library's settings, each a complete set of parameters, then its moves, each of which shifts one
    parameter of the best attempt so far (``rlcore.learning.library``).

    ## Observation space
    ``Box(-inf, inf, (n,), float32)``: the logo's features, plain VTracer's result, the size weight, progress, what was
    tried and what it gave, and a preference per option; ``rlcore.learning.observation.observe`` has the table.

    ## Rewards
    By how much the best gain so far rose, >= 0: the sum over an episode is the best gain (``rlcore.gain``). A trace
    that fails, or is worse than plain, gives 0.

    ## Starting state
    A logo of ``subjects`` without any trace, and a size weight: the next of a seeded shuffle;
    ``reset(options={"episode": n})`` chooses the n-th of it.

    ## Episode end
    Terminated after ``config.steps_per_episode`` traces; never truncated. ``info`` then holds ``quality``,
    ``bytes_ratio`` and ``success`` of what would be delivered, in every step ``best_gain``.

    ## Arguments
    ``subjects``: logos to play on. ``config``: steps, weights, target, tuned and fixed parameters. ``library``: what
    can be chosen. ``experience``: what it gave on training logos. ``evaluator``: who traces (default: this process).

    ## Version history
    v1: chooses from a library, for any size weight. v0: chose each parameter, for one size weight.
    """

    metadata = {"render_modes": []}  # noqa: RUF012  the base class declares it so

    def __init__(
        self,
        subjects: Sequence[Subject],
        config: Stage1Config,
        library: Library,
        experience: Experience,
        evaluator: Evaluator | None = None,
    ) -> None:
        self.observation_space, self.action_space = spaces(config, library)
        self._subjects = subjects
        self._config = config
        self._library = library
        self._experience = experience
        self._space = config.action_space
        self._evaluator = evaluator or Evaluator(workers=0)
        self._schedule = shuffled(subjects, config)
        self._next_episode = 0
        self._episode: Episode | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Begins the next episode; a ``seed`` starts a shuffle of its own from its first logo."""
        super().reset(seed=seed)
        if seed is not None:
            self._schedule, self._next_episode = shuffled(self._subjects, self._config, seed), 0
        number = int((options or {}).get("episode", self._next_episode))
        self._next_episode = number + 1
        self._episode = self._schedule(number)
        return observe(self._episode, self._library, self._experience, self._space), episode_info(self._episode)

    def step(self, action: np.int64) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """One trace."""
        if self._episode is None or self._episode.done:
            raise gymnasium.error.ResetNeeded("step() needs a running episode: call reset() first")
        parameters = self._library.options(self._episode)[int(action)]
        [trace] = self._evaluator.traces([(self._episode.subject.logo, parameters)])
        reward = self._episode.record(parameters, trace)
        observation = observe(self._episode, self._library, self._experience, self._space)
        return observation, reward, self._episode.done, False, episode_info(self._episode)


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
        self,
        schedule: Schedule,
        count: int,
        first_episode: int,
        config: Stage1Config,
        library: Library,
        experience: Experience,
        evaluator: Evaluator,
    ) -> None:
        super().__init__(count, *spaces(config, library))
        self._schedule = schedule
        self._library = library
        self._experience = experience
        self._space = config.action_space
        self._evaluator = evaluator
        self._numbers = [first_episode + index for index in range(count)]
        self._episodes = [schedule(number) for number in self._numbers]
        self._proposals: list[Parameters] = []
        self.finished: list[Episode] = []
        """Episodes that ended since the list was last emptied (by whoever reads it)."""

    def reset(self) -> VecEnvObs:
        """Begins every env's current episode from its start."""
        self._episodes = [self._schedule(number) for number in self._numbers]
        self.reset_infos = [episode_info(episode) for episode in self._episodes]
        return self._observations()

    def _observations(self) -> NDArray[np.float32]:
        return np.stack([observe(episode, self._library, self._experience, self._space) for episode in self._episodes])

    def step_async(self, actions: NDArray[np.int64]) -> None:
        """Keeps what the actions stand for; the traces run in ``step_wait``."""
        chosen = zip(self._episodes, actions.tolist(), strict=True)
        self._proposals = [self._library.options(episode)[action] for episode, action in chosen]

    def step_wait(self) -> VecEnvStepReturn:
        """Traces every env's proposal; an env whose episode ended begins its next one."""
        jobs = [(e.subject.logo, p) for e, p in zip(self._episodes, self._proposals, strict=True)]
        traces = self._evaluator.traces(jobs)
        rewards = [self._reward(e, p, t) for e, p, t in zip(self._episodes, self._proposals, traces, strict=True)]
        dones = np.array([episode.done for episode in self._episodes])
        infos = [episode_info(episode) for episode in self._episodes]
        for index in np.flatnonzero(dones):
            self._begin_next(int(index), infos[index])
        return self._observations(), np.array(rewards, dtype=np.float32), dones, infos

    def _reward(self, episode: Episode, parameters: Parameters, trace: Trace) -> float:
        """The rise of the best gain; the first is held against the best recorded gain of the logo.

        That is a constant of the episode, so it changes no policy's worth, but most of what the first reward says is
        how easy the logo is: without it, this noise outweighs what there is to learn.
        """
        expected = self._experience.best_gain(episode) if not episode.attempts else 0.0
        return episode.record(parameters, trace) - expected

    def _begin_next(self, index: int, info: dict[str, Any]) -> None:
        ended = self._episodes[index]
        info["terminal_observation"] = observe(ended, self._library, self._experience, self._space)
        self.finished.append(ended)
        self._numbers[index] += self.num_envs
        self._episodes[index] = self._schedule(self._numbers[index])

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


gymnasium.register(id=ENV_ID, entry_point="rlcore.learning.env:LogoEnv")
