"""VTracer's real output rewritten: the same shapes to the last digit, the same picture, fewer bytes."""

import dataclasses
import itertools
import math
import re
from decimal import Decimal

import cv2
import numpy as np
import pytest
from defusedxml import ElementTree
from hypothesis import given, settings
from hypothesis import strategies as st

from rlcore.conversion.paths import compacted, redrawn
from rlcore.conversion.preparation import vtracer_input
from rlcore.conversion.tracing import _sized, convert, trace
from rlcore.data.generated import generate_logos
from rlcore.errors import PathError
from rlcore.parameters import DIMENSIONS, ActionSpace, Parameters
from rlcore.rendering import render
from rlcore.similarity import Similarity
from tests.rlcore.pictures import disk, logo, noise

HEADER = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<!-- Generator: visioncortex VTracer 0.6.12 -->\n'
    '<svg version="1.1" xmlns="http://www.w3.org/2000/svg" width="64" height="48">\n'
)
LOGOS = [*generate_logos(8, 0, 96), logo(noise(32, 32)), logo(disk(64, softness_px=4))]
SPACE = ActionSpace(tuple(DIMENSIONS))
NAMESPACE = "{http://www.w3.org/2000/svg}"


def written(*paths, header=HEADER):
    """An SVG the way VTracer writes it, of (d, fill, translate)."""
    elements = (f'<path d="{d}" fill="{fill}" transform="translate({move})"/>\n' for d, fill, move in paths)
    return (header + "".join(elements) + "</svg>\n").encode()


def polygons(*outlines):
    return "".join("M" + " L".join(f"{x},{y}" for x, y in outline) + " Z " for outline in outlines)


def drawn(mode, seed, **fixed):
    """A real SVG of a logo with random parameters, and the logo."""
    rng = np.random.default_rng([seed, mode == "spline"])
    fixed["mode"] = mode
    space = ActionSpace([name for name in DIMENSIONS if name not in fixed], fixed)
    subject = LOGOS[seed % len(LOGOS)]
    parameters = dataclasses.replace(space.decode(rng.uniform(-1, 1, space.size)), compact=False)
    result = trace(subject, parameters, keep_svg=True)
    assert result.failure is None
    return subject, result.svg


def shapes(svg):
    """Fill and subpaths, in absolute coordinates, of every path: exact decimals from any of M L C m h v l c z."""
    found = []
    for path in ElementTree.fromstring(svg).iter(NAMESPACE + "path"):
        move = re.findall(r"[-.\d]+", path.get("transform", "0,0"))
        shift = tuple(map(Decimal, move))
        outlines = [[(x + shift[0], y + shift[1]) for x, y in outline] for outline in read(path.get("d"))]
        fill = path.get("fill")
        found.append(("#" + "".join(2 * c for c in fill[1:]) if len(fill) == 4 else fill, outlines))
    return found


def read(data):
    """The subpaths of path data, number by number, after SVG's grammar."""
    numbers, outlines, command, pen = [], [], "", (Decimal(0), Decimal(0))
    needed = {"m": 2, "l": 2, "h": 1, "v": 1, "c": 6}
    for token in re.findall(r"[a-zA-Z]|-?(?:\d+(?:\.\d+)?|\.\d+)", data):
        if token in "zZ":
            pen = outlines[-1][0]
        elif token.isalpha():
            assert not numbers
            command = token
        else:
            numbers.append(Decimal(token))
            kind = command.lower()
            if len(numbers) < needed[kind]:
                continue
            relative = command.islower()
            if kind == "h":
                numbers.append(Decimal(0) if relative else pen[1])
            elif kind == "v":
                numbers.insert(0, Decimal(0) if relative else pen[0])
            origin = pen if relative else (Decimal(0), Decimal(0))
            points = [(x + origin[0], y + origin[1]) for x, y in zip(numbers[::2], numbers[1::2], strict=True)]
            if kind == "m":
                outlines.append([])
                command = "l" if relative else "L"
            outlines[-1] += points
            pen, numbers = points[-1], []
    assert not numbers
    return outlines


