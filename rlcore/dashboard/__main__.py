"""``python -m rlcore.dashboard MLRUNS RUN PORT PID``: serves a run's dashboard beside the process that it ends with.

The first line on standard output is the page's address, or, with exit status 1, why there is none.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from rlcore.dashboard.server import serve
from rlcore.errors import DashboardError

NICENESS = 5
"""Viewers come after traces."""


def main(arguments: list[str]) -> int:
    """Entry point; see the module."""
    mlruns, run, port, pid = arguments
    os.nice(NICENESS)
    try:
        serve(Path(mlruns), run, port=int(port), on_ready=_tell, ends_with=int(pid), run_to_come=True)
    except DashboardError as error:
        _tell(str(error))
        return 1
    return 0


def _tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
