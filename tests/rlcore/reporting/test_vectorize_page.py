"""The page of ``stage1 vectorize``: what it says, that it needs nothing else, and that hostile names stay text."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from rlcore.reporting import vectorize_page as module
from rlcore.reporting.vectorize_page import Entry, vectorize_page
from rlcore.vectorizing import Failure, vectorize
from tests.rlcore.pictures import BLUE, disk


@pytest.fixture(scope="module")
def entries(start):
    made = [
        Entry(rgba, vectorize(rgba, model=start.model, budget=1), f"out/{n}.svg")
        for n, rgba in enumerate((disk(40), disk(300, BLUE)))
    ]
    return [*made, Entry(b"", Failure("<b>gone</b>.png", "not a regular file"))]


def pictures(page):
    found = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(content)))) for content in found]


def test_it_says_what_became_of_each(entries):
    page = vectorize_page(entries, "pretrained")
    assert "2 of 3 pictures vectorized" in page
    for entry in entries[:2]:
        for figure in (entry.outcome.ssim, entry.outcome.baseline.ssim):
            assert f"{figure:.4f}" in page
        assert entry.output in page
    assert "not a regular file" in page
    assert "&lt;b&gt;gone" in page
    assert "<b>gone" not in page


def test_it_shows_original_plain_and_agent(entries):
    found = pictures(vectorize_page(entries[:1], "pretrained"))
    assert len(found) == 6
    original, plain, agent = (picture.astype(int) for picture in found[:3])
    assert original.shape == plain.shape == agent.shape == (40, 40, 3)
    assert np.abs(original - agent).mean() < np.abs(original - plain).mean()
    # a larger one is shown reduced, whole
    large = pictures(vectorize_page(entries[1:2], "pretrained"))[2]
    assert large.shape == (256, 256, 3)
    assert tuple(large[128, 128]) == BLUE
    assert tuple(large[2, 2]) == (255, 255, 255)


def test_it_needs_no_other_file(entries):
    page = vectorize_page(entries, "pretrained")
    assert not re.search(r"<script|https?://|src=\"(?!data:)|@import|<link[^>]+href=\"(?!data:)", page)


def test_more_than_can_be_shown_are_in_the_table(entries, monkeypatch):
    monkeypatch.setattr(module, "MOST_PICTURES", 1)
    page = vectorize_page(entries, "pretrained")
    assert len(pictures(page)) == 6
    assert "Shown are 1 of 2" in page
    assert page.count('<th scope="row">') == 2


def test_nothing_at_all_is_a_page_too():
    assert "0 of 0 pictures" in vectorize_page([], "pretrained")
