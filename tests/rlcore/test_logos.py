"""Files of every format in known colours, odd ones, and hostile ones."""

import io
import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from rlcore.errors import UnusableFileError
from rlcore.logos import MAX_PIXELS, Logo, choose_matte, composite, load_logo, make_logo, pixels
from tests.rlcore.permissions import readable_folder, unprivileged
from tests.rlcore.pictures import BLACK, BLUE, GREEN, GREY, MATTE, RED, WHITE, disk, flat, svg


def quarters(alpha=255, side=24):
    """Red, green over blue and (half-transparent where ``alpha`` says so) black."""
    half = side // 2
    top = np.hstack([flat(half, half, RED), flat(half, half, GREEN)])
    return np.vstack([top, np.hstack([flat(half, half, BLUE), flat(half, half, BLACK, alpha)])])


def encoded(format_name, image=None, **options):
    buffer = io.BytesIO()
    (Image.fromarray(quarters()) if image is None else image).save(buffer, format_name, **options)
    return buffer.getvalue()


def opaque():
    return Image.fromarray(quarters()).convert("RGB")


def saved(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    return path


def corners(rgba):
    height, width = rgba.shape[:2]
    return [rgba[y, x].astype(int) for y in (height // 4, 3 * height // 4) for x in (width // 4, 3 * width // 4)]


def assert_quarters(rgba, tolerance=0, last=BLACK):
    for pixel, colour in zip(corners(rgba), (RED, GREEN, BLUE, last), strict=True):
        assert (np.abs(pixel - (*colour, 255)) <= tolerance).all()


QUARTERS_SVG = svg(
    '<rect width="12" height="12" fill="#f00"/><rect x="12" width="12" height="12" fill="#00a000"/>'
    '<rect y="12" width="12" height="12" fill="#00f"/><rect x="12" y="12" width="12" height="12"/>',
    24,
    24,
)


@pytest.mark.parametrize(
    ("name", "content", "tolerance"),
    [
        ("a.png", encoded("PNG"), 0),
        ("a.PNG", encoded("PNG"), 0),
        ("a.jpg", encoded("JPEG", opaque(), quality=98, subsampling=0), 6),
        ("a.jpeg", encoded("JPEG", opaque(), quality=98, subsampling=0), 6),
        ("a.webp", encoded("WEBP", lossless=True), 0),
        ("a.bmp", encoded("BMP", opaque()), 0),
        ("a.gif", encoded("GIF", opaque()), 0),
        ("a.svg", QUARTERS_SVG, 0),
    ],
)
def test_formats(tmp_path, name, content, tolerance):
    logo = load_logo(saved(tmp_path, name, content), 24)
    assert logo.name == name
    assert logo.rgba.shape == (24, 24, 4)
    assert logo.rgba.dtype == np.uint8
    assert not logo.has_alpha
    assert logo.matte == WHITE
    assert_quarters(logo.rgba, tolerance)


@pytest.mark.parametrize(("name", "format_name"), [("a.png", "PNG"), ("a.webp", "WEBP")])
def test_alpha_is_kept_straight(tmp_path, name, format_name):
    rgba = quarters()
    rgba[12:, 12:] = (200, 100, 50, 128)
    rgba[:12, 12:] = (9, 9, 9, 0)
    options = {"lossless": True, "exact": True} if format_name == "WEBP" else {}
    logo = load_logo(saved(tmp_path, name, encoded(format_name, Image.fromarray(rgba), **options)), 24)
    assert logo.has_alpha
    assert logo.rgba[18, 18].tolist() == [200, 100, 50, 128]
    assert logo.rgba[6, 18].tolist() == [0, 0, 0, 0]


def test_a_palette_with_transparency(tmp_path):
    image = Image.fromarray(np.repeat(np.repeat(np.array([[0, 1], [2, 3]], dtype=np.uint8), 12, 0), 12, 1), mode="P")
    image.putpalette([*RED, *GREEN, *BLUE, *WHITE])
    for name, format_name in (("a.png", "PNG"), ("a.gif", "GIF")):
        logo = load_logo(saved(tmp_path, name, encoded(format_name, image, transparency=3)), 24)
        assert [pixel.tolist() for pixel in corners(logo.rgba)] == [[*c, 255] for c in (RED, GREEN, BLUE)] + [[0] * 4]


def test_grey_of_sixteen_bits(tmp_path):
    levels = np.zeros((20, 20), dtype=np.uint16)
    levels[:, 10:] = 0x8123
    logo = load_logo(saved(tmp_path, "a.png", encoded("PNG", Image.fromarray(levels))), 20)
    assert logo.rgba[5, 5].tolist() == [0, 0, 0, 255]
    assert logo.rgba[5, 15].tolist() == [0x81, 0x81, 0x81, 255]


@pytest.mark.parametrize(("level", "grey"), [(200, 200), (0x8123, 0x81)])
def test_grey_of_thirty_two_bits_has_eight_or_sixteen_in_them(level, grey):
    levels = np.zeros((20, 20), dtype=np.int32)
    levels[:, 10:] = level
    image = Image.fromarray(levels)
    assert image.mode == "I"
    assert pixels(image)[5, 15].tolist() == [grey, grey, grey, 255]


def png(width, height, depth, colour_type, raw):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")


def test_colour_of_sixteen_bits(tmp_path):
    row = b"\x00" + struct.pack(">HHHH", 0xFF00, 0x8012, 0x0034, 0xFFFF) * 10
    logo = load_logo(saved(tmp_path, "a.png", png(10, 10, 16, 6, row * 10)), 10)
    assert (np.abs(logo.rgba[5, 5].astype(int) - (255, 128, 0, 255)) <= 1).all()


def test_grey_and_alpha_and_one_bit(tmp_path):
    grey = Image.fromarray(np.full((10, 10, 2), (77, 255), dtype=np.uint8), mode="LA")
    assert load_logo(saved(tmp_path, "a.png", encoded("PNG", grey)), 10).rgba[5, 5].tolist() == [77, 77, 77, 255]
    bits = Image.new("1", (10, 10), 1)
    assert load_logo(saved(tmp_path, "b.png", encoded("PNG", bits)), 10).rgba[5, 5].tolist() == [255] * 4


def test_a_cmyk_jpeg(tmp_path):
    logo = load_logo(saved(tmp_path, "a.jpg", encoded("JPEG", opaque().convert("CMYK"), quality=98)), 24)
    assert_quarters(logo.rgba, 12)


@pytest.mark.parametrize(("orientation", "turns"), [(3, 2), (6, 3), (8, 1)])
def test_exif_rotation(tmp_path, orientation, turns):
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(np.rot90(quarters()[..., :3], -turns).copy())
    logo = load_logo(saved(tmp_path, "a.jpg", encoded("JPEG", stored, quality=98, subsampling=0, exif=exif)), 24)
    assert_quarters(logo.rgba, 6)


def test_the_first_frame_of_an_animation(tmp_path):
    later = Image.fromarray(flat(24, 24, GREY)).convert("RGB")
    content = encoded("GIF", opaque(), save_all=True, append_images=[later], duration=100)
    assert_quarters(load_logo(saved(tmp_path, "a.gif", content), 24).rgba)


def test_reduced_but_never_enlarged(tmp_path):
    path = saved(tmp_path, "a.png", encoded("PNG", Image.fromarray(quarters(side=40)[:, :20])))
    assert load_logo(path, 24).rgba.shape == (24, 12, 4)
    assert load_logo(path, 40).rgba.shape == (40, 20, 4)
    assert load_logo(path, 500).rgba.shape == (40, 20, 4)


def test_an_svg_is_drawn_at_the_working_size(tmp_path):
    drawing = svg('<rect width="4" height="8" fill="#00f"/>', 8, 8)
    logo = load_logo(saved(tmp_path, "a.svg", drawing), 200)
    assert logo.rgba.shape == (200, 200, 4)
    assert logo.rgba[100, 50].tolist() == [*BLUE, 255]
    assert logo.rgba[100, 150].tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("size", "shape"),
    [
        ('width="20mm" height="10mm"', (32, 64)),
        ('viewBox="0 0 30 60"', (64, 32)),
        ('width="100%" height="100%" viewBox="0, 0, 40, 20"', (32, 64)),
        ("", (64, 64)),
    ],
)
def test_the_size_of_an_svg(tmp_path, size, shape):
    content = f'<svg xmlns="http://www.w3.org/2000/svg" {size}><rect width="900" height="900"/></svg>'
    assert load_logo(saved(tmp_path, "a.svg", content.encode()), 64).rgba.shape[:2] == shape


def test_reducing_does_not_darken_the_edge():
    """Alpha is premultiplied: what is left of a disk's edge has the disk's colour."""
    small = make_logo("x", disk(200, (128, 100, 60), 1.0), 50).rgba
    assert (np.abs(small[small[..., 3] > 1][:, :3].astype(int) - (128, 100, 60)) <= 1).all()
    assert ((small[..., 3] > 0) & (small[..., 3] < 255)).any()


@pytest.mark.parametrize(
    ("colour", "matte"),
    [(BLACK, WHITE), (RED, WHITE), (GREY, WHITE), (WHITE, BLACK), ((240, 240, 240), BLACK), ((255, 250, 208), BLACK)],
)
def test_the_matte_is_white_unless_white_hides_the_logo(colour, matte):
    assert choose_matte(disk(40, colour)) == matte
    assert choose_matte(flat(10, 10, colour)) == WHITE
    assert make_logo("x", disk(40, colour), 40).matte == matte


def test_the_matte_counts_opaque_pixels_only():
    rgba = disk(40, WHITE)
    rgba[rgba[..., 3] == 0] = (0, 0, 0, 20)
    assert choose_matte(rgba) == BLACK


def test_composite():
    pixels = np.array([[(255, 0, 0, 255), (255, 0, 0, 0), (255, 0, 0, 128)]], dtype=np.uint8)
    assert composite(pixels, MATTE)[0].tolist() == [[255, 0, 0], list(MATTE), [133, 100, 45]]


def test_equality_is_of_the_pixels():
    one, two = make_logo("one", disk(), 64), make_logo("two", disk(), 64)
    assert one == two
    assert hash(one) == hash(two)
    assert one != make_logo("one", disk(colour=BLUE), 64)
    assert Logo("x", flat(8, 32, RED), WHITE) != Logo("x", flat(32, 8, RED), WHITE)
    assert one != "one"


# hostile files: each is used or refused with a reason, never another exception


def refused(path, reason, working_size=64):
    with pytest.raises(UnusableFileError, match=reason):
        load_logo(path, working_size)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.png", b"", "0 bytes"),
        ("text.png", b"no picture", "not an image"),
        ("cut.png", encoded("PNG", Image.effect_noise((40, 40), 90))[:-600], "damaged|truncated"),
        ("cut.jpg", encoded("JPEG", opaque())[:-300], "damaged|truncated"),
        ("cut.webp", encoded("WEBP")[:-20], "damaged|not an image"),
        ("cut.bmp", encoded("BMP", opaque())[:-300], "damaged|truncated"),
        ("head.gif", encoded("GIF", opaque())[:12], "damaged|not an image|truncated"),
        ("jpeg.png", encoded("JPEG", opaque()), "wrongly named: the content is JPEG"),
        ("png.svg", encoded("PNG"), "not well-formed"),
        ("svg.png", QUARTERS_SVG, "not an image"),
        ("html.svg", b"<html></html>", "wrongly named: the root element"),
        ("a.tiff", encoded("TIFF"), "suffix '.tiff'"),
        ("no suffix", encoded("PNG"), "suffix"),
        ("one.png", encoded("PNG", Image.new("RGB", (1, 1))), "1 x 1 px"),
        ("line.png", encoded("PNG", Image.new("RGB", (1, 5000))), "1 x 64 px"),
        ("thin.png", encoded("PNG", Image.new("RGB", (5000, 60))), "64 x 1 px"),
        ("clear.png", encoded("PNG", Image.new("RGBA", (20, 20), (255, 0, 0, 40))), "no opaque pixel"),
        ("huge.png", png(30_000, 30_000, 8, 6, b"\0" * 100), "decompression bomb"),
        ("large.png", png(8000, MAX_PIXELS // 8000 + 1, 8, 6, b"\0" * 100), "decompression bomb"),
        ("zero.png", png(0, 5, 8, 6, b"\0" * 100), "damaged|zero|not an image"),
        ("cut.svg", QUARTERS_SVG[:-10], "not well-formed"),
        ("zero.svg", svg('<rect width="9" height="9"/>', 0, 10), "zero area"),
        ("minus.svg", svg('<rect width="9" height="9"/>', -5, 10), "zero area"),
        ("vast.svg", svg('<rect width="9" height="9"/>', 1e9, 10), "beyond reason"),
        ("infinite.svg", svg('<rect width="9" height="9"/>', "1e999", 1), "beyond reason"),
        ("blank.svg", svg(""), "no opaque pixel"),
    ],
)
def test_a_hostile_file_is_refused_with_a_reason(tmp_path, name, content, reason):
    refused(saved(tmp_path, name, content), reason)


def laughs(levels=12):
    entities = '<!ENTITY a0 "ha">' + "".join(f'<!ENTITY a{i + 1} "{f"&a{i};" * 10}">' for i in range(levels))
    return f'<!DOCTYPE svg [{entities}]><svg xmlns="http://www.w3.org/2000/svg"><text>&a{levels};</text></svg>'.encode()


def used_ten_times(levels):
    groups = ['<g id="a0"><rect width="9" height="9"/></g>']
    for level in range(levels):
        groups.append(f'<g id="a{level + 1}">' + f'<use xlink:href="#a{level}"/>' * 10 + "</g>")
    return svg(f"<defs>{''.join(groups)}</defs><use xlink:href='#a{levels}'/>")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (laughs(), "entities"),
        (b'<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/hostname">]><svg>&x;</svg>', "entities or external"),
        (b'<!DOCTYPE svg [<!ENTITY % x SYSTEM "http://127.0.0.1:9/x.dtd"> %x;]><svg/>', "entities or external"),
        (used_ten_times(12), "levels or"),
        (
            svg('<g id="a"><rect width="9" height="9"/><use href="#b"/></g><g id="b"><use href="#a"/></g>'),
            "can't be drawn",
        ),
        (svg("<g>" * 100_000 + "</g>" * 100_000), "200 levels"),
        (svg("".join(f'<g id="n{i}"><use href="#n{i + 1}"/></g>' for i in range(5000))), "200 levels"),
        (
            svg("".join(f'<g id="n{i + 1}">{"<g>" * 90}<use href="#n{i}"/>{"</g>" * 90}</g>' for i in range(3))),
            "200 lev",
        ),
    ],
    ids=[
        "billion laughs",
        "external entity",
        "external DTD",
        "use of use",
        "mutual use",
        "deep",
        "chain",
        "deep chain",
    ],
)
def test_an_svg_that_would_hang_crash_or_fetch_is_refused(tmp_path, content, reason):
    refused(saved(tmp_path, "a.svg", content), reason)


