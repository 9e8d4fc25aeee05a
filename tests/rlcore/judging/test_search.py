"""Searches per logo: seeded by logo and step alone, starting where they are told, and learning."""

import gc

import numpy as np
import pytest

from rlcore.conversion.tracing import Trace, failed
from rlcore.episode import Episode
from rlcore.judging.reference import POPULATION
from rlcore.judging.search import CMAESSearch, RandomSearch, TPESearch
from rlcore.judging.validation import play
from rlcore.parameters import CLEANED_PLAIN, ActionSpace, Parameters

KINDS = [RandomSearch, TPESearch, CMAESSearch]
FIRST = Parameters(mode="polygon", supersample=2, palette_size=4).canonical()
SPACE = ActionSpace(
    ("mode", "hierarchical", "filter_speckle", "layer_difference", "length_threshold", "supersample", "palette_size")
)


def dreamt(parameters):
    """A made-up trace: the nearer to one setting, the smaller its file; some settings fail, some are too poor."""
    if parameters.filter_speckle == 10:
        return failed("panic")
    distance = np.abs(SPACE.encode(parameters) - SPACE.encode(Parameters(filter_speckle=2, palette_size=8))).sum()
    return Trace(0.0 if parameters.filter_speckle == 9 else 1.0, int(1000 + 1000 * distance), 0.0)


def walked(search, subjects, steps):
    """The parameters that a search proposes for each logo in made-up traces, logo by logo."""
    episodes = [Episode(subject, steps) for subject in subjects]
    for _ in range(steps):
        for episode, parameters in zip(episodes, search.propose(episodes), strict=True):
            episode.record(parameters, dreamt(parameters))
    return [[attempt.parameters for attempt in episode.attempts] for episode in episodes]


@pytest.mark.parametrize("kind", KINDS)
def test_proposals_depend_on_seed_logo_and_step_alone(kind, held_out):
    subjects = held_out[:3]
    found = walked(kind(SPACE, 3), subjects, 24)
    assert walked(kind(SPACE, 3), subjects, 24) == found
    assert walked(kind(SPACE, 3), subjects[::-1], 24) == found[::-1]
    assert walked(kind(SPACE, 3), subjects[:1], 24) == found[:1]
    assert walked(kind(SPACE, 4), subjects, 24) != found
    assert found[0] != found[1]


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_trace_is_what_was_given(kind, held_out, config, evaluator):
    for episode in play(kind(config.action_space, 0, FIRST), held_out[:3], 3, config, evaluator):
        assert [a.parameters == FIRST for a in episode.attempts] == [True, False, False]


@pytest.mark.parametrize("kind", [TPESearch, CMAESSearch])
def test_a_first_trace_off_the_grid_is_taken_to_the_letter(kind, held_out):
    first = Parameters(layer_difference=15, supersample=2)
    [found] = walked(kind(SPACE, 0, first), held_out[:1], 12)
    assert found[0] == first
    assert len(set(found)) > 6


@pytest.mark.parametrize("kind", [TPESearch, CMAESSearch])
def test_asked_twice_it_says_the_same(kind, held_out):
    search, episode = kind(SPACE, 0), Episode(held_out[0], 3)
    assert search.propose([episode]) == search.propose([episode])


@pytest.mark.parametrize("kind", [TPESearch, CMAESSearch])
def test_an_episode_alone_says_all_that_the_search_knows(kind, held_out):
    search, episode = kind(SPACE, 0, FIRST), Episode(held_out[0], 40)
    for _ in range(25):
        [parameters] = search.propose([episode])
        episode.record(parameters, dreamt(parameters))
    assert kind(SPACE, 0, FIRST).propose([episode]) == search.propose([episode])


@pytest.mark.parametrize("kind", [TPESearch, CMAESSearch])
def test_somebody_elses_attempts_are_refused(kind, held_out):
    episode = Episode(held_out[0], 3)
    episode.record(CLEANED_PLAIN, dreamt(CLEANED_PLAIN))
    with pytest.raises(ValueError, match="attempt 1 is not what was proposed"):
        kind(SPACE, 0, FIRST).propose([episode])


@pytest.mark.parametrize("kind", [TPESearch, CMAESSearch])
def test_what_is_known_of_an_episode_goes_with_it(kind, held_out):
    search = kind(SPACE, 0)
    episodes = [Episode(subject, 1) for subject in held_out[:3]]
    search.propose(episodes)
    assert len(search._searches) == 3
    del episodes
    gc.collect()
    assert not search._searches


@pytest.mark.parametrize("kind", [TPESearch, CMAESSearch])
def test_it_learns_from_what_the_traces_gave(kind, held_out):
    def sizes(search):
        found = walked(search, held_out[:4], 5 * POPULATION)
        return np.array([[dreamt(parameters).size_bytes or np.nan for parameters in walk] for walk in found])

    learnt, blind = sizes(kind(SPACE, 1)), sizes(RandomSearch(SPACE, 1))
    assert np.nanmean(learnt[:, -POPULATION:]) < 0.75 * np.nanmean(blind)
    assert np.nanmean(learnt[:, -POPULATION:]) < np.nanmean(learnt[:, :POPULATION])


def test_random_search_covers_the_whole_range(subjects):
    space = ActionSpace(("supersample", "length_threshold"))
    proposals = [p for seed in range(10) for p in RandomSearch(space, seed).propose([Episode(s, 1) for s in subjects])]
    counts = np.bincount([p.supersample for p in proposals], minlength=5)[1:]
    assert counts.min() > len(proposals) / 8
    lengths = [p.length_threshold for p in proposals]
    assert min(lengths) < 3.8
    assert max(lengths) > 9.7


@pytest.mark.parametrize("kind", KINDS)
def test_every_proposal_lies_in_the_space(kind, held_out):
    [found] = walked(kind(SPACE, 2, FIRST), held_out[:1], 60)
    for parameters in found:
        assert SPACE.decode(SPACE.encode(parameters)) == parameters.canonical()


def test_searches_say_nothing(held_out, capfd):
    walked(TPESearch(SPACE, 0), held_out[:1], 3)
    assert capfd.readouterr() == ("", "")