def essential(found, curved):
    """Without repeated vertices of polygons, subpaths of fewer than three points, and paths of none."""
    kept = []
    for fill, outlines in found:
        if not curved:
            outlines = [[p for p, _ in itertools.groupby(outline)] for outline in outlines]
            outlines = [o[:-1] if o[0] == o[-1] else o for o in outlines]
        outlines = [outline for outline in outlines if len(outline) >= 3]
        if outlines:
            kept.append((fill, outlines))
    return kept


TRIANGLE = "M0,0 L3,4 L-5,6 Z "
SQUARE = "M0,0 L3,0 L3,3 L0,3 Z "


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ((TRIANGLE, "#AABBCC", "7,8"), '<path fill="#ABC" d="m7 8 3 4-8 2z"/>'),
        ((TRIANGLE, "#AABBCD", "-7,-8"), '<path fill="#AABBCD" d="m-7-8 3 4-8 2z"/>'),
        ((SQUARE, "#0a0b0c", "0,0"), '<path fill="#0a0b0c" d="m0 0h3v3h-3z"/>'),
        (("M0,0 L2,0 L3,0 L3,4 L3,9 L0,9 Z ", "#112233", "5,5"), '<path fill="#123" d="m5 5h2 1v4 5h-3z"/>'),
        (("M0,0 L2,1 L9,1 L10,3 L12,2 Z ", "#112233", "5,5"), '<path fill="#123" d="m5 5 2 1h7l1 2 2-1z"/>'),
        # after z the pen is back at the subpath's start
        ((SQUARE + "M1,1 L1,2 L2,2 Z ", "#112233", "5,5"), '<path fill="#123" d="m5 5h3v3h-3zm1 1v1h1z"/>'),
        # without area: a point, a line, a line there and back by way of repeated vertices
        (("M0,0 Z M4,4 L5,5 Z M-2,-1 L-1,-1 L-1,7 Z ", "#112233", "5,5"), '<path fill="#123" d="m3 4h1v8z"/>'),
        (("M0,0 Z M4,4 L4,4 L5,5 L5,5 L4,4 Z ", "#112233", "5,5"), ""),
        (("M0,0 L0,0 L3,4 L3,4 L-5,6 L0,0 Z ", "#112233", "7,8"), '<path fill="#123" d="m7 8 3 4-8 2z"/>'),
        (("", "#112233", "7,8"), ""),
        (("M0 0 Z ", "#112233", "7,8"), ""),
        (("M0 0 C5 0.5 0.5 2 0 0 Z ", "#112233", "7,0.5"), '<path fill="#123" d="m7 .5c5 .5.5 2 0 0z"/>'),
        (("M0 0 C0 5 0.5 2 0 0 Z ", "#112233", "0.5,0.75"), '<path fill="#123" d="m.5.75c0 5 .5 2 0 0z"/>'),
        (("M0 0 C1 -0 2 3 0 0 Z ", "#112233", "7,8"), '<path fill="#123" d="m7 8c1 0 2 3 0 0z"/>'),
        (
            ("M0 0 C0.5 0.25 1 -0.5 1.5 0.5 C2 1 -2.25 1.5 0 0 Z ", "#112233", "7.25,0.5"),
            '<path fill="#123" d="m7.25.5c.5.25 1-.5 1.5.5.5.5-3.75 1-1.5-.5z"/>',
        ),
        (
            (
                "M0 0 C1.5 0 0 0.5 10.05 9.95 Z M1 2 C2 2 2 3 1 2 Z ",
                "#112233",
                "32.196685791015625,-0.49999999999999994",
            ),
            '<path fill="#123" d="m32.196685791015625-.49999999999999994c1.5 0 0 .5 10.05 9.95zm1 2c1 0 1 1 0 0z"/>',
        ),
        (
            ("M0.25 -2 C1 1 2 3 0.25 -2 Z ", "#112233", "-0.5,2.0"),
            '<path fill="#123" d="m-.25 0c.75 3 1.75 5 0 0z"/>',
        ),
        (
            ("M0 0 C0.00000001 0 99999 0 -12.3 0 Z ", "#112233", "1,100.50"),
            '<path fill="#123" d="m1 100.5c.00000001 0 99999 0-12.3 0z"/>',
        ),
    ],
)
def test_known_answers(path, expected):
    head = '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="48">'
    assert compacted(written(path)).decode() == head + expected + "</svg>"


