"""The agent: a PPO policy with the statistics that normalise its observations, as a searcher."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.policies import ActorCriticPolicy

from rlcore.config import Stage1Config
from rlcore.env import spaces
from rlcore.episode import Episode
from rlcore.errors import CheckpointError
from rlcore.files import write_bytes
from rlcore.observation import observe
from rlcore.parameters import Parameters

OBSERVATION_CLIP = 5.0
"""Normalised observations are clipped to this many standard deviations, in training as at inference."""

_EPSILON = 1e-8
_FORMAT = 1


@dataclass(frozen=True)
class Normaliser:
    """Running mean and variance of the observations (float64, one entry per observation), over ``count`` of them."""

    mean: NDArray[np.float64]
    variance: NDArray[np.float64]
    count: float

    def __call__(self, observation: NDArray[np.float32]) -> NDArray[np.float32]:
        """The observation in standard deviations from the mean, clipped."""
        scaled = (observation - self.mean) / np.sqrt(self.variance + _EPSILON)
        return np.clip(scaled, -OBSERVATION_CLIP, OBSERVATION_CLIP).astype(np.float32)


@dataclass(frozen=True)
class Checkpoint:
    """All that training needs to go on, and all that the agent needs to act; complete in one file.

    Attributes:
        config: of the run.
        episode: training episodes behind it.
        segments: training segments behind it.
        policy: the policy's ``state_dict``.
        optimizer: Adam's ``state_dict``.
        normaliser: observation statistics.
    """

    config: Stage1Config
    episode: int
    segments: int
    policy: Mapping[str, torch.Tensor]
    optimizer: Mapping[str, Any]
    normaliser: Normaliser

    def save(self, path: Path) -> Path:
        """Writes it beside and renames; the same checkpoint gives the same bytes. No pickled code is in it."""
        buffer = io.BytesIO()
        torch.save(
            {
                "format": _FORMAT,
                "config": self.config.model_dump_json(),
                "episode": self.episode,
                "segments": self.segments,
                "policy": dict(self.policy),
                "optimizer": dict(self.optimizer),
                "mean": torch.from_numpy(self.normaliser.mean),
                "variance": torch.from_numpy(self.normaliser.variance),
                "count": self.normaliser.count,
            },
            buffer,
        )
        return write_bytes(path, buffer.getvalue())

    @classmethod
    def load(cls, path: Path) -> Checkpoint:
        """What ``save`` wrote.

        Raises:
            CheckpointError: it is missing, damaged, or of another format.
        """
        try:
            content = torch.load(path, map_location="cpu", weights_only=True)
            if content["format"] != _FORMAT:
                raise CheckpointError(f"{path}: format {content['format']}, this version reads {_FORMAT}")
            return cls(
                Stage1Config.model_validate_json(content["config"]),
                content["episode"],
                content["segments"],
                content["policy"],
                content["optimizer"],
                Normaliser(content["mean"].numpy(), content["variance"].numpy(), content["count"]),
            )
        except CheckpointError:
            raise
        except FileNotFoundError as error:
            raise CheckpointError(f"{path}: no such checkpoint") from error
        except Exception as error:  # whatever torch or the config says of damaged content
            raise CheckpointError(f"{path}: damaged or not a checkpoint: {error}") from error


@contextmanager
def single_thread() -> Iterator[None]:
    """Torch on one thread: sums come out the same on any number of cores, and the traces need the others.

    On cores that are busy already, a second thread made the agent's proposals 40 times slower.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def policy_arguments(config: Stage1Config) -> dict[str, Any]:
    """Shape of the policy network: two tanh layers of 128 each for actor and critic, on the CPU."""
    return {
        "net_arch": [128, 128],
        "activation_fn": torch.nn.Tanh,
        "log_std_init": config.ppo.initial_log_spread,
    }


class Agent:
    """A trained policy as a searcher.

    The first trace takes the mean action. Later ones add the policy's own spread, drawn from a generator that
    depends on logo and step alone: other tries than the first, and the same each time it is asked.
    """

    name = "agent"

    def __init__(self, checkpoint: Checkpoint, config: Stage1Config | None = None) -> None:
        """``config``: the run that it is to act in (default: its own).

        Raises:
            CheckpointError: that config has another action space or number of traces.
        """
        own = checkpoint.config
        wanted = config or own
        for field in ("tuned", "fixed", "steps_per_episode"):
            mine, asked = getattr(own, field), getattr(wanted, field)
            if mine != asked:
                raise CheckpointError(f"the model was trained with {field} = {mine!r}, this run has {asked!r}")
        self._space = own.action_space
        self._normaliser = checkpoint.normaliser
        with single_thread():
            self._policy = ActorCriticPolicy(*spaces(own), lambda _: 0.0, **policy_arguments(own))
        self._policy.load_state_dict(dict(checkpoint.policy))
        self._policy.set_training_mode(False)

    def propose(self, episodes: Sequence[Episode]) -> list[Parameters]:
        """The next parameters of each episode, each as if it were alone: company changes no rounding."""
        with single_thread():
            return [self._space.decode(self._action(episode)) for episode in episodes]

    def _action(self, episode: Episode) -> NDArray[np.float32]:
        observation = torch.from_numpy(self._normaliser(observe(episode, self._space)))[None]
        with torch.no_grad():
            mean = self._policy.get_distribution(observation).mode()[0].numpy()
            spread = self._policy.log_std.exp().numpy()
        if episode.step == 0:
            return mean
        generator = np.random.default_rng([int(episode.subject.logo.digest[:12], 16), episode.step])
        return mean + spread * generator.standard_normal(mean.shape, dtype=np.float32)
