"""The final report of a run in four forms: JSON, a page of text, the picture of the training, and a page of HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rlcore.files import write_bytes, write_json, write_text
from rlcore.judging.validation import Validation
from rlcore.records import Evidence
from rlcore.reporting import findings
from rlcore.reporting.comparison_page import section_content
from rlcore.reporting.figures import (
    gain_against_traces,
    quality_against_bytes,
    training_progress,
    validation_over_episodes,
)
from rlcore.reporting.findings import COLUMNS, ResultRow, result_table
from rlcore.reporting.gallery import GalleryItem, svg_files
from rlcore.reporting.pages import Picture, templates
from rlcore.reporting.summary import summary_text
from rlcore.reporting.tables import cells
from rlcore.reporting.timeline import seen, timeline

__all__ = [
    "COLUMNS",
    "Picture",
    "ReportFiles",
    "ResultRow",
    "cells",
    "html_page",
    "result_table",
    "summary_text",
    "write_report",
]


@dataclass(frozen=True, slots=True)
class ReportFiles:
    """Where the report was written; ``svgs`` are the gallery's, in the folder ``gallery``."""

    json: Path
    summary: Path
    progress: Path
    html: Path
    svgs: tuple[Path, ...]


def write_report(evidence: Evidence, gallery: Sequence[GalleryItem], folder: Path) -> ReportFiles:
    """Writes the whole report into ``folder``; the same evidence and gallery give the same bytes.

    Raises:
        ValueError: the test or a validation has no logo of the judged category.
        OSError: a file can't be written.
    """
    progress = _progress(evidence)
    svgs = svg_files(gallery)
    return ReportFiles(
        json=write_json(folder / "stage1_final_report.json", findings.report_content(evidence)),
        summary=write_text(folder / "stage1_summary.txt", summary_text(evidence)),
        progress=write_bytes(folder / "stage1_training_progress.png", progress.light),
        svgs=tuple(write_bytes(folder / "gallery" / name, content) for name, content in svgs.items()),
        html=write_text(folder / "report.html", html_page(evidence, gallery, [progress, *_results(evidence)])),
    )


def _progress(evidence: Evidence) -> Picture:
    light, dark = (
        training_progress(
            evidence.rollouts,
            evidence.validations,
            success_rate_threshold=evidence.config["success_rate_threshold"],
            ssim_improvement_threshold=evidence.config["ssim_improvement_threshold"],
            baselines=_baselines(evidence),
            test=evidence.test,
            dark=dark,
        )
        for dark in (False, True)
    )
    alt = "Gain, success rate, SSIM improvement, bytes ratio, PPO's losses and velocity over the training episodes"
    return Picture(alt, 1200, light, dark)


def _baselines(evidence: Evidence) -> list[Validation]:
    return [comparison.baseline for comparison in evidence.comparisons]


def _results(evidence: Evidence) -> list[Picture]:
    """Validation over episodes, gain against traces, quality against bytes."""
    main = findings.main_comparison(evidence)
    other = None if main is None else main.baseline
    rate, improvement = evidence.config["success_rate_threshold"], evidence.config["ssim_improvement_threshold"]
    over = [
        validation_over_episodes(evidence.validations, success_rate_threshold=rate, dark=dark) for dark in (False, True)
    ]
    gains = [gain_against_traces(evidence.test, _baselines(evidence), dark=dark) for dark in (False, True)]
    logos = [
        quality_against_bytes(evidence.test, other, ssim_improvement_threshold=improvement, dark=dark)
        for dark in (False, True)
    ]
    return [
        Picture("Six measures on the validation logos over the training episodes", 1200, *over),
        Picture("Mean best gain on the test logos after 1, 2, ... traces", 600, *gains),
        Picture("SSIM improvement against bytes ratio of each test logo", 600, *logos),
    ]


def html_page(evidence: Evidence, gallery: Sequence[GalleryItem], pictures: Sequence[Picture]) -> str:
    """``report.html``: one file without script and without any address, for light and dark screens.

    ``pictures``: training, validation, gain by traces, each logo, in this order.
    """
    rows = result_table(evidence)
    return (
        templates()
        .get_template("report.html.j2")
        .render(
            evidence=evidence,
            config=evidence.config,
            measures=evidence.test.headline(),
            reached=findings.is_target_reached(evidence),
            ending=findings.ending(evidence),
            sentences=findings.headline(evidence),
            conclusions=findings.conclusions(evidence),
            training_sentence=findings.training_sentence(evidence),
            columns=findings.MORE_COLUMNS,
            rows=list(zip(rows, cells(rows, findings.MORE_COLUMNS), strict=True)),
            cleaned_columns=findings.CLEANED_COLUMNS,
            cleaned_rows=list(zip(rows, cells(rows, findings.CLEANED_COLUMNS), strict=True)),
            readings=evidence.test.breakdown(),
            main=findings.main_comparison(evidence),
            counts=findings.count_table(evidence),
            skipped=findings.skipped_reasons(evidence),
            pictures=pictures,
            gallery=gallery,
            comparison=None if evidence.comparison is None else section_content(evidence.comparison),
            timeline=timeline(evidence.verdicts, evidence.milestones),
            seen=seen,
        )
    )
