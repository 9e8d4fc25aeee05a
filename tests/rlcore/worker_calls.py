"""What worker processes are asked to do in the tests: importable by name."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence

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


def mixed(number: int, kind: str) -> int:
    if kind == "hang":
        hang()
    if kind == "leave":
        leave()
    return 2 * number


def fail(message: str) -> int:
    raise KeyError(message)


def process_id() -> int:
    return os.getpid()


def dies_at_grid_2(logo: Logo, settings: Sequence[Parameters], keep_svg: bool) -> list[Trace]:
    if any(parameters.grid == 2 for parameters in settings):
        leave()
    return traces(logo, settings, keep_svg)


def surroundings() -> dict[str, object]:
    """What a worker sees: its main module's file, loaded frameworks, its threads."""
    import cv2

    return {
        "main": getattr(sys.modules["__main__"], "__file__", None),
        "loaded": sorted({"torch", "prefect", "mlflow", "pytest"} & set(sys.modules)),
        "threads": (os.environ.get("OMP_NUM_THREADS"), cv2.getNumThreads()),
    }
