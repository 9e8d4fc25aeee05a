"""The critic's start on the recorded traces: it learns what states are worth there, and the actor stays as it is."""

import dataclasses

import numpy as np
import pytest
import torch

from rlcore.episode import Episode
from rlcore.learning import warm_start
from rlcore.learning.library import Move
from rlcore.learning.observation import TRIED, observe
from rlcore.learning.policy import new_policy
from rlcore.learning.training import untrained
from rlcore.learning.warm_start import EPISODES_PER_LOGO, warm_started
from tests.conftest import small_config
from tests.rlcore import made

CONFIG = small_config(warm_start_updates=120, steps_per_episode=2)
NOISE = ("edge_density", "entropy", "corner_density", "gradient_strength", "complexity", "coverage", "top_share")
LIBRARY = made.library(3)
GAINS = {0.2: (0.0, 3.0, 2.0), 0.8: (3.0, 0.0, 2.0)}
"""By kind of logo, told by its saturation, what each setting gives; the third is never best but a safe bet."""


def logos_of(count, first, seed):
    """Of both kinds in turn, with noise in what else they look like."""
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


def same_weights(one, two):
    return all(torch.equal(one.policy[name], two.policy[name]) for name in one.policy)


def test_progress_is_told_to_the_last_update(warm):
    assert warm[1] == [(done, 120) for done in range(1, 121)]


def test_the_same_input_gives_the_same_bytes(record, warm, tmp_path):
    torch.manual_seed(99)
    again = warm_started(*record)
    assert again.save(tmp_path / "again.pt").read_bytes() == warm[0].save(tmp_path / "first.pt").read_bytes()


def test_another_seed_gives_other_weights(record, warm):
    reseeded = dataclasses.replace(record[0], config=CONFIG.model_copy(update={"seed": 1}))
    assert not same_weights(warm_started(reseeded, record[1]), warm[0])


def test_the_critic_is_moved_and_nothing_else(record, warm):
    start, after = record[0], warm[0]
    moved = {name for name in start.policy if not torch.equal(start.policy[name], after.policy[name])}
    assert moved == {name for name in start.policy if name.startswith(("mlp_extractor.critic", "value_net"))}
    fields = {field.name for field in dataclasses.fields(start)} - {"policy"}
    assert all(getattr(start, name) is getattr(after, name) for name in fields)
    assert all(bool(tensor.isfinite().all()) for tensor in after.policy.values())


def test_its_start_is_left_as_it_was(record, tmp_path):
    before = record[0].save(tmp_path / "before.pt").read_bytes()
    warm_started(*record)
    assert record[0].save(tmp_path / "after.pt").read_bytes() == before


def test_without_updates_it_is_returned_as_it_is(record):
    start = dataclasses.replace(record[0], config=CONFIG.model_copy(update={"warm_start_updates": 0}))
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
    return warm_start._played(policy, checkpoint, subjects, np.random.default_rng(0))


def test_states_and_returns_by_hand(small):
    """Two logos, each four times, two steps; all that can happen is known."""
    checkpoint, subjects = small
    states, count = played(checkpoint, subjects), 2 * EPISODES_PER_LOGO
    assert states.observations.dtype == states.returns.dtype == np.float32
    assert states.observations.shape[0] == 2 * count
    schedule = warm_start.shuffled(subjects, checkpoint.config)
    columns = [subjects.index(schedule(number).subject) for number in range(count)]
    gains, best = [(1, 4), (2, 0)], [4, 2]
    discount = checkpoint.config.ppo.discount
    for row, column in enumerate(columns):
        [tried] = [place for place, masked in enumerate(states.observations[count + row][-4:-2] == TRIED) if masked]
        first_gain, last_rise = gains[column][tried], max(0, gains[column][1 - tried] - gains[column][tried])
        assert states.returns[count + row] == pytest.approx(last_rise, abs=1e-6)
        assert states.returns[row] == pytest.approx(first_gain + discount * last_rise - best[column], abs=1e-6)


def test_settings_are_drawn_by_their_probability_and_moves_never(small):
    checkpoint, subjects = small
    bias = checkpoint.policy["action_net.learned.bias"] + torch.tensor([-200.0, 0.0, 900.0, 900.0])
    keen = dataclasses.replace(checkpoint, policy={**checkpoint.policy, "action_net.learned.bias": bias})
    states = played(keen, subjects)
    count = 2 * EPISODES_PER_LOGO
    assert (states.observations[count:, -4:-2] == TRIED).tolist() == [[False, True]] * count


def test_it_can_be_started_warm_where_speed_counts(record):
    """Recorded traces have no seconds."""
    config = CONFIG.model_copy(update={"speed_weight": 0.5, "warm_start_updates": 4})
    after = warm_started(dataclasses.replace(record[0], config=config), record[1])
    assert all(bool(tensor.isfinite().all()) for tensor in after.policy.values())
