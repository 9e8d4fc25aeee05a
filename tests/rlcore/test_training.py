"""Training: a pure function that learns."""

import dataclasses

import numpy as np
import pytest
import torch
from stable_baselines3.common.vec_env import VecNormalize

from rlcore.agent import OBSERVATION_CLIP, Agent, Checkpoint
from rlcore.env import LogoVecEnv, shuffled
from rlcore.episode import Episode
from rlcore.errors import CheckpointError, NonFiniteError
from rlcore.evaluator import Evaluator
from rlcore.observation import observe
from rlcore.parameters import DIMENSIONS, Parameters
from rlcore.plan import Segment, plan_chunks
from rlcore.single_setting import mean_gains
from rlcore.training import START_BOUND, train_segment, untrained
from rlcore.validation import run_searcher
from tests.conftest import small_config

KNOWN = small_config(
    # bytes count for much here, so every decimal costs gain: 0 is best, and the middle, 4, is far from it
    tuned=["path_precision"],
    size_weight=4.0,
    steps_per_episode=2,
    target_episodes=600,
    validation_frequency=600,
    checkpoint_frequency=600,
    ppo={
        "learning_rate": 3e-3,
        "rollout_episodes": 25,
        "batch_size": 50,
        "epochs": 10,
        "discount": 1.0,
        "initial_log_spread": -0.5,
    },
)
SHORT = small_config(
    target_episodes=20,
    checkpoint_frequency=10,
    ppo={"learning_rate": 4e-4, "final_learning_rate_share": 0.1, "rollout_episodes": 5, "batch_size": 15},
)


def segments(config):
    return [segment for chunk in plan_chunks(config) for segment in chunk]


def trained(config, subjects, evaluator, on_rollout=None):
    checkpoint = untrained(config, subjects)
    for segment in segments(config):
        checkpoint = train_segment(checkpoint, segment, subjects, evaluator, on_rollout)
    return checkpoint


def same_weights(one, two):
    return one.policy.keys() == two.policy.keys() and all(
        torch.equal(one.policy[name], two.policy[name]) for name in one.policy
    )


@pytest.fixture(scope="module")
def short(subjects, evaluator):
    """The short training's checkpoint and rollouts."""
    rollouts = []
    return trained(SHORT, subjects[:10], evaluator, rollouts.append), rollouts


@pytest.fixture(scope="module")
def learned(subjects, evaluator):
    rollouts = []
    few = subjects[:12]
    return untrained(KNOWN, few), trained(KNOWN, few, evaluator, rollouts.append), few, rollouts


def first_gain(checkpoint, subjects, evaluator):
    return run_searcher(Agent(checkpoint), subjects, 2, KNOWN, evaluator).gain_after(1)


def test_the_agent_learns_the_setting_that_is_known_to_be_best(learned, evaluator):
    before, after, few, _ = learned
    settings = [
        dataclasses.replace(KNOWN.action_space.base, path_precision=decimals).canonical()
        for decimals in DIMENSIONS["path_precision"].choices
    ]
    gains = mean_gains(settings, few, KNOWN, evaluator)
    worst, best = gains.min(), gains.max()
    assert gains.argmax() == 0
    start, end = first_gain(before, few, evaluator), first_gain(after, few, evaluator)
    assert start < worst + 0.3 * (best - worst)
    assert end > worst + 0.95 * (best - worst)


def test_what_it_learned_holds_for_logos_it_has_not_seen(learned, held_out, evaluator):
    before, after, _, _ = learned
    assert first_gain(after, held_out, evaluator) > first_gain(before, held_out, evaluator) + 1


def test_rollouts_tell_of_the_learning(learned):
    _, _, _, rollouts = learned
    assert [rollout.episode for rollout in rollouts] == list(range(25, 601, 25))
    firsts = [rollout.first_gain for rollout in rollouts]
    assert np.mean(firsts[-5:]) > np.mean(firsts[:5]) + 0.5
    spreads = [rollout.train["std"] for rollout in rollouts]
    assert spreads[-1] < spreads[0]


