"""What the agent sees, entry by entry."""

import dataclasses

import numpy as np
import pytest

from rlcore.episode import Episode
from rlcore.features import FEATURE_COUNT
from rlcore.gain import Baseline
from rlcore.observation import observation_size, observe
from rlcore.parameters import CLEANED_PLAIN, DEFAULT_TUNED, ActionSpace, Parameters
from rlcore.tracing import Trace, failed

SPACE = ActionSpace(("mode", "supersample", "palette_size"))
BUDGET = 4
ACTION = slice(6, 9)


@pytest.fixture
def subject(subjects):
    """A real logo whose baselines are easy to reckon with."""
    measured = next(subject for subject in subjects if subject.logo.has_alpha)
    return dataclasses.replace(measured, plain=Baseline(0.75, 1024), cleaned=Baseline(0.875, 512))


def parts(episode, space=SPACE):
    """The blocks of an observation: features, plain, one-hot and share, last trace, best trace."""
    vector = observe(episode, space)
    outcome = 6 + space.size
    ends = np.cumsum([FEATURE_COUNT, 5, episode.budget + 1, outcome, outcome])
    assert ends[-1] == len(vector)
    return np.split(vector, ends[:-1])


@pytest.mark.parametrize("tuned", [("mode",), ("mode", "supersample", "palette_size"), DEFAULT_TUNED])
@pytest.mark.parametrize("budget", [1, 8])
def test_shape_and_type(subject, tuned, budget):
    space = ActionSpace(tuned)
    vector = observe(Episode(subject, budget), space)
    assert vector.shape == (observation_size(space, budget),)
    assert vector.dtype == np.float32
    assert np.isfinite(vector).all()


def test_before_the_first_trace(subject):
    features, plain, progress, last, best = parts(Episode(subject, BUDGET))
    np.testing.assert_array_equal(features, subject.features.as_vector())
    height, width = subject.logo.rgba.shape[:2]
    assert plain == pytest.approx([-2, 10 - np.log2(height * width), 0.5, -1, 1])
    assert progress.tolist() == [1, 0, 0, 0, 0]
    assert not last.any()
    assert not best.any()


def test_opaque_logos_are_marked(subjects):
    opaque = next(subject for subject in subjects if not subject.logo.has_alpha)
    assert parts(Episode(opaque, BUDGET))[1][4] == 0


def test_a_trace_shows_what_it_gave(subject):
    episode = Episode(subject, BUDGET)
    parameters = Parameters(mode="polygon", supersample=3, palette_size=0)
    episode.record(parameters, Trace(0.9375, 512, 0.01))
    _, _, progress, last, best = parts(episode)
    assert progress.tolist() == [0, 1, 0, 0, 0.25]
    # a quarter of the error: gain 2, half the bytes: 0.5
    assert last[:6] == pytest.approx([0.75, -1, 2.5, 1, 0, 0])
    np.testing.assert_array_equal(last[ACTION], SPACE.encode(parameters))
    np.testing.assert_array_equal(last, best)


def test_success_has_its_own_entry(subject):
    episode = Episode(subject, BUDGET)
    episode.record(CLEANED_PLAIN, Trace(0.97, 512, 0.01))
    assert parts(episode)[3][3:6].tolist() == [1, 1, 0]


def test_last_and_best_are_told_apart(subject):
    episode = Episode(subject, BUDGET)
    good, worse = Parameters(supersample=2), Parameters(supersample=4)
    episode.record(good, Trace(0.9375, 512, 0.01))
    episode.record(worse, Trace(0.7, 2048, 0.01))
    _, _, _, last, best = parts(episode)
    assert last[:6] == pytest.approx([-0.2, 1, np.log2(0.25 / 0.3) - 0.5, 0, 0, 0])
    np.testing.assert_array_equal(last[ACTION], SPACE.encode(worse))
    assert best[:6] == pytest.approx([0.75, -1, 2.5, 1, 0, 0])
    np.testing.assert_array_equal(best[ACTION], SPACE.encode(good))


def test_a_failed_trace_shows_its_action_and_nothing_else(subject):
    episode = Episode(subject, BUDGET)
    episode.record(Parameters(supersample=4), failed("panic"))
    _, _, _, last, best = parts(episode)
    assert last[:6].tolist() == [0, 0, 0, 0, 0, 1]
    np.testing.assert_array_equal(last[ACTION], SPACE.encode(Parameters(supersample=4)))
    assert not best.any()


def test_unbounded_measures_are_clipped(subject):
    poor = Episode(dataclasses.replace(subject, plain=Baseline(0.9998, 10)), BUDGET)
    poor.record(CLEANED_PLAIN, Trace(-0.5, 4_000_000, 0.01))
    assert parts(poor)[3][:3].tolist() == [-1, 8, -8]
    rich = Episode(dataclasses.replace(subject, plain=Baseline(0.0, 4_000_000)), BUDGET)
    rich.record(CLEANED_PLAIN, Trace(1.0, 10, 0.01))
    assert parts(rich)[3][:3].tolist() == [1, -8, 8]


def test_after_the_last_trace_no_step_is_next(subject):
    episode = Episode(subject, 2)
    for _ in range(2):
        episode.record(CLEANED_PLAIN, Trace(0.8, 900, 0.01))
    assert parts(episode)[2].tolist() == [0, 0, 1]


def test_observing_changes_nothing(subject):
    episode = Episode(subject, BUDGET)
    episode.record(CLEANED_PLAIN, Trace(0.8, 900, 0.01))
    np.testing.assert_array_equal(observe(episode, SPACE), observe(episode, SPACE))
    assert episode.step == 1


def test_every_real_logo_is_observed_in_finite_numbers(dataset, config):
    space = config.action_space
    vectors = np.array([observe(Episode(subject, 3), space) for subject in dataset.subjects])
    assert np.isfinite(vectors).all()
    assert len(np.unique(vectors, axis=0)) == len(vectors)
