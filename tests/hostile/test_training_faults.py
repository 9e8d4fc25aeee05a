"""Training goes on whatever happens to its traces, and learns the same as if nothing had happened to its workers."""

import sys
from functools import partial

import pytest
import torch

from rlcore.conversion import evaluator as evaluator_module
from rlcore.conversion.evaluator import Evaluator
from rlcore.learning.plan import plan_chunks
from rlcore.learning.training import train_segment, untrained
from tests.conftest import small_config
from tests.rlcore import worker_calls
from tests.rlcore.killing import killing

CONFIG = small_config(
    target_episodes=10,
    validation_frequency=10,
    checkpoint_frequency=10,
    ppo={"rollout_episodes": 5, "batch_size": 15},
)


@pytest.fixture(scope="module")
def train(library, table, subjects):
    """Trains one segment with an evaluator: the checkpoint after it, and its rollouts."""

    def trained(evaluator):
        rollouts = []
        [[segment]] = plan_chunks(CONFIG)
        start = untrained(CONFIG, library, table, subjects)
        return train_segment(start, segment, subjects, evaluator, rollouts.append), rollouts

    return trained


def assert_same(one, two):
    (first, first_rollouts), (second, second_rollouts) = one, two
    assert first.policy.keys() == second.policy.keys()
    assert all(torch.equal(first.policy[name], second.policy[name]) for name in first.policy)
    assert figures(first_rollouts) == figures(second_rollouts)


def figures(rollouts):
    return [(rollout.gain, rollout.reward, rollout.failed_traces) for rollout in rollouts]


def test_workers_killed_from_outside_change_nothing_that_is_learned(train, monkeypatch, tmp_path):
    with Evaluator() as undisturbed:
        expected = train(undisturbed)
    monkeypatch.setattr(evaluator_module, "traces", partial(worker_calls.slow_traces, tmp_path))
    with Evaluator(2) as evaluator, killing(tmp_path, 2):
        assert_same(train(evaluator), expected)
        assert evaluator.statistics.repeated >= 1
        assert evaluator.statistics.failures == {}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the data of a process")
def test_traces_that_hang_die_or_eat_memory_are_counted_and_the_same_again(train, monkeypatch):
    monkeypatch.setattr(evaluator_module, "traces", worker_calls.often_faulty_traces)
    runs = []
    for workers in (1, 2):
        with Evaluator(workers, time_limit_seconds=1.0) as evaluator:
            runs.append(train(evaluator))
            failures = evaluator.statistics.failures
        assert set(failures) == {"timeout", "crash", "memory"}
        assert sum(rollout.failed_traces for rollout in runs[-1][1]) >= sum(failures.values())
    assert_same(*runs)
