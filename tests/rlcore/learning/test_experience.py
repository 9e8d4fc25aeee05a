"""What recorded traces say about a logo that is like some of those recorded."""

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlcore.conversion.tracing import failed
from rlcore.episode import Episode
from rlcore.gain import Weights
from rlcore.learning.experience import EVERYBODY, Experience
from rlcore.learning.trace_table import greedy_portfolio
from rlcore.parameters import Parameters
from tests.rlcore import made
from tests.rlcore.made import SETTINGS, trace_of

ALIKE = [made.subject(number) for number in range(8)]
STRANGER = made.subject(999)


def recorded(gains, subjects=None):
    count = np.shape(gains)[1]
    return Experience.of(made.table(gains), ALIKE[:count] if subjects is None else subjects)


def rises(experience, episode, count):
    return experience.expected_rises(episode, made.library(count))


def test_before_any_trace_alike_logos_count_alike():
    experience = recorded([[1, 1, 4], [0, 3, 0], [-2, 0, 0]])
    got = rises(experience, Episode(STRANGER, 3), 3)
    assert got.dtype == np.float64
    assert got == pytest.approx([2, 1, 0])


def test_a_logo_does_not_see_its_own_record():
    # the first logo alone does best with the second setting, by far
    experience = recorded([[0, 1, 1, 1], [9, 0, 0, 0]])
    assert rises(experience, Episode(ALIKE[0], 3), 2) == pytest.approx([1, 0])
    assert rises(experience, Episode(ALIKE[1], 3), 2) == pytest.approx([2 / 3, 3])
    assert rises(experience, Episode(STRANGER, 3), 2) == pytest.approx([3 / 4, 9 / 4])


def test_neither_do_outcomes_lead_a_logo_back_to_its_own_record():
    gains = [[5, 1, 1, 1], [9, 0, 0, 0]]
    episode = Episode(ALIKE[0], 3)
    episode.record(SETTINGS[0], trace_of(5))
    assert rises(recorded(gains), episode, 2).tolist() == [0, 0]


def test_the_only_training_logo_sees_itself():
    assert rises(recorded([[2], [1]]), Episode(ALIKE[0], 3), 2) == pytest.approx([2, 1])


def test_who_looks_alike_weighs_more():
    looks = [made.subject(0, saturation=0.1), made.subject(1, saturation=0.9)]
    experience = recorded([[2, 0], [0, 2]], looks)
    near, far = (rises(experience, Episode(made.subject(9, saturation=s), 3), 2) for s in (0.1, 0.9))
    # standardised they lie 2 apart in one of 25 entries: exp(-(4 / 25) / (2 * 0.5 ** 2)) against 1
    share = 1 / (1 + np.exp(-0.32))
    weight = (1 - EVERYBODY) * share + EVERYBODY / 2
    assert near == pytest.approx([2 * weight, 2 * (1 - weight)], abs=1e-4)
    assert far == pytest.approx(near[::-1], abs=1e-4)


def test_who_had_the_same_outcome_weighs_more():
    # setting 0 gave 1 on the first kind, 4 on the second; the next best differs by kind
    experience = recorded([[1, 1, 4, 4], [3, 3, 0, 0], [0, 0, 6, 6]])
    first, second = Episode(STRANGER, 3), Episode(STRANGER, 3)
    first.record(SETTINGS[0], trace_of(1))
    second.record(SETTINGS[0], trace_of(4))
    weight = 1 / (1 + np.exp(-(3**2) / 2))
    mine, others = (1 - EVERYBODY) * weight + EVERYBODY / 2, (1 - EVERYBODY) * (1 - weight) + EVERYBODY / 2
    # on the first kind 3 is 2 above what setting 0 gave there, on the second 6 is 2 above
    assert rises(experience, first, 3) == pytest.approx([0, mine * 2, others * 2])
    assert rises(experience, second, 3) == pytest.approx([0, others * 2, mine * 2])


@pytest.mark.parametrize("size", [0.25, 2.0])
def test_outcomes_in_bytes_count_by_the_size_weight(size):
    table = made.table([[1, 1], [3, 0], [0, 3]])
    table = dataclasses.replace(table, size_bytes=np.array([[512.0, 2048.0], [1024.0] * 2, [1024.0] * 2]))
    experience = Experience.of(table, ALIKE[:2])
    episode = Episode(STRANGER, 3, Weights(1.0, size))
    episode.record(SETTINGS[0], trace_of(1, octaves_smaller=1))
    got = rises(experience, episode, 3)
    # one octave smaller against one larger: 2 octaves apart
    weight = 1 / (1 + np.exp(-((2 * size) ** 2) / 2))
    mine = (1 - EVERYBODY) * weight + EVERYBODY / 2
    assert got == pytest.approx([0, mine * max(0, 3 - (1 + size)), (1 - mine) * (3 - max(0, 1 - size))])


