"""The start on the recorded traces: it learns what the record holds, and nothing else moves it."""

import dataclasses

import numpy as np
import pytest
import torch

from rlcore import warm_start
from rlcore.agent import Agent, new_policy
from rlcore.episode import Episode
from rlcore.library import Move
from rlcore.observation import TRIED, observe
from rlcore.training import untrained
from rlcore.warm_start import ROUNDS, warm_started
from tests.conftest import small_config
from tests.rlcore import made

CONFIG = small_config(warm_start_updates=120, steps_per_episode=2)
NOISE = ("edge_density", "entropy", "corner_density", "gradient_strength", "complexity", "coverage", "top_share")
LIBRARY = made.library(3)
GAINS = {0.2: (0.0, 3.0, 2.0), 0.8: (3.0, 0.0, 2.0)}
"""By kind of logo, told by its saturation, what each setting gives; the third is never best but a safe bet."""


def logos_of(count, first, seed):
    """Of both kinds in turn, with noise in what else they look like, so that the kernel alone prefers the safe bet."""
    rng = np.random.default_rng(seed)
    kinds = [(0.2, 0.8)[number % 2] for number in range(count)]
    subjects = [
        made.subject(first + number, saturation=kind, **{name: float(rng.uniform(0, 1)) for name in NOISE})
        for number, kind in enumerate(kinds)
    ]
    return subjects, kinds


@pytest.fixture(scope="module")
def record():
    subjects, kinds = logos_of(60, 0, 1)
    table = made.table(np.array([GAINS[kind] for kind in kinds]).T)
    return untrained(CONFIG, LIBRARY, table, subjects), subjects


@pytest.fixture(scope="module")
def warm(record):
    told = []
    return warm_started(*record, lambda *step: told.append(step)), told


def shares_right(checkpoint, subjects, kinds):
    """Share of logos whose first setting is the best one of their kind."""
    firsts = Agent(checkpoint).propose([Episode(subject, 2) for subject in subjects])
    best = [LIBRARY.settings[int(np.argmax(GAINS[kind]))] for kind in kinds]
    return np.mean([one == other for one, other in zip(firsts, best, strict=True)])


def expected_first_rise(checkpoint, subjects):
    """Mean over the logos of the recorded first gain, expected under the policy's probabilities."""
    policy = new_policy(checkpoint.config, checkpoint.library)
    policy.load_state_dict(dict(checkpoint.policy))
    found = []
    for column, subject in enumerate(subjects):
        episode = Episode(subject, checkpoint.config.steps_per_episode)
        seen = observe(episode, checkpoint.library, checkpoint.experience, checkpoint.config.action_space)
        with torch.no_grad():
            shares = policy.get_distribution(torch.from_numpy(seen)[None]).distribution.probs[0].numpy()
        gains = checkpoint.experience.table.gains_of(column, episode.weights)
        found.append(shares[: len(gains)] @ gains)
    return float(np.mean(found))


def same_weights(one, two):
    return all(torch.equal(one.policy[name], two.policy[name]) for name in one.policy)


def test_it_raises_the_expected_rise_where_context_decides(record, warm):
    start, subjects = record
    before, after = (expected_first_rise(checkpoint, subjects) for checkpoint in (start, warm[0]))
    # the best is 3 for either kind
    assert before < 2.2
    assert after > 2.7


def test_it_picks_right_on_new_logos_of_these_kinds(record, warm):
    subjects, kinds = logos_of(200, 1000, 2)
    before, after = (shares_right(checkpoint, subjects, kinds) for checkpoint in (record[0], warm[0]))
    assert before == 0
    assert after > 0.9


def test_what_was_tried_is_not_tried_again(record, warm):
    subjects, kinds = logos_of(20, 2000, 3)
    agent = Agent(warm[0])
    for subject, kind in zip(subjects, kinds, strict=True):
        episode = Episode(subject, 2)
        for _ in range(2):
            [proposal] = agent.propose([episode])
            episode.record(proposal, made.trace_of(GAINS[kind][LIBRARY.places[proposal]]))
        assert len({attempt.parameters for attempt in episode.attempts}) == 2


def test_progress_is_told_to_the_last_update(warm):
    assert warm[1] == [(done, 120) for done in range(1, 121)]


def test_the_same_input_gives_the_same_bytes(record, warm, tmp_path):
    torch.manual_seed(99)
    again = warm_started(*record)
    assert again.save(tmp_path / "again.pt").read_bytes() == warm[0].save(tmp_path / "first.pt").read_bytes()


def test_another_seed_gives_other_weights(record, warm):
    reseeded = dataclasses.replace(record[0], config=CONFIG.model_copy(update={"seed": 1}))
    assert not same_weights(warm_started(reseeded, record[1]), warm[0])


def test_every_weight_is_moved_and_nothing_else(record, warm, tmp_path):
    start, after = record[0], warm[0]
    still = {name for name in start.policy if torch.equal(start.policy[name], after.policy[name])}
    assert {name.rpartition(".")[2] for name in still} == {"mean", "deviation"}
    fields = {field.name for field in dataclasses.fields(start)} - {"policy"}
    assert all(getattr(start, name) is getattr(after, name) for name in fields)
    assert all(bool(tensor.isfinite().all()) for tensor in after.policy.values())


