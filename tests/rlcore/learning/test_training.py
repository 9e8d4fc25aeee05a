"""Training: a pure function that learns."""

import dataclasses

import numpy as np
import pytest
import torch
from stable_baselines3 import PPO

from rlcore.conversion.evaluator import Evaluator
from rlcore.errors import CheckpointError, NonFiniteError
from rlcore.judging.single_setting import mean_gains
from rlcore.judging.validation import run_searcher
from rlcore.learning.agent import Agent, Checkpoint
from rlcore.learning.library import Library
from rlcore.learning.plan import plan_chunks
from rlcore.learning.subject_entries import subject_entries
from rlcore.learning.trace_table import TraceTable
from rlcore.learning.training import train_segment, untrained
from rlcore.parameters import DIMENSIONS, Parameters
from tests.conftest import small_config

KNOWN = small_config(
    # bytes count for much here, so every decimal costs gain: 0 is best
    tuned=["path_precision"],
    size_weight=4.0,
    least_size_weight=4.0,
    greatest_size_weight=4.0,
    steps_per_episode=2,
    target_episodes=600,
    validation_frequency=600,
    checkpoint_frequency=600,
    ppo={
        "learning_rate": 3e-3,
        "rollout_episodes": 25,
        "batch_size": 50,
        "epochs": 10,
        "discount": 0.5,  # with 1, a first trace that the second one repairs is as good as any
    },
)
DECIMALS = [Parameters(path_precision=decimals) for decimals in reversed(DIMENSIONS["path_precision"].choices)]
"""The worst first: an untrained policy that was told nothing begins with it."""
SHORT = small_config(
    target_episodes=20,
    checkpoint_frequency=10,
    ppo={"learning_rate": 4e-4, "final_learning_rate_share": 0.1, "rollout_episodes": 5, "batch_size": 15},
)


def segments(config):
    return [segment for chunk in plan_chunks(config) for segment in chunk]


@pytest.fixture(scope="module")
def few(subjects):
    return subjects[:10]


@pytest.fixture(scope="module")
def fresh(few, library, table):
    """Makes an untrained policy for a configuration."""
    recorded = TraceTable(*(getattr(table, field.name)[..., : len(few)] for field in dataclasses.fields(table)))
    return lambda config: untrained(config, library, recorded, few)


def trained(checkpoint, subjects, evaluator, on_rollout=None):
    for segment in segments(checkpoint.config):
        checkpoint = train_segment(checkpoint, segment, subjects, evaluator, on_rollout)
    return checkpoint


def same_weights(one, two):
    return one.policy.keys() == two.policy.keys() and all(
        torch.equal(one.policy[name], two.policy[name]) for name in one.policy
    )


@pytest.fixture(scope="module")
def short(fresh, few, evaluator):
    """The short training's checkpoint and rollouts."""
    rollouts = []
    return trained(fresh(SHORT), few, evaluator, rollouts.append), rollouts


@pytest.fixture(scope="module")
def learned(subjects, evaluator):
    rollouts, known = [], subjects[:12]
    library = Library(tuple(DECIMALS), (), {4.0: tuple(range(len(DECIMALS)))}, ())
    # a record that says nothing: whatever is learned, PPO has learned from its own traces
    silent = TraceTable(
        *(np.zeros((len(DECIMALS), len(known))) for _ in range(2)),
        np.array([subject.plain.quality for subject in known]),
        np.array([float(subject.plain.size_bytes) for subject in known]),
    )
    before = untrained(KNOWN, library, silent, known)
    return before, trained(before, known, evaluator, rollouts.append), known, rollouts


def first_gain(checkpoint, subjects, evaluator):
    return run_searcher(Agent(checkpoint), subjects, 2, KNOWN, evaluator).gain_after(1)


def test_the_agent_learns_the_setting_that_is_known_to_be_best(learned, evaluator):
    before, after, few, _ = learned
    gains = mean_gains(DECIMALS, few, KNOWN, evaluator)
    worst, best = gains.min(), gains.max()
    assert DECIMALS[gains.argmax()].path_precision == 0
    start, end = first_gain(before, few, evaluator), first_gain(after, few, evaluator)
    assert start < worst + 0.3 * (best - worst)
    # each logo its own setting
    assert end > best


def test_what_it_learned_holds_for_logos_it_has_not_seen(learned, held_out, evaluator):
    before, after, _, _ = learned
    assert first_gain(after, held_out, evaluator) > first_gain(before, held_out, evaluator) + 1


def test_rollouts_tell_of_the_learning(learned):
    _, _, _, rollouts = learned
    assert [rollout.episode for rollout in rollouts] == list(range(25, 601, 25))
    firsts = [rollout.first_gain for rollout in rollouts]
    assert np.mean(firsts[-5:]) > np.mean(firsts[:5]) + 0.5
    # SB3's entropy loss is less the mean entropy
    spreads = [-rollout.train["entropy_loss"] for rollout in rollouts]
    assert spreads[-1] < 0.5 * spreads[0]


