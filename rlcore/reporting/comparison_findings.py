"""What a comparison says: its table as text, sentences no stronger than their intervals, and JSON."""

from __future__ import annotations

from typing import Any

from rlcore.judging.standings import BEST_SINGLE, LATER, PORTFOLIO, ComparisonTable, Saving, Standing
from rlcore.judging.validation import Summary
from rlcore.reporting.tables import Column
from rlcore.reporting.wording import MISSING, decimal, interval, percent, told
from rlcore.statistics import Estimate

_NAMED: tuple[Column[Standing], ...] = (
    Column("Searcher", lambda row: row.searcher),
    Column("Traces", lambda row: str(row.traces)),
)
_AHEAD: Column[Standing] = Column(
    "Agent ahead by [95\u00a0%]", lambda row: interval(row.lead.gain if row.lead else None)
)
MEASURES: tuple[Column[Standing], ...] = (
    *_NAMED,
    Column("Gain", lambda row: decimal(row.summary.gain)),
    Column("IQM", lambda row: decimal(row.gain_iqm)),
    Column("SSIM impr.", lambda row: decimal(row.summary.ssim_improvement)),
    Column("Success", lambda row: percent(row.summary.success_rate)),
    Column("Bytes", lambda row: decimal(row.summary.bytes_ratio)),
    Column("Regret", lambda row: decimal(row.summary.regret)),
)
"""Of each searcher: for 80 characters of text; the first is left-aligned, the others right."""

LEADS: tuple[Column[Standing], ...] = (
    *_NAMED,
    _AHEAD,
    Column("Agent better on [95\u00a0%]", lambda row: _share(row.lead.probability if row.lead else None)),
)
"""Of the agent over each searcher: likewise."""

COLUMNS: tuple[Column[Standing], ...] = (*MEASURES, _AHEAD)
"""For 100 characters of text."""

MORE_COLUMNS: tuple[Column[Standing], ...] = (
    *COLUMNS,
    Column("Agent's traces", lambda row: MISSING if row.lead is None else str(row.lead.traces)),
    LEADS[-1],
)
"""For a page."""


def _share(estimate: Estimate | None) -> str:
    if estimate is None:
        return MISSING
    return f"{percent(estimate.mean)} [{decimal(100 * estimate.low, 1)}, {decimal(100 * estimate.high, 1)}]"


def rivals(table: ComparisonTable) -> list[Standing]:
    """What an agent has to beat, where it was read: single setting, portfolio at each budget, searches with more."""
    wanted = [(BEST_SINGLE, 1), *((PORTFOLIO, budget) for budget in table.budgets), *LATER.items()]
    found = [table.standing(searcher, traces) for searcher, traces in wanted]
    return [standing for standing in found if standing is not None]


def conclusions(table: ComparisonTable) -> list[str]:
    """The agent against each rival, then how many traces the searches need for the same."""
    return [*(_against(standing) for standing in rivals(table)), *(_saved(table, item) for item in table.savings)]


def _against(standing: Standing) -> str:
    lead = standing.lead
    if lead is None:
        raise ValueError(f"{standing.searcher} with {standing.traces} traces is the agent itself")
    return told(
        lead.gain,
        f"The agent's gain with {_traces(lead.traces)}",
        f"that of {standing.searcher} with {_traces(standing.traces)}",
    )


def _saved(table: ComparisonTable, saving: Saving) -> str:
    goal = f"the mean gain that the agent reaches with {table.longest}"
    name = saving.searcher[0].upper() + saving.searcher[1:]
    if saving.needed is None:
        return f"{name} does not reach in {_traces(saving.searched)} {goal}."
    return f"{name} needs {_traces(saving.needed)} for {goal}."


def _traces(count: int) -> str:
    return "1 trace" if count == 1 else f"{count} traces"


def readings(table: ComparisonTable) -> list[list[str]]:
    """Success and SSIM improvement of agent, portfolio and best single setting by kind of logo: header, then rows."""
    candidates = [("agent", table.longest), (PORTFOLIO, table.longest), (BEST_SINGLE, 1)]
    shown = [standing for standing in (table.standing(*one) for one in candidates) if standing is not None]
    names = [f"{standing.searcher} ({standing.traces})" for standing in shown]
    head = ["Reading", "Logos", *(f"{name}: success" for name in names), *(f"{name}: SSIM impr." for name in names)]
    rows = []
    for reading, summary in shown[0].breakdown.items():
        parts = [standing.breakdown[reading] for standing in shown]
        rows.append([reading, f"{summary.logos:,}", *_rates(parts), *(decimal(s.ssim_improvement) for s in parts)])
    whole = [standing.summary for standing in shown]
    rates = [percent(summary.cleaned_success_rate) for summary in whole]
    improvements = [decimal(summary.cleaned_ssim_improvement) for summary in whole]
    return [head, *rows, ["against cleaned plain", f"{table.logos:,}", *rates, *improvements]]


def _rates(summaries: list[Summary]) -> list[str]:
    return [percent(summary.success_rate) for summary in summaries]


def comparison_content(table: ComparisonTable) -> dict[str, Any]:
    """As JSON can hold it: ``ComparisonTable.from_dict`` reads it back; the sentences are beside."""
    return {"conclusions": conclusions(table), **table.as_dict()}