def test_failed_and_far_outcomes_are_clipped():
    table = made.table([[-3.0, 1.0], [2.0, 0.0], [0.0, 2.0]])
    size = table.size_bytes.copy()
    size[0, 0] = 0  # it failed there
    experience = Experience.of(dataclasses.replace(table, size_bytes=size), ALIKE[:2])
    episode = Episode(STRANGER, 3, Weights(1.0, 0.5))
    episode.record(SETTINGS[0], failed("panic"))
    # a failure is like a failure: (-2, -2) against (1, 0)
    weight = 1 / (1 + np.exp(-(3**2 + 1**2) / 2))
    mine = (1 - EVERYBODY) * weight + EVERYBODY / 2
    assert rises(experience, episode, 3) == pytest.approx([0, mine * 2, (1 - mine) * (2 - 1)])


def test_what_was_tried_is_expected_to_raise_nothing():
    experience = recorded([[1, 2, 3], [2, 1, 4], [5, 5, 5]])
    episode = Episode(STRANGER, 3)
    # it gave nothing here, but would on all others
    episode.record(SETTINGS[2], failed("panic"))
    got = rises(experience, episode, 3)
    assert got[2] == 0


def test_what_moves_added_is_above_everybodys_own():
    experience = recorded([[1, 1], [3, 2]])
    episode = Episode(STRANGER, 4)
    episode.record(SETTINGS[0], trace_of(1))
    assert rises(experience, episode, 2) == pytest.approx([0, 1.5])
    # a move reached 1.5 more than the tried settings: everybody's own best counts 1.5 more
    episode.record(Parameters(supersample=4), trace_of(2.5))
    assert rises(experience, episode, 2) == pytest.approx([0, 0.25])


GREEDY = st.lists(st.lists(st.integers(0, 5), min_size=4, max_size=4), min_size=2, max_size=6)


@settings(max_examples=60, deadline=None)
@given(GREEDY)
def test_with_equal_weights_the_picks_are_the_greedy_portfolio(columns):
    """As many logos as gains allow, and a stranger on whom no outcome tells them apart: weights are set alike."""
    gains = np.array(columns, dtype=float).T
    experience = recorded(gains, [made.subject(number) for number in range(gains.shape[1])])
    library, episode = made.library(len(gains)), Episode(STRANGER, 9)

    class Equal(Experience):
        def _weights(self, episode, tried):
            return np.full(len(self.digests), 1 / len(self.digests))

        @staticmethod
        def _corrected(gains, places, own, others):
            return gains - gains[places].max(axis=0)

    equal = Equal(experience.table, experience.entries, experience.digests, experience.forest)
    exact = equal.table.gains(episode.weights)
    picked = []
    for _ in range(len(gains)):
        expected = equal.expected_rises(episode, library)
        best = exact[picked].max(axis=0, initial=0.0)
        assert expected == pytest.approx(np.maximum(exact - best, 0).mean(axis=1), abs=1e-9)
        left = [place for place in range(len(gains)) if place not in picked]
        picked.append(max(left, key=lambda place: (round(float(expected[place]), 9), -place)))
        # a stranger on whom all fails: nothing is known of its own best
        episode.record(SETTINGS[picked[-1]], failed("panic"))
    rounded = np.round(exact, 9)
    assert picked == greedy_portfolio(rounded, len(gains))


def test_what_the_tried_settings_gave_corrects_everybodys_gains():
    """Setting 2 always gives what settings 0 and 1 give together; no training logo is like the new one."""
    rng = np.random.default_rng(0)
    first, second = rng.uniform(1, 3, 40), rng.uniform(1, 3, 40)
    subjects = [made.subject(number) for number in range(40)]
    experience = recorded([first, second, first + second, np.full(40, 2.0)], subjects)
    episode = Episode(STRANGER, 4)
    episode.record(SETTINGS[0], trace_of(4.0))
    assert rises(experience, episode, 4)[2] < 3
    episode.record(SETTINGS[1], trace_of(3.5))
    got = rises(experience, episode, 4)
    assert got[2] == pytest.approx(7.5 - 4.0, abs=0.4)
    assert got[[0, 1, 3]] == pytest.approx([0, 0, 0])


