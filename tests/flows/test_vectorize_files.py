"""Which pictures are read, and where their SVGs go."""

from pathlib import Path

import pytest

from flows.vectorize_files import Job, check_report, jobs_of
from rlcore.errors import UsageError


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    for name in ("a.png", "b.jpg", "b.png", "notes.txt", "in/c.WEBP", "in/deep/d.svg", "in/e.svg", "other/c.webp"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    (tmp_path / "empty").mkdir()
    (tmp_path / "other" / "in").mkdir()
    monkeypatch.chdir(tmp_path)


def places(*logos, output=None, output_dir=None):
    jobs = jobs_of(logos, output and Path(output), output_dir and Path(output_dir), b"image")
    return {job.name: job.output and job.output.as_posix() for job in jobs}


def test_an_svg_goes_beside_its_picture_or_where_it_is_told():
    assert places("a.png", "other/c.webp") == {"a.png": "a.svg", "other/c.webp": "other/c.svg"}
    assert places("a.png", output="deep/x.svg") == {"a.png": "deep/x.svg"}
    assert places("a.png", output="-") == {"a.png": None}
    assert places("in/c.WEBP", output_dir="out") == {"in/c.WEBP": "out/c.svg"}
    # what is not there fails by its name, later
    assert places("gone.png") == {"gone.png": "gone.svg"}


def test_folders_are_mirrored_and_other_files_passed_over():
    expected = {"in/c.WEBP": "out/c.svg", "in/deep/d.svg": "out/deep/d.svg", "in/e.svg": "out/e.svg"}
    assert places("in", output_dir="out") == expected
    assert places(".", output_dir="out")["in/deep/d.svg"] == "out/in/deep/d.svg"
    assert "notes.txt" not in places(".", output_dir="out")


def test_folders_under_several_arguments_are_kept_apart():
    found = places("in", "other", "a.png", output_dir="out")
    assert (found["in/c.WEBP"], found["other/c.webp"], found["a.png"]) == (
        "out/in/c.svg",
        "out/other/c.svg",
        "out/a.svg",
    )


def test_a_folder_that_svgs_go_into_is_not_gone_through():
    Path("in/out/deep").mkdir(parents=True)
    Path("in/out/deep/c.svg").write_bytes(b"")
    assert "in/out/deep/c.svg" not in places("in", output_dir="in/out")


def test_pictures_that_differ_in_their_suffix_alone_have_it_in_the_svgs_name():
    assert places("b.jpg", "b.png", "a.png") == {"b.jpg": "b.jpg.svg", "b.png": "b.png.svg", "a.png": "a.svg"}


def test_stdin_goes_to_stdout():
    assert jobs_of(["-"], None, None, b"image") == [Job("stdin", b"image", None)]
    assert places("-", output="x.svg") == {"stdin": "x.svg"}
    assert places("-", output_dir="out") == {"stdin": "out/stdin.svg"}


@pytest.mark.parametrize(
    ("logos", "options", "told"),
    [
        (["a.png", "b.png"], {"output": "x.svg"}, "--output is for one picture, not for 2"),
        (["a.png"], {"output": "x.svg", "output_dir": "out"}, "give one of them"),
        (["-", "a.png"], {}, "goes alone"),
        (["in"], {}, "in is a folder: give --output-dir"),
        (["empty"], {"output_dir": "out"}, "empty: no picture in this folder"),
        (["in/e.svg"], {}, r"in/e\.svg: its SVG would take the place of in/e\.svg"),
        (["in"], {"output_dir": "./in"}, "its SVGs would be among its pictures: give another --output-dir"),
        (["in", "other/in"], {"output_dir": "out"}, "several folders are called 'in'"),
        (["a.png"], {"output": "."}, r"--output \. is a folder: give --output-dir"),
        (["a.png"], {"output": "in"}, "--output in is a folder"),
        (["a.png"], {"output": "a.png"}, "would take the place of"),
        (["a.png", "./a.png"], {}, "another picture's SVG is"),
    ],
)
def test_what_does_not_fit_together_is_refused(logos, options, told):
    with pytest.raises(UsageError, match=told):
        places(*logos, **options)


@pytest.mark.parametrize(
    ("report", "told"),
    [
        ("in", "--report in is a folder"),
        ("./a.png", r"take the place of the picture a\.png"),
        ("x.svg", r"take the place of x\.svg, the SVG of a\.png"),
    ],
)
def test_a_report_takes_no_other_files_place(report, told):
    with pytest.raises(UsageError, match=told):
        check_report(Path(report), jobs_of(["a.png"], Path("x.svg"), None, b""))


def test_a_report_may_be_written_again():
    Path("report.html").write_text("of yesterday")
    check_report(Path("report.html"), jobs_of(["a.png"], None, None, b""))
