"""A pool that outlives calls that hang or kill their process."""

import subprocess
import sys
import time

import psutil
import pytest

from rlcore.workers import WorkerPool
from tests.rlcore import worker_calls as calls

LIMIT_SECONDS = 2.0


@pytest.fixture(scope="module")
def pool():
    with WorkerPool(2, LIMIT_SECONDS) as pool:
        pool.run(calls.double, [(0,), (1,)], str)  # warm
        yield pool


def test_results_keep_the_order_of_the_calls(pool):
    jobs = [(number, 0.05 if number == 0 else 0.0) for number in range(12)]
    assert pool.run(calls.slow_double, jobs, str) == [2 * number for number in range(12)]
    costs = [float(number) for number in range(12)]
    assert pool.run(calls.slow_double, jobs, str, costs) == [2 * number for number in range(12)]


def test_the_dearest_starts_first():
    with WorkerPool(1, 30) as single:
        moments = single.run(calls.moment, [(number,) for number in range(4)], float, [2.0, 1.0, 4.0, 3.0])
    assert sorted(range(4), key=lambda number: moments[number]) == [2, 3, 0, 1]


def test_nothing_to_do(pool):
    assert pool.run(calls.double, [], str) == []


def test_a_hanging_call_is_lost_and_the_pool_goes_on(pool):
    start = time.monotonic()
    results = pool.run(calls.mixed, [(1, ""), (2, "hang"), (3, "")], lambda kind: kind)
    assert results == [2, "timeout", 6]
    assert time.monotonic() - start < 30
    assert pool.run(calls.double, [(4,), (5,), (6,)], str) == [8, 10, 12]


def test_a_dying_process_is_lost_and_the_pool_goes_on(pool):
    assert pool.run(calls.mixed, [(1, ""), (2, "leave"), (3, "")], lambda kind: kind) == [2, "crash", 6]
    assert pool.run(calls.double, [(4,), (5,), (6,)], str) == [8, 10, 12]


def test_all_at_once(pool):
    kinds = ["leave", "", "hang", "", "leave", "", ""]
    results = pool.run(calls.mixed, list(enumerate(kinds)), lambda kind: kind)
    assert results == ["crash", 2, "timeout", 6, "crash", 10, 12]


def test_what_a_call_raises_is_raised(pool):
    with pytest.raises(KeyError, match="told"):
        pool.run(calls.fail, [("told",)], str)
    assert pool.run(calls.double, [(4,)], str) == [8]


def test_work_is_done_elsewhere_with_one_thread_each_and_without_frameworks(pool):
    (seen,) = pool.run(calls.surroundings, [()], lambda kind: {"lost": kind})
    assert seen == {"main": None, "loaded": [], "threads": ("1", 1)}


SCRIPT = """
print("imported", flush=True)
from rlcore.workers import WorkerPool
from tests.rlcore import worker_calls

if __name__ == "__main__":
    with WorkerPool(2, 30) as pool:
        print(pool.run(worker_calls.double, [(1,), (2,), (3,)], str), flush=True)
    print(__name__, worker_calls.__name__, flush=True)
"""


def test_a_worker_does_not_import_the_parents_main(tmp_path, pytestconfig):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PYTHONPATH": str(pytestconfig.rootpath)},
    )
    assert done.stdout.splitlines() == ["imported", "[2, 4, 6]", "__main__ tests.rlcore.worker_calls"], done.stderr


def test_closing_ends_the_processes():
    pool = WorkerPool(1, 30)
    (number,) = pool.run(calls.process_id, [()], int)
    pool.close()
    assert not psutil.pid_exists(number) or psutil.Process(number).status() == psutil.STATUS_ZOMBIE
