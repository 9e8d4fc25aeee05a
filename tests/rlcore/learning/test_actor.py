"""The actor in numpy says what the network in torch says."""

import dataclasses

import numpy as np
import pytest
import torch

from rlcore.episode import Episode
from rlcore.learning.actor import Actor
from rlcore.learning.observation import observe
from rlcore.learning.policy import new_policy, single_thread


@pytest.fixture(scope="module")
def lively(start):
    """A policy whose every weight is drawn: as it is made, the last layer is zero."""
    generator = torch.Generator().manual_seed(5)
    drawn = {
        name: tensor if "features_extractor" in name else torch.randn(tensor.shape, generator=generator) / 4
        for name, tensor in start.policy.items()
    }
    return dataclasses.replace(start, policy=drawn)


@pytest.fixture(scope="module")
def observations(lively, held_out):
    episodes = [Episode(subject, lively.config.steps_per_episode) for subject in held_out]
    space = lively.config.action_space
    return [observe(episode, lively.library, lively.experience, space) for episode in episodes]


def test_its_logits_are_those_of_the_network(lively, observations):
    policy = new_policy(lively.config, lively.library)
    policy.load_state_dict(dict(lively.policy))
    actor = Actor.of(lively.policy)
    for observation in observations:
        with torch.no_grad(), single_thread():
            expected = policy.get_distribution(torch.from_numpy(observation)[None]).distribution.logits[0].numpy()
        logits = actor.logits(observation, lively.config.ppo.sharpness)
        assert logits.dtype == np.float32
        # the distribution's are shifted to be logarithms of probabilities
        np.testing.assert_allclose(logits - logits[0], expected - expected[0], atol=2e-4)


def test_the_logos_choose_differently(lively, observations):
    actor = Actor.of(lively.policy)
    assert len({int(np.argmax(actor.logits(seen, 0.0))) for seen in observations}) > 1


def test_it_keeps_its_weights_when_training_changes_them(lively):
    policy = {name: tensor.clone() for name, tensor in lively.policy.items()}
    actor = Actor.of(policy)
    before = actor.last_weight.copy()
    policy["action_net.learned.weight"].zero_()
    assert (actor.last_weight == before).all()
    assert before.any()
