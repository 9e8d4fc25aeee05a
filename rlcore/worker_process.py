"""One worker process: calls go in through a pipe of its own, each gives one answer, and it can be ended at any time.

No lock is shared between workers: one that is killed, whatever it was doing, blocks no other.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import context, forkserver, popen_forkserver, resource_tracker
from multiprocessing.connection import Connection
from types import ModuleType
from typing import Any

import cv2

if sys.platform == "linux":
    import resource

PRELOADED = ["rlcore.conversion.tracing", "rlcore.data.dataset"]
"""Imported once by the fork server, so that a replaced worker starts in milliseconds."""

MEMORY_LIMIT_BYTES = 4 * 2**30
"""Of data in one worker, on Linux (other systems enforce no such limit). Noise at 512 px and supersample 4, which takes
longer than a trace may, has 1.6 GB, and so has the largest picture that is read."""

ORPHAN_SECONDS = 10.0
"""A worker whose pool is gone ends itself this long after the time limit, even inside native code."""

_TRIES, _PAUSE_SECONDS = 10, 0.2

_WORKER_ENVIRONMENT = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    # glibc gives freed image buffers back to the system and faults them in again: 4 ms of a 5 ms SSIM without these
    "MALLOC_MMAP_THRESHOLD_": str(256 * 2**20),
    "MALLOC_TRIM_THRESHOLD_": str(256 * 2**20),
}


@dataclass(frozen=True)
class Answer:
    """What a call came to: its value, the error that it raised, or how it was lost.

    Attributes:
        value: what the function gave.
        error: what it raised.
        told: the worker's traceback of it.
        lost: ``timeout`` (longer than the limit), ``memory`` (more than the limit) or ``crash`` (the process died).
    """

    value: Any = None
    error: Exception | None = None
    told: str = ""
    lost: str | None = None


# made ahead: where memory has run out there may be none left for it
_OUT_OF_MEMORY = pickle.dumps(Answer(lost="memory"))


class Worker:
    """A process that answers one call at a time."""

    def __init__(self, time_limit_seconds: float) -> None:
        """Starts the process; a call may take ``time_limit_seconds``."""
        self._time_limit_seconds = time_limit_seconds
        self._deadline = 0.0
        self.pipe, self._process = _started(time_limit_seconds + ORPHAN_SECONDS)

    def ask(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        """Hands over a call; the answer comes through ``pipe``."""
        call = pickle.dumps((function, arguments))
        self._deadline = time.monotonic() + self._time_limit_seconds
        with suppress(ConnectionError):  # it died while idle: its answer says so
            self.pipe.send_bytes(call)

    @property
    def seconds_left(self) -> float:
        """Until the call is over its limit; never below 0."""
        return max(0.0, self._deadline - time.monotonic())

    def answer(self) -> Answer | None:
        """The answer to the last call, or None while it is still at it."""
        if not self.pipe.poll():
            return None if self.seconds_left else Answer(lost="timeout")
        try:
            found: Answer = pickle.loads(self.pipe.recv_bytes())
        except (EOFError, OSError):  # nothing, or half an answer: it died
            return Answer(lost="crash")
        return found

    def end(self) -> None:
        """Ends the process, whatever it is doing."""
        self.pipe.close()
        self._process.kill()
        self._process.join()


def ensure_fork_server() -> None:
    """Starts the fork server where none is running, and does not wait for it: its imports take a second."""
    forkserver.set_forkserver_preload(PRELOADED)
    resource_tracker.ensure_running()  # first: starting it lets SIGTERM through again
    with _environment(_WORKER_ENVIRONMENT), _sigterm_blocked():
        forkserver.ensure_running()


def _started(orphan_seconds: float) -> tuple[Connection, _LeanProcess]:
    """A worker's pipe and process; tried again where the fork server died and is still found alive."""
    for _ in range(_TRIES - 1):
        try:
            return _start(orphan_seconds)
        except (OSError, EOFError):
            time.sleep(_PAUSE_SECONDS)
    return _start(orphan_seconds)


def _start(orphan_seconds: float) -> tuple[Connection, _LeanProcess]:
    ensure_fork_server()
    ours, theirs = _LeanContext().Pipe()
    process = _LeanProcess(target=_serve, args=(theirs, orphan_seconds), daemon=True)
    with theirs:
        process.start()
    return ours, process


def _serve(pipe: Connection, orphan_seconds: float) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    _limit_memory()
    with suppress(EOFError, ConnectionError):  # the pool has no more use for it, or is gone
        while True:
            call = pipe.recv_bytes()
            signal.setitimer(signal.ITIMER_REAL, orphan_seconds)
            answer = _answered(call)
            signal.setitimer(signal.ITIMER_REAL, 0)
            pipe.send_bytes(answer)


def _limit_memory() -> None:
    if sys.platform == "linux":
        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        limit = MEMORY_LIMIT_BYTES if most == resource.RLIM_INFINITY else min(MEMORY_LIMIT_BYTES, most)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def _answered(call: bytes) -> bytes:
    try:
        function, arguments = pickle.loads(call)
        return pickle.dumps(Answer(value=function(*arguments)))
    except Exception as error:
        if isinstance(error, MemoryError) or (isinstance(error, cv2.error) and error.code == cv2.Error.StsNoMem):
            return _OUT_OF_MEMORY
        return pickle.dumps(Answer(error=_portable(error), told=traceback.format_exc()))


def _portable(error: Exception) -> Exception:
    """The error itself where it survives the pipe, else one that says the same."""
    try:
        pickle.loads(pickle.dumps(error))
    except (pickle.PicklingError, TypeError, AttributeError):  # such as one with two arguments and one in ``args``
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


@contextmanager
def _sigterm_blocked() -> Iterator[None]:
    """For the fork server and its workers, which inherit it: a SIGTERM to all of a run is for the run to answer."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Sets variables for processes that are started inside; this process has its own back afterwards."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _main_module_hidden() -> Iterator[None]:
    """Keeps a starting worker from importing the parent's ``__main__``, which may pull in a whole framework."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


class _LeanPopen(popen_forkserver.Popen):
    def terminate(self) -> None:
        """At the end of a process that left its pool open; workers have SIGTERM blocked, and would be waited for."""
        self.kill()


class _LeanProcess(context.ForkServerProcess):
    @staticmethod
    def _Popen(process_obj: Any) -> popen_forkserver.Popen:  # noqa: N802 (the name that multiprocessing calls)
        with _main_module_hidden():
            return _LeanPopen(process_obj)


class _LeanContext(context.ForkServerContext):
    Process = _LeanProcess
