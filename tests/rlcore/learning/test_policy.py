"""The network: standardised looks, a mask that holds, and what it learns on top of the preferences."""

import gymnasium
import numpy as np
import pytest
import torch

from rlcore.learning.observation import TRIED
from rlcore.learning.policy import CLIP, HIDDEN, LibraryPolicy, Standardised, single_thread
from rlcore.learning.subject_entries import SUBJECT_SIZE

OPTIONS = 4
SIZE = SUBJECT_SIZE + 6 + OPTIONS


def box(size=SIZE):
    return gymnasium.spaces.Box(-np.inf, np.inf, (size,), np.float32)


@pytest.fixture
def policy():
    torch.manual_seed(0)
    return LibraryPolicy(box(), gymnasium.spaces.Discrete(OPTIONS), lambda _: 1e-2)


def observations(count, tail, seed=0):
    made = torch.randn(count, SIZE, generator=torch.Generator().manual_seed(seed))
    made[:, -OPTIONS:] = torch.as_tensor(tail)
    return made


def test_entries_are_standardised_and_clipped_by_hand():
    extractor = Standardised(box(SUBJECT_SIZE + 2))
    entries = np.zeros((4, SUBJECT_SIZE), dtype=np.float32)
    entries[:, 0], entries[:, 1] = [1, 1, 5, 5], [7, 7, 7, 7]
    extractor.fit(entries)
    seen = torch.zeros(1, SUBJECT_SIZE + 2)
    seen[0, :3], seen[0, -2:] = torch.tensor([5.0, 7.5, 0.0]), torch.tensor([50.0, -60.0])
    scaled = extractor(seen)[0]
    # mean 3, deviation 2; an entry that never varied is far off at once; the rest is passed on
    assert scaled[:3].tolist() == pytest.approx([1, CLIP, 0])
    assert scaled[-2:].tolist() == [50, -60]
    seen[0, 0] = -100
    assert extractor(seen)[0, 0] == -CLIP


def test_untrained_its_logits_are_the_preferences(policy):
    tail = [0.5, 5.0, 0.0, 1.0]
    seen = observations(6, tail)
    distribution = policy.get_distribution(seen).distribution
    expected = torch.softmax(torch.tensor(tail), 0).expand(6, -1)
    torch.testing.assert_close(distribution.probs, expected)


def test_sharpness_multiplies_the_preferences_and_nothing_that_was_learned():
    torch.manual_seed(0)
    sharp = LibraryPolicy(box(), gymnasium.spaces.Discrete(OPTIONS), lambda _: 1e-2, sharpness=7.0)
    torch.nn.init.normal_(sharp.action_net.learned.weight)
    latent = torch.randn(5, HIDDEN + OPTIONS)
    expected = sharp.action_net.learned(latent[:, :HIDDEN]) + 7 * latent[:, HIDDEN:]
    torch.testing.assert_close(sharp.action_net(latent), expected)


def test_what_was_tried_has_no_probability_whatever_was_learned(policy):
    torch.nn.init.normal_(policy.action_net.learned.weight, std=5)
    distribution = policy.get_distribution(observations(50, [TRIED, 1.0, TRIED, 0.0])).distribution
    assert not distribution.probs[:, [0, 2]].any()
    assert not torch.isin(distribution.sample((100,)), torch.tensor([0, 2])).any()
    assert distribution.entropy().isfinite().all()


def test_preferences_reach_the_logits_alone(policy):
    torch.nn.init.normal_(policy.action_net.learned.weight)
    zero, some = observations(5, [0.0] * OPTIONS), observations(5, [1.0, 2.0, 3.0, TRIED])
    (one_actor, one_critic), (other_actor, other_critic) = (
        policy.mlp_extractor(policy.extract_features(seen)) for seen in (zero, some)
    )
    torch.testing.assert_close(policy.action_net(other_actor) - policy.action_net(one_actor), some[:, -OPTIONS:])
    torch.testing.assert_close(one_critic, other_critic)


def test_every_layer_is_in_the_optimizer_and_the_buffers_are_not(policy):
    known = {id(parameter) for group in policy.optimizer.param_groups for parameter in group["params"]}
    assert known == {id(parameter) for parameter in policy.parameters()}
    assert id(policy.action_net.learned.weight) in known
    buffers = {name for name, _ in policy.named_buffers()}
    assert {"features_extractor.mean", "features_extractor.deviation"} <= buffers <= policy.state_dict().keys()
    assert policy.optimizer.param_groups[0]["lr"] == 1e-2


def test_it_learns_which_option_a_look_asks_for(policy):
    """A known answer: the sign of one entry says which of two options is right; the preferences say otherwise."""
    seen = observations(256, [0.0, 0.0, 1.0, 1.0], seed=1)
    right = (seen[:, 3] > 0).long()
    with single_thread():
        for _ in range(60):
            loss = -policy.get_distribution(seen).log_prob(right).mean()
            policy.optimizer.zero_grad()
            loss.backward()
            policy.optimizer.step()
    fresh = observations(256, [0.0, 0.0, 1.0, 1.0], seed=2)
    answers = policy.get_distribution(fresh).mode()
    assert (answers == (fresh[:, 3] > 0).long()).float().mean() > 0.85
