"""What is known of a logo before any trace."""

import dataclasses

import numpy as np
import pytest

from rlcore.features import FEATURE_COUNT
from rlcore.gain import Baseline
from rlcore.learning.subject_entries import SUBJECT_SIZE, subject_entries


@pytest.fixture
def subject(subjects):
    measured = next(subject for subject in subjects if subject.logo.has_alpha)
    return dataclasses.replace(measured, plain=Baseline(0.75, 1024), cleaned=Baseline(0.875, 512))


def test_features_then_what_plain_gave(subject):
    entries = subject_entries(subject)
    assert entries.dtype == np.float32
    assert entries.shape == (SUBJECT_SIZE,) == (25,)
    np.testing.assert_array_equal(entries[:FEATURE_COUNT], subject.features.as_vector())
    height, width = subject.logo.rgba.shape[:2]
    # a quarter is wrong; 1024 bytes; the clean-up halves the error and the bytes; it has alpha
    assert entries[FEATURE_COUNT:] == pytest.approx([-2, 10 - np.log2(height * width), 0.5, -1, 1])


def test_opaque_logos_are_marked(subjects):
    assert {bool(subject_entries(s)[-1]) for s in subjects if not s.logo.has_alpha} == {False}
    assert {bool(subject_entries(s)[-1]) for s in subjects if s.logo.has_alpha} == {True}


def test_extremes_stay_finite(subject):
    perfect = dataclasses.replace(subject, plain=Baseline(0.99999, 10), cleaned=Baseline(0.0, 4_000_000))
    entries = subject_entries(perfect)[FEATURE_COUNT:]
    assert entries[0] == pytest.approx(np.log2(1e-4))
    assert entries[2] == -1
    assert np.isfinite(entries).all()
