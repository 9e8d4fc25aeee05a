"""Many traces at once: in worker processes or in this one, in order, each done once per logo and parameters."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType

from rlcore.conversion.tracing import Trace, failed, traces
from rlcore.logos import Logo
from rlcore.parameters import Parameters
from rlcore.workers import WorkerPool

TRACE_TIME_LIMIT_SECONDS = 60.0
"""Far over any honest trace (noise at 1024 px takes 16 s), so that it decides nothing but a hang."""

SHARED = 48
"""Most traces in one call: VTracer's time is then a small part of it, and the time limit is still far."""

MEMO_SIZE = 100_000
"""Traces kept in memory without their SVG: some 30 MB."""


_Key = tuple[str, Parameters]
"""Digest of a logo, canonical parameters."""

_Group = list[_Key]
"""Of one logo and one conversion."""


@dataclass
class EvaluatorStatistics:
    """Counts since the start: traces asked for, answered from memory, failed by kind, and seconds inside the traces.

    ``repeated`` are calls of a worker, of one trace or several, that were lost to its death or to a lack of memory.
    """

    asked: int = 0
    remembered: int = 0
    trace_seconds: float = 0.0
    failures: dict[str, int] = field(default_factory=dict)
    repeated: int = 0


class Evaluator:
    """``trace`` over many (logo, parameters); the result depends neither on the number of workers nor on time.

    A failed trace is an outcome like any other: the same logo and parameters fail again. A worker that is lost takes
    its whole call with it, so each trace of the call is then tried on its own, and ``WorkerPool`` repeats what was
    lost to a crash or to memory in a fresh process: neither a neighbour nor somebody who kills workers fails a trace.
    """

    def __init__(self, workers: int = 0, time_limit_seconds: float = TRACE_TIME_LIMIT_SECONDS) -> None:
        """``workers`` 0: in this process, without a limit on time or memory."""
        self.workers = workers
        self.statistics = EvaluatorStatistics()
        self._pool = WorkerPool(workers, time_limit_seconds) if workers else None
        self._memo: OrderedDict[_Key, Trace] = OrderedDict()

    def traces(self, jobs: Sequence[tuple[Logo, Parameters]], keep_svg: bool = False) -> list[Trace]:
        """One trace per job, in the jobs' order. With ``keep_svg`` nothing is taken from memory."""
        keys = [(logo.digest, parameters.canonical()) for logo, parameters in jobs]
        known = {} if keep_svg else {key: self._memo[key] for key in keys if key in self._memo}
        missing = {key: logo for key, (logo, _) in zip(keys, jobs, strict=True) if key not in known}
        fresh = self._run(missing, keep_svg)
        self._count(fresh, asked=len(jobs))
        self.remember(fresh)
        results = known | fresh
        return [results[key] for key in keys]

    def _run(self, missing: Mapping[_Key, Logo], keep_svg: bool) -> dict[_Key, Trace]:
        """Traces what is missing; what shares a conversion is one call of a worker, so that VTracer runs once."""
        return self._run_groups(_by_conversion(missing), missing, keep_svg)

    def _run_groups(self, groups: Sequence[_Group], logos: Mapping[_Key, Logo], keep_svg: bool) -> dict[_Key, Trace]:
        calls = [(logos[group[0]], [parameters for _, parameters in group], keep_svg) for group in groups]
        if self._pool is None:
            results: Iterable[list[Trace] | Trace] = (traces(*call) for call in calls)
        else:
            results = self._pool.run(traces, calls, failed, [_cost(*call) for call in calls])
            self.statistics.repeated = self._pool.repeated
        found: dict[_Key, Trace] = {}
        for group, result in zip(groups, results, strict=True):
            if isinstance(result, list):
                found |= dict(zip(group, result, strict=True))
            elif len(group) == 1:
                found[group[0]] = result
            else:  # the call was lost: which trace it was, or that there were too many for the limit, shows alone
                found |= self._run_groups([[key] for key in group], logos, keep_svg)
        return found

    def _count(self, fresh: Mapping[_Key, Trace], asked: int) -> None:
        self.statistics.asked += asked
        self.statistics.remembered += asked - len(fresh)
        for result in fresh.values():
            self.statistics.trace_seconds += result.seconds
            if result.failure is not None:
                failures = self.statistics.failures
                failures[result.failure] = failures.get(result.failure, 0) + 1

    def remember(self, known: Mapping[_Key, Trace]) -> None:
        """Keeps traces, by digest and canonical parameters, so that asking for them costs nothing."""
        for key, result in known.items():
            self._memo[key] = replace(result, svg=None)
        while len(self._memo) > MEMO_SIZE:
            self._memo.popitem(last=False)

    def close(self) -> None:
        """Ends the worker processes."""
        if self._pool is not None:
            self._pool.close()

    def __enter__(self) -> Evaluator:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _by_conversion(keys: Iterable[_Key]) -> list[_Group]:
    """Groups of at most ``SHARED`` keys, in the order of their first."""
    same: dict[_Key, _Group] = {}
    for digest, parameters in keys:
        same.setdefault((digest, parameters.conversion()), []).append((digest, parameters))
    return [group[start : start + SHARED] for group in same.values() for start in range(0, len(group), SHARED)]


def _cost(logo: Logo, settings: Sequence[Parameters], keep_svg: bool) -> float:
    """Rough relative time: it only orders the queue, so that no long call starts last."""
    height, width = logo.rgba.shape[:2]
    pixels = float(height * width * settings[0].supersample ** 2)
    return pixels * (1.5 if settings[0].mode == "spline" else 1.0) * (1 + len(settings) / SHARED)
