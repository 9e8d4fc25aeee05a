"""``stage1_summary.txt``: the report as a page of plain text, 100 characters wide."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from rlcore.records import Evidence
from rlcore.reporting import comparison_findings
from rlcore.reporting.findings import COLUMNS, conclusions, count_table, ending, headline, result_table, skipped_reasons
from rlcore.reporting.tables import cells
from rlcore.reporting.timeline import seen, timeline
from rlcore.reporting.wording import MISSING, decimal, duration, percent

TEXT_WIDTH = 100


def summary_text(evidence: Evidence) -> str:
    """``stage1_summary.txt``: lines of at most 100 characters."""
    title = f"Stage 1: {evidence.run_name}"
    blocks = [
        [*_wrapped([title]), "=" * min(TEXT_WIDTH, len(title))],
        _wrapped([f"{ending(evidence).capitalize()}."]),
        _wrapped(headline(evidence)),
        _section(
            "Result on the test logos", _table([c.title for c in COLUMNS], cells(result_table(evidence), COLUMNS))
        ),
        _section("What the differences say", _wrapped(conclusions(evidence), "- ")),
        _section("Comparison with every searcher", _comparison(evidence)),
        _section("Other readings of the agent's result", _readings(evidence)),
        _section("Validation", _validations(evidence)),
        _section("QA gate", _timeline(evidence)),
        _section("Logos", [*_table(*_head_and_body(count_table(evidence))), *_skipped_lines(evidence)]),
        _section("Time and memory", _costs(evidence)),
    ]
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return [title, "-" * len(title), *(lines or ["nothing"])]


def _wrapped(paragraphs: Iterable[str], bullet: str = "") -> list[str]:
    lines: list[str] = []
    for text in paragraphs:
        lines += textwrap.wrap(text, TEXT_WIDTH, initial_indent=bullet, subsequent_indent=" " * len(bullet))
    return lines


def _head_and_body(table: list[list[str]]) -> tuple[list[str], list[list[str]]]:
    return table[0], table[1:]


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns as wide as they need to be; the first is left-aligned and cut only where all else leaves no room."""
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    gap = 2 if sum(widths) + 2 * (len(widths) - 1) <= TEXT_WIDTH else 1
    room = TEXT_WIDTH - sum(widths[1:]) - gap * (len(widths) - 1)
    widths[0] = max(8, min(widths[0], room))
    lines = []
    for first, *others in (titles, *rows):
        name = first if len(first) <= widths[0] else first[: widths[0] - 1] + "…"
        figures = (cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))
        lines.append((" " * gap).join([name.ljust(widths[0]), *figures]))
    return lines


def _comparison(evidence: Evidence) -> list[str]:
    if evidence.comparison is None:
        return ["was not made"]
    columns = comparison_findings.COLUMNS
    rows = cells(evidence.comparison.standings, columns)
    sentences = comparison_findings.conclusions(evidence.comparison)
    return [*_table([column.title for column in columns], rows), "", *_wrapped(sentences, "- ")]


def _readings(evidence: Evidence) -> list[str]:
    test = evidence.test
    rows = [
        [name, str(s.logos), *_measures(s.quality, s.ssim_improvement, s.success_rate, s.bytes_ratio, s.gain, s.regret)]
        for name, s in test.breakdown().items()
    ]
    head = test.headline()
    improvement, rate, ratio = head.cleaned_ssim_improvement, head.cleaned_success_rate, head.cleaned_bytes_ratio
    rows.append(["against cleaned plain", str(head.logos), *_measures(None, improvement, rate, ratio, None, None)])
    return _table(["Reading", "Logos", "SSIM", "SSIM impr.", "Success", "Bytes", "Gain", "Regret"], rows)


def _measures(
    quality: float | None, improvement: float, rate: float, ratio: float, gain: float | None, regret: float | None
) -> list[str]:
    return [decimal(quality, 4), decimal(improvement), percent(rate), decimal(ratio), decimal(gain), decimal(regret)]


def _validations(evidence: Evidence) -> list[str]:
    rows = []
    for validation in evidence.validations:
        s = validation.headline()
        measured = _measures(s.quality, s.ssim_improvement, s.success_rate, s.bytes_ratio, s.gain, s.regret)
        rows.append([f"{validation.episode:,}" if validation.episode else "before PPO", str(s.logos), *measured])
    return _table(["Episodes", "Logos", "SSIM", "SSIM impr.", "Success", "Bytes", "Gain", "Regret"], rows)


def _timeline(evidence: Evidence) -> list[str]:
    lines: list[str] = []
    for entry in timeline(evidence.verdicts):
        verdict = entry.verdict
        decision = verdict.decision.replace("_", " ")
        lines += _wrapped([f"{verdict.episode:,} episodes: {decision}: {verdict.reason}"], "- ")
        told = [
            f"{alert.severity} {alert.kind}, {seen(alert)}: {alert.message}. {alert.recommendation}"
            for alert in entry.new
        ]
        told += [
            f"told before: {alert.severity} {alert.kind}, {seen(alert)}: {alert.message}." for alert in entry.known
        ]
        lines += ["  " + line for text in told for line in textwrap.wrap(text, TEXT_WIDTH - 2)]
    return lines


def _skipped_lines(evidence: Evidence) -> list[str]:
    reasons = ", ".join(f"{count:,} × {reason}" for reason, count in skipped_reasons(evidence))
    return _wrapped([f"Skipped: {reasons or MISSING}"])


def _costs(evidence: Evidence) -> list[str]:
    times = ", ".join(f"{stage} {duration(seconds)}" for stage, seconds in evidence.seconds.items())
    memory = evidence.peak_memory_mib
    return _wrapped([times or MISSING, f"Peak memory: {MISSING if memory is None else f'{memory:,.0f} MiB'}"])
