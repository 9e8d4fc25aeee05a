"""The checkpoint, complete in a file, and the agent that acts from it."""

import dataclasses
import hashlib
import io

import numpy as np
import pytest
import torch

from rlcore.episode import Episode
from rlcore.errors import CheckpointError
from rlcore.judging.validation import play
from rlcore.learning.agent import Agent, Checkpoint, library_versions
from rlcore.learning.library import Move
from rlcore.learning.observation import observe
from rlcore.learning.policy import CLIP
from rlcore.learning.subject_entries import SUBJECT_SIZE
from rlcore.learning.training import untrained
from tests.conftest import small_config
from tests.rlcore import made

LAST = "action_net.learned.weight"


@pytest.fixture(scope="module")
def checkpoint(start):
    """An untrained policy with a livelier last layer: as it is, it follows the preferences of what it sees."""
    last = torch.randn(start.policy[LAST].shape, generator=torch.Generator().manual_seed(3))
    return dataclasses.replace(start, policy={**start.policy, LAST: last}, episode=120, rollbacks=2)


@pytest.fixture
def saved(checkpoint, tmp_path):
    return checkpoint.save(tmp_path / "deep" / "policy.pt")


def same(one, two):
    """Equality of nested dicts and lists with tensors and arrays in them."""
    if isinstance(one, np.ndarray):
        return isinstance(two, np.ndarray) and one.dtype == two.dtype and np.array_equal(one, two)
    if isinstance(one, torch.Tensor):
        return isinstance(two, torch.Tensor) and one.dtype == two.dtype and torch.equal(one, two)
    if isinstance(one, dict):
        return one.keys() == two.keys() and all(same(one[key], two[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(two) and all(map(same, one, two))
    return one == two


def preferences(checkpoint, episode):
    """The tail of what it sees."""
    seen = observe(episode, checkpoint.library, checkpoint.experience, checkpoint.config.action_space)
    return seen[-checkpoint.library.size :]


def expected_logits(checkpoint, episode):
    """Reckoned in numpy from the weights: a network of what is seen but the preferences, plus these, sharpened."""
    weights = {name: tensor.numpy().astype(np.float64) for name, tensor in checkpoint.policy.items()}
    seen = observe(episode, checkpoint.library, checkpoint.experience, checkpoint.config.action_space)
    # whether these are the training logos' is told in test_training
    scaled = (seen[:SUBJECT_SIZE] - weights["features_extractor.mean"]) / weights["features_extractor.deviation"]
    hidden = np.concatenate([np.clip(scaled, -CLIP, CLIP), seen[SUBJECT_SIZE : -checkpoint.library.size]])
    for layer in ("mlp_extractor.actor.0", "mlp_extractor.actor.2"):
        hidden = np.tanh(weights[f"{layer}.weight"] @ hidden + weights[f"{layer}.bias"])
    learned = weights["action_net.learned.weight"] @ hidden + weights["action_net.learned.bias"]
    return learned + checkpoint.config.ppo.sharpness * preferences(checkpoint, episode)


def begun(subjects, config):
    return [Episode(subject, config.steps_per_episode, config.weights) for subject in subjects]


def traced(episodes, proposals, evaluator):
    jobs = [(episode.subject.logo, proposal) for episode, proposal in zip(episodes, proposals, strict=True)]
    for episode, parameters, trace in zip(episodes, proposals, evaluator.traces(jobs), strict=True):
        episode.record(parameters, trace)


def test_a_saved_checkpoint_comes_back_whole(checkpoint, saved):
    loaded = Checkpoint.load(saved)
    assert (loaded.config, loaded.episode, loaded.rollbacks) == (checkpoint.config, 120, 2)
    assert loaded.versions == library_versions()
    assert same(dict(loaded.policy), dict(checkpoint.policy))
    assert same(dict(loaded.optimizer), dict(checkpoint.optimizer))
    assert loaded.library == checkpoint.library
    assert same(loaded.experience.as_dict(), checkpoint.experience.as_dict())
    assert loaded.experience.entries.dtype == np.float32
    assert loaded.experience.table.quality.dtype == np.float64


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


def content_of(saved):
    """What is in a checkpoint after its first line."""
    return torch.load(io.BytesIO(saved.read_bytes().partition(b"\n")[2]), weights_only=True)


def sealed(path, content):
    """Writes a checkpoint of any content, with the checksum that fits it."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    checksum = hashlib.sha256(buffer.getvalue()).hexdigest().encode()
    path.write_bytes(b"stage1-checkpoint 5 " + checksum + b"\n" + buffer.getvalue())
    return path


def changed(saved, **values):
    return sealed(saved, {**content_of(saved), **values})


def test_another_format_is_refused(saved):
    saved.write_bytes(saved.read_bytes().replace(b"checkpoint 5 ", b"checkpoint 99 ", 1))
    with pytest.raises(CheckpointError, match="format 99, this version reads 5"):
        Checkpoint.load(saved)


@pytest.mark.parametrize("place", [200, -200, -1])
def test_a_single_wrong_byte_is_found(saved, place):
    content = bytearray(saved.read_bytes())
    content[place] ^= 1
    saved.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"policy\.pt: damaged: its content does not fit its checksum"):
        Checkpoint.load(saved)


@pytest.mark.parametrize(
    "values", [{"config": "{}x"}, {"config": '{"unknown": 1}'}, {"experience": None}, {"library": "{}"}]
)
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


def test_nothing_but_numbers_and_text_is_in_a_checkpoint(saved):
    assert content_of(saved).keys() == {
        *("config", "library", "experience", "episode", "rollbacks", "versions", "policy", "optimizer")
    }


def test_code_in_a_checkpoint_is_not_run(tmp_path):
    with pytest.raises(CheckpointError):
        Checkpoint.load(sealed(tmp_path / "trap.pt", {"config": Trap(tmp_path / "sprung")}))
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


def test_a_proposal_is_the_likeliest_option_of_the_policy(checkpoint, dataset, config, evaluator):
    episodes, agent = begun(dataset.subjects, config), Agent(checkpoint)
    for _ in range(config.steps_per_episode):
        logits = [expected_logits(checkpoint, episode) for episode in episodes]
        options = [checkpoint.library.options(episode) for episode in episodes]
        proposals = agent.propose(episodes)
        for own, offered, proposal in zip(logits, options, proposals, strict=True):
            # a move may lead to one of the settings: both stand for it
            likeliest = max(logit for logit, option in zip(own, offered, strict=True) if option == proposal)
            # float32 against float64: a near tie may be read either way
            assert likeliest > own.max() - 1e-3
        assert len(set(proposals)) > 1
        traced(episodes, proposals, evaluator)


def test_the_untrained_agent_follows_the_preferences(start, held_out, config, evaluator):
    episodes, agent = begun(held_out, config), Agent(start)
    for _ in range(config.steps_per_episode):
        wanted = [start.library.options(e)[int(preferences(start, e).argmax())] for e in episodes]
        assert agent.propose(episodes) == wanted
        traced(episodes, wanted, evaluator)


def test_proposals_depend_on_what_the_training_logos_looked_like(checkpoint, subjects, config):
    name = "features_extractor.mean"
    shifted = dataclasses.replace(
        checkpoint,
        policy={key: tensor + 1 if key.endswith(name) else tensor for key, tensor in checkpoint.policy.items()},
    )
    episodes = begun(subjects, config)
    assert Agent(shifted).propose(episodes) != Agent(checkpoint).propose(episodes)


def test_proposals_depend_neither_on_order_nor_on_company(checkpoint, held_out, config, evaluator):
    agent, episodes = Agent(checkpoint), begun(held_out, config)
    for _ in range(config.steps_per_episode - 1):
        together = agent.propose(episodes)
        assert [agent.propose([episode])[0] for episode in episodes] == together
        assert agent.propose(episodes[::-1]) == together[::-1]
        assert Agent(checkpoint).propose(episodes) == together
        traced(episodes, together, evaluator)


@pytest.mark.parametrize("spread", [0, 1, 10])
def test_every_trace_of_an_episode_is_another_one(start, held_out, config, library, evaluator, spread):
    """As long as there are settings left, for any weights that leave logits under the mask's 1000."""
    budget = len(library.settings)
    longer = config.model_copy(update={"steps_per_episode": budget})
    fresh = untrained(longer, library, start.experience.table, made_training(start))
    wild = {**fresh.policy, LAST: spread * torch.randn(fresh.policy[LAST].shape, generator=torch.Generator())}
    for episode in play(Agent(dataclasses.replace(fresh, policy=wild)), held_out, budget, longer, evaluator):
        tried = {attempt.parameters.canonical() for attempt in episode.attempts}
        assert len(tried) == budget


def test_a_move_that_leads_back_is_no_other_try(evaluator, config):
    """At the end of its range the move gives the setting that was just tried: the agent leaves it alone."""
    library = made.library(2, [Move("filter_speckle", -1)], [9.0])
    training = [made.subject(number) for number in range(3)]
    checkpoint = untrained(config, library, made.table([[2, 2, 2], [0.1, 0.1, 0.1]]), training)
    episode = Episode(made.subject(50), 3)
    episode.record(library.settings[0], made.trace_of(2))
    assert Agent(checkpoint).propose([episode]) == [library.settings[1]]


def made_training(start):
    """Logos with the looks and digests of the training logos are not needed: any that many will do."""
    return [made.subject(number) for number in range(len(start.experience.digests))]


def test_what_looks_the_same_is_treated_the_same(checkpoint, held_out, config, evaluator):
    # neither is a training logo's own digest: a logo does not see its own record
    one, other = [subject for subject in held_out if subject.logo.rgba.shape == (48, 48, 4) and subject.logo.has_alpha][
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
    assert later[0] == later[1] != first[0]


def test_an_agent_that_was_saved_proposes_the_same(checkpoint, saved, subjects, config):
    episodes = begun(subjects, config)
    assert Agent(Checkpoint.load(saved)).propose(episodes) == Agent(checkpoint).propose(episodes)


def test_proposals_do_not_depend_on_the_global_random_state(checkpoint, subjects, config):
    episodes = begun(subjects, config)
    torch.manual_seed(5)
    first = Agent(checkpoint).propose(episodes)
    torch.manual_seed(6)
    assert Agent(checkpoint).propose(episodes) == first


def test_the_size_weight_that_is_asked_for_decides(start, held_out, config):
    """The same model answers for any weight: with bytes worth nothing or much, other settings come first."""
    weights = [dataclasses.replace(config.weights, size=size) for size in (0.01, 4.0)]
    one, other = (Agent(start).propose([Episode(subject, 3, own) for subject in held_out]) for own in weights)
    assert one != other


@pytest.mark.parametrize("mode", ["spline", "polygon", "outline"])
def test_an_agent_of_one_mode_proposes_no_other_and_nothing_twice(checkpoint, subjects, config, evaluator, mode):
    [episode] = play(Agent(checkpoint, mode=mode), subjects[:1], 3, config, evaluator)
    proposed = [attempt.parameters for attempt in episode.attempts]
    assert {parameters.mode for parameters in proposed} == {mode}
    assert len(set(proposed)) == 3
    assert all(parameters == parameters.canonical() for parameters in proposed)
