"""Old content or new, whole; never half."""

import json

import pytest

from rlcore.files import read_json, write_bytes, write_json, write_text


def test_writes_make_their_folder_and_leave_nothing_beside(tmp_path):
    path = tmp_path / "a" / "b" / "c.bin"
    assert write_bytes(path, b"\x00\xff") == path
    assert path.read_bytes() == b"\x00\xff"
    write_bytes(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(path.parent.iterdir()) == [path]


def test_a_failed_write_keeps_the_old_content(tmp_path, monkeypatch):
    path = write_bytes(tmp_path / "x", b"old")

    def full(descriptor):
        raise OSError("no space left")

    monkeypatch.setattr("rlcore.files.os.fsync", full)
    with pytest.raises(OSError, match="no space"):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_text_is_utf8(tmp_path):
    assert write_text(tmp_path / "x", "× – é").read_bytes() == "× – é".encode()


def test_json_round_trip_keeps_the_order(tmp_path):
    content = {"b": [1, 2.5, None, True], "a": {"ü": "×"}}
    path = write_json(tmp_path / "x.json", content)
    assert read_json(path) == content
    assert list(read_json(path)) == ["b", "a"]
    assert path.read_text(encoding="utf-8").endswith("}\n")
    assert "ü" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_json_without_nan(tmp_path, number):
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "x.json", {"x": number})
    assert not (tmp_path / "x.json").exists()


def test_reading_what_is_no_json(tmp_path):
    with pytest.raises(json.JSONDecodeError):
        read_json(write_text(tmp_path / "x.json", "{"))
