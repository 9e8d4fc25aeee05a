"""Another place for the runs of this process, for a while."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mlflow

from rlcore.errors import ConfigError
from tasks.store import STORE_VARIABLE, mlruns_folder

_MLFLOW_VARIABLE = "MLFLOW_TRACKING_URI"

_one_at_a_time = threading.Lock()


@contextmanager
def runs_kept_in(folder: Path) -> Iterator[None]:
    """While it is open, this process and those that it starts keep their runs there; a server of MLflow's stays.

    Raises:
        ConfigError: it is open already: a process trains one at a time.
    """
    if not _one_at_a_time.acquire(blocking=False):
        raise ConfigError(f"{folder}: another training goes on in this process; one at a time")
    environment = {name: os.environ.get(name) for name in (STORE_VARIABLE, _MLFLOW_VARIABLE)}
    was_set = mlflow.is_tracking_uri_set()  # type: ignore[no-untyped-call]
    address: Any = mlflow.get_tracking_uri() if was_set else None  # None: as if it had never been set
    if environment[_MLFLOW_VARIABLE] == f"sqlite:///{mlruns_folder() / 'mlflow.db'}":
        # nobody's wish: MLflow itself left it there, for processes that this one starts
        os.environ.pop(_MLFLOW_VARIABLE)
    os.environ[STORE_VARIABLE] = str(folder.absolute())
    try:
        yield
    finally:
        mlflow.set_tracking_uri(address)
        for name, value in environment.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        _one_at_a_time.release()
