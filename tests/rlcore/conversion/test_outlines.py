"""Pixel outlines straightened: rectangles, slanted lines and disks whose true shape is known, and any outlines."""

import itertools

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rlcore.conversion import outlines as module
from rlcore.conversion.outlines import REACH, Outlines, middles_of_steps, simplified, with_area, without_repeats
from tests.rlcore.pixel_outlines import traced

TOLERANCES = [0.3, 0.6, 1.0, 1.5, 2.0]
A, B, C, D = (0, 0), (4, 0), (4, 3), (0, 3)


def outlines(*loops, paths=None):
    points = np.array([point for loop in loops for point in loop]).reshape(-1, 2)
    return Outlines(points, np.array([len(loop) for loop in loops]), np.array(paths or range(len(loops))))


def loops(found):
    """The points of each subpath, as lists of tuples."""
    pieces = np.split(found.points, found.starts[1:]) if len(found.sizes) else []
    return [[tuple(point) for point in piece.tolist()] for piece in pieces]


def areas(found):
    """The area in each subpath, negative where it goes round the other way."""
    _, after = found.neighbours
    (x, y), (next_x, next_y) = found.points.T.astype(float), found.points[after].T.astype(float)
    return np.add.reduceat(x * next_y - next_x * y, found.starts) / 2 if len(found.sizes) else np.zeros(0)


def straightened(pixels, tolerance):
    return module.straightened(middles_of_steps(pixels), tolerance)


def middles_simplified(pixels, tolerance):
    """What straightening would be without fitted lines."""
    found = simplified(middles_of_steps(pixels), 2 * tolerance)
    return Outlines(found.points / 2, found.sizes, found.paths)


def distances(points, found):
    """From each point to the nearest place on any of the subpaths."""
    _, after = found.neighbours
    start = found.points.astype(float)
    along = found.points[after] - start
    away = np.asarray(points, dtype=float)[:, None] - start
    share = np.clip((away * along).sum(-1) / np.maximum((along**2).sum(-1), 1e-9), 0, 1)
    return np.linalg.norm(away - share[..., None] * along, axis=-1).min(axis=1)


def mask_of(inside, size):
    """Pixels whose centre is inside."""
    y, x = np.mgrid[:size, :size] + 0.5
    return inside(y, x)


def disk_mask(radius, size, off=(0.13, 0.29)):
    return mask_of(lambda y, x: np.hypot(x - size / 2 - off[0], y - size / 2 - off[1]) <= radius, size)


# --- the points of many subpaths ---


def test_neighbours_go_round_each_subpath():
    before, after = outlines([A, B, C], [D], [A, B]).neighbours
    assert before.tolist() == [2, 0, 1, 3, 5, 4]
    assert after.tolist() == [1, 2, 0, 3, 5, 4]


def test_starts_are_where_subpaths_begin():
    assert outlines([A, B, C], [D], [A, B]).starts.tolist() == [0, 3, 4]


def test_of_keeps_points_and_counts_them_anew():
    found = outlines([A, B, C], [D], [A, B]).of(np.array([True, False, True, True, False, True]))
    assert loops(found) == [[A, C], [D], [B]]
    assert found.paths.tolist() == [0, 1, 2]


def test_beginning_at_turns_each_subpath_to_its_first_kept_point():
    turned = outlines([A, B, C, D], [A, B, C], [A, B]).beginning_at(np.array([0, 0, 1, 1, 0, 1, 0, 1, 0], dtype=bool))
    assert turned.tolist() == [2, 3, 0, 1, 5, 6, 4, 7, 8]


@pytest.mark.parametrize(
    ("loop", "expected"),
    [
        ([A, B, C], [A, B, C]),
        ([A, A, B, B, B, C], [A, B, C]),
        ([A, B, C, A], [A, B, C]),
        ([A, B, C, A, A], [A, B, C]),
        ([A, A, A], [A]),
        ([A], [A]),
        ([A, B, A], [A, B]),
        ([A, B, A, C], [A, B, A, C]),
    ],
)
def test_without_repeats(loop, expected):
    assert loops(without_repeats(outlines([D, C], loop, [C, D]))) == [[D, C], expected, [C, D]]


def test_with_area_leaves_out_points_and_lines():
    found = with_area(outlines([A], [A, B, C], [B, C], [B, C, D, A], paths=[0, 0, 1, 2]))
    assert loops(found) == [[A, B, C], [B, C, D, A]]
    assert found.paths.tolist() == [0, 2]
    assert not len(with_area(outlines([A], [B, C])).sizes)


