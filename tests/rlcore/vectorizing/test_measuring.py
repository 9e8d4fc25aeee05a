"""SSIM by strips is SSIM."""

import pytest
from skimage.metrics import structural_similarity

from rlcore.logos import composite
from rlcore.rendering import render
from rlcore.vectorizing import measuring
from rlcore.vectorizing.measuring import Canvas
from tests.rlcore.pictures import WHITE, disk, noise, svg

DRAWING = svg('<circle cx="30" cy="26" r="20" fill="red"/>', 60, 50, 'viewBox="0 0 60 50" preserveAspectRatio="none"')


@pytest.mark.parametrize("strip_pixels", [1, 61, 60 * 8, 60 * 30, 60 * 44, 2**20])
@pytest.mark.parametrize("rgba", [noise(50, 60), disk(60)[:50]])
def test_it_is_scikit_images_however_it_is_divided(monkeypatch, rgba, strip_pixels):
    monkeypatch.setattr(measuring, "STRIP_PIXELS", strip_pixels)
    picture = render(DRAWING, 60, 50, WHITE)
    expected = structural_similarity(composite(rgba, WHITE), picture, channel_axis=2, data_range=255)
    assert Canvas(rgba, WHITE).ssim(DRAWING) == pytest.approx(expected, abs=1e-6)
