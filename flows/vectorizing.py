"""What ``stage1 vectorize`` does: the model of a run, one image, one SVG."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from rlcore.conversion.evaluator import Evaluator
from rlcore.errors import CheckpointError
from rlcore.files import write_bytes
from rlcore.learning.agent import Agent, Checkpoint
from rlcore.vectorize import vectorize
from tasks.run import mlruns_folder


def latest_model() -> Path:
    """The best model of the run that wrote one last.

    Raises:
        CheckpointError: no run has one.
    """
    models = sorted((mlruns_folder() / "stage1").glob("*/best_model.pt"), key=lambda path: path.stat().st_mtime)
    if not models:
        raise CheckpointError(f"no trained model in {mlruns_folder() / 'stage1'}: train one with `stage1 run` first")
    return models[-1]


def vectorize_file(image: Path, model: Path | None, output: Path | None, console: Console) -> None:
    """Writes the SVG and says what was gained."""
    checkpoint = Checkpoint.load(model or latest_model())
    with Evaluator(workers=0) as evaluator:
        result = vectorize(image, Agent(checkpoint), checkpoint.config, evaluator)
    written = write_bytes(output or image.with_suffix(".svg"), result.svg)
    plain = result.plain
    console.print(
        f"{written}: SSIM {result.quality:.4f} in {len(result.svg)} bytes"
        f" (plain VTracer: {plain.quality:.4f} in {plain.size_bytes})",
        highlight=False,
        soft_wrap=True,
    )
