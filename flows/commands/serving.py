"""``stage1 up``, ``down``, ``automations`` and ``relocate``."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from flows.commands.common import PORT, Port


def up(
    prefect_port: Annotated[int, typer.Option(min=1, max=65535, help="Port of Prefect's server.")] = 4200,
    mlflow_port: Annotated[int, typer.Option(min=1, max=65535, help="Port of MLflow's server.")] = 5000,
    dashboard_port: Port = PORT,
    detach: Annotated[bool, typer.Option("--detach", help="In the background, until stage1 down.")] = False,
) -> None:
    """Run Prefect's server, a worker, MLflow's server and the dashboard, on this machine only; Ctrl-C ends them."""
    from flows import service

    ports = service.Ports(prefect_port, mlflow_port, dashboard_port)
    (service.up_detached if detach else service.up)(ports, Console())


def down() -> None:
    """End what stage1 up --detach began."""
    from flows.service import down as end

    end(Console())


def automations() -> None:
    """Let the Prefect server mark runs whose process is gone as crashed, and start those of deployments again."""
    from flows.automations import prefect_server
    from flows.recovery import set_up_recovery

    with prefect_server() as client:
        for told in set_up_recovery(client) or ["nothing to change"]:
            Console().print(told, highlight=False)


def relocate() -> None:
    """Tell MLflow where mlruns is now, after it was moved, copied or restored from a backup."""
    from tasks.relocation import relocate as relocated
    from tasks.store import mlruns_folder

    told = relocated(mlruns_folder())
    changed = f"{told.entries} entries changed from {told.before}" if told.entries else "nothing to change"
    Console().print(f"{told.after}: {changed}", highlight=False, soft_wrap=True)
