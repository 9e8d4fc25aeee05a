"""A comparison as a page of its own and as a section of the final report, without script and without any address."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rlcore.files import write_json, write_text
from rlcore.judging.standings import ComparisonTable
from rlcore.reporting.comparison_figures import gain_curves, leads
from rlcore.reporting.comparison_findings import MORE_COLUMNS, comparison_content, conclusions, readings
from rlcore.reporting.figures import quality_against_bytes
from rlcore.reporting.pages import Picture, templates
from rlcore.reporting.tables import cells


def write_comparison(table: ComparisonTable, json: Path | None, html: Path | None) -> list[Path]:
    """Writes those of the two files that have a path; returns them.

    Raises:
        OSError: a file can't be written.
    """
    written = []
    if json is not None:
        written.append(write_json(json, comparison_content(table)))
    if html is not None:
        written.append(write_text(html, comparison_page(table)))
    return written


def comparison_page(table: ComparisonTable) -> str:
    """One HTML file for light and dark screens."""
    agent, rival = table.standings[0], table.rival.headline().gain
    for standing in table.standings:
        if standing.is_agent and standing.traces == table.longest:
            agent = standing
    page = templates().get_template("comparison.html.j2")
    return page.render(comparison=section_content(table), agent=agent, rival=rival)


def section_content(table: ComparisonTable) -> dict[str, Any]:
    """What ``comparison_section.html.j2`` is filled with."""
    return {
        "table": table,
        "seeds": max(standing.seeds for standing in table.standings),
        "conclusions": conclusions(table),
        "pictures": _pictures(table),
        "columns": MORE_COLUMNS,
        "rows": list(zip(table.standings, cells(table.standings, MORE_COLUMNS), strict=True)),
        "readings": readings(table),
    }


def _pictures(table: ComparisonTable) -> list[Picture]:
    curves = [gain_curves(table, dark=dark) for dark in (False, True)]
    ahead = [leads(table, dark=dark) for dark in (False, True)]
    logos = [
        quality_against_bytes(
            table.agent, table.rival, ssim_improvement_threshold=table.ssim_improvement_threshold, dark=dark
        )
        for dark in (False, True)
    ]
    return [
        Picture("Mean best gain of every searcher against the traces spent on a logo, with 95 % bands", 1200, *curves),
        Picture("The agent's gain minus that of each rival, with 95 % intervals", 600, *ahead),
        Picture("SSIM improvement against bytes ratio of each logo, agent and portfolio", 600, *logos),
    ]
