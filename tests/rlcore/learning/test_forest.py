"""Likeness by leaves: known groups are told apart, by what suits them and by nothing else."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestRegressor

from rlcore.learning.forest import FEATURES_TRIED, LEAST_IN_LEAF, TREES, Forest, grown

LOGOS = 80


def entries_of(seed, count=LOGOS):
    """The first entry tells two kinds apart (under and over 0.5); the other nine are noise."""
    return np.random.default_rng(seed).uniform(0, 1, (count, 10)).astype(np.float32)


def gains_of(entries):
    """Three settings: one suits each kind, the third both, but less; and how easy a logo is, which tells nothing."""
    kind = entries[:, 0] > 0.5
    easy = 5 * np.random.default_rng(3).uniform(0, 1, len(entries))
    return np.stack([3.0 * kind, 3.0 * ~kind, np.full(len(entries), 2.0)]) + easy


@pytest.fixture(scope="module")
def entries():
    return entries_of(0)


@pytest.fixture(scope="module")
def forest(entries):
    return grown(entries, [gains_of(entries), 2 * gains_of(entries)])


def test_likeness_is_a_share_of_all(forest):
    for entry in entries_of(1, 20):
        likeness = forest.likeness(entry)
        assert likeness.shape == (LOGOS,)
        assert likeness.dtype == np.float64
        assert (likeness >= 0).all()
        assert likeness.sum() == pytest.approx(1)


def test_new_logos_are_like_those_of_their_kind(forest, entries):
    kind = entries[:, 0] > 0.5
    for entry in entries_of(1, 40):
        if abs(entry[0] - 0.5) > 0.1:
            assert forest.likeness(entry)[kind == (entry[0] > 0.5)].sum() > 0.8


def test_so_are_training_logos_by_the_trees_that_did_not_see_them(forest, entries):
    kind, shares = entries[:, 0] > 0.5, []
    for own, entry in enumerate(entries):
        likeness = forest.likeness(entry, own)
        assert likeness[own] == 0
        assert likeness.sum() == pytest.approx(1)
        shares.append(likeness[kind == kind[own]].sum())
    assert np.mean(shares) > 0.85


def test_what_a_training_logo_gave_does_not_lead_back_to_it(entries):
    """One odd logo, whose gain nothing foretells: out of its own trees, it is like the others of its kind."""
    gains = gains_of(entries)
    own = int(np.argmax(entries[:, 0]))
    gains[:, own] = [0, 9, 0]
    odd = grown(entries, [gains])
    wanted = odd.likeness(entries[own], own) @ gains.T
    assert wanted.argmax() == 0
    # trees that saw it know better: without the rule above it would be told its own answer
    assert odd.likeness(entries[own])[own] > 0.05


def test_leaves_are_those_of_the_library(entries):
    gains = [gains_of(entries)]
    forest = grown(entries, gains, seed=5)
    target = gains[0] - gains[0].mean(axis=0)
    model = RandomForestRegressor(
        TREES, min_samples_leaf=LEAST_IN_LEAF, max_features=FEATURES_TRIED, random_state=5
    ).fit(entries, (target / (target.std() + 1e-9)).T)
    for entry in entries_of(2, 30):
        assert forest._leaves_of(entry).tolist() == model.apply(entry[None])[0].tolist()


def test_the_same_input_gives_the_same_forest_and_another_seed_another(entries, forest):
    gains = [gains_of(entries), 2 * gains_of(entries)]
    again, other = grown(entries, gains), grown(entries, gains, seed=1)
    assert all((again.as_dict()[name] == tensor).all() for name, tensor in forest.as_dict().items())
    assert other.leaves.tolist() != forest.leaves.tolist()


def test_it_comes_back_from_its_tensors(forest):
    back = Forest.from_dict(forest.as_dict())
    entry = entries_of(1, 1)[0]
    assert back.likeness(entry).tolist() == forest.likeness(entry).tolist()


@pytest.mark.parametrize("count", [1, 2, 6])
def test_few_logos_are_all_alike(count):
    entries = entries_of(0, count)
    forest = grown(entries, [np.ones((2, count))])
    assert forest.likeness(entries_of(1, 1)[0]) == pytest.approx(np.full(count, 1 / count), abs=0.15)
    assert np.isfinite(forest.likeness(entries[0], 0)).all()


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 30))
def test_any_numbers_give_finite_shares(seed, count):
    rng = np.random.default_rng(seed)
    entries = rng.normal(0, 1e4, (count, 4)).astype(np.float32)
    forest = grown(entries, [rng.normal(0, 1, (3, count))])
    for own in (None, 0):
        likeness = forest.likeness(entries[0], own)
        assert np.isfinite(likeness).all()
        assert likeness.sum() == pytest.approx(1)
