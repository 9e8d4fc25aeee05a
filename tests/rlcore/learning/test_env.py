"""The env's contract, its determinism, and that its vectorised form plays the same game."""

import itertools
import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from scipy.stats import kstest
from stable_baselines3.common import env_checker as sb3

from rlcore.conversion.evaluator import Evaluator
from rlcore.learning.env import ENV_ID, LogoEnv, LogoVecEnv, shuffled
from rlcore.learning.experience import Experience
from rlcore.learning.library import Library
from rlcore.learning.observation import observe
from rlcore.learning.trace_table import tabulate
from rlcore.parameters import Parameters
from tests.conftest import RecordingEvaluator, small_config

STEPS = 3


@pytest.fixture
def env(subjects, config, library, experience, evaluator):
    return LogoEnv(subjects, config, library, experience, evaluator)


def actions(library, count, seed=0):
    return np.random.default_rng(seed).integers(0, library.size, count)


def seen(episode, library, experience, config):
    return observe(episode, library, experience, config.action_space)


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


def test_gymnasium_finds_nothing_to_complain_of(subjects, config, library, experience):
    made = gymnasium.make(ENV_ID, subjects=subjects, config=config, library=library, experience=experience)
    assert ENV_ID == "stage1/Logo-v1"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # bounds are not known: features are standardised by the training logos, in the policy
        warnings.filterwarnings("ignore", message=".*Box observation space (minimum|maximum) value is -?infinity")
        check_env(made.unwrapped)
    assert isinstance(made.unwrapped, LogoEnv)


def test_sb3_finds_nothing_to_complain_of(env):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sb3.check_env(env)


def test_a_registered_env_plays(subjects, config, library, experience):
    made = gymnasium.make(ENV_ID, subjects=subjects, config=config, library=library, experience=experience)
    assert made.action_space == gymnasium.spaces.Discrete(len(library.settings) + len(library.moves))
    observations, _, _, dones = played(made, actions(library, STEPS), seed=5)
    assert all(made.observation_space.contains(observation) for observation in observations)
    assert dones == [(False, False), (False, False), (True, False)]


def test_two_envs_with_the_same_seed_play_the_same(subjects, config, library, experience):
    moves = actions(library, STEPS)
    made = subjects, config, library, experience
    one, two = (played(LogoEnv(*made), moves, seed=7) for _ in range(2))
    np.testing.assert_array_equal(one[0], two[0])
    assert one[1:] == two[1:]
    other = played(LogoEnv(*made), moves, seed=8)
    assert not np.array_equal(one[0][0], other[0][0])


def test_rewards_add_up_to_the_best_gain(env, library):
    totals = []
    for number in range(8):
        _, rewards, infos, dones = played(env, actions(library, STEPS, number), options={"episode": number})
        assert min(rewards) >= 0
        assert list(itertools.accumulate(rewards)) == pytest.approx([info["best_gain"] for info in infos[1:]])
        assert [end for end, _ in dones] == [False, False, True]
        totals.append(sum(rewards))
    assert max(totals) > 0.5


def test_the_last_info_says_what_is_delivered(env, config, subjects, library, evaluator):
    moves = actions(library, STEPS, 3)
    _, _, infos, _ = played(env, moves, options={"episode": 2})
    assert "quality" not in infos[-2]
    episode = shuffled(subjects, config)(2)
    subject = episode.subject
    for action in moves:
        parameters = library.options(episode)[action]
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
    setting = Parameters(mode="polygon", color_precision=2, filter_speckle=10, palette_size=2).canonical()
    poor, only = small_config(steps_per_episode=1), Library((setting,), (), {0.5: (0,)}, ())
    env = LogoEnv(subjects, poor, only, Experience.of(tabulate([setting], subjects, evaluator), subjects), evaluator)
    infos = [played(env, [0], options={"episode": n})[2][-1] for n in range(len(subjects))]
    kept = [info for info in infos if info["best_gain"] == 0]
    assert kept
    numbers = [n for n, info in enumerate(infos) if info["best_gain"] == 0]
    for number, info in zip(numbers, kept, strict=True):
        plain = shuffled(subjects, poor)(number).subject.plain
        assert (info["quality"], info["bytes_ratio"], info["success"]) == (plain.quality, 1.0, False)


