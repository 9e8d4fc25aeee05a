"""How a training is cut."""

import pytest

from rlcore.learning.plan import Segment, plan_chunks
from tests.conftest import small_config


def cut(target, validation, checkpoint):
    config = small_config(target_episodes=target, validation_frequency=validation, checkpoint_frequency=checkpoint)
    chunks = plan_chunks(config)
    assert len(chunks) == config.chunk_count
    return [[(segment.first_episode, segment.end_episode) for segment in chunk] for chunk in chunks]


@pytest.mark.parametrize(
    ("target", "validation", "checkpoint", "expected"),
    [
        (4, 2, 1, [[(0, 1), (1, 2)], [(2, 3), (3, 4)]]),
        (10, 100, 100, [[(0, 10)]]),
        (10, 4, 100, [[(0, 4)], [(4, 8)], [(8, 10)]]),
        (10, 100, 4, [[(0, 4), (4, 8), (8, 10)]]),
        # a checkpoint that does not fall on a validation
        (10, 5, 3, [[(0, 3), (3, 5)], [(5, 6), (6, 9), (9, 10)]]),
        (1, 1, 1, [[(0, 1)]]),
    ],
)
def test_chunks_and_segments(target, validation, checkpoint, expected):
    assert cut(target, validation, checkpoint) == expected


def test_segments_are_counted_through_all_chunks():
    config = small_config(target_episodes=5000, validation_frequency=1000, checkpoint_frequency=500)
    segments = [segment for chunk in plan_chunks(config) for segment in chunk]
    assert [segment.index for segment in segments] == list(range(10))
    assert sum(segment.episodes for segment in segments) == 5000
    assert segments[3] == Segment(3, 1500, 2000)
