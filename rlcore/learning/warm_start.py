"""The critic's start: before PPO plays any episode, it learns what the policy's states are worth on recorded traces.

The actor needs no such start: untrained, it follows the observation's preferences, and whatever was fitted to the
recorded traces on top of them chose worse for other logos (docs/learner.md).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from rlcore.conversion.tracing import failed
from rlcore.episode import Episode, Subject
from rlcore.learning.agent import Checkpoint
from rlcore.learning.env import shuffled
from rlcore.learning.observation import observe
from rlcore.learning.policy import LibraryPolicy, new_policy, single_thread
from rlcore.learning.trace_table import TraceTable

EPISODES_PER_LOGO = 4
"""Each has its own size weight."""

BATCH = 512
LEARNING_RATE = 1e-3
WEIGHT_DECAY = 0.1


@dataclass(frozen=True)
class _States:
    """Observations ``(n, size)`` and discounted returns ``(n,)``; float32."""

    observations: NDArray[np.float32]
    returns: NDArray[np.float32]


def warm_started(
    checkpoint: Checkpoint,
    subjects: Sequence[Subject],
    on_progress: Callable[[int, int], None] | None = None,
) -> Checkpoint:
    """The checkpoint with its critic fitted to the recorded traces; the same input gives the same answer.

    Args:
        checkpoint: an untrained one; its config says how many updates (0: it is returned as it is).
        subjects: the training logos of its experience, in its order.
        on_progress: called with (updates done, updates in all).
    """
    updates = checkpoint.config.warm_start_updates
    if not updates:
        return checkpoint
    generator = np.random.default_rng([checkpoint.config.seed, len(subjects)])
    with single_thread():
        policy = new_policy(checkpoint.config, checkpoint.library)
        policy.load_state_dict(dict(checkpoint.policy))
        critic = [*policy.mlp_extractor.get_submodule("critic").parameters(), *policy.value_net.parameters()]
        optimizer = torch.optim.AdamW(
            [
                {"params": [parameter for parameter in critic if parameter.ndim > 1], "weight_decay": WEIGHT_DECAY},
                {"params": [parameter for parameter in critic if parameter.ndim <= 1], "weight_decay": 0.0},
            ],
            lr=LEARNING_RATE,
        )
        states = _played(policy, checkpoint, subjects, generator)
        for update in range(updates):
            _fit(policy, optimizer, states, generator)
            if on_progress is not None:
                on_progress(update + 1, updates)
        fitted = {name: tensor.detach().clone() for name, tensor in policy.state_dict().items()}
    return replace(checkpoint, policy=fitted)


def _played(
    policy: LibraryPolicy, checkpoint: Checkpoint, subjects: Sequence[Subject], generator: np.random.Generator
) -> _States:
    """Episodes on the recorded traces, each option but the moves drawn by its probability."""
    config, library = checkpoint.config, checkpoint.library
    table = checkpoint.experience.table
    columns = checkpoint.experience.columns
    count = EPISODES_PER_LOGO * len(subjects)
    schedule = shuffled(subjects, config)
    episodes = [schedule(index) for index in range(count)]
    own_columns = [columns[episode.subject.logo.digest] for episode in episodes]
    observations, rewards = [], []
    for _ in range(config.steps_per_episode):
        seen = np.stack([observe(episode, library, checkpoint.experience, config.action_space) for episode in episodes])
        probabilities = _probabilities(policy, seen, len(library.settings))
        drawn = (probabilities.cumsum(axis=1) > generator.random((count, 1))).argmax(axis=1)
        observations.append(seen)
        rewards.append([_step(*played, table, checkpoint) for played in zip(episodes, own_columns, drawn, strict=True)])
    returns = np.zeros((len(rewards) + 1, count), dtype=np.float32)
    for step in reversed(range(len(rewards))):
        returns[step] = np.asarray(rewards[step]) + config.ppo.discount * returns[step + 1]
    returns[0] -= [checkpoint.experience.best_gain(episode) for episode in episodes]  # as the env's first reward
    return _States(np.concatenate(observations), returns[:-1].reshape(-1))


def _probabilities(policy: LibraryPolicy, seen: NDArray[np.float32], settings: int) -> NDArray[np.float64]:
    """Of the settings alone, moves left out: shape ``(episodes, settings)``; each row adds up to 1."""
    with torch.no_grad():
        actor, _ = policy.mlp_extractor(policy.extract_features(torch.from_numpy(seen)))
        logits = policy.action_net(actor)[:, :settings]
    return np.asarray(torch.softmax(logits.double(), dim=1).numpy())


def _step(episode: Episode, column: int, setting: int, table: TraceTable, checkpoint: Checkpoint) -> float:
    trace = table.trace(setting, column) or failed("recorded")
    return episode.record(checkpoint.library.settings[setting], trace)


def _fit(
    policy: LibraryPolicy, optimizer: torch.optim.Optimizer, states: _States, generator: np.random.Generator
) -> None:
    chosen = generator.integers(0, len(states.returns), min(BATCH, len(states.returns)))
    _, critic = policy.mlp_extractor(policy.extract_features(torch.from_numpy(states.observations[chosen])))
    error = ((policy.value_net(critic)[:, 0] - torch.from_numpy(states.returns[chosen])) ** 2).mean()
    optimizer.zero_grad()
    error.backward()
    torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
    optimizer.step()
