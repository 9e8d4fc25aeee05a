"""A user's folder full of hostile files becomes a data set: each file is used, or skipped with a named reason."""

import os
import re
import time

import pytest

from rlcore.config import Stage1Config
from rlcore.conversion.tracing import trace
from rlcore.data import reading
from rlcore.data.dataset import build_dataset
from rlcore.parameters import PLAIN
from tests.hostile.corpus import SIDE, write_corpus
from tests.rlcore.web import serving

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """The cases, the data set made of them, what was asked of the web, and how long it took."""
    folder, outside = tmp_path_factory.mktemp("logos"), tmp_path_factory.mktemp("outside")
    settings = {"images": str(folder), "generated_logos": 30, "working_size": SIDE, "workers": 2, "category": "all"}
    with serving() as web, pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "READING_LIMIT_SECONDS", 3.0)
        cases = write_corpus(folder, outside, web.address)
        start = time.monotonic()
        dataset = build_dataset(Stage1Config(**settings))
        yield cases, dataset, web.asked, time.monotonic() - start


def shown(name):
    return os.fsencode(name).decode("utf-8", "replace")


def test_each_file_is_used_or_skipped_with_its_reason(corpus):
    cases, dataset, _, _ = corpus
    used = {subject.name for subject in dataset.subjects}
    reasons = {item.name: item.reason for item in dataset.skipped}
    outcomes = reasons | dict.fromkeys(used, "used")
    wrong = {
        case.name: outcomes.get(shown(case.name))
        for case in cases
        if not re.match(case.reason or "used$", outcomes.get(shown(case.name), "not named"))
    }
    assert wrong == {}


def test_nothing_but_the_files_is_named(corpus):
    cases, dataset, _, _ = corpus
    named = [subject.name for subject in dataset.subjects] + [item.name for item in dataset.skipped]
    assert len(named) == len(set(named))
    assert {name for name in named if not name.startswith("generated/")} == {shown(case.name) for case in cases}


def test_the_used_ones_have_the_right_pixels(corpus):
    cases, dataset, _, _ = corpus
    logos = {subject.name: subject.logo for subject in dataset.subjects}
    checked = [case for case in cases if case.cells is not None]
    assert len(checked) > 30
    for case in checked:
        case.check(logos[shown(case.name)].rgba)


def test_each_used_one_can_be_traced(corpus):
    _, dataset, _, _ = corpus
    for subject in dataset.subjects:
        result = trace(subject.logo, PLAIN, keep_svg=True)
        assert result.failure is None
        assert b"<svg" in result.svg
        assert (result.quality, result.size_bytes) == (subject.plain.quality, subject.plain.size_bytes)


def test_nothing_is_fetched(corpus):
    _, _, asked, _ = corpus
    assert asked == []


def test_it_takes_seconds(corpus):
    """Three of them for the one file that would be drawn for hours."""
    _, _, _, seconds = corpus
    assert seconds < 60