def test_a_rollouts_figures(short):
    _, rollouts = short
    assert [(rollout.episode, rollout.episodes) for rollout in rollouts] == [(5, 5), (10, 5), (15, 5), (20, 5)]
    for rollout in rollouts:
        assert 0 <= rollout.first_gain <= rollout.gain
        assert rollout.traces == 15
        assert 0 <= rollout.remembered <= 15
        assert rollout.seconds > 0
        assert {"policy_gradient_loss", "value_loss", "approx_kl", "entropy_loss", "loss"} <= rollout.train.keys()
        assert all(np.isfinite(value) for value in rollout.train.values())
        assert rollout.train["reward_spread"] > 0.01


def test_rewards_are_told_at_the_episodes_weight_and_gains_at_the_runs(fresh, few, evaluator):
    def at(weight):
        rollouts = []
        weights = {"least_size_weight": weight, "greatest_size_weight": weight}
        trained(fresh(SHORT.model_copy(update=weights)), few, evaluator, rollouts.append)
        return rollouts

    for rollout in at(SHORT.size_weight):
        assert rollout.reward == pytest.approx(rollout.gain)
    for rollout in at(4 * SHORT.size_weight):
        assert rollout.bytes_ratio < 1
        assert rollout.reward > rollout.gain + 0.1


def test_the_learning_rate_falls_to_its_share(short):
    rates = [rollout.train["learning_rate"] for rollout in short[1]]
    assert rates == sorted(rates, reverse=True)
    # the first update comes after a quarter of the episodes, and the last after all of them
    assert rates[0] == pytest.approx(4e-4 * (0.1 + 0.9 * 0.75))
    assert rates[-1] == pytest.approx(4e-5)


def test_training_moves_every_layer_and_leaves_the_scaling_alone(fresh, short):
    before, (after, _) = fresh(SHORT), short
    assert before.policy.keys() == after.policy.keys()
    still = [name for name in before.policy if torch.equal(before.policy[name], after.policy[name])]
    assert {name.rpartition(".")[2] for name in still} == {"mean", "deviation"}
    assert all("features_extractor" in name for name in still)
    assert after.library == before.library
    assert after.experience.digests == before.experience.digests
    assert (after.episode, after.rollbacks) == (20, 0)


def test_the_same_seed_gives_the_same_policy(fresh, few, short):
    with Evaluator() as own:
        again = trained(fresh(SHORT), few, own)
    assert same_weights(again, short[0])


def test_another_seed_gives_another_policy(fresh, few, evaluator, short):
    other = SHORT.model_copy(update={"seed": 1})
    assert not same_weights(fresh(other), fresh(SHORT))
    assert not same_weights(trained(fresh(other), few, evaluator), short[0])


def test_after_a_rollback_random_numbers_are_others_and_the_learning_rate_is_halved(fresh, few, evaluator, short):
    rollouts = []
    again = trained(dataclasses.replace(fresh(SHORT), rollbacks=1), few, evaluator, rollouts.append)
    assert not same_weights(again, short[0])
    assert again.rollbacks == 1
    assert [rollout.gain for rollout in rollouts] != [rollout.gain for rollout in short[1]]
    rates = [[rollout.train["learning_rate"] for rollout in found] for found in (rollouts, short[1])]
    assert rates[0] == pytest.approx([rate / 2 for rate in rates[1]])


def test_the_policy_does_not_depend_on_the_workers(fresh, few, short, tmp_path):
    with Evaluator(2) as two:
        parallel = trained(fresh(SHORT), few, two)
    assert parallel.save(tmp_path / "two.pt").read_bytes() == short[0].save(tmp_path / "none.pt").read_bytes()


def test_a_training_that_was_interrupted_ends_with_the_same_bytes(fresh, few, short, tmp_path):
    first, second = segments(SHORT)
    torch.manual_seed(99)
    np.random.default_rng(99).random()
    with Evaluator() as before:
        half = train_segment(fresh(SHORT), first, few, before)
        path = half.save(tmp_path / "half.pt")
    torch.rand(7)
    with Evaluator() as after:
        whole = train_segment(Checkpoint.load(path), second, few, after)
    assert whole.save(tmp_path / "whole.pt").read_bytes() == short[0].save(tmp_path / "straight.pt").read_bytes()


@pytest.mark.parametrize("stops", [(1,), (2,), (3,), (1, 3), (1, 2, 3)])
def test_a_training_that_is_stopped_between_rollouts_ends_with_the_same_bytes(fresh, few, short, tmp_path, stops):
    """A chunk of two rollouts a segment, stopped before the named rollouts, each time with another evaluator."""
    checkpoint, rollouts = fresh(SHORT), []
    for rollout in (*stops, 99):
        for segment in segments(SHORT):
            if checkpoint.episode >= segment.end_episode:
                continue
            with Evaluator() as own:
                checkpoint = train_segment(
                    checkpoint, segment, few, own, rollouts.append, lambda last=rollout: len(rollouts) >= last
                )
            checkpoint = Checkpoint.load(checkpoint.save(tmp_path / "stopped.pt"))
            if checkpoint.episode < segment.end_episode:
                break
        assert checkpoint.episode == min(rollout, 4) * 5
    straight = short[0].save(tmp_path / "straight.pt").read_bytes()
    assert (tmp_path / "stopped.pt").read_bytes() == straight
    figures = [[(r.episode, r.gain, r.reward, r.train) for r in found] for found in (rollouts, short[1])]
    assert figures[0] == figures[1]


