"""What the agent sees, entry by entry."""

import dataclasses

import numpy as np
import pytest

from rlcore.conversion.tracing import Trace, failed
from rlcore.episode import Episode
from rlcore.features import FEATURE_COUNT
from rlcore.gain import Baseline, Weights
from rlcore.learning.experience import Experience
from rlcore.learning.library import Move
from rlcore.learning.observation import LEAST, RANK, TRIED, observation_size, observe
from rlcore.learning.subject_entries import SUBJECT_SIZE, subject_entries
from rlcore.parameters import CLEANED_PLAIN, DEFAULT_TUNED, ActionSpace, Parameters
from tests.rlcore import made
from tests.rlcore.made import SETTINGS

SPACE = ActionSpace(("mode", "supersample", "palette_size"))
BUDGET = 4
LIBRARY = made.library(3, (Move("supersample", 1), Move("filter_speckle", 1)), (0.25, 0.5))
MADE = [made.subject(number) for number in range(4)]
EXPERIENCE = Experience.of(made.table([[1, 1, 1, 1], [0, 4, 0, 4], [2, 0, 0, 0]]), MADE)


@pytest.fixture
def subject(subjects):
    """A real logo whose baselines are easy to reckon with."""
    measured = next(subject for subject in subjects if subject.logo.has_alpha)
    return dataclasses.replace(measured, plain=Baseline(0.75, 1024), cleaned=Baseline(0.875, 512))


def parts(episode, space=SPACE, library=LIBRARY):
    """The blocks of an observation: subject, aim, progress, settings, last, best, its action, preference."""
    vector = observe(episode, library, EXPERIENCE, space)
    ends = np.cumsum(
        [SUBJECT_SIZE, 2, episode.budget, 2 * len(library.settings), 5, 5, space.size, library.size],
    )
    assert ends[-1] == len(vector)
    return np.split(vector, ends[:-1])


@pytest.mark.parametrize("tuned", [("mode",), ("mode", "supersample", "palette_size"), DEFAULT_TUNED])
@pytest.mark.parametrize("budget", [1, 8])
@pytest.mark.parametrize("moves", [(), LIBRARY.moves])
def test_shape_and_type(subject, tuned, budget, moves):
    space, library = ActionSpace(tuned), made.library(3, moves, [0.5] * len(moves))
    vector = observe(Episode(subject, budget), library, EXPERIENCE, space)
    assert vector.shape == (observation_size(library, space, budget),)
    assert vector.dtype == np.float32
    assert np.isfinite(vector).all()


def test_before_the_first_trace(subject):
    known, aim, progress, settings, last, best, action, _ = parts(Episode(subject, BUDGET))
    np.testing.assert_array_equal(known, subject_entries(subject))
    assert aim.tolist() == [-1, 0]
    assert progress.tolist() == [1, 0, 0, 0]
    for empty in (settings, last, best, action):
        assert not empty.any()


@pytest.mark.parametrize(("weight", "seen"), [(0.25, -2), (1.0, 0), (2.0, 1), (0.0, -10)])
def test_the_size_weight_is_seen(subject, weight, seen):
    assert parts(Episode(subject, BUDGET, Weights(size=weight)))[1].tolist() == [seen, 0]


def test_a_trace_shows_what_it_gave(subject):
    episode = Episode(subject, BUDGET)
    parameters = Parameters(mode="polygon", supersample=3, palette_size=0)
    episode.record(parameters, Trace(0.9375, 512, 0.01))
    _, aim, progress, settings, last, best, action, _ = parts(episode)
    assert progress.tolist() == [0, 1, 0, 0]
    # a quarter of the error: gain 2, half the bytes: 0.5
    assert aim == pytest.approx([-1, 2.5 / 4])
    assert last == pytest.approx([0.75, -1 / 4, 1, 0, 0])
    np.testing.assert_array_equal(last, best)
    np.testing.assert_array_equal(action, SPACE.encode(parameters))
    assert not settings.any()


def test_success_has_its_own_entry(subject):
    episode = Episode(subject, BUDGET)
    episode.record(CLEANED_PLAIN, Trace(0.97, 512, 0.01))
    assert parts(episode)[4][2:].tolist() == [1, 1, 0]


def test_last_and_best_are_told_apart(subject):
    episode = Episode(subject, BUDGET)
    good, worse = Parameters(supersample=2), Parameters(supersample=4)
    episode.record(good, Trace(0.9375, 512, 0.01))
    episode.record(worse, Trace(0.7, 2048, 0.01))
    _, _, _, _, last, best, action, _ = parts(episode)
    assert last == pytest.approx([-0.2, 1 / 4, 0, 0, 0])
    assert best == pytest.approx([0.75, -1 / 4, 1, 0, 0])
    np.testing.assert_array_equal(action, SPACE.encode(good))


