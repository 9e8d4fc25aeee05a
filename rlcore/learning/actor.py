"""What the trained policy would choose, in numpy: whoever only uses a model need not wait two seconds for torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlcore.learning.subject_entries import SUBJECT_SIZE

CLIP = 5.0
"""Standardised entries are clipped to this many deviations: a logo unlike all others drives no unit mad."""

_NAMES = {
    "mean": "features_extractor.mean",
    "deviation": "features_extractor.deviation",
    "first_weight": "mlp_extractor.actor.0.weight",
    "first_bias": "mlp_extractor.actor.0.bias",
    "second_weight": "mlp_extractor.actor.2.weight",
    "second_bias": "mlp_extractor.actor.2.bias",
    "last_weight": "action_net.learned.weight",
    "last_bias": "action_net.learned.bias",
}
"""Of the fields below in the ``state_dict`` of ``rlcore.learning.policy.LibraryPolicy``."""


@dataclass(frozen=True)
class Actor:
    """The weights of the policy's actor, all float32; ``rlcore.learning.policy`` has the network that they are of.

    Attributes:
        mean, deviation: of the entries that describe the logo over the training logos, ``(SUBJECT_SIZE,)``.
        first_weight, first_bias, second_weight, second_bias: of the two hidden layers.
        last_weight, last_bias: of the logits, ``(options, hidden)`` and ``(options,)``.
    """

    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]
    first_weight: NDArray[np.float32]
    first_bias: NDArray[np.float32]
    second_weight: NDArray[np.float32]
    second_bias: NDArray[np.float32]
    last_weight: NDArray[np.float32]
    last_bias: NDArray[np.float32]

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> Actor:
        """The actor's part of a policy's ``state_dict`` of tensors, copied: training changes those in place."""
        return cls(**{name: state[full].numpy().copy() for name, full in _NAMES.items()})

    def as_dict(self) -> dict[str, NDArray[np.float32]]:
        """All weights by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def fits(self, inputs: int, options: int) -> bool:
        """Whether the layers fit each other, ``inputs`` (an observation without the preferences) and ``options``."""
        first, second = len(self.first_bias), len(self.second_bias)
        wanted = (
            *((SUBJECT_SIZE,), (SUBJECT_SIZE,)),
            *((first, inputs), (first,)),
            *((second, first), (second,)),
            *((options, second), (options,)),
        )
        return tuple(weights.shape for weights in self.as_dict().values()) == wanted

    def logits(self, observation: NDArray[np.float32], sharpness: float) -> NDArray[np.float32]:
        """Logits of the options, float32 of shape ``(options,)``, for what ``observe`` gives.

        ``sharpness``: nats that the most preferred option is ahead of the ``RANK``-th (``PPOSettings``).
        """
        preferences = observation[-len(self.last_bias) :]
        entries = np.clip((observation[:SUBJECT_SIZE] - self.mean) / self.deviation, -CLIP, CLIP)
        seen = np.concatenate([entries, observation[SUBJECT_SIZE : -len(self.last_bias)]])
        hidden = np.tanh(_applied(self.first_weight, seen) + self.first_bias)
        hidden = np.tanh(_applied(self.second_weight, hidden) + self.second_bias)
        learned = _applied(self.last_weight, hidden) + self.last_bias
        return np.asarray(learned + np.float32(sharpness) * preferences, dtype=np.float32)


def _applied(weight: NDArray[np.float32], values: NDArray[np.float32]) -> NDArray[np.float32]:
    # not @: BLAS may divide the sums among threads, and they would come out otherwise on another number of cores
    return np.asarray(np.einsum("ij,j->i", weight, values))