def test_a_correction_does_not_see_the_logos_own_record():
    rng = np.random.default_rng(0)
    gains = rng.uniform(1, 3, (3, 12))
    other = gains.copy()
    other[2, 0] = 9.0  # what the first logo's record says of itself is all that differs
    subjects = [made.subject(number) for number in range(12)]
    got = []
    for table in (gains, other):
        episode = Episode(subjects[0], 4)
        for place in (0, 1):
            episode.record(SETTINGS[place], trace_of(gains[place, 0]))
        # the forest is grown on the record too: the same one for both
        experience = dataclasses.replace(recorded(table, subjects), forest=recorded(gains, subjects).forest)
        got.append(rises(experience, episode, 3))
    assert got[0] == pytest.approx(got[1], abs=1e-12)


def test_best_gain_is_that_of_the_record_with_the_episodes_weights():
    table = made.table([[1.0, 0.0], [2.0, -1.0]])
    table = dataclasses.replace(table, size_bytes=np.array([[256.0, 1024.0], [1024.0, 1024.0]]))
    experience = Experience.of(table, ALIKE[:2])
    assert experience.best_gain(Episode(ALIKE[0], 3, Weights(size=0.25))) == pytest.approx(2)
    assert experience.best_gain(Episode(ALIKE[0], 3, Weights(size=2.0))) == pytest.approx(5)
    assert experience.best_gain(Episode(ALIKE[1], 3)) == pytest.approx(0)
    assert experience.best_gain(Episode(STRANGER, 3)) == 0


def test_weights_add_up_to_one_however_far_a_logo_lies():
    experience = recorded(np.ones((2, 8)))
    for saturation, gain in itertools.product((0.0, 1e3, -1e9), (-20, 0, 13)):
        episode = Episode(made.subject(99, saturation=saturation, colours=1e6), 3)
        episode.record(SETTINGS[0], trace_of(min(gain, 13)))
        weights = experience._weights(episode, [(0, episode.attempts[0])])
        assert weights.sum() == pytest.approx(1)
        assert (weights >= EVERYBODY / 8 - 1e-12).all()


def test_rises_of_real_logos_are_finite_and_not_negative(experience, library, dataset, config, evaluator):
    for subject in dataset.subjects:
        episode = Episode(subject, config.steps_per_episode, config.weights)
        for setting in library.portfolio(config.size_weight)[:2]:
            got = experience.expected_rises(episode, library)
            assert np.isfinite(got).all()
            assert (got >= 0).all()
            episode.record(setting, evaluator.traces([(subject.logo, setting)])[0])


def test_kept_as_tensors_and_read_again(experience, library, config, held_out):
    again = Experience.from_dict(experience.as_dict())
    assert again.digests == experience.digests
    np.testing.assert_array_equal(again.entries, experience.entries)
    assert again.entries.dtype == np.float32
    for field in dataclasses.fields(experience.table):
        np.testing.assert_array_equal(getattr(again.table, field.name), getattr(experience.table, field.name))
    episode = Episode(held_out[0], 3, config.weights)
    np.testing.assert_array_equal(again.expected_rises(episode, library), experience.expected_rises(episode, library))


NOISE = ("edge_density", "entropy", "corner_density", "gradient_strength", "complexity", "coverage", "top_share")
BY_KIND = {0.2: (0.0, 3.0, 2.0), 0.8: (3.0, 0.0, 2.0)}
"""By kind of logo, told by its saturation, what each setting gives; the third is never best but a safe bet."""


def logos_of_kinds(count, first, seed):
    """Of both kinds in turn, with noise in what else they look like, so that distances alone tell little."""
    rng = np.random.default_rng(seed)
    kinds = [(0.2, 0.8)[number % 2] for number in range(count)]
    return [
        made.subject(first + number, saturation=kind, **{name: float(rng.uniform(0, 1)) for name in NOISE})
        for number, kind in enumerate(kinds)
    ], kinds


def test_what_decides_is_found_in_noise():
    subjects, kinds = logos_of_kinds(60, 0, 1)
    experience = recorded(np.array([BY_KIND[kind] for kind in kinds]).T, subjects)
    for known in (logos_of_kinds(100, 1000, 2), (subjects, kinds)):  # new logos, and training logos themselves
        picked = [rises(experience, Episode(subject, 3), 3).argmax() for subject in known[0]]
        right = [int(np.argmax(BY_KIND[kind])) for kind in known[1]]
        assert np.mean(np.equal(picked, right)) > 0.95