def test_settings_show_that_they_were_tried_and_how_far_behind_they_were(subject):
    episode = Episode(subject, BUDGET)
    episode.record(SETTINGS[2], Trace(0.875, 1024, 0.01))  # gain 1
    assert parts(episode)[3].tolist() == [0, 0, 1, 0, 0, 0]
    episode.record(SETTINGS[0], Trace(0.96875, 1024, 0.01))  # gain 3
    assert parts(episode)[3] == pytest.approx([1, 0, 1, 0, 0, -1])
    episode.record(SETTINGS[1], failed("panic"))
    assert parts(episode)[3] == pytest.approx([1, 1, 1, 0, -4, -1])


def test_a_failed_trace_shows_nothing_else(subject):
    episode = Episode(subject, BUDGET)
    episode.record(Parameters(supersample=4), failed("panic"))
    _, _, _, _, last, best, action, _ = parts(episode)
    assert last.tolist() == [0, 0, 0, 0, 1]
    assert not best.any()
    assert not action.any()


def test_unbounded_measures_are_clipped(subject):
    poor = Episode(dataclasses.replace(subject, plain=Baseline(0.9998, 10)), BUDGET)
    poor.record(CLEANED_PLAIN, Trace(-0.5, 4_000_000, 0.01))
    assert parts(poor)[4][:2].tolist() == [-1, 4]
    rich = Episode(dataclasses.replace(subject, plain=Baseline(0.0, 4_000_000)), BUDGET, Weights(size=4.0))
    rich.record(CLEANED_PLAIN, Trace(1.0, 10, 0.01))
    assert parts(rich)[4][:2].tolist() == [1, -4]
    assert parts(rich)[1].tolist() == [2, 4]


def test_after_the_last_trace_no_step_is_next(subject):
    episode = Episode(subject, 2)
    for _ in range(2):
        episode.record(CLEANED_PLAIN, Trace(0.8, 900, 0.01))
    assert parts(episode)[2].tolist() == [0, 0]


def test_preferences_are_how_far_the_expected_rises_are_under_the_highest(subject):
    preference = parts(Episode(subject, BUDGET))[-1]
    # mean gains 1, 2 and 0.5, moves 0.25 and 0.5: with fewer than RANK options, the last stands for the RANK-th
    assert preference == pytest.approx(-np.array([1, 0, 1.5, 1.75, 1.5]) / 1.75)


def test_near_rivals_are_told_apart_and_hopeless_options_stay_possible(subject):
    gains = [5.0 - 0.01 * place for place in range(RANK)] + [0.0]
    library, experience = made.library(RANK + 1), Experience.of(made.table(np.tile(gains, (4, 1)).T), MADE)
    preference = observe(Episode(subject, BUDGET), library, experience, SPACE)[-RANK - 1 :]
    assert preference[:RANK] == pytest.approx(-np.arange(RANK) / (RANK - 1), rel=1e-3, abs=1e-3)
    assert preference[RANK] == LEAST


def test_what_was_tried_is_masked_whatever_it_promises(subject):
    episode = Episode(subject, BUDGET)
    episode.record(SETTINGS[1], failed("panic"))
    preference = parts(episode)[-1]
    # the last move leads from the portfolio's first to what was tried
    assert preference[[1, 4]].tolist() == [TRIED, TRIED]
    assert preference[[0, 2]].max() == 0
    assert (preference[[0, 2, 3]] >= LEAST).all()


def test_a_move_is_masked_where_it_leads_to_what_was_tried(subject):
    library = made.library(2, (Move("filter_speckle", 1), Move("filter_speckle", -1)), (3.0, 6.0))
    experience = Experience.of(made.table(np.ones((2, 4))), MADE)
    episode = Episode(subject, BUDGET)

    def preference():
        return observe(episode, library, experience, SPACE)[-4:].tolist()

    episode.record(SETTINGS[0], Trace(0.9375, 1024, 0.01))
    # one down from the best, the range ends: it is the best again; one up is setting 1, which is not tried yet
    assert preference() == [TRIED, -1, 0, TRIED]
    episode.record(SETTINGS[1], Trace(0.8, 1024, 0.01))
    assert preference() == [TRIED, TRIED, TRIED, TRIED]


def test_with_nothing_to_hope_for_all_that_is_left_is_alike(subject):
    library, experience = made.library(3), Experience.of(made.table(np.zeros((3, 4))), MADE)
    episode = Episode(subject, BUDGET)
    episode.record(SETTINGS[0], Trace(0.9, 1024, 0.01))
    assert observe(episode, library, experience, SPACE)[-3:].tolist() == [TRIED, 0, 0]


def test_observing_changes_nothing(subject):
    episode = Episode(subject, BUDGET)
    episode.record(SETTINGS[0], Trace(0.8, 900, 0.01))
    one, other = (observe(episode, LIBRARY, EXPERIENCE, SPACE) for _ in range(2))
    np.testing.assert_array_equal(one, other)
    assert episode.step == 1


def test_every_real_logo_is_observed_in_finite_numbers(dataset, config, library, experience):
    space = config.action_space
    vectors = np.array([observe(Episode(subject, 3), library, experience, space) for subject in dataset.subjects])
    assert np.isfinite(vectors).all()
    assert len(np.unique(vectors[:, :FEATURE_COUNT], axis=0)) == len(vectors)
