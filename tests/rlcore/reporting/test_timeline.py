"""The gate's timeline: an alert is told in full once."""

from __future__ import annotations

import dataclasses

import pytest

from rlcore.records import Verdict
from rlcore.reporting.pages import Picture
from rlcore.reporting.report import html_page
from rlcore.reporting.summary import summary_text
from rlcore.reporting.timeline import seen, timeline
from tests.rlcore.made import alert
from tests.rlcore.report_evidence import case

FIRST = alert()
AGAIN = alert(last_episode=20, updates=1)
OTHER = alert(check="disk", kind="performance", severity="high", episode=20, last_episode=20)


def told(*verdicts):
    return [(entry.new, entry.known) for entry in timeline(verdicts)]


def continued(*alerts, decision="continue"):
    return Verdict(20, decision, "fine", alerts)


def test_an_alert_is_new_once():
    assert told(continued(FIRST), continued(AGAIN), continued(AGAIN, OTHER), continued()) == [
        ((FIRST,), ()),
        ((), (AGAIN,)),
        ((OTHER,), (AGAIN,)),
        ((), ()),
    ]


@pytest.mark.parametrize("change", [{"episode": 20}, {"severity": "high"}, {"check": "kl"}])
def test_another_alert_or_a_worse_one_is_new_again(change):
    changed = dataclasses.replace(AGAIN, **change)
    assert told(continued(FIRST), continued(changed))[1] == ((changed,), ())


def test_after_a_rollback_all_alerts_are_new():
    assert told(continued(FIRST, decision="roll_back"), continued(FIRST))[1] == ((FIRST,), ())


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (alert(episode=2000), "at episode 2,000"),
        (alert(episode=2000, last_episode=3000, updates=8), "9 times from episode 2,000 to 3,000"),
    ],
)
def test_when_an_alert_was_seen(given, words):
    assert seen(given) == words


def test_the_reports_tell_a_recommendation_once():
    verdicts = (continued(FIRST, decision="roll_back"), continued(FIRST), continued(AGAIN))
    evidence = dataclasses.replace(case().evidence, verdicts=verdicts)
    for text, known in (
        (summary_text(evidence), "told before: medium overfitting, 2 times from episode 10 to 20: a gap."),
        (
            html_page(evidence, (), [Picture("", 600, b"light", b"dark")] * 4),
            "Told before: medium · overfitting: a gap (seen 2 times from episode 10 to 20)",
        ),
    ):
        assert text.count("more logos") == 2
        assert text.count("a gap") == 3
        assert "roll back" in text
        assert known in text
