"""``stage1 dashboard``, ``runs`` and ``status``."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from flows.commands.common import PORT, Port


def dashboard(
    run: Annotated[str, typer.Option(help="Name of the run to show first; default: the latest.")] = "",
    host: Annotated[
        str, typer.Option(help="Address to serve on; beyond this machine a token is asked for.")
    ] = "127.0.0.1",
    port: Port = PORT,
    token: Annotated[
        str,
        typer.Option(
            envvar="STAGE1_DASHBOARD_TOKEN",
            show_envvar=True,
            help="Token beyond this machine; empty: made, and printed.",
        ),
    ] = "",
) -> None:
    """Watch runs in the browser, while they go on or afterwards; Ctrl-C ends it."""
    from flows.dashboarding import serve_dashboard

    serve_dashboard(run, host, port, token, Console())


def runs() -> None:
    """List all runs with their state."""
    from flows.runs import show_runs

    show_runs(Console())


def status(run: Annotated[str, typer.Argument(help="Name of the run; default: the latest.")] = "") -> None:
    """Say how far a run is, and how it is doing."""
    from flows.runs import show_status

    show_status(run, Console())
