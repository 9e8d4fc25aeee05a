"""The checkpoint, complete in a file, and the agent that acts from it."""

import dataclasses
import io

import numpy as np
import pytest
import torch

from rlcore.agent import OBSERVATION_CLIP, Agent, Checkpoint, Normaliser
from rlcore.episode import Episode
from rlcore.errors import CheckpointError
from rlcore.observation import observe
from rlcore.training import untrained
from rlcore.validation import play
from tests.conftest import small_config


@pytest.fixture(scope="module")
def checkpoint(subjects, config):
    """An untrained policy with a livelier last layer: as it is, its mean action is close to 0 whatever it sees."""
    made = untrained(config, subjects)
    lively = {name: 80 * tensor if name == "action_net.weight" else tensor for name, tensor in made.policy.items()}
    return dataclasses.replace(made, policy=lively, episode=120, segments=4)


@pytest.fixture
def saved(checkpoint, tmp_path):
    return checkpoint.save(tmp_path / "deep" / "policy.pt")


def same(one, two):
    """Equality of nested dicts and lists with tensors in them."""
    if isinstance(one, torch.Tensor):
        return isinstance(two, torch.Tensor) and one.dtype == two.dtype and torch.equal(one, two)
    if isinstance(one, dict):
        return one.keys() == two.keys() and all(same(one[key], two[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(two) and all(map(same, one, two))
    return one == two


def expected_mean(checkpoint, episode):
    """The policy's mean action, reckoned in numpy from the weights."""
    weights = {name: tensor.numpy().astype(np.float64) for name, tensor in checkpoint.policy.items()}
    statistics = checkpoint.normaliser
    observation = observe(episode, checkpoint.config.action_space)
    hidden = np.clip((observation - statistics.mean) / np.sqrt(statistics.variance + 1e-8), -5, 5)
    for layer in ("mlp_extractor.policy_net.0", "mlp_extractor.policy_net.2"):
        hidden = np.tanh(weights[f"{layer}.weight"] @ hidden + weights[f"{layer}.bias"])
    return weights["action_net.weight"] @ hidden + weights["action_net.bias"]


def begun(subjects, config):
    return [Episode(subject, config.steps_per_episode) for subject in subjects]


def test_a_saved_checkpoint_comes_back_whole(checkpoint, saved):
    loaded = Checkpoint.load(saved)
    assert (loaded.config, loaded.episode, loaded.segments) == (checkpoint.config, 120, 4)
    assert same(dict(loaded.policy), dict(checkpoint.policy))
    assert same(dict(loaded.optimizer), dict(checkpoint.optimizer))
    np.testing.assert_array_equal(loaded.normaliser.mean, checkpoint.normaliser.mean)
    np.testing.assert_array_equal(loaded.normaliser.variance, checkpoint.normaliser.variance)
    assert loaded.normaliser.count == checkpoint.normaliser.count
    assert loaded.normaliser.mean.dtype == np.float64


def test_the_same_checkpoint_is_the_same_bytes(checkpoint, saved, tmp_path):
    again = checkpoint.save(tmp_path / "another name.pt")
    reloaded = Checkpoint.load(saved).save(tmp_path / "reloaded.pt")
    assert again.read_bytes() == saved.read_bytes() == reloaded.read_bytes()
    assert [path.name for path in saved.parent.iterdir()] == ["policy.pt"]


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.99])
def test_a_truncated_checkpoint_is_refused(saved, share):
    content = saved.read_bytes()
    saved.write_bytes(content[: int(share * len(content))])
    with pytest.raises(CheckpointError, match=r"policy\.pt"):
        Checkpoint.load(saved)


@pytest.mark.parametrize("content", [b"not a checkpoint", b"PK\x03\x04" + bytes(200)])
def test_what_is_no_checkpoint_is_refused(tmp_path, content):
    path = tmp_path / "picture.pt"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"picture\.pt: damaged or not a checkpoint"):
        Checkpoint.load(path)


def test_a_missing_checkpoint_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"gone\.pt: no such checkpoint"):
        Checkpoint.load(tmp_path / "gone.pt")
    with pytest.raises(CheckpointError):
        Checkpoint.load(tmp_path)


def changed(saved, **values):
    content = torch.load(saved, weights_only=True)
    torch.save({**content, **values}, saved)
    return saved


def test_another_format_is_refused(saved):
    with pytest.raises(CheckpointError, match="format 99"):
        Checkpoint.load(changed(saved, format=99))


@pytest.mark.parametrize("values", [{"config": "{}x"}, {"config": '{"unknown": 1}'}, {"mean": None}])
def test_damaged_content_is_refused(saved, values):
    with pytest.raises(CheckpointError, match="damaged"):
        Checkpoint.load(changed(saved, **values))


