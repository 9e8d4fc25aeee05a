"""Where the tasks of a flow run: threads of its process, Dask's workers, or Ray's."""

from __future__ import annotations

import os
from typing import Any, Literal

from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from rlcore.errors import ConfigError

Runner = Literal["threads", "dask", "ray"]


def task_runner(name: Runner, workers: int, address: str = "") -> TaskRunner[Any]:
    """The runner of that name.

    Args:
        name: ``threads``; ``dask`` and ``ray`` are extras of this package.
        workers: threads, or processes of a cluster that is started for the flow on this machine, on loopback.
        address: of a cluster of Dask or Ray that is there already; its machines have to see the same files.

    Raises:
        ConfigError: the extra is not installed, or threads were given an address.
    """
    if name == "threads":
        if address:
            raise ConfigError(f"runner_address = {address!r}: only the runners dask and ray have one")
        return ThreadPoolTaskRunner(max_workers=workers)
    try:
        return _dask(workers, address) if name == "dask" else _ray(workers, address)
    except ImportError as error:
        raise ConfigError(f"runner = {name!r} is not installed: pip install 'stage1[{name}]' ({error})") from error


def _dask(workers: int, address: str) -> TaskRunner[Any]:
    from prefect_dask.task_runners import DaskTaskRunner

    if address:
        return _runner(DaskTaskRunner(address=address))
    cluster = {"n_workers": workers, "threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": None}
    return _runner(DaskTaskRunner(cluster_kwargs=cluster))


def _ray(workers: int, address: str) -> TaskRunner[Any]:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    from prefect_ray.task_runners import RayTaskRunner

    if address:
        return _runner(RayTaskRunner(address=address))
    own: dict[str, Any] = {"num_cpus": workers, "include_dashboard": False, "_node_ip_address": "127.0.0.1"}
    return _runner(RayTaskRunner(init_kwargs=own))


def _runner(made: Any) -> TaskRunner[Any]:
    """What a package without types made, as what it is."""
    assert isinstance(made, TaskRunner)
    return made
