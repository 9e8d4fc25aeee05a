"""A small model for all, and an independent look at what is delivered."""

import re
from xml.etree import ElementTree

import pytest
from skimage.metrics import structural_similarity

from rlcore.logos import composite
from rlcore.rendering import render


@pytest.fixture(scope="session")
def model(start):
    """Untrained: it follows what the recorded traces of the drawn logos promise."""
    return start.model


def ssim_of(svg, rgba, matte=(255, 255, 255)):
    """By scikit-image, of the SVG drawn in the size of the pixels."""
    height, width = rgba.shape[:2]
    picture = render(svg, width, height, matte)
    return structural_similarity(composite(rgba, matte), picture, channel_axis=2, data_range=255)


ALLOWED = {"path", "svg"}


def check_svg(svg, width, height):
    """It is parsed back, has the size and a viewBox, draws paths alone, and refers to nothing."""
    root = ElementTree.fromstring(svg)
    names = {element.tag.removeprefix("{http://www.w3.org/2000/svg}") for element in root.iter()}
    assert names <= ALLOWED
    assert (float(root.get("width")), float(root.get("height"))) == (width, height)
    assert len(root.get("viewBox").split()) == 4
    assert not re.search(rb"script|href|url\(|<!|on\w+=|data:|http(?!://www\.w3\.org/2000/svg\")", svg)
    return root
