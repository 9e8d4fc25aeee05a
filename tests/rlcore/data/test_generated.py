"""Generated logos: seeded, varied, simple."""

from collections import Counter

import numpy as np

from rlcore.data.generated import generate_logos
from rlcore.data.twins import edge_descriptor, twin_groups
from rlcore.features import category_of, measure


def digests(count, seed, size=64):
    return [logo.digest for logo in generate_logos(count, seed, size)]


def test_the_same_seed_twice_gives_the_same_logos():
    assert digests(20, 4) == digests(20, 4)


def test_a_logo_does_not_depend_on_the_count():
    assert digests(20, 4)[:7] == digests(7, 4)


def test_another_seed_gives_other_logos():
    assert not set(digests(20, 4)) & set(digests(20, 5))


def test_names_and_sizes():
    logos = generate_logos(12, 0, 80)
    assert [logo.name for logo in logos][:2] == ["generated/00000", "generated/00001"]
    assert {max(logo.rgba.shape[:2]) for logo in logos} == {80}
    assert generate_logos(0, 0, 80) == []


def test_two_hundred_are_varied_and_mostly_simple():
    logos = generate_logos(200, 0, 96)
    assert len({logo.digest for logo in logos}) == 200
    groups = twin_groups(np.array([edge_descriptor(logo.rgba) for logo in logos]))
    assert len(set(groups.tolist())) >= 160
    categories = Counter(category_of(measure(logo)) for logo in logos)
    assert categories["simple"] >= 160
    opaque = sum(not logo.has_alpha for logo in logos)
    assert 30 <= opaque <= 70
