"""What several commands share: options, and silence of the frameworks."""

from __future__ import annotations

import gc
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

FAILED = 1
"""Exit code: it ran, and what came of it is not what was asked for."""

CORES = os.cpu_count() or 1
PORT = 8768  # as rlcore.dashboard.server has it, whose import would make --help wait

Port = Annotated[
    int, typer.Option(min=0, max=65535, help="Port of the dashboard; a busy one: the next that is free; 0: any.")
]
Dashboard = Annotated[bool, typer.Option(help="Serve the live dashboard while it runs.")]
ConfigFile = Annotated[Path | None, typer.Option(help="TOML file with settings; options given here win over it.")]
Verbose = Annotated[bool, typer.Option(help="Show the log lines of Prefect and MLflow too.")]
ReportAsJson = Annotated[bool, typer.Option("--json", help="Print the final report as JSON, and nothing else.")]


def quiet(verbose: bool) -> None:
    """Progress is shown from the journal; the frameworks' own log lines would tear it."""
    level = "INFO" if verbose else "CRITICAL"
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", level)
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", level)
    # and where they were imported already, as under `python -m flows.stage1`
    for name in ("prefect", "prefect.flow_runs", "prefect.task_runs", "mlflow", "alembic"):
        logging.getLogger(name).setLevel(level)


@contextmanager
def importing() -> Iterator[None]:
    """Around imports of torch, MLflow and Prefect: a fifth of their time would go into collecting garbage.

    They make a million objects that stay, and the collector looks through them again and again.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
