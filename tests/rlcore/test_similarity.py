"""SSIM against scikit-image's."""

import numpy as np
import pytest
from skimage.metrics import structural_similarity

from rlcore.similarity import Similarity

SIZES = [(64, 64), (7, 7), (7, 40), (33, 8), (31, 90)]


def reference(a, b):
    return structural_similarity(a, b, channel_axis=2, data_range=255)


def pairs(height, width):
    rng = np.random.default_rng([height, width])
    shape = (height, width, 3)
    random = rng.integers(0, 256, shape, dtype=np.uint8)
    near_flat = np.full(shape, 200, np.uint8) + rng.integers(0, 2, shape, dtype=np.uint8)
    black, white = np.zeros(shape, np.uint8), np.full(shape, 255, np.uint8)
    close = np.clip(random.astype(int) + rng.integers(-9, 10, shape), 0, 255).astype(np.uint8)
    red = np.zeros(shape, np.uint8)
    red[..., 0] = 255
    return {
        "random": (random, rng.integers(0, 256, shape, dtype=np.uint8)),
        "inverse": (random, 255 - random),
        "close": (random, close),
        "near flat": (near_flat, np.full(shape, 200, np.uint8)),
        "two near flat": (near_flat, near_flat[::-1].copy()),
        "flat": (np.full(shape, 7, np.uint8), np.full(shape, 9, np.uint8)),
        "extremes": (black, white),
        "black": (black, black),
        "white": (white, white),
        "random and white": (random, white),
        "one channel": (red, white),
    }


@pytest.mark.parametrize("size", SIZES)
def test_equals_scikit_image(size):
    for name, (a, b) in pairs(*size).items():
        assert Similarity(a).of(b) == pytest.approx(reference(a, b), abs=1e-6), name
        assert Similarity(b).of(a) == pytest.approx(reference(a, b), abs=1e-6), name


def test_identical_is_one():
    image = pairs(40, 30)["random"][0]
    assert Similarity(image).of(image.copy()) == pytest.approx(1.0, abs=1e-9)


def test_views_that_are_not_contiguous():
    a, b = pairs(40, 30)["close"]
    part = np.concatenate([b, b], axis=1)[:, :30]
    assert Similarity(a[:, ::-1]).of(part[:, ::-1]) == pytest.approx(reference(a, b), abs=1e-6)


def test_is_not_changed_by_use():
    a, b = pairs(20, 20)["random"]
    similarity = Similarity(a)
    first = similarity.of(b)
    similarity.of(255 - b)
    assert similarity.of(b) == first


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((20, 20), np.uint8),
        np.zeros((20, 20, 4), np.uint8),
        np.zeros((6, 20, 3), np.uint8),
        np.zeros((20, 6, 3), np.uint8),
        np.zeros((20, 20, 3), np.float32),
    ],
)
def test_wrong_first_image_is_refused(image):
    with pytest.raises(ValueError, match="needs uint8"):
        Similarity(image)


@pytest.mark.parametrize(
    "image",
    [np.zeros((20, 21, 3), np.uint8), np.zeros((20, 20, 3), np.float32), np.zeros((20, 20, 4), np.uint8)],
)
def test_wrong_second_image_is_refused(image):
    with pytest.raises(ValueError, match="needs uint8"):
        Similarity(np.zeros((20, 20, 3), np.uint8)).of(image)