@pytest.mark.parametrize(
    "content",
    [
        used_ten_times(3),
        svg('<g id="a"><rect width="9" height="9"/><use xlink:href="#a"/></g>'),
        svg('<pattern id="p" width="1" height="1"><rect width="9" height="9" fill="url(#p)"/></pattern>'
            '<rect width="9" height="9"/><rect width="9" height="9" fill="url(#p)"/>'),
        svg("<g>" * 150 + '<rect width="9" height="9"/>' + "</g>" * 150),
        b'<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">'
        + svg('<rect width="9" height="9"/>'),
        svg('<rect width="9" height="9"/>').decode().encode("utf-16"),
    ],
    ids=["few uses", "self use", "self pattern", "nested", "doctype", "utf-16"],
)  # fmt: skip
def test_an_odd_svg_is_used(tmp_path, content):
    assert load_logo(saved(tmp_path, "a.svg", content), 64).rgba[5, 5, 3] == 255


def test_names_of_other_alphabets_and_the_longest_ones(tmp_path):
    for name in ("ünïcode – 标志 🦊.png", "a b'\"&<>.png", "x" * 251 + ".png", ".png.png"):
        assert load_logo(saved(tmp_path, name, encoded("PNG")), 24).name == name
    refused(tmp_path / ("x" * 5000 + ".png"), "unreadable|not a regular file")
    refused(tmp_path / "nul\0.png", "unreadable|no such file")
    refused(tmp_path / "missing.png", "no such file")


