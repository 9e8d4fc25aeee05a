"""Another size, a viewBox and a background: the drawing itself stays."""

import numpy as np
import pytest

from rlcore.conversion.tracing import trace
from rlcore.parameters import PLAIN, Parameters
from rlcore.rendering import render
from rlcore.vectorizing.finishing import finished
from tests.rlcore.pictures import WHITE, disk, logo

SETTINGS = [PLAIN, Parameters(), Parameters(mode="outline", supersample=3), Parameters(mode="polygon", supersample=2)]


@pytest.mark.parametrize("parameters", SETTINGS)
def test_in_its_own_size_it_is_the_same_picture_and_no_larger_than_plain(parameters):
    drawing = trace(logo(disk(40)), parameters, keep_svg=True).svg
    svg = finished(drawing, (40, 40))
    np.testing.assert_array_equal(render(svg, 40, 40, WHITE), render(drawing, 40, 40, WHITE))
    assert svg.count(b"viewBox") == svg.count(b"width=") == 1
    assert b"preserveAspectRatio" not in svg
    assert len(svg) <= len(drawing) + (0 if parameters == PLAIN else 24)


@pytest.mark.parametrize("parameters", SETTINGS)
def test_twice_as_large_it_is_the_picture_enlarged(parameters):
    drawing = trace(logo(disk(40)), parameters, keep_svg=True).svg
    large = render(finished(drawing, (80, 80)), 80, 80, WHITE)
    small = render(drawing, 40, 40, WHITE).astype(int)
    halved = large.reshape(40, 2, 40, 2, 3).mean(axis=(1, 3))
    assert np.abs(halved - small).max() < 90  # anti-aliasing of edges alone
    assert np.abs(halved - small).mean() < 1


def test_a_background_fills_all_of_it():
    drawing = trace(logo(disk(40)), Parameters(mode="outline", supersample=2), keep_svg=True).svg
    picture = render(finished(drawing, (40, 40), (10, 200, 90)), 40, 40, WHITE)
    for corner in (picture[0, 0], picture[0, -1], picture[-1, 0], picture[-1, -1]):
        assert tuple(corner) == (10, 200, 90)
    assert tuple(picture[20, 20]) == (255, 0, 0)


def test_what_is_no_svg_is_refused():
    with pytest.raises(ValueError, match="no svg element"):
        finished(b"<p/>", (1, 1))
