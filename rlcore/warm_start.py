"""The policy's start: before PPO plays any episode, it learns from the library's recorded traces on training logos.

For a recorded logo, the rise of the best gain that each setting would bring next is known, not sampled. So the expected
rise under the policy can be maximised directly, over states that the policy itself runs into (as in DAgger: Ross et al.
2011). Of a move only its mean rise over a sample of logos is known; PPO finds out where it is worth more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from rlcore.agent import Checkpoint, new_policy, single_thread
from rlcore.env import shuffled
from rlcore.episode import Episode, Subject
from rlcore.observation import TRIED, observe
from rlcore.policy import LibraryPolicy
from rlcore.trace_table import TraceTable
from rlcore.tracing import failed

ROUNDS = 4
"""Times that episodes are played with the policy as it is by then, and learned from."""

EPISODES_PER_LOGO = 2
"""In a round; each has its own size weight."""

BATCH = 512
LEARNING_RATE = 1e-3
WEIGHT_DECAY = 0.1
ENTROPY = 0.02


@dataclass(frozen=True)
class _States:
    """Observations ``(n, size)``, rise of each option ``(n, options)`` and discounted return ``(n,)``; float32."""

    observations: NDArray[np.float32]
    rises: NDArray[np.float32]
    returns: NDArray[np.float32]


def warm_started(
    checkpoint: Checkpoint,
    subjects: Sequence[Subject],
    on_progress: Callable[[int, int], None] | None = None,
) -> Checkpoint:
    """The checkpoint with actor and critic fitted to the table; the same input gives the same answer.

    Args:
        checkpoint: an untrained one; its config says how many updates (0: it is returned as it is).
        subjects: the training logos of its experience, in its order.
        on_progress: called with (updates done, updates in all).
    """
    updates = checkpoint.config.warm_start_updates // ROUNDS
    if not updates:
        return checkpoint
    seeds = np.random.SeedSequence([checkpoint.config.seed, len(subjects)]).spawn(ROUNDS)
    with single_thread():
        policy = new_policy(checkpoint.config, checkpoint.library)
        policy.load_state_dict(dict(checkpoint.policy))
        decayed = [parameter for parameter in policy.parameters() if parameter.ndim > 1]
        plain = [parameter for parameter in policy.parameters() if parameter.ndim <= 1]
        optimizer = torch.optim.AdamW(
            [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": plain, "weight_decay": 0.0}],
            lr=LEARNING_RATE,
        )
        for number, seed in enumerate(seeds):
            generator = np.random.default_rng(seed)
            states = _played(policy, checkpoint, subjects, number, generator)
            for update in range(updates):
                _fit(policy, optimizer, states, generator)
                if on_progress is not None:
                    on_progress(number * updates + update + 1, ROUNDS * updates)
        fitted = {name: tensor.detach().clone() for name, tensor in policy.state_dict().items()}
    return replace(checkpoint, policy=fitted)


def _played(
    policy: LibraryPolicy,
    checkpoint: Checkpoint,
    subjects: Sequence[Subject],
    number: int,
    generator: np.random.Generator,
) -> _States:
    """One round of episodes on the recorded traces, each option but the moves drawn by its probability."""
    config, library = checkpoint.config, checkpoint.library
    table = checkpoint.experience.table
    columns = checkpoint.experience.columns
    count = EPISODES_PER_LOGO * len(subjects)
    schedule = shuffled(subjects, config)
    episodes = [schedule(number * count + index) for index in range(count)]
    own_columns = np.array([columns[episode.subject.logo.digest] for episode in episodes])
    observations, rises, rewards = [], [], []
    for _ in range(config.steps_per_episode):
        seen = np.stack([observe(episode, library, checkpoint.experience, config.action_space) for episode in episodes])
        probabilities = _probabilities(policy, seen, len(library.settings))
        drawn = (probabilities.cumsum(axis=1) > generator.random((count, 1))).argmax(axis=1)
        observations.append(seen)
        rises.append(_rises(episodes, own_columns, table, checkpoint, seen))
        rewards.append([_step(*played, table, checkpoint) for played in zip(episodes, own_columns, drawn, strict=True)])
    returns = np.zeros((len(rewards) + 1, count), dtype=np.float32)
    for step in reversed(range(len(rewards))):
        returns[step] = np.asarray(rewards[step]) + config.ppo.discount * returns[step + 1]
    returns[0] -= [checkpoint.experience.best_gain(episode) for episode in episodes]  # as the env's first reward
    return _States(np.concatenate(observations), np.concatenate(rises), returns[:-1].reshape(-1))


def _probabilities(policy: LibraryPolicy, seen: NDArray[np.float32], settings: int) -> NDArray[np.float64]:
    """Of the settings alone, moves left out: shape ``(episodes, settings)``; each row adds up to 1."""
    with torch.no_grad():
        logits, _ = _outputs(policy, torch.from_numpy(seen))
    return np.asarray(torch.softmax(logits[:, :settings].double(), dim=1).numpy())


def _outputs(policy: LibraryPolicy, observations: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits ``(n, options)`` and values ``(n,)``."""
    actor, critic = policy.mlp_extractor(policy.extract_features(observations))
    return policy.action_net(actor), policy.value_net(critic)[:, 0]


def _rises(
    episodes: Sequence[Episode],
    columns: NDArray[np.int64],
    table: TraceTable,
    checkpoint: Checkpoint,
    seen: NDArray[np.float32],
) -> NDArray[np.float32]:
    """By how much each option would raise the best gain: recorded for settings, the mean for moves, 0 if tried."""
    library = checkpoint.library
    rises = np.zeros((len(episodes), library.size), dtype=np.float32)
    for row, (episode, column) in enumerate(zip(episodes, columns, strict=True)):
        gains = table.gains_of(int(column), episode.weights)
        rises[row, : len(library.settings)] = np.maximum(gains - episode.best_gain, 0)
        if episode.best is not None:
            rises[row, len(library.settings) :] = library.move_rises
    return np.where(seen[:, -library.size :] <= TRIED, np.float32(0), rises)


def _step(episode: Episode, column: int, setting: int, table: TraceTable, checkpoint: Checkpoint) -> float:
    trace = table.trace(setting, column) or failed("recorded")
    return episode.record(checkpoint.library.settings[setting], trace)


def _fit(
    policy: LibraryPolicy, optimizer: torch.optim.Optimizer, states: _States, generator: np.random.Generator
) -> None:
    chosen = generator.integers(0, len(states.returns), min(BATCH, len(states.returns)))
    logits, values = _outputs(policy, torch.from_numpy(states.observations[chosen]))
    log_probabilities = torch.log_softmax(logits, dim=1)
    probabilities = log_probabilities.exp()
    expected = (probabilities * torch.from_numpy(states.rises[chosen])).sum(dim=1).mean()
    entropy = -(probabilities * log_probabilities.clamp(min=-100)).sum(dim=1).mean()
    error = ((values - torch.from_numpy(states.returns[chosen])) ** 2).mean()
    loss = -expected - ENTROPY * entropy + 0.5 * error
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
    optimizer.step()