def test_folders_pipes_and_loops_of_links(tmp_path):
    (tmp_path / "folder.png").mkdir()
    refused(tmp_path / "folder.png", "not a regular file")
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    refused(tmp_path / "loop.png", "not a regular file|unreadable")
    (tmp_path / "dangling.png").symlink_to(tmp_path / "nothing")
    refused(tmp_path / "dangling.png", "not a regular file")
    os.mkfifo(tmp_path / "pipe.png")
    refused(tmp_path / "pipe.png", "not a regular file")
    (tmp_path / "link.png").symlink_to(saved(tmp_path, "real.png", encoded("PNG")))
    assert_quarters(load_logo(tmp_path / "link.png", 24).rgba)


def test_a_file_without_permission():
    with readable_folder() as folder:
        path = saved(folder, "a.png", encoded("PNG"))
        path.chmod(0)
        with unprivileged():
            refused(path, "unreadable: Permission denied")
        path.chmod(0o444)
        with unprivileged():
            assert_quarters(load_logo(path, 24).rgba)


@pytest.mark.parametrize("method", ["is_file", "stat", "read_bytes"])
def test_a_failing_disk_is_a_reason(tmp_path, monkeypatch, method):
    path = saved(tmp_path, "a.png", encoded("PNG"))

    def fail(*arguments, **options):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(type(path), method, fail)
    refused(path, "unreadable: Input/output error")