def test_the_view_box_and_the_order_of_paths_stay():
    header = HEADER.replace('height="48"', 'height="48" viewBox="0 1 192 144"')
    svg = compacted(
        written((TRIANGLE, "#112233", "1,2"), ("M0,0 Z ", "#445566", "9,9"), (SQUARE, "#778899", "3,4"), header=header)
    )
    head = '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="48" viewBox="0 1 192 144">'
    first, second = '<path fill="#123" d="m1 2 3 4-8 2z"/>', '<path fill="#789" d="m3 4h3v3h-3z"/>'
    assert svg.decode() == head + first + second + "</svg>"


def test_an_empty_picture_stays_one():
    assert compacted(written()).decode() == '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="48"></svg>'


@pytest.mark.parametrize("mode", ["polygon", "spline"])
@pytest.mark.parametrize("seed", range(60))
def test_real_output_keeps_its_shapes_to_the_last_digit(mode, seed):
    _, svg = drawn(mode, seed)
    result = compacted(svg)
    assert len(result) < 0.9 * len(svg)
    assert shapes(result) == essential(shapes(svg), mode == "spline")
    before, after = ElementTree.fromstring(svg), ElementTree.fromstring(result)
    assert after.tag == NAMESPACE + "svg"
    assert after.attrib == {name: value for name, value in before.attrib.items() if name != "version"}


def picture(svg, subject):
    height, width = subject.rgba.shape[:2]
    return render(svg, width, height, subject.matte).astype(int)


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize(("supersample", "other_pixels"), [(1, 0), (2, 0), (3, 3), (4, 0)])
def test_polygons_look_the_same_to_the_pixel(supersample, other_pixels, seed):
    """But for thirds: a corner's place is rounded once where it was twice, in the translation and in the point."""
    subject, svg = drawn("polygon", seed, supersample=supersample)
    # Skia draws a path that has a point or a line besides its polygons with another algorithm
    svg = re.sub(rb"M[-\d]+,[-\d]+ (L[-\d]+,[-\d]+ )?Z ", b"", svg)
    difference = abs(picture(compacted(svg), subject) - picture(svg, subject))
    assert difference.any(axis=2).sum() <= other_pixels
    assert difference.max() <= 16


@pytest.mark.parametrize("seed", range(60))
def test_splines_look_the_same_but_for_rounding(seed):
    """Skia adds relative coordinates up as float32, and rounds an edge's ends to quarters of a pixel."""
    subject, svg = drawn("spline", seed)
    difference = abs(picture(compacted(svg), subject) - picture(svg, subject))
    assert difference.max() <= 64
    assert difference.mean() < 0.03
    assert (difference > 8).any(axis=2).mean() < 0.001


corners = st.tuples(st.integers(-999, 999), st.integers(-999, 999))
small = st.tuples(st.integers(0, 3), st.integers(0, 3))  # repeats, and lines along the axes
outlines = st.lists(st.lists(corners | small, min_size=1, max_size=12), min_size=1, max_size=5)
places = st.tuples(st.integers(-99, 4096), st.integers(-99, 4096))


