"""What the evidence says, worked out once: table rows, sentences and JSON. Every form of the report uses these.

Pure: same evidence, same words. A difference whose interval includes zero is called not distinguishable.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from rlcore.judging.standings import BEST_SINGLE
from rlcore.judging.validation import Summary, Validation
from rlcore.records import Comparison, Evidence
from rlcore.reporting.comparison_findings import comparison_content
from rlcore.reporting.tables import Column
from rlcore.reporting.wording import decimal, interval, percent, told
from rlcore.statistics import Difference, estimate

MOST_REASONS = 12
"""Reasons for skipping that are listed one by one; the rarer ones are added up."""


@dataclass(frozen=True, slots=True)
class ResultRow:
    """One searcher on the test split's judged logos; the agent's row has no differences.

    Attributes:
        traces: its budget per logo.
        measures: means over the logos.
        gain_difference: agent's best gain minus this searcher's, paired by logo.
        ssim_improvement_difference: likewise.
    """

    searcher: str
    traces: int
    measures: Summary
    gain_difference: Difference | None = None
    ssim_improvement_difference: Difference | None = None

    @property
    def is_agent(self) -> bool:
        """Whether this is the agent's own row."""
        return self.gain_difference is None


def result_table(evidence: Evidence) -> list[ResultRow]:
    """The agent first, then every baseline in the order of ``evidence.comparisons``."""
    test = evidence.test
    rows = [ResultRow(test.searcher, test.budget, test.headline())]
    for comparison in evidence.comparisons:
        baseline = comparison.baseline
        rows.append(
            ResultRow(
                baseline.searcher,
                baseline.budget,
                baseline.headline(),
                comparison.gain,
                comparison.ssim_improvement,
            )
        )
    return rows


COLUMNS: tuple[Column[ResultRow], ...] = (
    Column("Searcher", lambda row: row.searcher),
    Column("Traces", lambda row: str(row.traces)),
    Column("SSIM", lambda row: decimal(row.measures.quality, 4)),
    Column("SSIM impr.", lambda row: decimal(row.measures.ssim_improvement)),
    Column("Success", lambda row: percent(row.measures.success_rate)),
    Column("Bytes", lambda row: decimal(row.measures.bytes_ratio)),
    Column("Gain", lambda row: decimal(row.measures.gain)),
    Column("Regret", lambda row: decimal(row.measures.regret)),
    Column("Agent ahead by [95\u00a0%]", lambda row: interval(row.gain_difference)),
)
"""For 100 characters of text; the first is left-aligned, the others right."""

MORE_COLUMNS: tuple[Column[ResultRow], ...] = (
    *COLUMNS,
    Column("Ahead in SSIM impr. by [95\u00a0%]", lambda row: interval(row.ssim_improvement_difference)),
    Column("Conv. score", lambda row: decimal(row.measures.convergence_score)),
    Column("Failed", lambda row: f"{row.measures.failed_traces:,}"),
)
"""For a page."""

CLEANED_COLUMNS: tuple[Column[ResultRow], ...] = (
    COLUMNS[0],
    COLUMNS[1],
    Column("SSIM impr.", lambda row: decimal(row.measures.cleaned_ssim_improvement)),
    Column("Success", lambda row: percent(row.measures.cleaned_success_rate)),
    Column("Bytes", lambda row: decimal(row.measures.cleaned_bytes_ratio)),
)
"""The same, measured from cleaned plain instead of plain."""


def main_comparison(evidence: Evidence) -> Comparison | None:
    """The best single setting, else the baseline with the highest gain, else None."""
    named = [c for c in evidence.comparisons if c.baseline.searcher == BEST_SINGLE]
    return named[0] if named else max(evidence.comparisons, key=lambda c: c.baseline.headline().gain, default=None)


def trained_episodes(evidence: Evidence) -> int:
    """Episodes that were trained, whichever model was the best."""
    return max([evidence.best_episode, *(rollout.episode for rollout in evidence.rollouts)])


def is_target_reached(evidence: Evidence) -> bool:
    """Whether the success rate on the test split is at its threshold."""
    return bool(evidence.test.headline().success_rate >= evidence.config["success_rate_threshold"])


def ending(evidence: Evidence) -> str:
    """How the training ended; the gate judged it on the validation split, not on the test split."""
    if evidence.outcome == "target_reached":
        return "training ended: target reached on the validation logos"
    return f"training ended: {evidence.outcome.replace('_', ' ')}"


def headline(evidence: Evidence) -> list[str]:
    """What was trained, on how many logos, and what came out: two or three sentences."""
    test, config = evidence.test, evidence.config
    measures = test.headline()
    trained = sum(evidence.logo_counts.get("train", {}).values())
    model = "" if evidence.best_episode == trained_episodes(evidence) else f" (best model: {evidence.best_episode:,})"
    kind = "" if test.category == "all" else f"{test.category} "
    sentences = [
        f"A PPO agent was trained for {trained_episodes(evidence):,} episodes{model} on {trained:,} {kind}logos and"
        f" tried on {measures.logos:,} {kind}logos that it had never seen, with {test.budget} traces for each.",
        f"It takes away {percent(measures.ssim_improvement)} of plain VTracer's SSIM error on average, at"
        f" {decimal(measures.bytes_ratio)} times its bytes;"
        f" {percent(measures.success_rate)} of the logos are a success: over"
        f" {percent(config['ssim_improvement_threshold'])} of the error gone, no more bytes,"
        f" SSIM {config['quality_target']:g} or more.",
    ]
    return [*sentences, target_sentence(evidence)]