def exif():
    data = Image.Exif()
    data[0x0112], data[0x010E] = 6, "a logo"
    return data


SMALL = {
    "a.png": encoded("PNG"),
    "palette.png": encoded("PNG", opaque().convert("P")),
    "exif.png": encoded("PNG", exif=exif()),
    "a.jpg": encoded("JPEG", opaque(), exif=exif()),
    "progressive.jpg": encoded("JPEG", opaque(), progressive=True),
    "a.webp": encoded("WEBP", exif=exif()),
    "a.bmp": encoded("BMP", opaque()),
    "a.gif": encoded("GIF", opaque(), save_all=True, append_images=[opaque().rotate(90)]),
    "a.svg": svg('<defs><linearGradient id="g"><stop offset="0" stop-color="red"/></linearGradient></defs>'
                 '<path d="M1 1L20 3C4 5 6 7 8 9z" fill="url(#g)"/><g transform="rotate(9)"><circle r="5"/></g>'),
}  # fmt: skip


def damaged(content, rng):
    """One of: some bytes changed, the end cut off, a piece taken out, a piece put in near the start."""
    data = bytearray(content)
    kind, at = rng.integers(4), int(rng.integers(len(data)))
    if kind == 0:
        for position in rng.integers(len(data), size=int(rng.integers(1, 8))):
            data[position] = rng.integers(256)
    elif kind == 1:
        del data[at:]
    elif kind == 2:
        del data[at : at + int(rng.integers(1, 20))]
    else:
        data[at % 120 : at % 120] = rng.bytes(int(rng.integers(1, 9)))
    return bytes(data)