@settings(max_examples=500, deadline=None, derandomize=True)
@given(st.lists(st.tuples(outlines, places), max_size=4))
def test_any_polygons_come_back(paths):
    svg = written(*((polygons(*drawing), "#12ab34", f"{x},{y}") for drawing, (x, y) in paths))
    expected = essential(shapes(svg), False)
    assert shapes(compacted(svg)) == expected
    assert len(compacted(svg)) < len(svg)
    simplified = shapes(compacted(svg, 2.0))
    assert [(fill, len(outlines)) for fill, outlines in simplified] == [(fill, len(found)) for fill, found in expected]


def spline(start, cubics, decimals):
    text = [f"{number / 10**decimals:.{decimals}f}" for number in (*start, *cubics)]
    text = [number.rstrip("0").rstrip(".") if "." in number else number for number in text]
    return f"M{text[0]} {text[1]} " + "".join(f"C{' '.join(text[i : i + 6])} " for i in range(2, len(text), 6)) + "Z "


@settings(max_examples=500, deadline=None, derandomize=True)
@given(st.integers(0, 8), st.data())
def test_any_splines_come_back(decimals, data):
    number = st.integers(-(10**decimals) * 5000, 10**decimals * 5000) | st.integers(-150, 150)
    starts, segments = st.tuples(number, number), st.lists(st.tuples(*[number] * 6), min_size=1, max_size=5)
    drawings = data.draw(st.lists(st.tuples(starts, segments), min_size=1, max_size=4))
    moves = data.draw(st.tuples(*[st.decimals(-9, 4096, places=data.draw(st.integers(0, 17)))] * 2))
    text = "".join(spline(start, sum(cubics, ()), decimals) for start, cubics in drawings)
    svg = written((text, "#12ab34", f"{moves[0]:f},{moves[1]:f}"))
    assert shapes(compacted(svg)) == shapes(svg)
    assert len(compacted(svg)) < len(svg)


def distances(points, outline):
    """From each point to the nearest place on the closed outline."""
    points, a = np.array(points, dtype=float)[:, None], np.array(outline, dtype=float)
    along = np.roll(a, -1, axis=0) - a
    share = np.clip(((points - a) * along).sum(-1) / np.maximum((along**2).sum(-1), 1e-9), 0, 1)
    return np.linalg.norm(points - a - share[..., None] * along, axis=-1).min(axis=1)


@pytest.mark.parametrize("tolerance", [0.5, 0.75, 1.5])
@pytest.mark.parametrize("seed", range(20))
def test_simplified_outlines_stay_near_and_get_smaller(seed, tolerance):
    """OpenCV's last pass drops vertices within sqrt(1/2) of the tolerance once more."""
    _, svg = drawn("polygon", seed)
    exact, result = compacted(svg), compacted(svg, tolerance)
    assert len(result) <= len(exact)
    far, total = 0, 0
    for (fill, before), (new_fill, after) in zip(shapes(exact), shapes(result), strict=True):
        assert fill == new_fill
        for outline, fewer in zip(before, after, strict=True):
            assert set(fewer) <= set(outline)
            away = distances(outline, fewer)
            assert away.max() <= (1 + math.sqrt(0.5)) * tolerance + 1e-6
            far, total = far + (away > tolerance + 1e-6).sum(), total + len(away)
    assert far <= 0.01 * total


def test_simplifying_shrinks_and_a_larger_tolerance_shrinks_more():
    sizes = [sum(len(compacted(drawn("polygon", seed)[1], px)) for seed in range(20)) for px in (0, 0.5, 1, 2)]
    assert sizes == sorted(set(sizes), reverse=True)
    assert sizes[1] < 0.97 * sizes[0]


def test_a_stroke_thinner_than_the_tolerance_stays():
    thin = (polygons([(0, 0), (50, 0), (50, 1), (25, 1), (0, 1)]), "#112233", "4,4")
    round_one = (polygons([(0, 0), (20, 1), (40, 0), (40, 40), (20, 41), (0, 40)]), "#112233", "4,4")
    assert compacted(written(thin), 5.0) == compacted(written(thin))
    assert b'd="m4 4h40v40h-40z"' in compacted(written(round_one), 2.0)


