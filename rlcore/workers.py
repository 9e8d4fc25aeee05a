"""Worker processes: they run pure functions, hold no state, and are replaced when they hang or die."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import contextmanager
from multiprocessing import context, forkserver, popen_forkserver
from types import ModuleType, TracebackType
from typing import Any, TypeVar

import cv2
from pebble import ProcessExpired, ProcessFuture, ProcessPool

T = TypeVar("T")

PRELOADED = ["rlcore.conversion.tracing", "rlcore.data.dataset"]
"""Imported once by the fork server, so that a replaced worker starts in milliseconds."""

_WORKER_ENVIRONMENT = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    # glibc gives freed image buffers back to the system and faults them in again: 4 ms of a 5 ms SSIM without these
    "MALLOC_MMAP_THRESHOLD_": str(256 * 2**20),
    "MALLOC_TRIM_THRESHOLD_": str(256 * 2**20),
}


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


class _LeanProcess(context.ForkServerProcess):
    @staticmethod
    def _Popen(process_obj: Any) -> popen_forkserver.Popen:  # noqa: N802 (the name that multiprocessing calls)
        with _main_module_hidden():
            return popen_forkserver.Popen(process_obj)


class _LeanContext(context.ForkServerContext):
    Process = _LeanProcess


def _start_worker() -> None:
    cv2.setNumThreads(1)


class WorkerPool:
    """A fixed number of worker processes for calls that may hang or kill their process."""

    def __init__(self, workers: int, time_limit_seconds: float) -> None:
        """``workers`` >= 1 processes; a call that runs longer than the limit loses its process, which is replaced."""
        self.workers = workers
        self._time_limit_seconds = time_limit_seconds
        lean = _LeanContext()
        lean.set_forkserver_preload(PRELOADED)
        with _environment(_WORKER_ENVIRONMENT):
            forkserver.ensure_running()
        self._pool = ProcessPool(max_workers=workers, initializer=_start_worker, context=lean)

    def run(
        self,
        function: Callable[..., T],
        calls: Sequence[tuple[Any, ...]],
        lost: Callable[[str], T],
        costs: Sequence[float] | None = None,
    ) -> list[T]:
        """``function(*call)`` for each call, in order; the dearest start first where ``costs`` are given.

        A call over the time limit gives ``lost("timeout")``, one whose process died ``lost("crash")``; what the
        function itself raises is raised here.
        """
        order = range(len(calls)) if costs is None else sorted(range(len(calls)), key=lambda i: -costs[i])
        futures: dict[int, ProcessFuture[T]] = {
            index: self._pool.schedule(function, args=calls[index], timeout=self._time_limit_seconds) for index in order
        }
        return [_outcome(futures[index], lost) for index in range(len(calls))]

    def close(self) -> None:
        """Ends the processes."""
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join()

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _outcome(future: ProcessFuture[T], lost: Callable[[str], T]) -> T:
    try:
        return future.result()
    except FutureTimeoutError:
        return lost("timeout")
    except ProcessExpired:
        return lost("crash")