def target_sentence(evidence: Evidence) -> str:
    """Whether stage 1's target is reached, and if not, by how much it is missed."""
    rate, threshold = evidence.test.headline().success_rate, evidence.config["success_rate_threshold"]
    if is_target_reached(evidence):
        return f"The target of {percent(threshold)} success is reached."
    missing = decimal(100 * (threshold - rate), 1)
    return f"The target of {percent(threshold)} success is not reached: {missing} percentage points are missing."


def conclusions(evidence: Evidence) -> list[str]:
    """The agent against each baseline, and what training changed."""
    agent = f"The agent's gain ({evidence.test.budget} traces)"
    lines = [told(comparison.gain, agent, _named(comparison.baseline)) for comparison in evidence.comparisons]
    return [*lines, training_sentence(evidence)]


def _named(baseline: Validation) -> str:
    return f"that of {baseline.searcher} ({baseline.budget} {'trace' if baseline.budget == 1 else 'traces'})"


def training_sentence(evidence: Evidence) -> str:
    """The effect of training on the validation split."""
    trained = "On the validation logos, the trained policy's gain"
    return told(evidence.training_effect, trained, "that of the policy before PPO")


def count_table(evidence: Evidence) -> list[list[str]]:
    """Logos as a table of text: header, then a row per split: logos of each category and in all."""
    counts = evidence.logo_counts
    categories = sorted({category for split in counts.values() for category in split})
    table = [["split", *categories, "all"]]
    for split, by_category in counts.items():
        numbers = [by_category.get(category, 0) for category in categories]
        table.append([split, *(f"{number:,}" for number in [*numbers, sum(numbers)])])
    return table


def skipped_reasons(evidence: Evidence) -> list[tuple[str, int]]:
    """The commonest reasons first; beyond ``MOST_REASONS`` they are added up."""
    ordered = sorted(evidence.skipped.items(), key=lambda item: (-item[1], item[0]))
    rest = sum(count for _, count in ordered[MOST_REASONS:])
    return ordered[:MOST_REASONS] + ([(f"{len(ordered) - MOST_REASONS} other reasons", rest)] if rest else [])


INTERVALS = ("success", "ssim_improvement", "gain", "bytes_ratio")
"""Fields of a logo's result whose mean gets an interval of its own."""


def report_content(evidence: Evidence) -> dict[str, Any]:
    """``stage1_final_report.json``: all of it, machine-readable. What is not finite becomes null."""
    test, config = evidence.test, evidence.config
    measures = test.headline()
    content = {
        "run_name": evidence.run_name,
        "outcome": evidence.outcome,
        "target": {
            "reached": is_target_reached(evidence),
            "success_rate": measures.success_rate,
            "success_rate_threshold": config["success_rate_threshold"],
            "missing": max(0.0, config["success_rate_threshold"] - measures.success_rate),
            "ssim_improvement_threshold": config["ssim_improvement_threshold"],
            "quality_target": config["quality_target"],
            "bytes_ratio_limit": 1.0,
        },
        "headline": {"category": test.category, "traces": test.budget, **asdict(measures)},
        "intervals": {name: mean_interval(test, name) for name in INTERVALS},
        "trained_episodes": trained_episodes(evidence),
        "best_episode": evidence.best_episode,
        "gain_after_traces": [test.gain_after(count) for count in range(1, test.budget + 1)],
        "breakdown": {name: asdict(summary) for name, summary in test.breakdown().items()},
        "comparisons": [_comparison(comparison) for comparison in evidence.comparisons],
        "training_effect": difference_content(evidence.training_effect),
        "conclusions": [*headline(evidence), *conclusions(evidence)],
        "validations": [_without_results(validation) for validation in evidence.validations],
        "verdicts": [asdict(verdict) for verdict in evidence.verdicts],
        "logo_counts": evidence.logo_counts,
        "skipped": evidence.skipped,
        "seconds": evidence.seconds,
        "peak_memory_mib": evidence.peak_memory_mib,
        "versions": evidence.versions,
        "config": config,
        "rollouts": [rollout.as_dict() for rollout in evidence.rollouts],
        "test": test.as_dict(),
        "comparison": None if evidence.comparison is None else comparison_content(evidence.comparison),
    }
    return {name: _finite(value) for name, value in content.items()}


def difference_content(difference: Difference) -> dict[str, Any]:
    """Mean, interval, pairs, and whether zero lies outside the interval."""
    return {**asdict(difference), "distinguishable": difference.low > 0 or difference.high < 0}


def mean_interval(test: Validation, field: str) -> dict[str, float]:
    """Mean over the judged logos of a field of their results, with its 95 % interval."""
    values = [float(getattr(result, field)) for result in test.of()]
    mean = estimate(values)
    return {"mean": mean.mean, "low": mean.low, "high": mean.high}


def _comparison(comparison: Comparison) -> dict[str, Any]:
    return {
        **_without_results(comparison.baseline),
        "gain": difference_content(comparison.gain),
        "ssim_improvement": difference_content(comparison.ssim_improvement),
    }


def _without_results(validation: Validation) -> dict[str, Any]:
    content = validation.as_dict()
    del content["results"]
    return {**content, "headline": asdict(validation.headline())}


def _finite(value: Any) -> Any:
    """A copy that JSON can hold."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(name): _finite(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(part) for part in value]
    return value
