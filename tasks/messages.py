"""What automations are told of an event of a run: its figures, and the message ready in every form.

A template of Prefect's can't compute, so all that a message says is put into the event's payload here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from rlcore.files import read_json
from rlcore.records import SEVERITIES, Alert, Comparison
from rlcore.reporting.evaluation import Evaluation
from rlcore.reporting.facts import figures, report_trend, validation_figures, validation_trend
from rlcore.reporting.messages import Facts, Figure, Link, Message, compose
from rlcore.reporting.wording import interval, percent
from tasks.links import links_of
from tasks.run import Run

ALERT_DISTANCE_SECONDS = 1800.0
"""At least between two messages of the same check of a run, unless it has become worse."""

NOTHING_TO_DO = "Nothing to do."

Entry = Mapping[str, Any]


def evaluation_payload(told: Evaluation, alert: Alert, links: tuple[Link, ...]) -> dict[str, Any]:
    """As ``payload_of``, of the alert of an evaluation."""
    fields = asdict(alert)
    agent, *baselines = told.validations
    ahead = [
        Figure(f"gain ahead of {baseline.searcher}", interval(Comparison.of(agent, baseline).gain))
        for baseline in baselines
    ]
    version = f", version {told.version}" if told.version else ""
    facts, message = alert_message(
        fields, Facts(told.name, figures=tuple(ahead), links=links), [f"Model: {told.model}{version}."]
    )
    return fields | {"facts": facts.as_dict()} | asdict(message)


def payload_of(run: Run, entry: Entry) -> dict[str, Any]:
    """Fields of the journal's entry, ``facts`` of the run, and ``subject``, ``text``, ``plain``, ``html``."""
    facts = _facts(run, entry)
    if entry["event"] == "alert":
        fields = dict(entry["alert"])
    else:
        fields = {key: value for key, value in entry.items() if key not in ("time", "event", "key")}
    maker = _MAKERS.get(entry["event"])
    if maker is None:
        return fields | {"facts": facts.as_dict()}
    facts, message = maker(run, entry, facts)
    picture = {"picture": picture_of(facts.run, entry)} if entry["event"] == "final_report" else {}
    return fields | {"facts": facts.as_dict()} | asdict(message) | picture


def is_repeated(entry: Entry, alerts: Sequence[Entry]) -> bool:
    """Whether an alert says again what was told a short time ago: the same check, no worse.

    Worked out from the journal's times alone, so that a run that is taken up again comes to the same answer.
    """
    told: Entry | None = None
    for alert in alerts:
        if alert["alert"]["check"] != entry["alert"]["check"] or alert["time"] > entry["time"]:
            continue
        again = (
            told is not None
            and alert["time"] - told["time"] < ALERT_DISTANCE_SECONDS
            and _severity(alert) <= _severity(told)
        )
        if _same(alert, entry):
            return again
        told = told if again else alert
    return False


def _same(one: Entry, other: Entry) -> bool:
    return (one["time"], one["key"]) == (other["time"], other["key"])


def _severity(entry: Entry) -> int:
    return SEVERITIES.index(entry["alert"]["severity"])


def picture_of(name: str, entry: Entry) -> str:
    """Description of the artifact with the curves of a finished run; messages find the picture by it."""
    return f"Curves of {name}, episode {entry['episode']}, {entry['outcome']}"


def _facts(run: Run, entry: Entry) -> Facts:
    """As they were when the entry was written: it may be told much later."""
    config, journal = run.config, run.folder.journal
    validations = [known for known in journal.read("validation") if known["time"] <= entry["time"]]
    return Facts(
        run=run.folder.name,
        episode=_episode(run, entry),
        target_episodes=config.target_episodes,
        figures=validation_figures(config, validations),
        trend=validation_trend(validations),
        links=links_of(run),
    )


def _episode(run: Run, entry: Entry) -> int:
    if entry["event"] == "alert":
        return int(entry["alert"]["last_episode"])
    return int(entry["episode"]) if "episode" in entry else run.folder.trained_episodes


def _milestone(run: Run, entry: Entry, facts: Facts) -> tuple[Facts, Message]:
    return facts, compose(f"Milestone: {entry['message']}", facts, [], NOTHING_TO_DO)


def _alert(run: Run, entry: Entry, facts: Facts) -> tuple[Facts, Message]:
    alert = entry["alert"]
    return alert_message(
        alert, facts, [f"Raised at episode {alert['episode']:,}, seen again {alert['updates']} times."]
    )


def alert_message(alert: Mapping[str, Any], facts: Facts, paragraphs: Sequence[str]) -> tuple[Facts, Message]:
    """Of an alert's fields; the facts with what was measured before all other figures."""
    measured = f"{alert['measured']:.4g}, limit {alert['threshold']:.4g}"
    broken = Figure(f"{alert['kind']} ({alert['check']})", measured)
    facts = replace(facts, figures=(broken, *facts.figures))
    return facts, compose(f"{alert['severity']} alert: {alert['message']}", facts, paragraphs, alert["recommendation"])


def _report(run: Run, entry: Entry, facts: Facts) -> tuple[Facts, Message]:
    report = read_json(run.path / entry["files"][0])
    facts = replace(facts, trend=" ".join(filter(None, [report_trend(report), facts.trend])))
    alerts = report["open_alerts"]
    told = [f"Open: {alert['severity']}: {alert['message']}. {alert['recommendation']}" for alert in alerts]
    advice = "Look at the open alerts." if alerts else NOTHING_TO_DO
    return facts, compose(f"Progress: {entry['message']}", facts, told, advice)


def _finished(run: Run, entry: Entry, facts: Facts) -> tuple[Facts, Message]:
    folder, config = run.folder, run.config
    test = folder.validation("test")
    measures, verdicts = asdict(test.headline()), folder.verdicts()
    on = f"{measures['logos']:,} test logos, never seen before"
    ahead = [
        Figure(f"gain ahead of {comparison.baseline.searcher}", interval(comparison.gain))
        for comparison in (Comparison.of(test, baseline) for baseline in folder.baselines("test"))
    ]
    facts = replace(facts, figures=(*figures(config, measures, on), *ahead))
    reached = measures["success_rate"] >= config.success_rate_threshold
    rate = f"success rate {percent(measures['success_rate'])}, target {config.success_rate_threshold:.0%}"
    word, advice = _ending(entry["outcome"], reached, folder.name)
    told = [f"The gate: {verdicts[-1].reason}."] if verdicts else []
    return facts, compose(f"Finished: {word} ({rate})", facts, told, advice)


def _ending(outcome: str, reached: bool, name: str) -> tuple[str, str]:
    """How it ended in two words, and what to do."""
    if outcome == "failure":
        return "rejected", "Do not use this model. report.html says under QA gate what broke; mend that, train again."
    if outcome == "out_of_time":
        return "out of time", f"Go on with: stage1 resume '{name}' --max-training-time-hours HOURS"
    if reached:
        return "reached", "The model can be used: stage1 vectorize LOGO. report.html has the evidence."
    return "not reached", "report.html says where it falls short; more episodes or other settings may get there."


_MAKERS: dict[str, Callable[[Run, Entry, Facts], tuple[Facts, Message]]] = {
    "milestone": _milestone,
    "alert": _alert,
    "report": _report,
    "final_report": _finished,
}
