"""The options of ``stage1 vectorize``. What it does is in ``flows.vectorizing``, which takes a moment to import."""

from __future__ import annotations

import sys
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from flows.commands.common import CORES, FAILED


class Mode(str, Enum):
    """Modes of traces."""

    spline = "spline"
    polygon = "polygon"
    outline = "outline"


Logos = Annotated[
    list[str],
    typer.Argument(metavar="LOGO", help="PNG, JPEG, WebP, BMP, GIF or SVG files, folders of them, or - for stdin."),
]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="Where the SVG of one picture goes, - for stdout; default: beside it."),
]
OutputDir = Annotated[Path | None, typer.Option(help="Where the SVGs go, in folders like those of the pictures.")]
ModelName = Annotated[
    str,
    typer.Option(
        help="A model or checkpoint, models:/… from MLflow, or pretrained. Default: the registry's champion; where"
        " there is none, the pretrained model."
    ),
]
Budget = Annotated[int, typer.Option(min=1, max=64, help="Traces that the agent may spend on a picture.")]
Objective = Annotated[
    str,
    typer.Option(
        help="quality, balanced or small: what halving the bytes is worth (0.25, 0.5, 2) where halving the SSIM"
        " error is worth 1; or such a number."
    ),
]
MaxBytes = Annotated[int | None, typer.Option(min=1, help="Most bytes of an SVG.")]
MinSsim = Annotated[float | None, typer.Option(min=0, max=1, help="Least SSIM of an SVG.")]
OnlyMode = Annotated[Mode | None, typer.Option(help="The only mode of the traces; default: any.")]
KeepTransparency = Annotated[
    bool, typer.Option("--keep-transparency", help="What is transparent stays so: the default.")
]
Background = Annotated[
    str | None, typer.Option(help="A colour under the logo, as in white or '#0a64c8', where it is transparent.")
]
WorkingSize = Annotated[
    str, typer.Option(help="Longest side in px that pictures are reduced to for tracing, 16 to 2048, or auto.")
]
Optimize = Annotated[
    bool, typer.Option("--optimize", help="Try a lossless clean-up by scour; kept where the SSIM is the same.")
]
Workers = Annotated[int, typer.Option(min=1, max=512, help="Pictures at once.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the figures as JSON, and nothing else.")]
Report = Annotated[Path | None, typer.Option(help="Write a page with original, plain VTracer and agent.")]


def vectorize(
    logos: Logos,
    output: Output = None,
    output_dir: OutputDir = None,
    model: ModelName = "",
    budget: Budget = 8,
    objective: Objective = "balanced",
    max_bytes: MaxBytes = None,
    min_ssim: MinSsim = None,
    mode: OnlyMode = None,
    keep_transparency: KeepTransparency = False,
    background: Background = None,
    working_size: WorkingSize = "auto",
    optimize: Optimize = False,
    workers: Workers = CORES,
    as_json: AsJson = False,
    report: Report = None,
) -> None:
    """Turn logos into SVGs that are never worse than plain VTracer's."""
    from flows.vectorize_files import STDIN, check_report, jobs_of
    from flows.vectorizing import Told, find_model, vectorize_files
    from rlcore.errors import UsageError
    from rlcore.vectorizing import Options, Settings

    if keep_transparency and background is not None:
        raise UsageError("--keep-transparency and --background: give one of them")
    settings = Settings(
        budget=budget,
        objective=objective,
        mode=None if mode is None else mode.value,
        background=background,
        working_size=int(working_size) if working_size.removeprefix("-").isdecimal() else working_size,  # type: ignore[typeddict-item]
        max_bytes=max_bytes,
        min_ssim=min_ssim,
        optimize=optimize,
    )
    Options.of(settings)  # what is wrong with them is told before anything is read
    if STDIN in logos and sys.stdin is None:
        raise UsageError("- is stdin, which is closed")
    jobs = jobs_of(logos, output, output_dir, sys.stdin.buffer.read() if STDIN in logos else b"")
    if report is not None:
        check_report(report, jobs)
    to_stdout = any(job.output is None for job in jobs)
    if as_json and to_stdout:
        raise UsageError("--json and the SVG can't both go to stdout: give --output")
    told = Told(Console(stderr=True) if as_json or to_stdout else Console())
    if not vectorize_files(jobs, find_model(model, told), workers, settings, told, as_json, report):
        raise typer.Exit(FAILED)
