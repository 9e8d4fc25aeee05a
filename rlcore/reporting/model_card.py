"""The model card: what a registered version is, what it was trained on, how good it is, and where it ends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rlcore.records import Evidence
from rlcore.reporting.findings import (
    COLUMNS,
    INTERVALS,
    conclusions,
    count_table,
    headline,
    mean_interval,
    result_table,
    trained_episodes,
)
from rlcore.reporting.tables import cells
from rlcore.reporting.wording import decimal, percent

_NAMES = {
    "success": "success rate",
    "ssim_improvement": "SSIM improvement",
    "gain": "gain",
    "bytes_ratio": "bytes ratio",
}


def model_card(evidence: Evidence, facts: Mapping[str, str]) -> str:
    """Markdown; ``facts``: what identifies the version, by name. The same evidence and facts give the same text."""
    blocks = [
        f"# stage1-agent, from run {evidence.run_name}",
        "\n".join(f"- {name}: `{value}`" for name, value in facts.items()),
        "## What it is",
        _what(evidence),
        "## Figures",
        " ".join(headline(evidence)),
        _table([["On the test logos", "mean", "95\u00a0% interval"], *_scores(evidence)]),
        _table([[column.title for column in COLUMNS], *cells(result_table(evidence), COLUMNS)]),
        _list(conclusions(evidence)),
        "## Data",
        _data(evidence),
        "## Limits",
        _list(_limits(evidence)),
    ]
    return "\n\n".join(blocks) + "\n"


def _what(evidence: Evidence) -> str:
    config = evidence.config
    return (
        "A PPO policy that chooses VTracer's parameters for a logo, in"
        f" {config['steps_per_episode']} traces, so that the SVG is closer to the original at no more bytes than plain"
        f" VTracer's. This is the policy of episode {evidence.best_episode:,} of {trained_episodes(evidence):,}, the"
        " best on the validation logos. What it delivers is never worse than plain VTracer. Input: paths of images;"
        " output: the SVG, its parameters and measures."
    )


def _scores(evidence: Evidence) -> list[list[str]]:
    rows = []
    for field in INTERVALS:
        found = mean_interval(evidence.test, field)
        show = percent if field == "success" else decimal
        rows.append([_NAMES[field], show(found["mean"]), f"[{show(found['low'])}, {show(found['high'])}]"])
    return rows


def _data(evidence: Evidence) -> str:
    config = evidence.config
    source = {"default": "the icons of the package diagrams (MIT)", "none": "no files"}.get(
        config["images"], f"the folder `{config['images']}`"
    )
    made = f" and {config['generated_logos']:,} generated logos" if config["generated_logos"] else ""
    told = (
        f"Logos: {source}{made}, near-duplicates removed, split by a hash of their content; longest side"
        f" {config['working_size']} px. Trained and judged on category {config['category']}."
    )
    return f"{told}\n\n{_table(count_table(evidence))}"


def _limits(evidence: Evidence) -> list[str]:
    config, judged = evidence.config, evidence.test.category
    others = {name: s for name, s in evidence.test.breakdown().items() if name not in (judged, "all")}
    shown = ", ".join(f"{name} {percent(s.success_rate)} of {s.logos:,}" for name, s in others.items())
    return [
        f"Judged on logos of category {judged} alone. Success on other readings: {shown or 'not measured'}.",
        f"Measured at {config['working_size']} px with VTracer {evidence.versions['vtracer']}; on other sizes and"
        " versions the figures may differ. Success is SSIM on a plain ground, not what an eye prefers.",
        "Intervals are over the test logos: they say nothing of other trainings (seeds) or other kinds of logos.",
        f"Each logo takes up to {config['steps_per_episode']} traces, plain VTracer one.",
    ]


def _table(rows: Sequence[Sequence[str]]) -> str:
    head, *body = rows
    rule = ["---", *("---:" for _ in head[1:])]
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, rule, *body))


def _list(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def shortened(card: str, characters: int) -> str:
    """As much of it as has room, in whole blocks, with a word on where the rest is."""
    if len(card) <= characters:
        return card
    rest = "\n\nThe rest is in model_card.md.\n"
    kept, room = "", characters - len(rest)
    for block in card.split("\n\n"):
        if len(kept) + len(block) + 2 > room:
            break
        kept += ("\n\n" if kept else "") + block
    return kept + rest
