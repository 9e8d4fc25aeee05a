"""Twins are found whatever their colour and size, strangers are not."""

import cv2
import numpy as np

from rlcore.data.generated import generate_logos
from rlcore.data.twins import edge_descriptor, twin_groups
from tests.rlcore.pictures import BLUE, WHITE, disk, flat


def groups_of(*pictures):
    return twin_groups(np.array([edge_descriptor(picture) for picture in pictures])).tolist()


def recoloured(rgba):
    return np.concatenate([rgba[..., [2, 0, 1]], rgba[..., 3:]], axis=2)


def test_a_descriptor_is_a_unit_vector():
    descriptor = edge_descriptor(disk())
    assert descriptor.shape == (400,)
    assert descriptor.dtype == np.float32
    assert np.linalg.norm(descriptor) == np.float32(1)


def test_recoloured_and_resized_copies_are_twins():
    for subject in generate_logos(8, 1, 128):
        rgba = subject.rgba
        smaller = cv2.resize(rgba, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
        assert len(set(groups_of(rgba, recoloured(rgba), smaller, recoloured(smaller)))) == 1


def test_different_logos_are_not():
    first, second = (logo.rgba for logo in generate_logos(2, 0, 96))
    assert len(set(groups_of(first, second))) == 2


def test_twins_of_twins_share_a_group():
    a, b, c = np.eye(400, dtype=np.float32)[:3]
    between = (a + b * 0.35) / np.linalg.norm(a + b * 0.35)
    beyond = (a + b * 0.8) / np.linalg.norm(a + b * 0.8)
    assert a @ beyond < 0.93 < min(a @ between, between @ beyond)
    groups = twin_groups(np.array([a, c, beyond, between]))
    assert groups[0] == groups[2] == groups[3] != groups[1]


def test_nothing_has_no_groups():
    assert twin_groups(np.zeros((0, 400), dtype=np.float32)).tolist() == []


def test_pictures_without_edges_are_nobodys_twins():
    assert len(set(groups_of(flat(20, 20, WHITE), flat(30, 30, BLUE, alpha=0), disk()))) == 3