def test_a_rollouts_figures(short):
    _, rollouts = short
    assert [(rollout.episode, rollout.episodes) for rollout in rollouts] == [(5, 5), (10, 5), (15, 5), (20, 5)]
    for rollout in rollouts:
        assert rollout.reward == pytest.approx(rollout.gain)
        assert 0 <= rollout.first_gain <= rollout.gain
        assert rollout.traces == 15
        assert 0 <= rollout.remembered <= 15
        assert rollout.seconds > 0
        assert {"policy_gradient_loss", "value_loss", "approx_kl", "std", "loss"} <= rollout.train.keys()
        assert all(np.isfinite(value) for value in rollout.train.values())


def test_the_learning_rate_falls_to_its_share(short):
    rates = [rollout.train["learning_rate"] for rollout in short[1]]
    assert rates == sorted(rates, reverse=True)
    # the first update comes after a quarter of the episodes, and the last after all of them
    assert rates[0] == pytest.approx(4e-4 * (0.1 + 0.9 * 0.75))
    assert rates[-1] == pytest.approx(4e-5)


def test_training_moves_every_layer(subjects, short):
    before, (after, _) = untrained(SHORT, subjects[:10]), short
    assert before.policy.keys() == after.policy.keys()
    still = [name for name in before.policy if torch.equal(before.policy[name], after.policy[name])]
    assert still == []
    assert after.normaliser.count > before.normaliser.count
    assert (after.episode, after.segments) == (20, 2)


def test_the_same_seed_gives_the_same_policy(subjects, short):
    with Evaluator() as fresh:
        again = trained(SHORT, subjects[:10], fresh)
    assert same_weights(again, short[0])
    np.testing.assert_array_equal(again.normaliser.mean, short[0].normaliser.mean)


def test_another_seed_gives_another_policy(subjects, evaluator, short):
    other = SHORT.model_copy(update={"seed": 1})
    assert not same_weights(untrained(other, subjects[:10]), untrained(SHORT, subjects[:10]))
    assert not same_weights(trained(other, subjects[:10], evaluator), short[0])


def test_each_segment_has_random_numbers_of_its_own(subjects, evaluator):
    start = untrained(SHORT, subjects[:10])
    first, second = (train_segment(start, Segment(index, 0, 10), subjects[:10], evaluator) for index in (0, 1))
    assert not same_weights(first, second)


def test_the_policy_does_not_depend_on_the_workers(subjects, short, tmp_path):
    with Evaluator(2) as two:
        parallel = trained(SHORT, subjects[:10], two)
    assert parallel.save(tmp_path / "two.pt").read_bytes() == short[0].save(tmp_path / "none.pt").read_bytes()


def test_a_training_that_was_interrupted_ends_with_the_same_bytes(subjects, short, tmp_path):
    first, second = segments(SHORT)
    torch.manual_seed(99)
    np.random.default_rng(99).random()
    with Evaluator() as before:
        half = train_segment(untrained(SHORT, subjects[:10]), first, subjects[:10], before)
        path = half.save(tmp_path / "half.pt")
    torch.rand(7)
    with Evaluator() as after:
        whole = train_segment(Checkpoint.load(path), second, subjects[:10], after)
    assert whole.save(tmp_path / "whole.pt").read_bytes() == short[0].save(tmp_path / "straight.pt").read_bytes()


def test_the_optimizer_goes_on_where_it_was(subjects, evaluator):
    start, (first, second) = untrained(SHORT, subjects[:10]), segments(SHORT)
    half = train_segment(start, first, subjects[:10], evaluator)
    forgetful = dataclasses.replace(half, optimizer=start.optimizer)
    ends = [train_segment(checkpoint, second, subjects[:10], evaluator) for checkpoint in (half, forgetful)]
    assert not same_weights(*ends)