class Trap:
    """Unpickled, it would make a folder."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        import os

        return os.mkdir, (str(self.path),)


def test_code_in_a_checkpoint_is_not_run(tmp_path):
    buffer = io.BytesIO()
    torch.save({"format": 1, "config": Trap(tmp_path / "sprung")}, buffer)
    path = tmp_path / "trap.pt"
    path.write_bytes(buffer.getvalue())
    with pytest.raises(CheckpointError):
        Checkpoint.load(path)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"tuned": ["mode", "supersample"]}, "tuned"),
        ({"fixed": {"hierarchical": "cutout"}}, "fixed"),
        ({"steps_per_episode": 4}, "steps_per_episode = 3, this run has 4"),
    ],
)
def test_an_agent_refuses_another_action_space(checkpoint, values, told):
    with pytest.raises(CheckpointError, match=told):
        Agent(checkpoint, small_config(**values))


def test_an_agent_acts_in_a_run_that_differs_elsewhere(checkpoint):
    assert Agent(checkpoint, small_config(seed=9, working_size=32, target_episodes=7)).name == "agent"


def test_the_first_proposal_is_the_mean_of_the_policy(checkpoint, dataset, config):
    episodes = begun(dataset.subjects, config)
    expected = [config.action_space.decode(expected_mean(checkpoint, episode)) for episode in episodes]
    proposals = Agent(checkpoint).propose(episodes)
    agreeing = [one == two for one, two in zip(proposals, expected, strict=True)]
    # float32 against float64: one in hundreds may lie on the border of two choices
    assert np.mean(agreeing) > 0.95
    assert len(set(proposals)) > len(episodes) // 2


def test_proposals_depend_on_the_observation_statistics(checkpoint, subjects, config):
    statistics = checkpoint.normaliser
    shifted = dataclasses.replace(checkpoint, normaliser=dataclasses.replace(statistics, mean=statistics.mean + 1))
    episodes = begun(subjects, config)
    assert Agent(shifted).propose(episodes) != Agent(checkpoint).propose(episodes)


def test_proposals_depend_neither_on_order_nor_on_company(checkpoint, held_out, config, evaluator):
    agent, episodes = Agent(checkpoint), begun(held_out, config)
    for _ in range(config.steps_per_episode - 1):
        together = agent.propose(episodes)
        assert [agent.propose([episode])[0] for episode in episodes] == together
        assert agent.propose(episodes[::-1]) == together[::-1]
        assert Agent(checkpoint).propose(episodes) == together
        for episode, parameters in zip(episodes, together, strict=True):
            episode.record(parameters, evaluator.traces([(episode.subject.logo, parameters)])[0])


def test_later_proposals_are_other_tries(checkpoint, held_out, config, evaluator):
    for episode in play(Agent(checkpoint), held_out, config.steps_per_episode, config, evaluator):
        tried = {attempt.parameters for attempt in episode.attempts}
        assert len(tried) == config.steps_per_episode


def test_later_tries_differ_from_logo_to_logo(checkpoint, subjects, config, evaluator):
    one, other = [subject for subject in subjects if subject.logo.rgba.shape == (48, 48, 4) and subject.logo.has_alpha][
        :2
    ]
    # nothing that the agent sees tells them apart
    episodes = begun([one, dataclasses.replace(one, logo=other.logo)], config)
    agent = Agent(checkpoint)
    first = agent.propose(episodes)
    assert first[0] == first[1]
    [trace] = evaluator.traces([(one.logo, first[0])])
    for episode in episodes:
        episode.record(first[0], trace)
    later = agent.propose(episodes)
    assert later[0] != later[1]


def test_an_agent_that_was_saved_proposes_the_same(checkpoint, saved, subjects, config):
    episodes = begun(subjects, config)
    assert Agent(Checkpoint.load(saved)).propose(episodes) == Agent(checkpoint).propose(episodes)


def test_proposals_do_not_depend_on_the_global_random_state(checkpoint, subjects, config):
    episodes = begun(subjects, config)
    torch.manual_seed(5)
    first = Agent(checkpoint).propose(episodes)
    torch.manual_seed(6)
    assert Agent(checkpoint).propose(episodes) == first


def test_normalised_observations_by_hand():
    normaliser = Normaliser(np.array([1.0, 0.0, 0.0]), np.array([4.0, 1.0, 1e-12]), 10.0)
    scaled = normaliser(np.array([3.0, -99.0, 0.0], dtype=np.float32))
    assert scaled == pytest.approx([1.0, -OBSERVATION_CLIP, 0.0])
    assert scaled.dtype == np.float32