def test_simplified_keeps_vertices_in_their_order():
    bent = [(0, 0), (10, 1), (20, 0), (20, 20), (10, 19), (0, 20)]
    square = [(0, 0), (20, 0), (20, 20), (0, 20)]
    assert loops(simplified(outlines(bent, bent[::-1]), 2.0)) == [square, square[::-1]]
    assert loops(simplified(outlines(bent), 0.5)) == [bent]


def test_simplified_keeps_a_vertex_where_two_loops_touch_twice():
    """Of a polygon that touches itself at a corner, one of the two passes alone would be another shape."""
    eight = [(0, 0), (15, 1), (30, 0), (30, 30), (60, 30), (60, 60), (30, 60), (30, 30), (0, 30)]
    found = simplified(outlines(eight), 2.0)
    assert loops(found) == [[point for point in eight if point != (15, 1)]]


# --- known shapes ---


@pytest.mark.parametrize("tolerance", [0, *TOLERANCES, 20])
@pytest.mark.parametrize(("width", "height"), [(30, 20), (2, 40), (1, 12), (12, 1), (2, 2), (1, 1), (2, 1)])
def test_a_rectangle_keeps_its_exact_corners(width, height, tolerance):
    mask = np.zeros((50, 50), dtype=bool)
    mask[3 : 3 + height, 5 : 5 + width] = True
    found = straightened(traced(mask), tolerance)
    corners = {(5 + x, 3 + y) for x, y in itertools.product((0, width), (0, height))}
    assert len(found.points) >= 4
    kept = {tuple(point) for point in np.round(found.points, 9).tolist()}
    assert kept == corners


@pytest.mark.parametrize("tolerance", [0, *TOLERANCES])
def test_holes_and_other_paths_are_straightened_each_on_its_own(tolerance):
    mask = np.zeros((60, 60), dtype=bool)
    mask[2:50, 2:40] = True
    mask[5:10, 5:20] = False
    mask[20:40, 8:30] = False
    mask[52:58, 44:58] = True
    pixels = traced(mask)
    found = straightened(pixels, tolerance)
    assert found.paths.tolist() == pixels.paths.tolist()
    assert found.sizes.tolist() == [4] * 4
    assert areas(found) == pytest.approx(areas(pixels))
    assert abs(areas(found).sum()) == pytest.approx(mask.sum())


@pytest.mark.parametrize("tolerance", [0.6, 1.0, 1.5])
@pytest.mark.parametrize("slope", [1 / 10, 1 / 3, 1 / 2, 0.7, 1, 1.7, 3])
def test_a_staircase_becomes_the_line_it_stands_for(slope, tolerance):
    """Cut by a rectangle: four corners are left, and the long edge is as true as the pixels are."""
    mask = mask_of(lambda y, x: (y - 60.1 > slope * (x - 57.3)) & (abs(x - 60) < 45) & (abs(y - 60) < 55), 120)
    found = straightened(traced(mask), tolerance)
    assert 4 <= len(found.points) <= 6
    _, after = found.neighbours
    ends = np.stack([found.points, found.points[after]], axis=1)
    steps = abs(ends[:, 1] - ends[:, 0])
    (start, end), *more = ends[(steps > 4).all(axis=1)]
    assert not more
    along = start + np.linspace(0.02, 0.98, 200)[:, None] * (end - start)
    signed = (along[:, 1] - 60.1 - slope * (along[:, 0] - 57.3)) / np.hypot(1, slope)
    centres = np.argwhere(mask)[:, ::-1] + 0.5
    # no better than what is known of the line: the nearest pixels of both sides
    free = ((centres[:, 1] - 60.1 - slope * (centres[:, 0] - 57.3)) / np.hypot(1, slope)).min()
    others = np.argwhere(~mask & (abs(np.mgrid[:120, :120] + 0.5 - 60) < [[[55]], [[45]]]).all(axis=0))[:, ::-1] + 0.5
    bound = ((others[:, 1] - 60.1 - slope * (others[:, 0] - 57.3)) / np.hypot(1, slope)).max()
    assert abs(signed).max() < 0.3
    assert bound - 0.05 < signed.mean() < free + 0.05


@pytest.mark.parametrize("tolerance", TOLERANCES)
@pytest.mark.parametrize("radius", [40, 60, 80])
def test_a_disk_keeps_its_area_and_loses_more_of_it_without_fitted_lines(radius, tolerance):
    mask = disk_mask(radius, 2 * radius + 8)
    pixels = traced(mask)
    fitted, chords = straightened(pixels, tolerance), middles_simplified(pixels, tolerance)
    lost, lost_by_chords = (1 - abs(areas(found).sum()) / mask.sum() for found in (fitted, chords))
    assert abs(lost) < 0.005
    if tolerance >= 0.5:  # below, either loses less than a thousandth
        assert lost_by_chords > (3 if tolerance >= 1 else 1) * abs(lost)


