"""What worker processes are asked to do in the tests: importable by name."""

from __future__ import annotations

import os
import signal
import sys
import time
import zlib
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from rlcore.conversion.tracing import Trace, traces
from rlcore.logos import Logo
from rlcore.parameters import Parameters


def double(number: int) -> int:
    return 2 * number


def slow_double(number: int, seconds: float) -> int:
    time.sleep(seconds)
    return 2 * number


def moment(number: int) -> float:
    return time.monotonic()


def hang() -> int:
    time.sleep(3600)
    return 0


def leave() -> int:
    os._exit(3)


def overflow() -> int:
    """Holds what it gets; nothing is written to it, so that the machine has nothing to give."""
    held = []
    while True:
        held.append(np.zeros(2**28, dtype=np.uint8))


def overflow_natively() -> int:
    """One picture of 40 GB, which OpenCV asks for itself."""
    return len(cv2.resize(np.zeros((1, 1, 4), dtype=np.uint8), (100_000, 100_000)))


FAULTS = {"hang": hang, "leave": leave, "overflow": overflow, "overflow natively": overflow_natively}


def fault(kind: str, *ignored: object) -> int:
    return FAULTS[kind]()


def mixed(number: int, kind: str) -> int:
    return fault(kind) if kind else 2 * number


def killed_until(count: int, marks: Path, number: int) -> int:
    """Dies by SIGKILL, as by somebody else's hand, the first ``count`` times, which ``marks`` keeps."""
    with marks.open("a") as file:
        file.write(f"{os.getpid()}\n")
    if len(marks.read_text().splitlines()) <= count:
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * number


def slow_with_mark(folder: Path, number: int, seconds: float) -> int:
    """Leaves its process id in ``folder`` while it works."""
    (folder / str(os.getpid())).touch()
    return slow_double(number, seconds)


def many_bytes(number: int) -> bytes:
    """More than a pipe holds."""
    return bytes([number]) * 8 * 2**20


def half_full(number: int) -> int:
    """Keeps 2.5 of the 4 GiB that a worker may have, for as long as its process lives."""
    HELD.append(np.zeros(5 * 2**29, dtype=np.uint8))
    return 2 * number


HELD: list[NDArray[np.uint8]] = []


class TwoPartError(Exception):
    """Can't be made from its own ``args``."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(one + two)


def fail_in_two_parts() -> int:
    raise TwoPartError("one and ", "two")


def fail(message: str) -> int:
    raise KeyError(message)


def process_id() -> int:
    return os.getpid()


def slow_process_id() -> int:
    time.sleep(0.1)
    return os.getpid()


def slow_traces(folder: Path, logo: Logo, settings: Sequence[Parameters], keep_svg: bool) -> list[Trace]:
    """The real ones, after some time in which the process can be found and killed."""
    slow_with_mark(folder, 0, 0.1)
    return traces(logo, settings, keep_svg)


def faulty_traces(logo: Logo, settings: Sequence[Parameters], keep_svg: bool) -> list[Trace]:
    """The real ones, but grids 2, 3 and 4 hang, leave and overflow."""
    for parameters in settings:
        kind = {2: "hang", 3: "leave", 4: "overflow"}.get(parameters.grid, "")
        mixed(0, kind)
    return traces(logo, settings, keep_svg)


def often_faulty_traces(logo: Logo, settings: Sequence[Parameters], keep_svg: bool) -> list[Trace]:
    """The real ones, but three of ten hang, leave or overflow: for logo and parameters always the same."""
    for parameters in settings:
        chance = zlib.crc32(f"{logo.digest} {parameters}".encode()) % 10
        mixed(0, {0: "hang", 1: "leave", 2: "overflow"}.get(chance, ""))
    return traces(logo, settings, keep_svg)


def surroundings() -> dict[str, object]:
    """What a worker sees: its main module's file, loaded frameworks, its threads."""
    return {
        "main": getattr(sys.modules["__main__"], "__file__", None),
        "loaded": sorted({"torch", "prefect", "mlflow", "pytest"} & set(sys.modules)),
        "threads": (os.environ.get("OMP_NUM_THREADS"), cv2.getNumThreads()),
    }
