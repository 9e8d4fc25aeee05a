"""What is found in a folder, and files that must be read at arm's length."""

import os
from pathlib import Path

import pytest
from PIL import Image

from rlcore.data import reading
from rlcore.data.generated import generate_logos
from rlcore.data.reading import file_names, read_apart
from rlcore.errors import UnusableFileError
from rlcore.logos import load_logo
from tests.rlcore.permissions import readable_folder, unprivileged
from tests.rlcore.pictures import svg

SIZE = 64
SLOW = svg('<circle r="30" cx="30" cy="30" stroke="red" stroke-dasharray="0.01 0.02"/>' * 5000)
"""Takes ten seconds."""


def test_read_apart_is_the_same_logo(tmp_path):
    (logo,) = generate_logos(1, 2, SIZE)
    Image.fromarray(logo.rgba).save(tmp_path / "a.png")
    assert read_apart(tmp_path / "a.png", SIZE) == logo
    assert read_apart(tmp_path / "a.png", SIZE).name == "a.png"


def test_read_apart_gives_the_reason_too(tmp_path, monkeypatch):
    (tmp_path / "a.png").touch()
    with pytest.raises(UnusableFileError, match="0 bytes"):
        read_apart(tmp_path / "a.png", SIZE)
    monkeypatch.setattr(reading, "READING_LIMIT_SECONDS", 1.0)
    (tmp_path / "a.svg").write_bytes(SLOW)
    with pytest.raises(UnusableFileError, match="examining it takes too long"):
        read_apart(tmp_path / "a.svg", SIZE)


def test_a_folder_without_permission_is_named_like_a_file():
    with readable_folder() as folder:
        for name, mode in (("closed", 0), ("listed", 0o444), ("open", 0o755)):
            (folder / name).mkdir()
            (folder / name / "a.png").touch()
            (folder / name).chmod(mode)
        with unprivileged():
            assert file_names(folder) == ["closed", "listed/a.png", "open/a.png"]
            for name, reason in (("closed", "not a regular file"), ("listed/a.png", "unreadable: Permission denied")):
                with pytest.raises(UnusableFileError, match=reason):
                    load_logo(folder / name, SIZE)


@pytest.mark.parametrize(
    ("name", "levels", "reason"),
    [("d", 1100, "0 bytes"), ("x" * 250, 20, "unreadable: File name too long")],
    ids=["deeper than Python recurses", "longer than the system's paths"],
)
def test_folders_in_folders(tmp_path, monkeypatch, name, levels, reason):
    monkeypatch.chdir(tmp_path)
    for _ in range(levels):
        Path(name).mkdir()
        os.chdir(name)
    Path("a.png").touch()
    (found,) = file_names(tmp_path)
    with pytest.raises(UnusableFileError, match=reason):
        load_logo(tmp_path / found, SIZE)
    Path("a.png").unlink()
    for _ in range(levels):  # pytest's own clearing up recurses
        os.chdir("..")
        Path(name).rmdir()