@pytest.mark.parametrize("error", [0.6, 1.0, 1.5])
def test_at_the_same_error_fitted_lines_need_fewer_vertices(error):
    angle = np.linspace(0, 2 * np.pi, 1000)

    def fewest(way, radius):
        true = radius * np.stack([np.cos(angle), np.sin(angle)], axis=1) + radius + 4
        pixels = traced(disk_mask(radius, 2 * radius + 8, (0.0, 0.0)))
        tried = [way(pixels, tolerance) for tolerance in np.arange(0.3, 3, 0.15)]
        return min(len(found.points) for found in tried if distances(true, found).max() <= error)

    radii = range(30, 100, 10)
    fitted, chords = (sum(fewest(way, radius) for radius in radii) for way in (straightened, middles_simplified))
    assert fitted < 0.85 * chords


@pytest.mark.parametrize("tolerance", TOLERANCES)
def test_a_disk_stays_where_it_is(tolerance):
    mask = disk_mask(50, 110)
    contour = straightened(traced(mask), tolerance).points.astype(np.float32)
    moments = cv2.moments(contour)
    centre = moments["m10"] / moments["m00"], moments["m01"] / moments["m00"]
    assert centre == pytest.approx(np.argwhere(mask).mean(axis=0)[::-1] + 0.5, abs=0.1)


def test_a_larger_tolerance_leaves_fewer_vertices():
    pixels = traced(disk_mask(80, 168))
    counts = [len(straightened(pixels, tolerance).points) for tolerance in (0, 0.3, 0.6, 1.5, 3, 6)]
    assert counts == sorted(set(counts), reverse=True)


def test_tolerance_zero_keeps_the_middles_of_steps_and_true_corners():
    """A wedge: two true corners below, a stair of steps 3 long and 1 high above."""
    stair = [(0, 0), (3, 0), (3, 1), (6, 1), (6, 2), (9, 2), (9, 6), (0, 6)]
    middles = [(0, 0), (1.5, 0), (3, 0.5), (4.5, 1), (6, 1.5), (7.5, 2), (9, 2), (9, 6), (0, 6)]
    assert loops(straightened(outlines(stair), 0)) == [middles]


def test_points_in_the_middle_of_an_edge_change_nothing():
    rare = outlines([(0, 0), (3, 0), (3, 1), (6, 1), (6, 5), (0, 5)])
    often = outlines([(0, 0), (1, 0), (2, 0), (3, 0), (3, 1), (5, 1), (6, 1), (6, 3), (6, 5), (2, 5), (0, 5), (0, 1)])
    for tolerance in (0, 0.6):
        assert loops(straightened(rare, tolerance)) == loops(straightened(often, tolerance))


@pytest.mark.parametrize("tolerance", [0, *TOLERANCES])
def test_a_loop_without_corners(tolerance):
    """A square on its tip: nothing but steps of one pixel."""
    mask = mask_of(lambda y, x: abs(x - 15.5) + abs(y - 15.5) <= 12, 31)
    found = straightened(traced(mask), tolerance)
    assert abs(areas(found).sum()) == pytest.approx(mask.sum(), rel=0.06)
    if tolerance >= 0.6:
        assert len(found.points) <= 8


@pytest.mark.parametrize("tolerance", [0, *TOLERANCES])
def test_what_encloses_no_area_is_left_out(tolerance):
    there_and_back = [(0, 0), (5, 0), (9, 0), (5, 0)]
    assert not len(straightened(outlines(there_and_back, [A], [A, B]), tolerance).points)
    found = straightened(outlines(there_and_back, [A, B, C, D], [A], paths=[0, 3, 4]), tolerance)
    assert sorted(np.round(found.points, 9).tolist()) == [list(point) for point in sorted([A, B, C, D])]
    assert found.paths.tolist() == [3]


@pytest.mark.parametrize("tolerance", TOLERANCES)
def test_thin_slanted_strokes_keep_their_area(tolerance):
    mask = mask_of(lambda y, x: (abs(y - 20 - 0.3 * (x - 50)) < 1.6) & (abs(x - 50) < 45), 100)
    assert abs(areas(straightened(traced(mask), tolerance)).sum()) == pytest.approx(mask.sum(), rel=0.1)


# --- any shapes ---


masks = st.builds(
    lambda mask, wide, high: np.pad(np.kron(mask, np.ones((high, wide), dtype=bool)), 1),
    arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12))),
    st.integers(1, 4),
    st.integers(1, 4),
)


