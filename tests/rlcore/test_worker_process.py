"""One worker: what it answers, and what is left of it when it dies at a bad moment."""

import subprocess
import sys
import time

import psutil
import pytest

from rlcore.worker_process import Answer, Worker
from tests.rlcore import worker_calls as calls
from tests.rlcore.killing import kill


@pytest.fixture
def worker():
    worker = Worker(5.0)
    yield worker
    worker.end()


def answer(worker):
    assert worker.pipe.poll(10)
    return worker.answer()


def test_it_answers_one_call_after_the_other(worker):
    for number in range(3):
        worker.ask(calls.double, (number,))
        assert answer(worker) == Answer(value=2 * number)


def test_there_is_no_answer_before_the_time_limit_and_a_loss_after_it():
    worker = Worker(0.3)
    worker.ask(calls.hang, ())
    assert worker.answer() is None
    time.sleep(0.35)
    assert worker.answer() == Answer(lost="timeout")
    worker.end()


def test_half_an_answer_is_a_crash_and_nobody_waits_for_the_rest(worker):
    """What it sends is larger than a pipe holds, so it is killed in the middle of it."""
    worker.ask(calls.process_id, ())
    number = answer(worker).value
    worker.ask(calls.many_bytes, (1,))
    assert worker.pipe.poll(10)
    kill(number)
    assert worker.answer() == Answer(lost="crash")


def test_killed_while_idle_it_crashes_at_the_next_call(worker):
    worker.ask(calls.process_id, ())
    kill(answer(worker).value)
    worker.ask(calls.many_bytes, (1,))
    assert answer(worker) == Answer(lost="crash")


def is_over(number):
    return not psutil.pid_exists(number) or psutil.Process(number).status() == psutil.STATUS_ZOMBIE


def test_ended_it_is_gone_whatever_it_was_doing():
    worker = Worker(5.0)
    worker.ask(calls.process_id, ())
    number = answer(worker).value
    worker.ask(calls.hang, ())
    worker.end()
    assert is_over(number)


ORPHAN = """
import sys
from pathlib import Path
from rlcore import worker_process
from tests.rlcore import worker_calls

worker_process.ORPHAN_SECONDS = 0.5
worker = worker_process.Worker(0.5)
worker.ask(worker_calls.slow_with_mark, (Path(sys.argv[1]), 0, 3600.0))
input()
"""


def test_a_hanging_worker_whose_owner_was_killed_ends_itself(tmp_path, pytestconfig):
    command = [sys.executable, "-c", ORPHAN, str(tmp_path)]
    environment = {"PYTHONPATH": str(pytestconfig.rootpath)}
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE) as owner:
        while not (found := list(tmp_path.iterdir())):
            assert owner.poll() is None
            time.sleep(0.05)
        owner.kill()
    deadline = time.monotonic() + 10
    while not is_over(int(found[0].name)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