def test_observation_statistics_go_on_where_they_were(subjects, evaluator):
    start = untrained(SHORT, subjects[:10])
    statistics = dataclasses.replace(start.normaliser, mean=start.normaliser.mean + 3, count=1e9)
    shifted = dataclasses.replace(start, normaliser=statistics)
    after = train_segment(shifted, segments(SHORT)[0], subjects[:10], evaluator)
    np.testing.assert_allclose(after.normaliser.mean, statistics.mean, rtol=1e-5, atol=1e-5)
    assert not same_weights(after, train_segment(start, segments(SHORT)[0], subjects[:10], evaluator))


def test_a_segment_leaves_its_checkpoint_as_it_was(subjects, evaluator, tmp_path):
    start = untrained(SHORT, subjects[:10])
    before = start.save(tmp_path / "before.pt").read_bytes()
    train_segment(start, segments(SHORT)[0], subjects[:10], evaluator)
    assert start.save(tmp_path / "after.pt").read_bytes() == before


def test_a_segment_refuses_the_wrong_checkpoint(subjects, evaluator):
    with pytest.raises(CheckpointError, match="segment starts at episode 10, the checkpoint at 0"):
        train_segment(untrained(SHORT, subjects[:10]), segments(SHORT)[1], subjects[:10], evaluator)


def test_threads_are_given_back(subjects, evaluator):
    before = torch.get_num_threads()
    train_segment(untrained(SHORT, subjects[:10]), segments(SHORT)[0], subjects[:10], evaluator)
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("name", ["value_net.weight", "action_net.bias"])
def test_a_weight_that_is_not_a_number_ends_the_training(subjects, evaluator, name):
    start = untrained(SHORT, subjects[:10])
    broken = {key: tensor.clone() for key, tensor in start.policy.items()}
    broken[name][0] = torch.nan
    with pytest.raises(NonFiniteError, match="after episode 0"):
        train_segment(dataclasses.replace(start, policy=broken), segments(SHORT)[0], subjects[:10], evaluator)


def test_observations_are_normalised_at_inference_as_in_training(subjects, config, evaluator):
    checkpoint = untrained(config, subjects)
    env = VecNormalize(
        LogoVecEnv(shuffled(subjects, config.seed), 8, 0, config, evaluator),
        norm_reward=False,
        clip_obs=OBSERVATION_CLIP,
    )
    env.obs_rms.mean, env.obs_rms.var = checkpoint.normaliser.mean, checkpoint.normaliser.variance
    schedule = shuffled(subjects, config.seed)
    for number in range(8):
        raw = observe(Episode(schedule(number), config.steps_per_episode), config.action_space)
        np.testing.assert_allclose(checkpoint.normaliser(raw), env.normalize_obs(raw), rtol=1e-6)


def test_the_untrained_policy_knows_what_its_logos_look_like(subjects, config):
    checkpoint = untrained(config, subjects)
    looks = np.array([observe(Episode(s, config.steps_per_episode), config.action_space) for s in subjects])
    np.testing.assert_allclose(checkpoint.normaliser.mean, looks.mean(axis=0), atol=1e-4)
    np.testing.assert_allclose(checkpoint.normaliser.variance, looks.var(axis=0), atol=1e-3)
    assert (checkpoint.episode, checkpoint.segments) == (0, 0)


def test_the_untrained_policy_starts_where_it_is_told(subjects):
    config = small_config()
    start = Parameters(mode="polygon", path_precision=1, supersample=3, palette_size=12, filter_speckle=8)
    space = config.action_space
    wanted = np.clip(space.encode(start), -START_BOUND, START_BOUND)
    episodes = [Episode(subject, config.steps_per_episode) for subject in subjects[:10]]
    told = Agent(untrained(config, subjects[:10], start)).propose(episodes)
    middle = Agent(untrained(config, subjects[:10])).propose(episodes)
    for mine, others in zip(told, middle, strict=True):
        assert (mine.mode, mine.supersample) == ("polygon", 3)
        # the network's first weights are small, not zero
        assert np.abs(space.encode(mine) - wanted).max() < 0.25
        assert (others.path_precision, others.color_precision) == (4, 5)