@st.composite
def blobs(draw):
    """Smooth shapes of any size, rasterised."""
    rough = np.random.default_rng(draw(st.integers(0, 2**32 - 1))).random((draw(st.integers(3, 8)),) * 2)
    side = draw(st.integers(20, 80))
    return np.pad(cv2.resize(rough, (side, side), interpolation=cv2.INTER_CUBIC) > 0.5, 2)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(masks | blobs(), st.sampled_from([0, *TOLERANCES, 6.0]))
def test_any_shapes_stay_finite_and_where_they_are(mask, tolerance):
    pixels = traced(mask)
    found = straightened(pixels, tolerance)
    assert np.isfinite(found.points).all()
    assert (found.sizes >= 3).all()
    assert found.sizes.sum() == len(found.points)
    assert found.paths.tolist() == pixels.paths.tolist()
    _, after = pixels.neighbours
    edges = abs(pixels.points[after] - pixels.points).sum(axis=1)
    perimeters = np.add.reduceat(edges, pixels.starts) if mask.any() else np.zeros(0)
    assert (abs(areas(found) - areas(pixels)) <= (0.25 + tolerance) * perimeters + 1e-9).all()
    if tolerance == 0 and mask.any():
        assert (distances(found.points, pixels) < 1e-9).all()
        assert (areas(found) * areas(pixels) > 0).all()


def farthest_move(pixels, tolerance):
    """Of a vertex from the middle of a step, or the corner, that it was."""
    found, kept = straightened(pixels, tolerance), middles_simplified(pixels, tolerance)
    assert found.sizes.tolist() == kept.sizes.tolist()
    moves = [0.0]
    for moved, loop in zip(loops(found), loops(kept), strict=True):
        turns = [np.roll(loop, -turn, axis=0) for turn in range(len(loop))]
        moves.append(min(np.hypot(*(np.array(moved) - turn).T).max() for turn in turns))
    return max(moves)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(masks | blobs(), st.sampled_from(TOLERANCES))
def test_no_vertex_moves_farther_than_it_may(mask, tolerance):
    assert farthest_move(traced(mask), tolerance) <= 8 * tolerance + 1e-9


def test_the_reach_is_what_holds_vertices_where_nearly_parallel_lines_meet(monkeypatch):
    rng = np.random.default_rng(0)
    shapes = [
        np.pad(cv2.resize(rng.random((6, 6)), (60, 60), interpolation=cv2.INTER_CUBIC) > 0.5, 2) for _ in range(400)
    ]
    drawings = [traced(mask) for mask in shapes]
    held = np.array([farthest_move(pixels, 0.3) for pixels in drawings])
    assert held.max() <= 0.3 * REACH
    monkeypatch.setattr(module, "REACH", np.inf)
    free = np.array([farthest_move(pixels, 0.3) for pixels in drawings])
    assert (free > 0.3 * REACH).any()
    assert (held == free).mean() > 0.95


@settings(max_examples=50, deadline=None, derandomize=True)
@given(blobs(), st.sampled_from(TOLERANCES))
def test_each_subpath_is_as_it_would_be_alone(mask, tolerance):
    pixels = traced(mask)
    alone = [loops(straightened(outlines(loop), tolerance)) for loop in loops(pixels)]
    assert loops(straightened(pixels, tolerance)) == [loop for (loop,) in alone]


def test_a_flat_side_that_runs_into_arcs_stays_level():
    """A rounded square: its sides are drawn where they are, not as roofs over their middles."""
    rows, columns = np.mgrid[:100, :100] + 0.5
    across = np.maximum(np.maximum(abs(columns - 50), abs(rows - 50)) - 25, 0)
    inner = np.hypot(np.maximum(abs(columns - 50) - 25, 0), np.maximum(abs(rows - 50) - 25, 0))
    mask = (inner <= 15) & (across <= 15)
    found = straightened(traced(mask), 0.5)
    level = abs(found.points[:, 1] - found.points[:, 1].min()) < 0.1
    assert np.ptp(found.points[level, 0]) > 45


@given(blobs())
@settings(max_examples=50, deadline=None, derandomize=True)
def test_smooth_shapes_keep_their_area(mask):
    """To a fifteenth of a pixel along the outline, at a tolerance of six tenths."""
    pixels = traced(mask)
    if not len(pixels.sizes):
        return
    _, after = pixels.neighbours
    perimeter = abs(pixels.points[after] - pixels.points).sum()
    assert abs(areas(straightened(pixels, 0.6)).sum() - areas(pixels).sum()) <= perimeter / 15
