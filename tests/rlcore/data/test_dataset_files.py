"""A data set on disk: the same after loading, and told when a part of it is missing or damaged."""

import json

import pytest

from rlcore.config import Stage1Config
from rlcore.data.dataset import build_dataset
from rlcore.data.dataset_files import data_hash, load_dataset, manifest, save_dataset
from rlcore.errors import DataError


@pytest.fixture(scope="module")
def generated():
    return build_dataset(Stage1Config(images="none", generated_logos=70, working_size=64, workers=1, seed=1))


def test_saved_and_loaded_it_is_the_same(generated, tmp_path):
    path = save_dataset(generated, tmp_path / "data")
    loaded = load_dataset(path.parent)
    assert loaded == generated
    for one, two in zip(loaded.subjects, generated.subjects, strict=True):
        assert (one.logo.rgba == two.logo.rgba).all()
        assert (one.logo.matte, one.logo.name) == (two.logo.matte, two.logo.name)
        assert one.plain.seconds == two.plain.seconds


def test_the_manifest_is_json_with_all_but_the_pixels(generated):
    content = json.loads(json.dumps(manifest(generated), allow_nan=False))
    assert sum(sum(counts.values()) for counts in content["counts"].values()) == len(generated.subjects)
    entry = content["logos"][0]
    assert {"name", "digest", "width_px", "height_px", "split", "category", "features", "plain"} <= set(entry)
    assert [item["reason"] for item in content["skipped"]] == [item.reason for item in generated.skipped]


@pytest.mark.parametrize("missing", ["manifest.json", "logos.npz"])
def test_an_incomplete_data_set_is_told(generated, tmp_path, missing):
    save_dataset(generated, tmp_path)
    (tmp_path / missing).unlink()
    with pytest.raises(DataError, match="no complete data set"):
        load_dataset(tmp_path)


@pytest.mark.parametrize("name", ["manifest.json", "logos.npz"])
def test_a_damaged_data_set_is_told(generated, tmp_path, name):
    save_dataset(generated, tmp_path)
    whole = (tmp_path / name).read_bytes()
    for damaged in (b"", b"PK\x03\x04 and no more", whole[: len(whole) // 2], b"{}", b"[]"):
        (tmp_path / name).write_bytes(damaged)
        with pytest.raises(DataError, match="no complete data set"):
            load_dataset(tmp_path)


def test_the_data_hash_is_of_pictures_and_splits_alone(generated):
    content = manifest(generated)
    same = json.loads(json.dumps(content))
    same["logos"].reverse()
    for logo in same["logos"]:
        logo |= {"name": "another", "plain_seconds": 9.0}
    assert data_hash(same) == data_hash(content)
    moved = json.loads(json.dumps(content))
    moved["logos"][0]["split"] = "elsewhere"
    fewer = content | {"logos": content["logos"][1:]}
    assert len({data_hash(content), data_hash(moved), data_hash(fewer)}) == 3
