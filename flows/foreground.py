"""What a flow that a command runs in this process has around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from rich.console import Console

from flows.dashboarding import dashboard_beside
from flows.prefect_server import prefect_api
from flows.progress_view import ProgressView


@contextmanager
def foreground(
    view: ProgressView | None, console: Console, way_on: Callable[[], str], *, run: str = "", port: int | None = None
) -> Iterator[None]:
    """Its progress in the terminal, Prefect's API and a dashboard, while it is open.

    Args:
        view: shows the progress; None: nothing does.
        console: where the rest is said.
        way_on: says how to go on after Ctrl-C, or nothing where nothing has begun.
        run: the run that the dashboard shows first; empty: the latest.
        port: of the dashboard; None: none is served.

    Raises:
        KeyboardInterrupt: the flow was asked to stop; how to go on with it is said.
    """
    try:
        with dashboard_beside(run, port, console), view or nullcontext(), prefect_api():
            yield
    except KeyboardInterrupt:
        if way := way_on():
            console.print(f"stopped; {way}", highlight=False, soft_wrap=True)
        raise