def test_splines_are_not_simplified():
    _, svg = drawn("spline", 1)
    assert compacted(svg, 3.0) == compacted(svg)


GOOD = written((SQUARE, "#112233", "1,2"), (TRIANGLE, "#445566", "3,4")).decode()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<?xml", "<xml"),
        ('version="1.1"', 'version="1.2"'),
        ('height="48"', 'height="48" class="logo"'),
        ("</svg>", ""),
        ("</svg>", "</svg><!-- more -->"),
        ("</svg>", "<g/></svg>"),
        ("<path d", '<path opacity="0.5" d'),
        ("#112233", "red"),
        ("#112233", "none"),
        ("translate(1,2)", "scale(1,2)"),
        ("translate(1,2)", "translate(1e3,2)"),
        ("L3,3", "Q3,3"),
        ("L3,3", "l3,3"),
        ("L3,3", "L3 3"),
        ("L3,3", "L3,3,3"),
        ("L3,3", "L3,"),
        ("L3,3", "L3.5,3"),
        ("L3,3", "L3,1e9"),
        ("L3,3", "L3,100000"),
        ("L3,3", "L3,99999999999999999999"),
        ("L3,3", "L3,3-3"),
        ("L3,3", "L3,nan"),
        ("L0,3 Z ", "L0,3 "),
        ("L0,3 Z ", "L0,3 Z"),
        (SQUARE, "M0 0 C1 1 2 2 3 3 Z "),
        (SQUARE, "M0 0 L1 1 Z "),
        (GOOD, written(("M0 0 C1 1 2 2 3 Z ", "#112233", "1,2")).decode()),
        (GOOD, written(("M0 0 C1 1 2 2 3 3 3 3 Z ", "#112233", "1,2")).decode()),
        (GOOD, written(("M0 0 C1 1 2 2 3 0.123456789 Z ", "#112233", "1,2")).decode()),
        (GOOD, ""),
        (GOOD, "<svg/>"),
    ],
)
def test_what_vtracer_does_not_write_is_refused(old, new):
    compacted(GOOD.encode())
    assert old in GOOD
    with pytest.raises(PathError, match="not an SVG as VTracer") as caught:
        compacted(GOOD.replace(old, new, 1).encode())
    assert len(str(caught.value)) < 300


# --- outlines drawn anew ---


def pixel_outlines(subject, supersample, palette_size=6):
    """VTracer's own SVG in mode none, of the logo's size."""
    height, width = subject.rgba.shape[:2]
    parameters = Parameters(mode="outline", supersample=supersample, palette_size=palette_size)
    source = vtracer_input(subject, supersample, palette_size, True)
    return _sized(convert(source.png, parameters), width, height, source)


def attributes(svg):
    return ElementTree.fromstring(svg).attrib


@pytest.mark.parametrize("subject", LOGOS[:8], ids=lambda subject: subject.name)
@pytest.mark.parametrize(("supersample", "least"), [(1, 0.94), (2, 0.975), (3, 0.98), (4, 0.98)])
@pytest.mark.parametrize("grid", [2, 3, 6, 10])
def test_redrawn_looks_like_the_pixel_outlines(grid, supersample, least, subject):
    """Where a pixel of the logo is one of VTracer's, what was a staircase is smooth now."""
    svg = pixel_outlines(subject, supersample)
    result = redrawn(svg, 0.3 * supersample, grid / supersample)
    before, after = (picture(text, subject).astype(np.uint8) for text in (svg, result))
    assert Similarity(before).of(after) > least
    assert len(result) < 0.8 * len(svg)