def test_its_start_is_left_as_it_was(record, tmp_path):
    before = record[0].save(tmp_path / "before.pt").read_bytes()
    warm_started(*record)
    assert record[0].save(tmp_path / "after.pt").read_bytes() == before


@pytest.mark.parametrize("updates", [0, ROUNDS - 1])
def test_without_updates_it_is_returned_as_it_is(record, updates):
    start = dataclasses.replace(record[0], config=CONFIG.model_copy(update={"warm_start_updates": updates}))
    assert warm_started(start, record[1]) is start


def test_threads_are_given_back(record):
    before = torch.get_num_threads()
    warm_started(*record)
    assert torch.get_num_threads() == before


def test_the_critic_knows_what_is_left_above_the_record(record, warm):
    """Returns are less the best recorded gain: 3 for either kind, which the right first setting reaches."""
    policy = new_policy(CONFIG, LIBRARY)
    policy.load_state_dict(dict(warm[0].policy))
    values = []
    for subject in record[1]:
        seen = observe(Episode(subject, 2), LIBRARY, warm[0].experience, CONFIG.action_space)
        with torch.no_grad():
            values.append(float(policy.predict_values(torch.from_numpy(seen)[None])))
    # the policy draws, so some of its first settings are wrong; 3 would be the gain itself
    assert -1.5 < np.mean(values) < 0.3


@pytest.fixture
def small():
    """Two logos and a library with a move: (checkpoint, logos)."""
    config = small_config(steps_per_episode=2, least_size_weight=0.5, greatest_size_weight=0.5)
    library = made.library(2, [Move("supersample", 1), Move("filter_speckle", -1)], [0.75, 0.5])
    subjects = [made.subject(number) for number in range(2)]
    return untrained(config, library, made.table([[1, 2], [4, -1]]), subjects), subjects


def played(checkpoint, subjects):
    policy = new_policy(checkpoint.config, checkpoint.library)
    policy.load_state_dict(dict(checkpoint.policy))
    return warm_start._played(policy, checkpoint, subjects, 0, np.random.default_rng(0))


def test_states_rises_and_returns_by_hand(small):
    """Two logos, each twice, two steps; all that can happen is known."""
    checkpoint, subjects = small
    states = played(checkpoint, subjects)
    assert states.observations.dtype == states.rises.dtype == states.returns.dtype == np.float32
    assert states.observations.shape[0] == 2 * 2 * 2
    schedule = warm_start.shuffled(subjects, checkpoint.config)
    columns = [subjects.index(schedule(number).subject) for number in range(4)]
    gains, best = [(1, 4), (2, 0)], [4, 2]
    # before the first trace: the settings' gains; moves have nothing to start from
    for row, column in enumerate(columns):
        assert states.rises[row] == pytest.approx([*gains[column], 0, 0], abs=1e-6)
    discount = checkpoint.config.ppo.discount
    for row, column in enumerate(columns):
        second = states.observations[4 + row]
        [tried] = [place for place, masked in enumerate(second[-4:-2] == TRIED) if masked]
        first_gain, last_rise = gains[column][tried], max(0, gains[column][1 - tried] - gains[column][tried])
        expected = [0.0, 0.0, 0.0, 0.0]
        expected[1 - tried] = last_rise
        if first_gain > 0:
            # one speckle less than setting 0 is no move; than setting 1 it is setting 0
            expected[2:] = [0.75, 0.5 if tried == 1 else 0.0]
        assert states.rises[4 + row] == pytest.approx(expected, abs=1e-6)
        assert states.returns[4 + row] == pytest.approx(last_rise, abs=1e-6)
        assert states.returns[row] == pytest.approx(first_gain + discount * last_rise - best[column], abs=1e-6)


def test_settings_are_drawn_by_their_probability_and_moves_never(small):
    checkpoint, subjects = small
    bias = checkpoint.policy["action_net.learned.bias"] + torch.tensor([-200.0, 0.0, 900.0, 900.0])
    keen = dataclasses.replace(checkpoint, policy={**checkpoint.policy, "action_net.learned.bias": bias})
    states = played(keen, subjects)
    assert (states.observations[4:, -4:-2] == TRIED).tolist() == [[False, True]] * 4


def test_it_fits_real_records(start, subjects):
    warm = warm_started(start, subjects)
    assert not same_weights(warm, start)
    assert expected_first_rise(warm, subjects) > expected_first_rise(start, subjects)


def test_it_can_be_started_warm_where_speed_counts(record):
    """Recorded traces have no seconds."""
    config = CONFIG.model_copy(update={"speed_weight": 0.5, "warm_start_updates": 4})
    after = warm_started(dataclasses.replace(record[0], config=config), record[1])
    assert all(bool(tensor.isfinite().all()) for tensor in after.policy.values())
