"""Performance: velocity, memory and disk."""

import pytest

from rlcore.quality_assurance import Monitor, disk_shortage
from tests.rlcore.quality_assurance.made_runs import CONFIG, folded, found, good

GIB = 2**30
MIB = 2**20


@pytest.mark.parametrize(("seconds", "trips"), [(5.0, False), (15.1, False), (15.2, True)])
def test_a_third_of_the_usual_velocity_is_told(seconds, trips):
    monitor = folded([*good(4), *good(3, 5, seconds=seconds)])
    assert found(monitor) == ([("velocity", "low")] if trips else [])
    if trips:
        assert monitor.alerts[0].measured == pytest.approx(10 / seconds)


def test_one_slow_rollout_is_none():
    assert folded([*good(4), *good(1, 5, seconds=500.0), *good(4, 6)]).alerts == ()


def test_three_rollouts_have_no_usual_velocity():
    assert folded([*good(1), *good(2, 2, seconds=500.0)]).alerts == ()


@pytest.mark.parametrize(
    ("memory_mib", "trips"),
    [
        ([1000, 1513, 2026], True),
        ([1000, 1513, 2025], False),
        ([1000, 9000, 9000], False),
        ([1000, 9000], False),
        ([5000, 1000, 1513, 2026], True),
    ],
)
def test_memory_that_grows_chunk_by_chunk_is_told(memory_mib, trips):
    monitor = Monitor(CONFIG)
    for chunk, mib in enumerate(memory_mib):
        monitor.take_memory(30 * chunk, mib)
    assert found(monitor) == ([("memory", "medium")] if trips else [])
    if trips:
        assert (monitor.alerts[0].measured, monitor.alerts[0].threshold) == (513, 512)


@pytest.mark.parametrize(("free", "trips"), [(3 * GIB, False), (3 * GIB - MIB, True), (0, True)])
def test_a_disk_without_room_for_the_rest_is_told(free, trips):
    monitor = Monitor(CONFIG)
    told = monitor.take_disk(30, free, needed_bytes=2 * GIB)
    assert found(monitor) == ([("disk", "high")] if trips else [])
    assert list(monitor.alerts) == told
    if trips:
        assert (told[0].measured, told[0].threshold) == (free / MIB, 3072)


def test_a_disk_can_be_judged_before_a_run():
    shortage = disk_shortage(CONFIG.qa, GIB // 2, 2 * GIB)
    assert shortage.message == "512 MiB are free on the disk; the run needs 2048 MiB and 1024 MiB in reserve"
    assert disk_shortage(CONFIG.qa, 3 * GIB, 2 * GIB) is None
