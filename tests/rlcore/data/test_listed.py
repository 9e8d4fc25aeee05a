"""Images that are named one by one."""

import shutil
from pathlib import Path

import pytest

from rlcore.data.listed import gathered
from rlcore.errors import DataError


@pytest.fixture
def images(tmp_path):
    """Nine files in two folders, some of the same name."""
    paths = []
    for number in range(9):
        path = tmp_path / f"from {number % 2}" / f"logo {number // 2}.png"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"picture %d" % number)
        paths.append(path)
    return paths


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def by_split(folder):
    found = {}
    for name, content in contents(folder).items():
        found.setdefault(name.partition("/")[0], set()).add(content)
    return found


def test_without_held_out_ones_all_lie_together(images, tmp_path):
    folder = gathered(images, None, tmp_path / "images")
    assert sorted(contents(folder).values()) == sorted(path.read_bytes() for path in images)
    assert all("/" not in name and name.endswith(".png") for name in contents(folder))


def test_the_same_images_are_the_same_folder_whatever_their_order_and_how_often(images, tmp_path):
    folder = gathered(images, None, tmp_path / "images")
    before = folder.stat().st_mtime_ns
    assert gathered([*images[::-1], images[0]], None, tmp_path / "images") == folder
    assert folder.stat().st_mtime_ns == before
    assert gathered(images[1:], None, tmp_path / "images") != folder
    assert gathered(images[4:], images[:4], tmp_path / "images") != folder


def test_held_out_ones_are_halved_and_the_others_trained_on(images, tmp_path):
    splits = by_split(gathered(images[:4], images[4:], tmp_path / "images"))
    assert splits["train"] == {path.read_bytes() for path in images[:4]}
    assert splits["validation"] | splits["test"] == {path.read_bytes() for path in images[4:]}
    assert (len(splits["validation"]), len(splits["test"])) == (3, 2)


def test_which_half_is_told_by_content_not_by_order_or_name(images, tmp_path):
    renamed = [shutil.copy(path, tmp_path / f"{9 - number}.png") for number, path in enumerate(images[2:])]
    one, other, third = (
        by_split(gathered(images[:2], held, tmp_path / "images")) for held in (images[2:], images[:1:-1], renamed)
    )
    assert one == other == third


def test_a_copy_of_a_held_out_one_is_one(images, tmp_path):
    shutil.copy(images[4], images[4].with_name("again.png"))
    held_out = [*images[4:], images[4].with_name("again.png")]
    splits = by_split(gathered(images[:4], held_out, tmp_path / "images"))
    assert sum(b"picture 4" in contents for contents in (splits["validation"], splits["test"])) == 1


@pytest.mark.parametrize(("training", "held_out"), [([], None), ([], [Path("one")]), ([Path("one")], [])])
def test_an_empty_list_is_refused(training, held_out, tmp_path):
    with pytest.raises(DataError, match="a list of images is empty"):
        gathered(training, held_out, tmp_path)


def test_a_missing_image_is_named(images, tmp_path):
    with pytest.raises(DataError, match=r"nowhere\.png' can't be read: No such file"):
        gathered([*images, tmp_path / "nowhere.png"], None, tmp_path / "images")
    with pytest.raises(DataError, match="from 0' can't be read: Is a directory"):
        gathered([*images, images[0].parent], None, tmp_path / "images")
    assert not (tmp_path / "images").exists()
