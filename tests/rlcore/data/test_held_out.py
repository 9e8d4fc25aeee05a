"""Logos that a model may be tried on: never those that it was trained on, nor their twins."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from rlcore.data.dataset import build_dataset
from rlcore.data.generated import generate_logos
from rlcore.data.held_out import held_out_logos, neutral_logos
from rlcore.logos import load_logo
from tests.conftest import small_config


def save(folder, name, rgba):
    path = folder / f"{name}.png"
    Image.fromarray(np.ascontiguousarray(rgba)).save(path)
    return path


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Eight logos that no model has seen; a recoloured copy of the first is beside it."""
    folder = tmp_path_factory.mktemp("pictures")
    logos = generate_logos(8, 99, 96)
    for number, logo in enumerate(logos):
        save(folder, f"logo {number}", logo.rgba)
    save(folder, "twin", logos[0].rgba[..., [2, 0, 1, 3]])
    return folder


def names(found):
    return [subject.name for subject in found.subjects]


@pytest.mark.parametrize("split", ["validation", "test"])
def test_of_its_own_source_a_split_is_taken(config, dataset, split):
    found = held_out_logos(config, config.images, split, config.working_size, frozenset())
    assert names(found) == [subject.name for subject in dataset.of(split)]
    assert found.excluded == len(dataset.of("train")) > 0


def test_what_the_model_knows_from_elsewhere_is_left_out_too(config, dataset):
    seen = dataset.of("test")[1].logo.digest
    found = held_out_logos(config, config.images, "test", config.working_size, {seen})
    assert len(found.subjects) == len(dataset.of("test")) - 1
    assert seen not in [subject.logo.digest for subject in found.subjects]
    assert found.excluded == len(dataset.of("train")) + 1


def test_another_folder_is_taken_whole_whatever_the_split(config, pictures):
    found = held_out_logos(config, str(pictures), "test", config.working_size, frozenset())
    assert found.excluded == 0
    # one of the twins goes
    assert len(found.subjects) == 8
    assert {subject.split for subject in found.subjects} > {"test"}
    again = held_out_logos(config, str(pictures), "validation", config.working_size, frozenset())
    assert names(again) == names(found)


def test_another_folder_is_taken_whole_whatever_the_model_was_trained_on(config, pictures):
    for_text = config.model_copy(update={"category": "text"})
    assert len(held_out_logos(for_text, str(pictures), "test", config.working_size, frozenset()).subjects) == 8


@pytest.mark.parametrize("trained", ["logo 0", "twin"])
def test_a_training_logo_takes_its_twin_along(config, pictures, trained):
    digest = load_logo(pictures / f"{trained}.png", config.working_size, trained).digest
    found = held_out_logos(config, str(pictures), "test", config.working_size, {digest})
    assert found.excluded == 1
    assert len(found.subjects) == 7
    assert not {"logo 0.png", "twin.png"} & set(names(found))


def test_at_another_size_they_are_the_same_logos(config, dataset):
    found = held_out_logos(config, config.images, "test", 32, frozenset())
    assert sorted(names(found)) == sorted(subject.name for subject in dataset.of("test"))
    assert {max(subject.logo.rgba.shape) for subject in found.subjects} == {32}
    assert {subject.split for subject in found.subjects} == {"test"}
    # their digests are others: what would be chosen at that size is another choice
    smaller = build_dataset(small_config(working_size=32)).of("test")
    assert sorted(subject.name for subject in smaller) != sorted(names(found))


def test_a_training_logo_is_known_at_another_size(config, pictures):
    digest = load_logo(pictures / "logo 3.png", config.working_size, "logo 3.png").digest
    found = held_out_logos(config, str(pictures), "test", 32, {digest})
    assert found.excluded == 1
    assert "logo 3.png" not in names(found)


def recoloured(subject):
    rgba = np.ascontiguousarray(subject.logo.rgba[..., [2, 0, 1, 3]])
    logo = replace(subject.logo, rgba=rgba, digest=f"recoloured {subject.logo.digest}", name="recoloured")
    return replace(subject, logo=logo)


def test_of_two_test_splits_each_logo_counts_once(dataset):
    tests, trained = dataset.of("test"), dataset.of("train")
    found = neutral_logos([*tests, *map(recoloured, tests)], trained, frozenset())
    assert (found.subjects, found.excluded) == (tests, 0)


def test_what_either_was_trained_on_is_left_out_and_its_twins_too(dataset):
    tests, trained = dataset.of("test"), dataset.of("train")
    others_trained = [recoloured(tests[0])]
    found = neutral_logos([*tests, trained[0]], [*trained, *others_trained], {tests[1].logo.digest})
    assert found.subjects == tests[2:]
    assert found.excluded == 3


def test_where_nothing_is_left_there_is_nothing(dataset):
    assert neutral_logos([], dataset.of("train"), frozenset()).subjects == ()
    tests = dataset.of("test")
    assert neutral_logos(tests, tests, frozenset()).excluded == len(tests)