def test_a_finished_or_unbegun_episode_takes_no_step(env, library):
    moves = actions(library, STEPS)
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(moves[0])
    played(env, moves)
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(moves[0])


def test_resets_go_through_the_shuffle(env, subjects, config, library, experience):
    schedule = shuffled(subjects, config)
    first = [env.reset()[0] for _ in range(3)]
    expected = [seen(schedule(number), library, experience, config) for number in range(3)]
    np.testing.assert_array_equal(first, expected)
    np.testing.assert_array_equal(env.reset(options={"episode": 1})[0], expected[1])
    np.testing.assert_array_equal(env.reset()[0], expected[2])


def test_each_round_of_a_shuffle_is_a_permutation(subjects, config):
    schedule, count = shuffled(subjects, config, 3), len(subjects)
    rounds = [[schedule(turn * count + place).subject.name for place in range(count)] for turn in range(3)]
    everyone = sorted(subject.name for subject in subjects)
    assert [sorted(names) for names in rounds] == [everyone] * 3
    assert rounds[0] != rounds[1] != rounds[2]
    backwards = [schedule(number).subject.name for number in reversed(range(3 * count))]
    assert backwards[::-1] == [name for names in rounds for name in names]
    assert [shuffled(subjects, config, 4)(place).subject.name for place in range(count)] != rounds[0]


def test_size_weights_are_log_uniform_in_their_range(subjects):
    config = small_config(least_size_weight=0.5, greatest_size_weight=4.0, size_weight=9.0, quality_weight=3.0)
    schedule = shuffled(subjects, config)
    weights = [schedule(number).weights for number in range(2000)]
    assert {(w.quality, w.speed) for w in weights} == {(3.0, 0.0)}
    octaves = np.log2([w.size for w in weights])
    assert octaves.min() >= -1
    assert octaves.max() <= 2
    assert kstest(octaves, "uniform", args=(-1, 3)).pvalue > 0.01
    assert len(set(octaves)) == 2000


def test_an_episode_is_a_pure_function_of_the_seed_and_its_number(subjects, config):
    numbers = [0, 1, len(subjects), 7, 1000]
    one = [shuffled(subjects, config)(number) for number in numbers]
    other = [shuffled(subjects, config.model_copy(update={"workers": 1}))(number) for number in reversed(numbers)]
    assert other[::-1] == one
    assert all(episode.budget == config.steps_per_episode and not episode.attempts for episode in one)
    # a logo has another size weight in every round
    logo = one[0].subject
    rounds = [shuffled(subjects, config)(number) for number in range(5 * len(subjects))]
    assert len({episode.weights.size for episode in rounds if episode.subject == logo}) == 5
    reseeded = [shuffled(subjects, config, 5)(number).weights.size for number in numbers]
    assert not set(reseeded) & {episode.weights.size for episode in one}


def test_equal_ends_are_one_size_weight(subjects):
    config = small_config(least_size_weight=2.0, greatest_size_weight=2.0)
    assert {shuffled(subjects, config)(number).weights.size for number in range(20)} == {2.0}


def test_actions_are_the_librarys_options(subjects, config, library, experience):
    """Settings first, then moves of the best attempt so far."""
    with RecordingEvaluator() as recording:
        env = LogoEnv(subjects, config, library, experience, recording)
        env.reset(options={"episode": 3})
        chosen = [len(library.settings) - 1, library.size - 1, 0]
        for action in chosen:
            env.step(np.int64(action))
    [[(_, first, trace)], [(_, second, _)], [(_, third, _)]] = recording.calls
    assert first == library.settings[-1]
    episode = shuffled(subjects, config)(3)
    episode.record(first, trace)
    assert second == library.moves[-1].of(library.centre(episode))
    assert third == library.settings[0]


def vectorised(subjects, config, library, experience, evaluator, count=3, first_episode=4):
    return LogoVecEnv(shuffled(subjects, config), count, first_episode, config, library, experience, evaluator)


