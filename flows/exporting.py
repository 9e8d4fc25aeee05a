"""The command ``stage1 export``: a finished run's best model as a file for others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


def export(
    model: Annotated[Path, typer.Argument(help="best_model.pt in the folder of a finished run.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write; its card goes beside it.")],
    code_version: Annotated[
        str, typer.Option(help="The commit that trained it, where the run's own model card does not say.")
    ] = "",
) -> None:
    """Write a run's best model with its record to one small file, for stage1 vectorize --model FILE."""
    from tasks.exporting import export_model

    for path in export_model(model, output, code_version):
        Console().print(f"written  {path} ({path.stat().st_size:,} bytes)", highlight=False, soft_wrap=True)
