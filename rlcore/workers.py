"""Worker processes: they run pure functions, hold no state, and are replaced when they hang, die or eat memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from multiprocessing.connection import wait
from types import TracebackType
from typing import Any, TypeVar

from rlcore.worker_process import Answer, Worker, ensure_fork_server

T = TypeVar("T")

REPEATED = ("crash", "memory")
"""Losses that may be no fault of the call: somebody killed its process, or earlier calls had taken the memory."""


class RemoteError(Exception):
    """The traceback inside a worker: the cause of an error that is raised here."""


class WorkerPool:
    """A fixed number of worker processes for calls that may hang, eat memory or kill their process.

    What a call gives depends on the call alone: one that is lost to a crash or to memory is repeated once, with no
    other beside it and in a fresh process, and only what happens there counts. So neither a worker that is killed from
    outside nor what else ran in its process changes a result. A call over the time limit is not repeated.

    Attributes:
        workers: processes at once.
        repeated: calls that had to be repeated so far.
    """

    def __init__(self, workers: int, time_limit_seconds: float) -> None:
        """``workers`` >= 1 processes; a call that runs longer than the limit loses its process, which is replaced."""
        self.workers = workers
        self.repeated = 0
        self._time_limit_seconds = time_limit_seconds
        self._idle: list[Worker] = []
        ensure_fork_server()

    def run(
        self,
        function: Callable[..., T],
        calls: Sequence[tuple[Any, ...]],
        lost: Callable[[str], T],
        costs: Sequence[float] | None = None,
    ) -> list[T]:
        """``function(*call)`` for each call, in order; the dearest start first where ``costs`` are given.

        A call over the time limit gives ``lost("timeout")``, one whose process died ``lost("crash")``, one that takes
        more than ``MEMORY_LIMIT_BYTES`` ``lost("memory")``; what the function itself raises is raised here.
        """
        order = range(len(calls)) if costs is None else sorted(range(len(calls)), key=lambda i: -costs[i])
        answers = self._answers(function, calls, order)
        for index in [index for index in order if answers[index].lost in REPEATED]:
            self.repeated += 1
            self.close()
            answers |= self._answers(function, calls, [index])
        return [_outcome(answers[index], lost) for index in range(len(calls))]

    def _answers(
        self, function: Callable[..., Any], calls: Sequence[tuple[Any, ...]], order: Iterable[int]
    ) -> dict[int, Answer]:
        waiting = deque(order)
        busy: dict[Worker, int] = {}
        answers: dict[int, Answer] = {}
        try:
            while waiting or busy:
                while waiting and len(busy) < self.workers:
                    worker = self._idle.pop() if self._idle else Worker(self._time_limit_seconds)
                    busy[worker] = waiting.popleft()
                    worker.ask(function, calls[busy[worker]])
                wait([worker.pipe for worker in busy], min(worker.seconds_left for worker in busy))
                for worker, answer in [(worker, worker.answer()) for worker in busy]:
                    if answer is not None:
                        answers[busy.pop(worker)] = answer
                        self._put_back(worker, answer)
        finally:
            for worker in busy:
                worker.end()
        return answers

    def _put_back(self, worker: Worker, answer: Answer) -> None:
        if answer.lost is None:
            self._idle.append(worker)
        else:
            worker.end()

    def close(self) -> None:
        """Ends the processes; those that a later call needs are started anew."""
        while self._idle:
            self._idle.pop().end()

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _outcome(answer: Answer, lost: Callable[[str], T]) -> T:
    if answer.error is not None:
        raise answer.error from RemoteError(answer.told)
    if answer.lost is not None:
        return lost(answer.lost)
    value: T = answer.value
    return value
