"""The command line ``stage1``: its commands in their groups, and what an error looks like."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer
from rich.console import Console

from flows.commands import judging, serving, training, watching
from flows.commands.common import quiet
from flows.commands.vectorize import vectorize
from flows.exporting import export
from flows.models import app as models
from flows.notifications.commands import app as notifications
from rlcore.errors import Stage1Error

USAGE_ERROR = 2
INTERRUPTED = 130

COMMANDS = {
    "Use": (vectorize, export),
    "Train": (training.run, training.resume, training.curriculum, training.tune),
    "Watch": (watching.dashboard, watching.status, watching.runs),
    "Judge": (judging.compare, judging.bench),
    "Operate": (serving.up, serving.down, serving.automations, serving.relocate),
}

app = typer.Typer(
    name="stage1",
    help="Train, judge and use an agent that chooses VTracer's parameters for a logo.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for _group, _commands in COMMANDS.items():
    for _command in _commands:
        app.command(rich_help_panel=_group)(_command)
app.add_typer(models, name="models", callback=lambda: quiet(verbose=False), rich_help_panel="Operate")
app.add_typer(notifications, name="notifications", rich_help_panel="Operate")


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point: errors that a user can mend are one line on stderr, and the exit code says which kind."""
    try:
        app(args=None if arguments is None else list(arguments), standalone_mode=True)
    except Stage1Error as error:
        Console(stderr=True).print(f"stage1: {error}", style="red", highlight=False, markup=False, soft_wrap=True)
        sys.exit(USAGE_ERROR)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