def outcome(path):
    """``used`` or ``refused: <reason>``; any other exception is the test's failure."""
    try:
        logo = load_logo(path, 64)
    except UnusableFileError as error:
        return f"refused: {error}"
    return "used" if 7 <= min(logo.rgba.shape[:2]) <= max(logo.rgba.shape[:2]) <= 64 else "of a wrong size"


@pytest.mark.parametrize("name", SMALL)
def test_damaged_files_are_used_or_refused(tmp_path, name):
    load_logo(saved(tmp_path, name, SMALL[name]), 64)
    rng = np.random.default_rng(len(name))
    outcomes = set()
    for _ in range(200):
        path = saved(tmp_path, name, damaged(SMALL[name], rng))
        outcomes.add(outcome(path).partition(":")[0])
    assert "refused" in outcomes
    assert outcomes <= {"used", "refused"}


def test_bent_exif_is_no_other_error(tmp_path):
    """A changed type byte of a tag makes Pillow raise ``struct.error`` when it writes the upright EXIF."""
    content = SMALL["a.jpg"]
    start = content.index(b"Exif")
    for position in range(start, start + 50):
        for value in (0, 1, 3, 7, 12, 255):
            bent = bytearray(content)
            bent[position] = value
            assert outcome(saved(tmp_path, "a.jpg", bytes(bent)))
