"""Training that goes on from another model, on other logos."""

import dataclasses

import numpy as np
import pytest
import torch

from rlcore.errors import CheckpointError
from rlcore.gain import Weights
from rlcore.learning.agent import Agent, check_fits
from rlcore.learning.experience import Experience
from rlcore.learning.library_search import carried_library
from rlcore.learning.plan import Segment
from rlcore.learning.trace_table import greedy_portfolio, tabulate
from rlcore.learning.training import train_segment
from rlcore.learning.transfer import carried_over
from tests.conftest import small_config


@pytest.fixture(scope="module")
def trained(start, subjects, evaluator):
    """Fifteen episodes behind it."""
    return train_segment(start, Segment(0, 0, 15), subjects, evaluator)


@pytest.fixture(scope="module")
def others(dataset):
    """Logos that it was not trained on, and one that it was."""
    return (*dataset.of("test"), *dataset.of("train")[:1])


@pytest.fixture(scope="module")
def carried(trained, others, evaluator):
    return carried_library(trained.library, others, small_config(seed=1), evaluator)


@pytest.fixture(scope="module")
def new_start(trained, others, carried):
    return carried_over(trained, small_config(seed=1, start_from="earlier"), *carried, others)


def test_the_first_weights_are_the_last_ones_of_the_model_before(trained, start, new_start):
    assert new_start.policy.keys() == trained.policy.keys()
    assert all(torch.equal(tensor, trained.policy[name]) for name, tensor in new_start.policy.items())
    assert not all(torch.equal(tensor, start.policy[name]) for name, tensor in new_start.policy.items())
    assert str(new_start.optimizer) == str(trained.optimizer)
    assert (new_start.episode, new_start.rollbacks) == (0, 0)
    assert new_start.config == small_config(seed=1, start_from="earlier")


def test_settings_and_moves_keep_their_numbers(trained, carried):
    library, _ = carried
    assert library.settings == trained.library.settings
    assert library.moves == trained.library.moves


def test_what_they_give_is_measured_on_the_new_logos(carried, others, evaluator):
    library, table = carried
    again = tabulate(library.settings, others, evaluator)
    np.testing.assert_array_equal(table.quality, again.quality)
    for weight, order in library.portfolios.items():
        assert order == tuple(greedy_portfolio(table.gains(Weights(size=weight)), 16))
    assert len(library.move_rises) == len(library.moves)


def test_the_earlier_logos_stay_known_behind_the_new_ones(trained, new_start, others):
    own = [subject.logo.digest for subject in others]
    assert list(new_start.experience.digests[: len(own)]) == own
    earlier = [digest for digest in trained.experience.digests if digest not in own]
    assert list(new_start.experience.digests[len(own) :]) == earlier
    assert len(earlier) == len(trained.experience.digests) - 1  # one logo is in both
    for digest in earlier:
        old, new = trained.experience.columns[digest], new_start.experience.columns[digest]
        np.testing.assert_array_equal(
            new_start.experience.table.quality[:, new], trained.experience.table.quality[:, old]
        )
        np.testing.assert_array_equal(new_start.experience.entries[new], trained.experience.entries[old])


def test_it_acts_and_trains(new_start, others, evaluator):
    after = train_segment(new_start, Segment(0, 0, 15), others, evaluator)
    assert after.episode == 15
    assert not all(torch.equal(tensor, new_start.policy[name]) for name, tensor in after.policy.items())
    Agent(after)


def test_the_same_logos_again_add_nothing(trained, table, subjects):
    again = Experience.of(table, subjects).with_earlier(trained.experience)
    assert again.digests == trained.experience.digests
    for field in dataclasses.fields(table):
        np.testing.assert_array_equal(getattr(again.table, field.name), getattr(table, field.name))


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"steps_per_episode": 4}, "steps_per_episode = 3, this run has 4"),
        ({"tuned": ("mode",)}, "tuned = "),
        ({"fixed": {"hierarchical": "cutout"}}, "fixed = {}, this run has {'hierarchical': 'cutout'}"),
    ],
)
def test_a_run_that_its_network_does_not_fit_is_refused(trained, values, told):
    with pytest.raises(CheckpointError, match=f"the model was trained with {told}"):
        check_fits(trained.config, small_config(**values))


def test_other_settings_may_differ(trained):
    check_fits(trained.config, small_config(seed=5, category="all", target_episodes=7, working_size=64))
