"""A clean-up that changes nothing to be seen, or none."""

import pytest
from scour import scour

from rlcore.vectorizing.measuring import Canvas
from rlcore.vectorizing.optimizing import optimized
from tests.rlcore.pictures import WHITE, disk, svg

WASTEFUL = svg('<!-- a word --><g><path fill="#ff0000" d="M 10,10 L 40,10 L 40,40 L 10,40 Z"/></g>', 48, 48)


@pytest.fixture
def canvas():
    return Canvas(disk(48), WHITE)


def test_what_is_wasted_goes_and_the_picture_stays(canvas):
    before = canvas.ssim(WASTEFUL)
    after = optimized(WASTEFUL, before, canvas)
    assert len(after) < len(WASTEFUL)
    assert b"a word" not in after
    assert canvas.ssim(after) == before
    assert b'width="48"' in after


@pytest.mark.parametrize(
    "instead",
    ['<svg xmlns="http://www.w3.org/2000/svg" width="48" height="48"/>', "<svg", WASTEFUL.decode() + " " * 99],
)
def test_what_differs_can_not_be_drawn_or_is_larger_is_not_delivered(canvas, monkeypatch, instead):
    monkeypatch.setattr(scour, "scourString", lambda *_: instead)
    assert optimized(WASTEFUL, canvas.ssim(WASTEFUL), canvas) == WASTEFUL
