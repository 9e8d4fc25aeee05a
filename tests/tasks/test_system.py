"""What a run takes of the machine."""

import subprocess
import sys
import time

import pytest

from rlcore.events import check
from rlcore.journal import Journal
from rlcore.workers import WorkerPool
from tasks import system
from tasks.system import SystemWatch, memory_mib, worker_count

HOLDER = "data = bytearray(768 * 2**20); data[::4096] = b'x' * len(data[::4096]); print('ready', flush=True); input()"


@pytest.fixture
def holder():
    process = subprocess.Popen([sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    yield process
    process.kill()
    process.wait()


def test_memory_of_child_processes_counts(holder):
    before = memory_mib()
    assert holder.stdout.readline() == "ready\n"
    held = memory_mib() - before
    # the other processes of the test session come and go by some tens of MiB
    assert 650 < held < 900
    holder.communicate("\n", timeout=10)
    assert memory_mib() < before + 200


def test_own_memory_counts():
    before = memory_mib()
    data = bytearray(b"x" * (512 * 2**20))
    assert memory_mib() - before > 400
    del data


def test_a_watch_writes_while_the_work_goes_on_and_at_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr(system, "INTERVAL_SECONDS", 0.05)
    journal = Journal(tmp_path / "journal.jsonl", check)
    with SystemWatch(journal):
        deadline = time.monotonic() + 10
        while len(journal.read("system")) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        during = len(journal.read("system"))
    samples = journal.read("system")
    assert during >= 2
    assert len(samples) >= during + 1
    assert all(20 < sample["memory_mib"] < 20_000 for sample in samples)
    time.sleep(0.2)
    assert len(journal.read("system")) == len(samples)


def test_an_error_in_the_work_ends_the_watch_and_is_not_kept_back(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl", check)
    watch = SystemWatch(journal)
    with pytest.raises(ValueError, match="work"), watch:
        raise ValueError("work")
    assert len(journal.read("system")) == 1
    assert not watch._thread.is_alive()


def test_trace_processes_are_counted_and_no_others(holder):
    before = worker_count()
    with WorkerPool(2, 10.0) as pool:
        assert pool.run(abs, [(-1,), (-2,)], lambda kind: pytest.fail(kind)) == [1, 2]
        assert worker_count() == before + 2
    assert worker_count() <= before