@pytest.mark.parametrize("workers", [0, 2])
def test_the_vectorised_form_plays_the_same_episodes(subjects, config, library, experience, env, workers):
    count, first, rounds = 3, 4, 3
    moves = actions(library, count * rounds * STEPS, seed=9).reshape(rounds * STEPS, count)
    with Evaluator(workers) as own:
        together = vectorised(subjects, config, library, experience, own, count, first)
        looks, results = [together.reset()], []
        for move in moves:
            observations, rewards, dones, infos = together.step(move)
            looks.append(observations)
            results.append((rewards, dones, infos))
    for index, turn in itertools.product(range(count), range(rounds)):
        start = turn * STEPS
        number = first + index + turn * count
        alone = played(env, moves[start : start + STEPS, index], options={"episode": number})
        known = experience.best_gain(shuffled(subjects, config)(number))
        for step in range(STEPS):
            rewards, dones, _ = results[start + step]
            assert rewards[index] == np.float32(alone[1][step] - (known if step == 0 else 0))
            assert dones[index] == (step == STEPS - 1)
            np.testing.assert_array_equal(looks[start + step][index], alone[0][step])
        last = dict(results[start + STEPS - 1][2][index])
        np.testing.assert_array_equal(last.pop("terminal_observation"), alone[0][STEPS])
        assert last == alone[2][STEPS]


def test_an_ended_episode_gives_way_to_the_next(subjects, config, library, experience, evaluator):
    env = vectorised(subjects, config, library, experience, evaluator, count=2, first_episode=0)
    env.reset()
    for move in actions(library, STEPS):
        observations, _, dones, infos = env.step(np.array([move, move]))
    assert dones.all()
    schedule = shuffled(subjects, config)
    expected = [seen(schedule(number), library, experience, config) for number in (2, 3)]
    np.testing.assert_array_equal(observations, expected)
    assert [episode.subject for episode in env.finished] == [schedule(0).subject, schedule(1).subject]
    assert [info["best_gain"] for info in infos] == [episode.best_gain for episode in env.finished]


def test_rewards_add_up_to_what_is_above_the_best_recorded_gain(subjects, config, library, experience, evaluator):
    env = vectorised(subjects, config, library, experience, evaluator, count=8)
    for turn in range(2):
        if not turn:
            env.reset()
        total = np.zeros(8)
        for step, seed in enumerate(range(turn * STEPS, (turn + 1) * STEPS)):
            _, rewards, _, infos = env.step(actions(library, 8, seed))
            assert step == 0 or (rewards >= 0).all()
            total += rewards
        gains = np.array([info["best_gain"] for info in infos])
        known = np.array([experience.best_gain(episode) for episode in env.finished[-8:]])
        assert known.min() > 0
        assert total == pytest.approx(gains - known, abs=1e-5)


def test_a_logo_without_a_record_has_no_baseline(held_out, config, library, experience, evaluator):
    env = vectorised(held_out, config, library, experience, evaluator)
    env.reset()
    _, rewards, _, infos = env.step(np.zeros(3, dtype=np.int64))
    assert rewards == pytest.approx([info["best_gain"] for info in infos])


def test_a_reset_begins_the_same_episodes_again(subjects, config, library, experience, evaluator):
    env = vectorised(subjects, config, library, experience, evaluator)
    before = env.reset()
    env.step(actions(library, 3))
    np.testing.assert_array_equal(env.reset(), before)
    assert env.finished == []


def test_envs_without_a_state_of_their_own_refuse_to_be_changed(subjects, config, library, experience, evaluator):
    env = vectorised(subjects, config, library, experience, evaluator)
    assert env.get_attr("render_mode") == [None] * 3
    assert env.env_is_wrapped(gymnasium.Wrapper, indices=[0, 2]) == [False, False]
    with pytest.raises(NotImplementedError, match="subjects"):
        env.set_attr("subjects", [])
    with pytest.raises(NotImplementedError, match="close"):
        env.env_method("close")
