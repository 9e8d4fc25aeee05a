"""Action <-> parameters, and what is refused."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlcore.conversion.preparation import vtracer_input
from rlcore.conversion.tracing import convert, trace
from rlcore.data.dataset import default_source
from rlcore.errors import ParameterError
from rlcore.logos import load_logo
from rlcore.parameters import (
    CLEANED_PLAIN,
    DEFAULT_TUNED,
    DIMENSIONS,
    IGNORED,
    PLAIN,
    SPLINE_ONLY,
    ActionSpace,
    Parameters,
    checked,
)
from tests.rlcore.pictures import disk, logo

ALL = tuple(DIMENSIONS)


def values_of(dimension):
    if dimension.choices:
        return st.sampled_from(dimension.choices)
    return st.integers(round(dimension.low * 10), round(dimension.high * 10)).map(lambda tenth: tenth / 10)


coordinates = st.floats(-1, 1)
actions = st.lists(coordinates, min_size=len(ALL), max_size=len(ALL)).map(np.array)
parameter_sets = st.fixed_dictionaries({name: values_of(d) for name, d in DIMENSIONS.items()}).map(
    lambda values: Parameters(**values)
)


@given(parameter_sets)
def test_encode_then_decode_is_the_same_conversion(parameters):
    space = ActionSpace(ALL)
    action = space.encode(parameters)
    assert action.dtype == np.float32
    assert (np.abs(action) <= 1).all()
    assert space.decode(action) == parameters.canonical()


@given(actions)
def test_decode_then_encode_then_decode_is_stable(action):
    space = ActionSpace(ALL)
    parameters = space.decode(action)
    assert space.decode(space.encode(parameters)) == parameters
    for name, dimension in DIMENSIONS.items():
        assert dimension.checked(getattr(parameters, name)) == getattr(parameters, name)


@given(st.sampled_from(ALL), coordinates)
def test_encode_undoes_decode_to_within_a_step(name, coordinate):
    dimension = DIMENSIONS[name]
    steps = len(dimension.choices) or round((dimension.high - dimension.low) * 10)
    assert abs(dimension.encode(dimension.decode(coordinate)) - coordinate) <= 1 / steps + 1e-9


@pytest.mark.parametrize("dimension", [d for d in DIMENSIONS.values() if d.choices], ids=lambda d: d.name)
def test_choices_share_the_range_equally(dimension):
    """Each choice owns an interval of the same width: an off-by-one in decode fails here."""
    count = len(dimension.choices)
    middles = (2 * np.arange(count) + 1) / count - 1
    for shift in (-0.98 / count, 0, 0.98 / count):
        assert [dimension.decode(x + shift) for x in middles] == list(dimension.choices)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("mode", ("spline", "polygon", "outline")),
        ("filter_speckle", (0, 5, 10)),
        ("color_precision", (2, 5, 8)),
        ("layer_difference", (0, 32, 64)),
        ("corner_threshold", (0, 90, 180)),
        ("length_threshold", (3.5, 6.8, 10.0)),
        ("max_iterations", (1, 11, 20)),
        ("splice_threshold", (0, 90, 180)),
        ("path_precision", (0, 4, 8)),
        ("supersample", (1, 3, 4)),
        ("palette_size", (2, 10, 0)),
        ("simplify", (0.0, 0.45, 1.4)),
        ("grid", (2, 5, 10)),
    ],
)
def test_meaning_of_the_ends_and_the_middle(name, values):
    assert tuple(DIMENSIONS[name].decode(x) for x in (-1.0, 0.0, 1.0)) == values


@given(st.floats(1, 1e9), st.sampled_from(ALL))
def test_entries_outside_are_clipped(size, name):
    dimension = DIMENSIONS[name]
    assert dimension.decode(size) == dimension.decode(1.0)
    assert dimension.decode(-size) == dimension.decode(-1.0)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_non_finite_entries_are_refused(bad):
    action = np.zeros(len(DEFAULT_TUNED))
    action[3] = bad
    with pytest.raises(ParameterError, match="finite"):
        ActionSpace().decode(action)


@pytest.mark.parametrize("shape", [(1,), (12,), (14,), (13, 1), ()])
def test_a_wrong_shape_is_refused(shape):
    with pytest.raises(ParameterError, match="needs 13"):
        ActionSpace().decode(np.zeros(shape))


def test_only_tuned_entries_change_and_fixed_ones_hold():
    space = ActionSpace(("palette_size", "supersample"), {"mode": "polygon", "color_precision": 8})
    assert space.size == 2
    parameters = space.decode(np.array([-1.0, 1.0]))
    expected = dataclasses.replace(Parameters(), mode="polygon", color_precision=8, palette_size=2, supersample=4)
    assert parameters == expected


def test_alpha_is_cleaned_and_paths_are_compact_but_for_plain():
    decoded = ActionSpace().decode(np.zeros(13))
    assert (decoded.clean_alpha, decoded.compact, decoded.color_mode) == (True, True, "color")
    assert dataclasses.replace(PLAIN, clean_alpha=True) == CLEANED_PLAIN
    assert dataclasses.replace(CLEANED_PLAIN, compact=True) == Parameters()
    assert (PLAIN.clean_alpha, PLAIN.compact, CLEANED_PLAIN.compact) == (False, False, False)
    assert (PLAIN.supersample, PLAIN.palette_size, PLAIN.path_precision) == (1, 0, 2)


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("color_precision", 0, "2, 3, 4, 5, 6, 7, 8"),
        ("color_precision", 9, "2, 3, 4, 5, 6, 7, 8"),
        ("color_precision", True, "2, 3, 4, 5, 6, 7, 8"),
        ("mode", "bogus", "spline, polygon, outline"),
        ("mode", ["spline"], "spline, polygon, outline"),
        ("max_iterations", 0, "1 to 20 in steps of 1"),
        ("corner_threshold", 181, "0 to 180 in steps of 5"),
        ("length_threshold", 3.4, "3.5 to 10"),
        ("length_threshold", "4", "3.5 to 10"),
        ("length_threshold", True, "3.5 to 10"),
        ("length_threshold", float("nan"), "3.5 to 10"),
        ("filter_speckle", "4", "0, 1, 2"),
        ("filter_speckle", 4.5, "0, 1, 2"),
        ("filter_speckle", True, "0, 1, 2"),
        ("simplify", 0.65, "0.55, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.4"),
        ("grid", 7, "2, 3, 4, 5, 6, 8, 10"),
    ],
)
def test_a_value_out_of_range_is_refused_by_name_value_and_range(name, value, allowed):
    with pytest.raises(ParameterError) as caught:
        checked({name: value})
    assert name in str(caught.value)
    assert repr(value) in str(caught.value)
    assert allowed in str(caught.value)


def test_unknown_names_are_refused():
    with pytest.raises(ParameterError, match=r"speckle: unknown.*filter_speckle"):
        checked({"speckle": 4})
    with pytest.raises(ParameterError, match=r"speckle.*filter_speckle"):
        ActionSpace(("speckle",))


@pytest.mark.parametrize(
    ("tuned", "fixed"), [((), {}), (("mode", "mode"), {}), (("mode", "supersample"), {"mode": "spline"})]
)
def test_inconsistent_spaces_are_refused(tuned, fixed):
    with pytest.raises(ParameterError, match="each once"):
        ActionSpace(tuned, fixed)


def test_numbers_arrive_in_the_type_that_vtracer_takes():
    parameters = checked({"filter_speckle": 4.0, "length_threshold": 4})
    assert type(parameters.filter_speckle) is int
    assert type(parameters.length_threshold) is float


def test_encode_takes_a_value_between_choices_to_the_nearer():
    space = ActionSpace(("corner_threshold", "splice_threshold"))
    action = space.encode(dataclasses.replace(CLEANED_PLAIN, corner_threshold=62, splice_threshold=99))
    decoded = space.decode(action)
    assert (decoded.corner_threshold, decoded.splice_threshold) == (60, 100)


@pytest.mark.parametrize("mode", ["polygon", "outline"])
def test_straight_lines_ignore_what_is_for_splines_only(mode):
    """``canonical`` relies on it: the SVG is the same to the byte."""
    path = sorted(default_source().glob("onprem/analytics/*.png"))[0]
    logo = load_logo(path, 96)
    base = dataclasses.replace(CLEANED_PLAIN, mode=mode)
    expected = trace(logo, base, keep_svg=True).svg
    for name in SPLINE_ONLY:
        for coordinate in (-1.0, 0.3, 1.0):
            other = dataclasses.replace(base, **{name: DIMENSIONS[name].decode(coordinate)})
            assert other.canonical() == base
            assert trace(logo, other, keep_svg=True).svg == expected
    spline = dataclasses.replace(CLEANED_PLAIN, corner_threshold=180)
    assert spline.canonical() == spline
    assert trace(logo, spline, keep_svg=True).svg != trace(logo, CLEANED_PLAIN, keep_svg=True).svg


def test_splines_ignore_what_is_for_polygons_only():
    path = sorted(default_source().glob("onprem/analytics/*.png"))[0]
    logo, base = load_logo(path, 96), Parameters()
    expected = trace(logo, base, keep_svg=True).svg
    for value in DIMENSIONS["simplify"].choices:
        other = dataclasses.replace(base, simplify=value)
        assert other.canonical() == base
        assert trace(logo, other, keep_svg=True).svg == expected
    polygon, simplified = (Parameters(mode="polygon", simplify=value).canonical() for value in (0.0, 0.6))
    assert polygon != simplified
    assert trace(logo, simplified).size_bytes < trace(logo, polygon).size_bytes


def test_outlines_alone_have_a_grid():
    path = sorted(default_source().glob("onprem/analytics/*.png"))[0]
    logo = load_logo(path, 96)
    for mode, different in (("spline", 1), ("polygon", 1), ("outline", 7)):
        found = [Parameters(mode=mode, grid=value) for value in DIMENSIONS["grid"].choices]
        assert len({other.canonical() for other in found}) == different
        assert len({trace(logo, other, keep_svg=True).svg for other in found}) == different


@pytest.mark.parametrize("mode", DIMENSIONS["mode"].choices)
def test_what_a_mode_ignores_is_at_its_default(mode):
    names = {name for ignored in IGNORED.values() for name in ignored}
    far = {name: DIMENSIONS[name].decode(1.0) for name in names}
    canonical = Parameters(mode=mode, **far).canonical()
    assert {name for name in far if getattr(canonical, name) != far[name]} == set(IGNORED[mode])


@pytest.mark.parametrize(
    ("name", "value", "steps", "expected"),
    [
        ("filter_speckle", 4, 1, 5),
        ("filter_speckle", 4, -3, 1),
        ("filter_speckle", 10, 1, 10),
        ("filter_speckle", 1, -3, 0),
        ("layer_difference", 16, 3, 22),
        ("corner_threshold", 62, 1, 65),  # off the grid: from the nearest choice
        ("mode", "spline", 1, "polygon"),
        ("mode", "polygon", 1, "outline"),
        ("mode", "outline", 1, "outline"),
        ("mode", "spline", -1, "spline"),
        ("palette_size", 16, 1, 0),
        ("palette_size", 0, -3, 14),
        ("simplify", 0.0, 3, 0.15),
        ("simplify", 0.6, 2, 0.8),
        ("grid", 6, 1, 8),
        ("length_threshold", 4.0, 1, 4.3),  # a twentieth of 6.5, rounded
        ("length_threshold", 4.0, -3, 3.5),
        ("length_threshold", 9.9, 1, 10.0),
    ],
)
def test_shifted_by_hand(name, value, steps, expected):
    assert DIMENSIONS[name].shifted(value, steps) == expected


@given(st.sampled_from(ALL), st.data(), st.sampled_from([1, -1, 3, -3, 40, -40]))
def test_shifted_values_stay_in_the_range(name, data, steps):
    dimension = DIMENSIONS[name]
    value = data.draw(values_of(dimension))
    moved = dimension.shifted(value, steps)
    assert dimension.checked(moved) == moved
    assert dimension.shifted(value, 0) == value
    assert (dimension.encode(moved) - dimension.encode(value)) * steps >= -1e-9


@pytest.mark.parametrize("mode", IGNORED)
def test_what_is_done_after_vtracer_does_not_tell_conversions_apart(mode):
    """``traces`` relies on it: what VTracer writes is the same to the byte."""
    one = Parameters(mode=mode, supersample=2, simplify=0.0, grid=6)
    other = dataclasses.replace(one, simplify=0.6, grid=3, compact=False)
    assert one.conversion() == other.conversion() == one.conversion().conversion()
    source = vtracer_input(logo(disk()), 2, 0, True)
    assert convert(source.png, one) == convert(source.png, other) == convert(source.png, one.conversion())
    assert dataclasses.replace(one, filter_speckle=0).conversion() != one.conversion()
    assert dataclasses.replace(one, clean_alpha=False).conversion() != one.conversion()
