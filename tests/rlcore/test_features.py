"""Known answers."""

import numpy as np
import pytest

from rlcore.data.generated import generate_logos
from rlcore.features import CATEGORIES, FEATURE_COUNT, category_of, measure
from tests.rlcore.pictures import BLACK, RED, WHITE, disk, dots, flat, logo, noise


def gradient(side=64):
    rgba = flat(side, side, BLACK)
    rgba[..., :3] = np.linspace(0, 250, side).astype(np.uint8)[None, :, None]
    return rgba


def halves(height=40, width=60):
    rgba = flat(height, width, WHITE)
    rgba[:, : width // 2, :3] = 0
    return rgba


def category(rgba):
    return category_of(measure(logo(rgba)))


def test_a_flat_disk_is_simple():
    features = measure(logo(disk(64)))
    assert category_of(features) == "simple"
    assert (features.flat_colours, features.coverage, features.top_share, features.shapes) == (1, 1, 1, 1)
    assert features.ramp_share < 0.05
    assert features.saturation == pytest.approx(1, abs=0.02)
    assert features.opaque_share == pytest.approx(np.pi * 0.35**2, rel=0.05)
    assert 0 < features.soft_share < 0.1


def test_a_linear_gradient_is_a_gradient():
    assert category(gradient()) == "gradient"
    assert measure(logo(gradient())).ramp_share > 0.9


def test_many_separate_shapes_are_text():
    assert measure(logo(dots(4))).shapes == 16
    assert category(dots(4)) == "text"
    assert measure(logo(dots(3))).shapes == 9
    assert category(dots(3)) == "simple"


def test_twelve_shapes_are_text_and_eleven_are_not():
    rgba = dots(4)
    rgba[72:] = 0
    assert measure(logo(rgba)).shapes == 12
    assert category(rgba) == "text"
    rgba[48:72, 72:] = 0
    assert measure(logo(rgba)).shapes == 11
    assert category(rgba) == "simple"


def test_noise_is_complex():
    assert category(noise(64, 64)) == "complex"


def test_the_category_does_not_depend_on_the_colour():
    assert {category(disk(64, colour)) for colour in (RED, BLACK, WHITE, (1, 2, 3))} == {"simple"}


def test_a_blank_image():
    features = measure(logo(flat(30, 40, WHITE)))
    assert (features.edge_density, features.corner_density, features.gradient_strength) == (0, 0, 0)
    assert (features.colours, features.entropy, features.complexity) == (1, 0, 0)
    assert (features.opaque_share, features.soft_share, features.diagonal_share) == (1, 0, 0)
    assert (features.width_px, features.height_px) == (40, 30)
    assert (features.saturation, features.value) == (0, 1)


def test_two_halves():
    features = measure(logo(halves()))
    assert features.colours == 2
    assert features.entropy == pytest.approx(1 / 8)
    # a step of 255 gives 4 * 255 in two columns of 60
    assert features.gradient_strength == pytest.approx(2 / 60 / 2**0.5)
    # Canny marks one column
    assert features.edge_density == pytest.approx(1 / 60, rel=0.1)
    expected = (min(1, 10 * features.edge_density) + 1 / 8 + 1 / 12) / 3
    assert features.complexity == pytest.approx(expected)
    assert (features.flat_colours, features.shapes, features.top_share) == (2, 2, 0.5)
    assert features.diagonal_share == 0


def test_what_is_straight_and_what_is_diagonal():
    rgba = flat(64, 64, WHITE)
    rgba[np.tril_indices(64)] = (0, 0, 0, 255)
    assert measure(logo(rgba)).diagonal_share > 0.9


def test_the_vector_is_finite_and_in_reach():
    for subject in generate_logos(20, 3, 64):
        features = measure(subject)
        vector = features.as_vector()
        assert vector.shape == (FEATURE_COUNT,)
        assert vector.dtype == np.float32
        assert np.isfinite(vector).all()
        assert (vector >= 0).all()
        assert (vector <= 20).all()
        assert category_of(features) in CATEGORIES


def test_lengths_and_counts_enter_the_vector_as_logarithms():
    features = measure(logo(flat(30, 63, WHITE)))
    assert features.as_vector()[-2:] == pytest.approx([6.0, np.log2(31)])
