"""The policy network: logits over the library's options, learned on top of the observation's own preferences."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gymnasium
import torch
from numpy.typing import NDArray
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.type_aliases import Schedule
from torch import nn

from rlcore.config import Stage1Config
from rlcore.learning.actor import CLIP
from rlcore.learning.env import spaces
from rlcore.learning.library import Library
from rlcore.learning.subject_entries import SUBJECT_SIZE

HIDDEN = 128

_EPSILON = 1e-6


class Standardised(BaseFeaturesExtractor):
    """Scales the entries that describe the logo by their mean and deviation over the training logos.

    Both are buffers: they are saved with the weights, and no training changes them. The other entries are in scale
    already (``rlcore.learning.observation``).
    """

    mean: torch.Tensor
    deviation: torch.Tensor

    def __init__(self, observation_space: gymnasium.spaces.Box) -> None:
        super().__init__(observation_space, int(observation_space.shape[0]))
        self.register_buffer("mean", torch.zeros(SUBJECT_SIZE))
        self.register_buffer("deviation", torch.ones(SUBJECT_SIZE))

    def fit(self, entries: NDArray[Any]) -> None:
        """Takes mean and deviation from ``subject_entries`` of the training logos, shape ``(logos, SUBJECT_SIZE)``."""
        values = torch.as_tensor(entries, dtype=torch.float32)
        self.mean.copy_(values.mean(dim=0))
        self.deviation.copy_(values.std(dim=0, unbiased=False) + _EPSILON)

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        """The observations, their first entries standardised."""
        entries = (observations[:, :SUBJECT_SIZE] - self.mean) / self.deviation
        return torch.cat([entries.clamp(-CLIP, CLIP), observations[:, SUBJECT_SIZE:]], dim=1)


class _Towers(nn.Module):
    """Two hidden layers each for actor and critic; the actor passes the preferences on, the critic does without."""

    def __init__(self, size: int, options: int) -> None:
        super().__init__()
        self._options = options
        self.actor, self.critic = (
            nn.Sequential(nn.Linear(size - options, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, HIDDEN), nn.Tanh())
            for _ in range(2)
        )
        self.latent_dim_pi, self.latent_dim_vf = HIDDEN + options, HIDDEN

    def forward(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.forward_actor(features), self.forward_critic(features)

    def forward_actor(self, features: torch.Tensor) -> torch.Tensor:
        hidden = self.actor(features[:, : -self._options])
        return torch.cat([hidden, features[:, -self._options :]], dim=1)

    def forward_critic(self, features: torch.Tensor) -> torch.Tensor:
        values: torch.Tensor = self.critic(features[:, : -self._options])
        return values


class _Preferring(nn.Module):
    """Logits: a linear layer, which starts at zero, plus the preferences times ``sharpness``."""

    def __init__(self, options: int, sharpness: float) -> None:
        super().__init__()
        self._options = options
        self._sharpness = sharpness
        self.learned = nn.Linear(HIDDEN, options)
        nn.init.zeros_(self.learned.weight)
        nn.init.zeros_(self.learned.bias)

    def forward(self, latent: torch.Tensor) -> torch.Tensor:
        hidden, preferences = latent[:, : -self._options], latent[:, -self._options :]
        logits: torch.Tensor = self.learned(hidden) + self._sharpness * preferences
        return logits


class LibraryPolicy(ActorCriticPolicy):
    """PPO's policy over a ``Discrete`` action: untrained, it follows the preferences.

    ``sharpness``: by how many nats the most preferred option is ahead of the ``RANK``-th of an observation.
    """

    def __init__(
        self,
        observation_space: gymnasium.Space[Any],
        action_space: gymnasium.Space[Any],
        lr_schedule: Schedule,
        use_sde: bool = False,
        sharpness: float = 1.0,
    ) -> None:
        self._sharpness = sharpness  # needed while the base class builds the network
        super().__init__(
            observation_space,
            action_space,
            lr_schedule,
            use_sde=use_sde,
            ortho_init=False,
            features_extractor_class=Standardised,
        )

    def _build_mlp_extractor(self) -> None:
        assert isinstance(self.action_space, gymnasium.spaces.Discrete)
        self.mlp_extractor = _Towers(self.features_dim, int(self.action_space.n))  # type: ignore[assignment]

    def _build(self, lr_schedule: Schedule) -> None:
        super()._build(lr_schedule)
        assert isinstance(self.action_space, gymnasium.spaces.Discrete)
        self.action_net = _Preferring(int(self.action_space.n), self._sharpness)
        # the optimizer was made with the layer that has just been replaced
        self.optimizer = self.optimizer_class(self.parameters(), lr=lr_schedule(1), **self.optimizer_kwargs)  # type: ignore[call-arg]


def new_policy(config: Stage1Config, library: Library) -> LibraryPolicy:
    """An untrained policy that follows the preferences of its observations."""
    return LibraryPolicy(*spaces(config, library), lambda _: 0.0, sharpness=config.ppo.sharpness)


@contextmanager
def single_thread() -> Iterator[None]:
    """Torch on one thread: sums come out the same on any number of cores, and the traces need the others.

    On cores that are busy already, a second thread made the policy's proposals 40 times slower.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
