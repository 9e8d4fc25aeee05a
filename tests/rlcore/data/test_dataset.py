"""From files to a data set: splits by content, no twins, reasons for what is left out."""

import dataclasses
import os
import shutil

import numpy as np
import pytest
from PIL import Image

from rlcore.config import Stage1Config
from rlcore.conversion.tracing import trace
from rlcore.data.dataset import MINIMUM, PROVIDER_CAP, SPLITS, build_dataset, default_source, split_of
from rlcore.data.dataset_files import load_dataset, save_dataset
from rlcore.data.generated import generate_logos
from rlcore.data.twins import edge_descriptor, twin_groups
from rlcore.errors import DataError
from rlcore.features import category_of, measure
from rlcore.logos import load_logo
from rlcore.parameters import CLEANED_PLAIN, PLAIN
from tests.rlcore.drawn import write_drawn
from tests.rlcore.pictures import disk, dots

SIZE = 64


def config(**values):
    settings = {"images": "none", "generated_logos": 70, "working_size": SIZE, "workers": 1, "seed": 1}
    return Stage1Config(**(settings | values))


@pytest.fixture(scope="module")
def generated():
    return build_dataset(config())


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A user's folder: sixty logos in nested folders, and what such folders hold besides."""
    folder = tmp_path_factory.mktemp("logos")
    for index, logo in enumerate(generate_logos(60, 2, SIZE)):
        path = folder / f"group {index % 3}" / f"logo {index}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(logo.rgba).save(path)
    Image.fromarray(generate_logos(1, 2, SIZE)[0].rgba).save(folder / "copy.png")
    recoloured = generate_logos(2, 2, SIZE)[1].rgba[..., [2, 0, 1, 3]]
    Image.fromarray(np.ascontiguousarray(recoloured)).save(folder / "recoloured.webp", lossless=True)
    (folder / "empty.png").touch()
    (folder / "notes.txt").write_text("no logo")
    (folder / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe0\x00\x10JFIF")
    (folder / "loop").symlink_to(folder)
    (folder / os.fsdecode(b"caf\xe9.png")).write_bytes(b"no UTF-8")
    return folder


def subjects_by_digest(dataset):
    return {subject.logo.digest: subject for subject in dataset.subjects}


def same(one, two):
    """Equal but for wall times."""

    def key(subject):
        return dataclasses.replace(
            subject,
            plain=dataclasses.replace(subject.plain, seconds=0.0),
            cleaned=dataclasses.replace(subject.cleaned, seconds=0.0),
        )

    return [key(subject) for subject in one.subjects] == [key(subject) for subject in two.subjects]


def test_every_subject_is_what_its_parts_say(generated):
    assert len(generated.subjects) >= 50
    for subject in generated.subjects:
        assert subject.split == split_of(subject.logo.digest)
        assert subject.features == measure(subject.logo)
        assert subject.category == category_of(subject.features)
        assert subject.plain.has_headroom
    subject = generated.subjects[0]
    plain, cleaned = trace(subject.logo, PLAIN), trace(subject.logo, CLEANED_PLAIN)
    assert (subject.plain.quality, subject.plain.size_bytes) == (plain.quality, plain.size_bytes)
    assert (subject.cleaned.quality, subject.cleaned.size_bytes) == (cleaned.quality, cleaned.size_bytes)


def test_the_order_is_by_split_and_content(generated):
    keys = [(SPLITS.index(subject.split), subject.logo.digest) for subject in generated.subjects]
    assert keys == sorted(keys)


def test_splits_have_enough_and_training_has_its_category_only(generated):
    for split in SPLITS:
        assert len(generated.of(split, "simple")) >= MINIMUM[split]
    assert {subject.category for subject in generated.of("train")} == {"simple"}
    assert sum(len(generated.of(split)) for split in SPLITS) == len(generated.subjects)


def test_the_same_twice_whatever_the_workers(generated):
    again = build_dataset(config(workers=2))
    assert same(generated, again)
    assert generated.skipped == again.skipped


def test_adding_logos_moves_no_other(generated):
    """Logo i is the same whatever the count, so that the larger source holds the smaller."""
    larger = subjects_by_digest(build_dataset(config(generated_logos=90)))
    kept = [subject for subject in generated.subjects if subject.logo.digest in larger]
    assert len(kept) >= 0.95 * len(generated.subjects)
    for subject in kept:
        assert larger[subject.logo.digest].split == subject.split


def test_split_shares():
    digests = [f"{number:064x}" for number in range(4000)]
    shares = [sum(split_of(digest) == split for digest in digests) / len(digests) for split in SPLITS]
    assert shares == pytest.approx([0.70, 0.12, 0.18], abs=0.03)


def test_a_folder_is_read_with_a_reason_for_every_file_left_out(pictures, tmp_path):
    dataset = build_dataset(config(images=str(pictures), generated_logos=0))
    reasons = {item.name: item.reason for item in dataset.skipped}
    assert "0 bytes" in reasons["empty.png"]
    assert "suffix" in reasons["notes.txt"]
    assert "damaged" in reasons["cut.jpg"]
    assert "not an image" in reasons["caf\N{REPLACEMENT CHARACTER}.png"]
    paths = [path.relative_to(pictures) for path in pictures.rglob("*") if path.is_file()]
    files = {os.fsencode(path).decode(errors="replace") for path in paths}
    assert {subject.name for subject in dataset.subjects} | set(reasons) == files
    assert len(dataset.subjects) + len(reasons) == len(files)
    save_dataset(dataset, tmp_path)
    assert same(load_dataset(tmp_path), dataset)


def test_twins_are_in_one_split_at_most(pictures):
    dataset = build_dataset(config(images=str(pictures), generated_logos=0))
    descriptors = np.array([edge_descriptor(subject.logo.rgba) for subject in dataset.subjects])
    assert len(set(twin_groups(descriptors).tolist())) == len(dataset.subjects)
    reasons = {item.name: item.reason for item in dataset.skipped}
    names = {subject.name for subject in dataset.subjects}
    for twins in (("copy.png", "group 0/logo 0.png"), ("recoloured.webp", "group 1/logo 1.png")):
        assert len(names & set(twins)) <= 1
        assert any("near-duplicate of" in reasons.get(twin, "") for twin in twins)


def test_a_folder_and_generated_logos_together(pictures):
    dataset = build_dataset(config(images=str(pictures), generated_logos=20))
    names = {subject.name.partition("/")[0] for subject in dataset.subjects}
    assert "generated" in names
    assert "group 0" in names


def test_too_few_logos_are_told_with_their_numbers(tmp_path):
    for index, logo in enumerate(generate_logos(5, 0, SIZE)):
        Image.fromarray(logo.rgba).save(tmp_path / f"{index}.png")
    (tmp_path / "empty.png").touch()
    with pytest.raises(DataError) as caught:
        build_dataset(config(images=str(tmp_path), generated_logos=0))
    message = str(caught.value)
    counts = [message.partition(f"{split} ")[2].partition(" of ")[0] for split in ("train", "validation", "test")]
    assert f"of {MINIMUM['train']}" in message
    assert sum(int(count) for count in counts if count.isdigit()) <= 5
    assert "simple" in message
    assert str(tmp_path) in message
    assert "0 bytes" in message


def test_an_empty_folder_and_a_missing_one(tmp_path):
    with pytest.raises(DataError, match=r"train 0 of 8, validation 0 of 3, test 0 of 3 \(skipped: none\)"):
        build_dataset(config(images=str(tmp_path), generated_logos=0))
    with pytest.raises(DataError, match=r"nowhere.*no such folder"):
        build_dataset(config(images=str(tmp_path / "nowhere"), generated_logos=0))


def test_other_categories_are_left_out_of_training_only(tmp_path):
    for index, logo in enumerate(generate_logos(60, 2, SIZE)):
        Image.fromarray(logo.rgba).save(tmp_path / f"{index}.png")
    rng = np.random.default_rng(0)
    for index in range(25):
        rgba = dots(5, 100)
        rgba[rng.integers(100, size=9)] = 0
        Image.fromarray(np.rot90(rgba, index % 4)).save(tmp_path / f"text {index}.png")
    dataset = build_dataset(config(images=str(tmp_path), generated_logos=0))
    categories = {split: {subject.category for subject in dataset.of(split)} for split in SPLITS}
    assert categories["train"] == {"simple"}
    assert "text" in categories["validation"] | categories["test"]
    assert any(item.reason == "not trained on: category text" for item in dataset.skipped)


def test_progress_is_told():
    told = []
    build_dataset(config(), lambda stage, done, total: told.append((stage, done, total)))
    assert told[-1][0] == "measure"
    assert told[-1][1] == told[-1][2] > 0


def test_a_logo_without_headroom_is_counted_as_left_out(tmp_path):
    for index, logo in enumerate(generate_logos(60, 2, SIZE)):
        Image.fromarray(logo.rgba).save(tmp_path / f"{index}.png")
    blank = np.full((SIZE, SIZE, 3), 255, dtype=np.uint8)
    Image.fromarray(blank).save(tmp_path / "blank.png")
    Image.fromarray(disk(SIZE)).save(tmp_path / "disk.png")
    dataset = build_dataset(config(images=str(tmp_path), generated_logos=0))
    reasons = {item.name: item.reason for item in dataset.skipped}
    assert reasons["blank.png"].startswith("no headroom: plain VTracer's SSIM is 1.0")


def test_the_default_source_is_the_installed_package():
    folder = default_source()
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png"))
    assert len(names) > 2000
    providers = {name.partition("/")[0] for name in names}
    assert {"onprem", "saas", "programming", "aws"} <= providers
    assert PROVIDER_CAP == 150
    for name in names[:: len(names) // 5]:
        assert max(load_logo(folder / name, SIZE).rgba.shape) == SIZE


@pytest.fixture(scope="module")
def split_folders(tmp_path_factory):
    """Logos of every category in the folders train, validation and test, and some that lie elsewhere."""
    folder = write_drawn(tmp_path_factory.mktemp("split"))
    shutil.copytree(folder / "train", folder / "later")
    shutil.copy(folder / "test" / "simple-0.png", folder / "train" / "copy of a test logo.png")
    for path in (folder / "validation").glob("simple-*.png"):
        for number, channels in enumerate(([2, 0, 1, 3], [1, 2, 0, 3], [0, 2, 1, 3])):  # one of them comes before it
            recoloured = np.ascontiguousarray(np.asarray(Image.open(path))[..., channels])
            Image.fromarray(recoloured).save(folder / "train" / f"recoloured {number} {path.name}")
    return folder


def by_folders(folder, **values):
    return build_dataset(config(images=str(folder), splits="folders", generated_logos=0, **values))


@pytest.fixture(scope="module")
def split_dataset(split_folders):
    return by_folders(split_folders)


def test_splits_are_those_of_the_folders(split_dataset):
    dataset = split_dataset
    assert len(dataset.subjects) == 8 + 12 + 12
    assert all(subject.split == subject.name.partition("/")[0] for subject in dataset.subjects)
    keys = [(SPLITS.index(subject.split), subject.logo.digest) for subject in dataset.subjects]
    assert keys == sorted(keys)
    reasons = {item.name: item.reason for item in dataset.skipped}
    assert reasons["later/simple-0.png"] == "in none of the folders train, validation, test"
    assert reasons["train/text-0.png"] == "not trained on: category text"


def test_what_is_held_out_and_its_twins_are_not_trained_on(split_dataset):
    reasons = {item.name: item.reason for item in split_dataset.skipped}
    assert reasons["train/copy of a test logo.png"] == "near-duplicate of test/simple-0.png"
    recoloured = {name: reason for name, reason in reasons.items() if "recoloured" in name}
    assert len(recoloured) == 9
    assert all(reason == f"near-duplicate of validation/{name.split()[-1]}" for name, reason in recoloured.items())


def test_generated_logos_beside_such_folders_are_trained_on(split_folders):
    dataset = build_dataset(config(images=str(split_folders), splits="folders", generated_logos=30))
    made = [subject.split for subject in dataset.subjects if subject.name.startswith("generated/")]
    assert set(made) == {"train"}
    assert len(made) > 20


def test_what_was_trained_on_before_is_no_exam(split_folders):
    dataset = by_folders(split_folders, category="text")
    seen = [dataset.of(split, "simple")[0] for split in ("validation", "test")]
    again = build_dataset(
        config(images=str(split_folders), splits="folders", generated_logos=0, category="text"),
        trained_on={subject.logo.digest for subject in (*seen, *dataset.of("train"))},
    )
    assert subjects_by_digest(dataset).keys() - subjects_by_digest(again).keys() == {s.logo.digest for s in seen}
    reasons = {item.name: item.reason for item in again.skipped}
    assert {reasons[subject.name] for subject in seen} == {"trained on by the model that training starts from"}


def test_generated_logos_have_a_seed_of_their_own(generated):
    assert same(generated, build_dataset(config(seed=9, generated_seed=1)))
