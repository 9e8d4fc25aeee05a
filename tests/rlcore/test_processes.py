"""Whether a process still is there."""

import subprocess
import sys

import psutil

from rlcore.processes import is_alive, this_process


def test_this_one_is():
    assert is_alive(this_process())


def test_another_one_of_the_same_id_is_not_the_same():
    known = this_process()
    assert not is_alive(known | {"process_begun": known["process_begun"] - 60})


def test_one_that_has_ended_is_gone_also_while_nobody_has_asked_how():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    known = {"pid": process.pid, "process_begun": psutil.Process(process.pid).create_time()}
    assert is_alive(known)
    process.stdin.close()
    while psutil.Process(process.pid).status() != psutil.STATUS_ZOMBIE:
        pass
    assert not is_alive(known)
    process.wait()
    assert not is_alive(known)


def test_nothing_known_is_nobody():
    assert not is_alive({})
