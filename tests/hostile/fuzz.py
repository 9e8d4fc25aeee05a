"""Damaged files by the thousand, each read in a worker process.

``python -m tests.hostile.fuzz --files 5000 --seed 1`` prints the counts, and fails if anything crashed or hung.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator

from rlcore.workers import WorkerPool
from tests.hostile import mutations

TIME_LIMIT_SECONDS = 30.0
AT_ONCE = 500
GOOD = {"used", "skipped"}


def fuzz(files: int, seed: int, workers: int = 2) -> Iterator[tuple[int, str]]:
    """Number and outcome of each: ``used``, ``skipped``, ``crash``, ``timeout``, ``memory``, or what was raised."""
    with WorkerPool(workers, TIME_LIMIT_SECONDS) as pool:
        for start in range(0, files, AT_ONCE):
            numbers = range(start, min(files, start + AT_ONCE))
            yield from zip(numbers, pool.run(outcome, [(seed, number) for number in numbers], str), strict=True)


def outcome(seed: int, number: int) -> str:
    """Of one file; an exception that no file may cause is an outcome here, so that the others are read as well."""
    try:
        return mutations.outcome(seed, number)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    found = list(fuzz(given.files, given.seed))
    counts = Counter(kind for _, kind in found)
    hung = counts["timeout"]
    crashed = sum(counts.values()) - counts["used"] - counts["skipped"] - hung
    for number, kind in found:
        if kind not in GOOD:
            print(f"file {number} of seed {given.seed} ({mutations.mutated(given.seed, number)[0]}): {kind}")
    told = f"used {counts['used']}, skipped {counts['skipped']}, crashed {crashed}, hung {hung}"
    print(f"fuzzed {given.files}, {told}")
    return int(crashed + hung > 0)


if __name__ == "__main__":
    from tests.hostile import fuzz as importable  # a worker finds the function by the module's name

    sys.exit(importable.main())