def centre(svg):
    """Of all shapes together, in steps of the SVG's own coordinates, from the corner of its view."""
    moments = np.zeros(3)
    for _, found in shapes(svg):
        for outline in found:
            piece = cv2.moments(np.array(outline, dtype=np.float32))
            moments += piece["m00"], piece["m10"], piece["m01"]
    left, top, *_ = map(float, attributes(svg).get("viewBox", "0 0").split())
    return moments[1:] / moments[0] - (left, top)


@pytest.mark.parametrize(("supersample", "grid"), [(1, 3), (2, 3), (4, 2), (4, 6), (4, 10)])
def test_redrawn_shifts_nothing(supersample, grid):
    """In px of the logo."""
    shifts = []
    for subject in LOGOS[:8]:
        svg = pixel_outlines(subject, supersample)
        result = redrawn(svg, 0.3 * supersample, grid / supersample)
        shifts.append(centre(result) / grid - centre(svg) / supersample)
    assert abs(np.mean(shifts, axis=0)).max() < 0.025
    assert abs(np.array(shifts)).max() < 0.4 / grid


@pytest.mark.parametrize("tolerance", [0, 1.2])
@pytest.mark.parametrize(("left", "top"), [(3, 5), (1, 7), (4, 2)])
def test_half_steps_are_rounded_to_even(left, top, tolerance):
    """As many edges go one way as the other, and level edges stay level, fitted or not."""
    for width, height in itertools.product(range(3, 40, 3), repeat=2):
        rectangle = polygons([(0, 0), (width, 0), (width, height), (0, height)])
        ((_, (outline,)),) = shapes(redrawn(written((rectangle, "#112233", f"{left},{top}")), tolerance, 0.5))
        x, y = ([round(side / 2) for side in sides] for sides in ((left, left + width), (top, top + height)))
        assert set(outline) == set(itertools.product(x, y))


@pytest.mark.parametrize("supersample", [1, 3, 4])
@pytest.mark.parametrize("grid", DIMENSIONS["grid"].choices)
def test_redrawn_coordinates_are_whole_steps_of_the_grid(grid, supersample):
    subject = LOGOS[1]
    height, width = subject.rgba.shape[:2]
    svg = pixel_outlines(subject, supersample)
    result = redrawn(svg, 0.3 * supersample, grid / supersample)
    assert attributes(result)["width"], attributes(result)["height"] == (str(width), str(height))
    box = [float(number) for number in attributes(result)["viewBox"].split()]
    before = [int(number) for number in attributes(svg).get("viewBox", f"0 0 {width} {height}").split()]
    assert box == pytest.approx([number * grid / supersample for number in before], abs=1e-6)
    assert box[2:] == pytest.approx([width * grid, height * grid])
    assert b"." not in result.partition(b">")[2]
    assert b"translate" not in result


def test_redrawn_keeps_the_order_of_paths_and_their_colours():
    svg = pixel_outlines(LOGOS[2], 4)
    before, after = shapes(svg), shapes(redrawn(svg, 1.2, 1.5))
    assert [fill.lower() for fill, _ in after] == [fill.lower() for fill, _ in before]
    assert [len(outlines) for _, outlines in after] == [len(outlines) for _, outlines in before]


def test_redrawn_rectangles_by_hand():
    header = HEADER.replace('height="48"', 'height="48" viewBox="0 1 192 144"')
    hole = "M0,0 L30,0 L30,20 L0,20 Z M10,5 L10,15 L20,15 L20,5 Z "
    svg = redrawn(written((hole, "#AABBCC", "4,6"), (SQUARE, "#112233", "100,0"), header=header), 1.2, 1.5)
    head = '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="48" viewBox="0 0 288 216">'
    first = '<path fill="#ABC" d="m6 8h45v30h-45zm15 7v15h15v-15z"/>'
    second = '<path fill="#123" d="m150-2h4v5h-4z"/>'
    assert svg.decode() == head + first + second + "</svg>"


