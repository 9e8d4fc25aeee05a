"""``stage1 compare`` and ``bench``."""

from __future__ import annotations

import json
import sys
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from flows.commands.common import CORES, importing, quiet


class Split(str, Enum):
    """Splits that no training has seen."""

    validation = "validation"
    test = "test"


def compare(
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="A model or checkpoint, models:/… from MLflow, or pretrained; default: the latest run's best model."
            " Given more than once (training seeds), figures are means over the models."
        ),
    ] = None,
    images: Annotated[
        str | None, typer.Option(help="Logo source: default, or a folder; without it the model's own.")
    ] = None,
    split: Annotated[
        Split, typer.Option(help="Logos of the model's own source; another source is taken whole.")
    ] = Split.test,
    budget: Annotated[str, typer.Option(help="Traces at which all are compared.")] = "1,2,4,8",
    seeds: Annotated[int, typer.Option(min=1, max=100, help="Runs of each search per logo.")] = 5,
    category: Annotated[str | None, typer.Option(help="Judged category, or all; without it the model's.")] = None,
    size_weight: Annotated[
        float | None, typer.Option(min=0, max=100, help="Gain of halving the bytes; without it the model's.")
    ] = None,
    working_size: Annotated[
        int | None, typer.Option(min=16, max=2048, help="Longest side of logos in px; without it the model's.")
    ] = None,
    most_traces: Annotated[
        int, typer.Option(min=0, max=10_000, help="Most traces of a search for a logo; 0: no such search.")
    ] = 200,
    reference_traces: Annotated[
        int, typer.Option(min=0, max=100_000, help="Traces of the reference search for a logo; 0: none.")
    ] = 400,
    others: Annotated[
        bool, typer.Option(help="Try logos of other categories than the judged one too, for the table beside.")
    ] = True,
    workers: Annotated[int, typer.Option(min=0, max=512, help="Trace processes.")] = CORES,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write everything to this file.")] = None,
    html_file: Annotated[Path | None, typer.Option("--html", help="Write a page with plots to this file.")] = None,
) -> None:
    """Compare the agent with every other way to choose parameters, on logos that it was not trained on."""
    quiet(verbose=False)
    with importing():
        from flows.comparing import ComparisonOptions, compare_model, show_comparison
        from rlcore.reporting.comparison_page import write_comparison

    options = ComparisonOptions(
        models=tuple(model or ()),
        images=images,
        split=split.value,
        budget=budget,
        seeds=seeds,
        category=category,
        size_weight=size_weight,
        working_size=working_size,
        most_traces=most_traces,
        reference_traces=reference_traces,
        workers=workers,
        others=others,
    )
    console = Console()
    table = compare_model(options, console)
    show_comparison(table, write_comparison(table, json_file, html_file), console)


def bench(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    images: Annotated[str, typer.Option(help="Logo source: default, or a folder.")] = "default",
    logos: Annotated[int, typer.Option(min=4, max=1000, help="Logos to measure on.")] = 48,
    workers: Annotated[int, typer.Option(min=1, max=512, help="Trace processes in training.")] = CORES,
    clients: Annotated[
        int, typer.Option(min=0, max=2000, help="Measure what so many viewers of the dashboard cost instead.")
    ] = 0,
) -> None:
    """Measure trace and training speed side by side; ratios are what to quote."""
    from rlcore.bench import run_bench
    from rlcore.dashboard_bench import run_dashboard_bench

    result = run_dashboard_bench(images, logos, workers, clients) if clients else run_bench(images, logos, workers)
    if as_json:
        sys.stdout.write(json.dumps(result, indent=2) + "\n")
        return
    console = Console()
    for key, value in result.items():
        console.print(f"{key:40} {value:.3f}" if isinstance(value, float) else f"{key:40} {value}")
