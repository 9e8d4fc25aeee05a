"""A pool that outlives calls that hang, eat memory or kill their process, and whoever kills its workers."""

import subprocess
import sys
import time
from multiprocessing import forkserver

import psutil
import pytest

from rlcore.workers import WorkerPool
from tests.rlcore import worker_calls as calls
from tests.rlcore.killing import kill, killing

LIMIT_SECONDS = 2.0

needs_a_memory_limit = pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the data of a process")


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


@needs_a_memory_limit
@pytest.mark.parametrize("kind", ["overflow", "overflow natively"])
def test_a_call_that_eats_memory_is_lost_and_the_others_are_not(pool, kind):
    jobs = [(1, ""), (2, kind), (3, ""), (4, "")]
    assert pool.run(calls.mixed, jobs, lambda kind: kind) == [2, "memory", 6, 8]


@needs_a_memory_limit
def test_memory_that_earlier_calls_took_fails_no_other():
    """Two calls keep 2.5 GiB each, which do not fit into one process: the second gets one of its own."""
    with WorkerPool(1, 30) as single:
        assert single.run(calls.half_full, [(1,), (2,)], lambda kind: kind) == [2, 4]
        assert single.repeated == 1


def test_what_a_call_raises_is_raised(pool):
    with pytest.raises(KeyError, match="told") as caught:
        pool.run(calls.fail, [("told",)], str)
    assert "worker_calls.py" in str(caught.value.__cause__)
    assert pool.run(calls.double, [(4,)], str) == [8]


def test_an_error_that_survives_no_pipe_is_told(pool):
    with pytest.raises(RuntimeError, match="TwoPartError: one and two"):
        pool.run(calls.fail_in_two_parts, [()], str)


def test_answers_larger_than_a_pipe(pool):
    assert [len(set(found)) for found in pool.run(calls.many_bytes, [(1,), (2,), (3,)], bytes)] == [1, 1, 1]


@pytest.mark.parametrize(("deaths", "result"), [(0, 14), (1, 14), (2, "crash")])
def test_a_call_whose_process_was_killed_is_repeated_once(pool, tmp_path, deaths, result):
    before = pool.repeated
    assert pool.run(calls.killed_until, [(deaths, tmp_path / "marks", 7)], lambda kind: kind) == [result]
    processes = (tmp_path / "marks").read_text().split()
    assert len(set(processes)) == len(processes) == min(2, deaths + 1)
    assert pool.repeated - before == min(1, deaths)


def test_workers_killed_from_outside_change_no_result(pool, tmp_path):
    # long enough that the kills fall on first tries, however late they come: a call that dies twice is a crash
    jobs = [(tmp_path, number, 0.2) for number in range(16)]
    before = pool.repeated
    with killing(tmp_path, 2):
        assert pool.run(calls.slow_with_mark, jobs, lambda kind: kind) == [2 * number for number in range(16)]
    assert 1 <= pool.repeated - before <= 2


def test_workers_killed_while_idle_are_replaced(pool):
    for number in set(pool.run(calls.slow_process_id, [()] * 4, int)):
        kill(number)
    assert pool.run(calls.double, [(4,), (5,), (6,)], str) == [8, 10, 12]


def test_a_killed_fork_server_is_started_again(pool):
    pool.run(calls.double, [(1,), (2,)], str)
    kill(forkserver._forkserver._forkserver_pid)
    assert pool.run(calls.mixed, [(1, ""), (2, "leave"), (3, "")], lambda kind: kind) == [2, "crash", 6]
    (seen,) = pool.run(calls.surroundings, [()], lambda kind: {"lost": kind})
    assert seen["threads"] == ("1", 1)


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


def test_a_process_that_left_its_pool_open_comes_to_its_end():
    code = (
        "from rlcore.workers import WorkerPool\n"
        "from tests.rlcore.worker_calls import double\n"
        "pool = WorkerPool(1, 60)\n"
        "print(pool.run(double, [(1,)], str), flush=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[2]\n", "")


def test_a_sigterm_to_all_of_a_run_is_answered_by_the_run_alone():
    """As ``kill -- -GROUP`` or ``timeout`` send it: workers go on, for what is being played is still to be ended."""
    code = (
        "import os, signal, sys\n"
        "signal.signal(signal.SIGTERM, lambda *_: print('asked', flush=True))\n"
        "from rlcore.workers import WorkerPool\n"
        "from tests.rlcore.worker_calls import slow_double\n"
        "with WorkerPool(2, 60) as pool:\n"
        "    pool.run(slow_double, [(1, 0.0)] * 2, str)\n"
        "    os.killpg(0, signal.SIGTERM)\n"
        "    print(pool.run(slow_double, [(n, 0.1) for n in range(4)], str), pool.repeated)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, start_new_session=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[0] == "asked"
    assert done.stdout.split("\n")[1] == "[0, 2, 4, 6] 0"