@pytest.mark.parametrize("paths", [(), (("M0,0 Z M4,4 L5,5 Z ", "#112233", "5,5"),), (("", "#112233", "5,5"),)])
def test_redrawn_without_shapes_is_an_empty_picture(paths):
    expected = '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="48" viewBox="0 0 96 72"></svg>'
    assert redrawn(written(*paths), 1.0, 1.5).decode() == expected


def test_redrawn_leaves_out_what_is_smaller_than_a_step():
    svg = redrawn(written(("M0,0 L1,0 L1,1 L0,1 Z ", "#112233", "8,8"), (SQUARE, "#445566", "3,4")), 0, 0.25)
    assert [fill for fill, _ in shapes(svg)] == ["#445566"]


def test_redrawn_twice_is_the_same_to_the_byte():
    first, second = (redrawn(pixel_outlines(LOGOS[3], 4), 1.2, 1.5) for _ in range(2))
    assert first == second


def test_a_larger_tolerance_and_a_coarser_grid_take_fewer_bytes():
    drawings = [pixel_outlines(subject, 4) for subject in LOGOS[:8]]
    by_tolerance = [sum(len(redrawn(svg, tolerance, 1.5)) for svg in drawings) for tolerance in (0, 0.6, 1.2, 2.4, 5)]
    by_grid = [sum(len(redrawn(svg, 1.2, grid / 4)) for svg in drawings) for grid in (10, 6, 2)]
    assert by_tolerance == sorted(set(by_tolerance), reverse=True)
    assert by_grid == sorted(set(by_grid), reverse=True)


def test_the_mode_outline_is_the_redrawn_picture():
    """What ``trace`` gives: the tolerance in px of the logo, the grid in steps per px of it."""
    parameters = Parameters(mode="outline", supersample=4, palette_size=6, simplify=0.3, grid=10)
    assert trace(LOGOS[0], parameters, keep_svg=True).svg == redrawn(pixel_outlines(LOGOS[0], 4), 1.2, 2.5)


@settings(max_examples=500, deadline=None, derandomize=True)
@given(st.lists(st.tuples(outlines, places), max_size=4), st.sampled_from([0.0, 0.5, 1.2, 6.0]), st.floats(0.25, 10))
def test_any_polygons_are_redrawn_as_an_svg(paths, tolerance, scale):
    """Whatever their edges: nothing but the picture suffers."""
    svg = written(*((polygons(*drawing), "#12ab34", f"{x},{y}") for drawing, (x, y) in paths))
    for fill, found in shapes(redrawn(svg, tolerance, scale)):
        assert fill == "#12ab34"
        assert all(len(outline) >= 3 for outline in found)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<?xml", "<xml"),
        ("</svg>", ""),
        ("<path d", '<path opacity="0.5" d'),
        ("#112233", "red"),
        ("translate(1,2)", "translate(1.5,2)"),
        ("translate(1,2)", "translate(1,2.0)"),
        ("translate(1,2)", "translate(1,99999999999999999999)"),
        ("translate(1,2)", "translate(100000,2)"),
        ("L3,3", "Q3,3"),
        ("L3,3", "L3.5,3"),
        ("L3,3", "L3,100000"),
        ("L3,3", "L3,"),
        ("L0,3 Z ", "L0,3 "),
        (GOOD, written(("M0 0 C5 0.5 0.5 2 0 0 Z ", "#112233", "1,2")).decode()),
        (GOOD, ""),
    ],
)
def test_what_vtracer_does_not_write_is_not_redrawn(old, new):
    redrawn(GOOD.encode(), 1.0, 1.5)
    assert old in GOOD
    with pytest.raises(PathError, match="not an SVG as VTracer"):
        redrawn(GOOD.replace(old, new, 1).encode(), 1.0, 1.5)


@pytest.mark.parametrize("seed", range(5))
def test_real_splines_are_not_redrawn(seed):
    with pytest.raises(PathError, match="splines where pixel outlines are needed"):
        redrawn(drawn("spline", seed)[1], 1.0, 1.5)
