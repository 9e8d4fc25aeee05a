"""The env's contract, its determinism, and that its vectorised form plays the same game."""

import itertools
import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from stable_baselines3.common import env_checker as sb3

from rlcore.env import ENV_ID, LogoEnv, LogoVecEnv, new_episode, shuffled
from rlcore.evaluator import Evaluator
from rlcore.observation import observe
from tests.conftest import small_config

STEPS = 3


@pytest.fixture
def env(subjects, config, evaluator):
    return LogoEnv(subjects, config, evaluator)


def actions(config, count, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(-1, 1, (count, config.action_space.size)).astype(np.float32)


def played(env, moves, **reset):
    """An episode as (observations, rewards, infos, dones)."""
    observation, info = env.reset(**reset)
    observations, rewards, infos, dones = [observation], [], [info], []
    for move in moves:
        observation, reward, terminated, truncated, info = env.step(move)
        observations.append(observation)
        rewards.append(reward)
        infos.append(info)
        dones.append((terminated, truncated))
    return np.array(observations), rewards, infos, dones


def test_gymnasium_finds_nothing_to_complain_of(subjects, config):
    made = gymnasium.make(ENV_ID, subjects=subjects, config=config)
    assert ENV_ID == "stage1/Logo-v0"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # bounds are not known: observations are normalised by their own statistics
        warnings.filterwarnings("ignore", message=".*Box observation space (minimum|maximum) value is -?infinity")
        check_env(made.unwrapped)
    assert isinstance(made.unwrapped, LogoEnv)


def test_sb3_finds_nothing_to_complain_of(env):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sb3.check_env(env)


def test_a_registered_env_plays(subjects, config):
    made = gymnasium.make(ENV_ID, subjects=subjects, config=config)
    observations, _, _, dones = played(made, actions(config, STEPS), seed=5)
    assert all(made.observation_space.contains(observation) for observation in observations)
    assert dones == [(False, False), (False, False), (True, False)]


def test_two_envs_with_the_same_seed_play_the_same(subjects, config):
    moves = actions(config, STEPS)
    one, two = (played(LogoEnv(subjects, config), moves, seed=7) for _ in range(2))
    np.testing.assert_array_equal(one[0], two[0])
    assert one[1:] == two[1:]
    other = played(LogoEnv(subjects, config), moves, seed=8)
    assert not np.array_equal(one[0][0], other[0][0])


def test_rewards_add_up_to_the_best_gain(env, config):
    totals = []
    for number in range(8):
        _, rewards, infos, dones = played(env, actions(config, STEPS, number), options={"episode": number})
        assert min(rewards) >= 0
        assert list(itertools.accumulate(rewards)) == pytest.approx([info["best_gain"] for info in infos[1:]])
        assert [end for end, _ in dones] == [False, False, True]
        totals.append(sum(rewards))
    assert max(totals) > 0.5


def test_the_last_info_says_what_is_delivered(env, config, subjects, evaluator):
    move = actions(config, STEPS, 3)
    _, _, infos, _ = played(env, move, options={"episode": 2})
    assert "quality" not in infos[-2]
    subject = shuffled(subjects, config.seed)(2)
    episode = new_episode(subject, config)
    for action in move:
        parameters = config.action_space.decode(action)
        episode.record(parameters, evaluator.traces([(subject.logo, parameters)])[0])
    best = episode.delivered
    assert best is not None
    assert infos[-1] == {
        "best_gain": episode.best_gain,
        "quality": best.trace.quality,
        "bytes_ratio": best.trace.size_bytes / subject.plain.size_bytes,
        "success": best.success,
    }


def test_undelivered_is_plain(subjects, evaluator):
    # two bits a channel, two colours, no speckle under 10 px: worse than plain on many a logo
    poor = small_config(
        tuned=["color_precision"],
        fixed={"filter_speckle": 10, "mode": "polygon", "palette_size": 2},
        steps_per_episode=1,
    )
    env = LogoEnv(subjects, poor, evaluator)
    infos = [played(env, -np.ones((1, 1), np.float32), options={"episode": n})[2][-1] for n in range(len(subjects))]
    kept = [info for info in infos if info["best_gain"] == 0]
    assert kept
    numbers = [n for n, info in enumerate(infos) if info["best_gain"] == 0]
    for number, info in zip(numbers, kept, strict=True):
        plain = shuffled(subjects, poor.seed)(number).plain
        assert (info["quality"], info["bytes_ratio"], info["success"]) == (plain.quality, 1.0, False)


def test_a_finished_or_unbegun_episode_takes_no_step(env, config):
    move = actions(config, STEPS)
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(move[0])
    played(env, move)
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(move[0])


def test_resets_go_through_the_shuffle(env, subjects, config, evaluator):
    space, schedule = config.action_space, shuffled(subjects, config.seed)
    first = [env.reset()[0] for _ in range(3)]
    expected = [observe(new_episode(schedule(number), config), space) for number in range(3)]
    np.testing.assert_array_equal(first, expected)
    np.testing.assert_array_equal(env.reset(options={"episode": 1})[0], expected[1])
    np.testing.assert_array_equal(env.reset()[0], expected[2])


def test_each_round_of_a_shuffle_is_a_permutation(subjects):
    schedule, count = shuffled(subjects, 3), len(subjects)
    rounds = [[schedule(turn * count + place).name for place in range(count)] for turn in range(3)]
    everyone = sorted(subject.name for subject in subjects)
    assert [sorted(names) for names in rounds] == [everyone] * 3
    assert rounds[0] != rounds[1] != rounds[2]
    backwards = [schedule(number).name for number in reversed(range(3 * count))]
    assert backwards[::-1] == [name for names in rounds for name in names]
    assert [shuffled(subjects, 4)(place).name for place in range(count)] != rounds[0]


def vectorised(subjects, config, evaluator, count=3, first_episode=4):
    return LogoVecEnv(shuffled(subjects, config.seed), count, first_episode, config, evaluator)


@pytest.mark.parametrize("workers", [0, 2])
def test_the_vectorised_form_plays_the_same_episodes(subjects, config, env, workers):
    count, first, rounds = 3, 4, 3
    moves = actions(config, count * rounds * STEPS, seed=9).reshape(rounds * STEPS, count, -1)
    with Evaluator(workers) as own:
        together = vectorised(subjects, config, own, count, first)
        seen, results = [together.reset()], []
        for move in moves:
            observations, rewards, dones, infos = together.step(move)
            seen.append(observations)
            results.append((rewards, dones, infos))
    for index, turn in itertools.product(range(count), range(rounds)):
        start = turn * STEPS
        number = first + index + turn * count
        alone = played(env, moves[start : start + STEPS, index], options={"episode": number})
        for step in range(STEPS):
            rewards, dones, infos = results[start + step]
            assert rewards[index] == np.float32(alone[1][step])
            assert dones[index] == (step == STEPS - 1)
            np.testing.assert_array_equal(seen[start + step][index], alone[0][step])
        last = dict(results[start + STEPS - 1][2][index])
        np.testing.assert_array_equal(last.pop("terminal_observation"), alone[0][STEPS])
        assert last == alone[2][STEPS]


def test_an_ended_episode_gives_way_to_the_next(subjects, config, evaluator):
    env = vectorised(subjects, config, evaluator, count=2, first_episode=0)
    env.reset()
    for move in actions(config, STEPS):
        observations, _, dones, infos = env.step(np.array([move, move]))
    assert dones.all()
    schedule, space = shuffled(subjects, config.seed), config.action_space
    expected = [observe(new_episode(schedule(number), config), space) for number in (2, 3)]
    np.testing.assert_array_equal(observations, expected)
    assert [episode.subject for episode in env.finished] == [schedule(0), schedule(1)]
    assert [info["best_gain"] for info in infos] == [episode.best_gain for episode in env.finished]


def test_a_reset_begins_the_same_episodes_again(subjects, config, evaluator):
    env = vectorised(subjects, config, evaluator)
    before = env.reset()
    env.step(actions(config, 3))
    np.testing.assert_array_equal(env.reset(), before)
    assert env.finished == []


def test_envs_without_a_state_of_their_own_refuse_to_be_changed(subjects, config, evaluator):
    env = vectorised(subjects, config, evaluator)
    assert env.get_attr("render_mode") == [None] * 3
    assert env.env_is_wrapped(gymnasium.Wrapper, indices=[0, 2]) == [False, False]
    with pytest.raises(NotImplementedError, match="subjects"):
        env.set_attr("subjects", [])
    with pytest.raises(NotImplementedError, match="close"):
        env.env_method("close")