def test_the_optimizer_goes_on_where_it_was(fresh, few, evaluator):
    start, (first, second) = fresh(SHORT), segments(SHORT)
    half = train_segment(start, first, few, evaluator)
    forgetful = dataclasses.replace(half, optimizer=start.optimizer)
    ends = [train_segment(checkpoint, second, few, evaluator) for checkpoint in (half, forgetful)]
    assert not same_weights(*ends)


def test_a_segment_leaves_its_checkpoint_as_it_was(fresh, few, evaluator, tmp_path):
    start = fresh(SHORT)
    before = start.save(tmp_path / "before.pt").read_bytes()
    train_segment(start, segments(SHORT)[0], few, evaluator)
    assert start.save(tmp_path / "after.pt").read_bytes() == before


def test_a_segment_refuses_the_wrong_checkpoint(fresh, few, evaluator):
    with pytest.raises(CheckpointError, match="the checkpoint is at episode 0; of the segment 10 to 20, every 5th"):
        train_segment(fresh(SHORT), segments(SHORT)[1], few, evaluator)


def test_threads_are_given_back(fresh, few, evaluator):
    before = torch.get_num_threads()
    train_segment(fresh(SHORT), segments(SHORT)[0], few, evaluator)
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("name", ["value_net.weight", "action_net.learned.bias"])
def test_a_weight_that_is_not_a_number_ends_the_training(fresh, few, evaluator, name):
    start = fresh(SHORT)
    broken = {key: tensor.clone() for key, tensor in start.policy.items()}
    broken[name][0] = torch.nan
    with pytest.raises(NonFiniteError, match=f"after episode 0: {name} is not finite"):
        train_segment(dataclasses.replace(start, policy=broken), segments(SHORT)[0], few, evaluator)


def test_a_weight_that_an_update_broke_ends_the_training_at_once(fresh, few, evaluator, monkeypatch):
    """In the last update of a segment, which no forward pass follows, from a gradient in it."""
    rollouts = []
    last = segments(SHORT)[0].episodes // SHORT.ppo.rollout_episodes
    honest, updates = PPO.train, iter(range(1, 100))

    def train(model):
        honest(model)
        if next(updates) == last:
            model.policy.value_net.bias.grad.fill_(torch.inf)
            model.policy.optimizer.step()

    monkeypatch.setattr(PPO, "train", train)
    with pytest.raises(NonFiniteError, match=r"after episode 10: value_net\.bias is not finite"):
        train_segment(fresh(SHORT), segments(SHORT)[0], few, evaluator, rollouts.append)
    assert [rollout.episode for rollout in rollouts] == [5]


def test_the_untrained_policy_knows_what_its_logos_look_like(fresh, few):
    checkpoint = fresh(SHORT)
    looks = np.array([subject_entries(subject) for subject in few])
    for owner in ("", "pi_", "vf_"):
        scaling = {name: checkpoint.policy[f"{owner}features_extractor.{name}"] for name in ("mean", "deviation")}
        np.testing.assert_allclose(scaling["mean"], looks.mean(axis=0), atol=1e-5)
        np.testing.assert_allclose(scaling["deviation"], looks.std(axis=0), atol=1e-4)
    np.testing.assert_array_equal(checkpoint.experience.entries, looks)
    assert checkpoint.experience.digests == tuple(subject.logo.digest for subject in few)
    assert (checkpoint.episode, checkpoint.rollbacks) == (0, 0)


def test_the_critic_learns_what_is_above_the_record(fresh, few, evaluator):
    """Rewards are less the best recorded gain: with a record out of reach, all returns, and the values, are below 0."""
    start = fresh(SHORT)
    far = dataclasses.replace(start.experience.table, quality=np.ones_like(start.experience.table.quality))
    boastful = dataclasses.replace(start, experience=dataclasses.replace(start.experience, table=far))
    after = train_segment(boastful, segments(SHORT)[0], few, evaluator)
    assert after.policy["value_net.bias"] < start.policy["value_net.bias"]


def test_remembered_traces_change_nothing_but_the_cost(fresh, few, library, short):
    checkpoint, rollouts = fresh(SHORT), []
    with Evaluator() as own:
        own.remember(checkpoint.experience.table.traces(library.settings, few))
        again = trained(checkpoint, few, own, rollouts.append)
        assert own.statistics.asked - own.statistics.remembered < 20 * 3 / 2
    assert same_weights(again, short[0])
