"""Messages to people: one thing said in three forms."""

import json

from rlcore.reporting.messages import MOST_PARAGRAPH, MOST_SUBJECT, Facts, Figure, Link, compose

FACTS = Facts(
    run="a run",
    episode=1200,
    target_episodes=5000,
    figures=(Figure("success rate", "70 %", "80%"), Figure("gain", "1.5")),
    trend="Rising.",
    links=(Link("Flow run", "http://h/?a=1&b=2"), Link("Dashboard", "stage1 dashboard")),
)


def test_the_forms_say_the_same():
    message = compose("KL <high>", FACTS, ["It & that."], "Lower it.")
    assert message.subject == "[stage1] a run: KL <high>"
    assert message.plain == (
        "KL <high>\na run, episode 1,200 of 5,000\n\nIt & that.\n\n"
        "Figures:\n- success rate: 70 % (target 80%)\n- gain: 1.5\n\n"
        "Trend:\nRising.\n\nWhat to do:\nLower it.\n\n"
        "Links:\n- Flow run: http://h/?a=1&b=2\n- Dashboard: stage1 dashboard\n"
    )
    assert message.text == (
        "*KL &lt;high&gt;*\na run, episode 1,200 of 5,000\n\nIt &amp; that.\n\n"
        "*Figures*\n• success rate: 70 % (target 80%)\n• gain: 1.5\n\n"
        "*Trend*\nRising.\n\n*What to do*\nLower it.\n\n"
        "*Links*\n• <http://h/?a=1&amp;b=2|Flow run>\n• Dashboard: `stage1 dashboard`"
    )
    for told in (
        "<h2>KL &lt;high&gt;</h2>",
        '<a href="http://h/?a=1&amp;b=2">Flow run</a>',
        "<b>70 % (target 80%)</b>",
    ):
        assert told in message.html


def test_what_there_is_not_is_not_said():
    message = compose("It began", Facts("a run"), [], "")
    assert message.plain == "It began\na run\n"


def test_a_subject_is_one_line_and_a_traceback_is_cut():
    message = compose("one\r\nBcc: two " + "x" * 500, FACTS, ["y" * 5000], "")
    assert message.subject.startswith("[stage1] a run: one Bcc: two x")
    assert len(message.subject) == MOST_SUBJECT
    assert message.plain.count("y") == MOST_PARAGRAPH - 1


def test_facts_go_through_json():
    assert Facts.from_dict(json.loads(json.dumps(FACTS.as_dict()))) == FACTS
    assert Facts.from_dict(json.loads(json.dumps(Facts("a run").as_dict()))) == Facts("a run")
