"""Who becomes champion: known cases, each with its answer."""

import json

import pytest

from rlcore.judging.promotion import Approval, Candidate, Match, decide
from rlcore.statistics import Difference
from tests.rlcore.made import alert


def against(low, high, **values):
    return Candidate("7", 0.5, 0.8, "3", Match(Difference((low + high) / 2, low, high, 40), 2, 8), **values)


@pytest.mark.parametrize(("rate", "answer"), [(0.8, "promoted"), (0.95, "promoted"), (0.79, "kept")])
def test_the_first_champion_has_to_reach_the_target(rate, answer):
    decided = decide(Candidate("1", rate, 0.8))
    assert decided.answer == answer
    assert f"{rate:.1%} {'reaches' if answer == 'promoted' else 'stays under'} 80%" in decided.reason


@pytest.mark.parametrize(
    ("low", "high", "answer", "told"),
    [
        (0.01, 0.2, "promoted", "above the champion's (version 3): +0.105 [+0.010, +0.200]"),
        (0.0, 0.2, "kept", "not distinguishable from"),
        (-0.1, 0.2, "kept", "not distinguishable from"),
        (-0.3, -0.1, "kept", "below the champion's"),
    ],
)
def test_against_a_champion_the_whole_interval_has_to_be_above_zero(low, high, answer, told):
    decided = decide(against(low, high))
    assert decided.answer == answer
    assert told in decided.reason


def test_the_target_says_nothing_where_there_is_a_champion():
    assert decide(against(0.1, 0.2)).answer == "promoted"
    reached = Candidate("7", 1.0, 0.8, "3", Match(Difference(-0.2, -0.3, -0.1, 40), 0, 8))
    assert decide(reached).answer == "kept"


@pytest.mark.parametrize(
    ("severity", "answer"), [("low", "promoted"), ("medium", "promoted"), ("high", "kept"), ("critical", "kept")]
)
def test_an_open_alert_at_high_or_above_blocks(severity, answer):
    decided = decide(against(0.1, 0.2, open_alerts=(alert(severity=severity),)))
    assert decided.answer == answer
    assert ("but an alert is open" in decided.reason) == (answer == "kept")


def test_without_a_logo_to_compare_on_the_champion_stays():
    candidate = Candidate("7", 1.0, 0.8, "3", Match(None, 12, 8))
    assert decide(candidate).answer == "kept"
    noted = Candidate("7", 1.0, 0.8, "3", Match(None, 0, 0, "the champion can't be played: format 4"))
    assert "format 4" in decide(noted).reason


def test_a_person_is_asked_last_and_has_the_last_word():
    assert decide(against(0.1, 0.2), require_approval=True).answer == "waits"
    yes = decide(against(0.1, 0.2), True, Approval(True, "Ada", "looks right"))
    no = decide(against(0.1, 0.2), True, Approval(False, "Ada"))
    assert (yes.answer, no.answer) == ("promoted", "kept")
    assert yes.reason.endswith("approved by Ada: looks right")
    assert no.reason.endswith("refused by Ada")


def test_nobody_is_asked_about_a_version_that_is_not_good_enough():
    assert decide(against(-0.1, 0.2), require_approval=True).answer == "kept"
    # nor can an approval make it so
    assert decide(against(-0.1, 0.2), True, Approval(True, "Ada")).answer == "kept"
    blocked = against(0.1, 0.2, open_alerts=(alert(severity="critical"),))
    assert decide(blocked, True, Approval(True)).answer == "kept"


def test_an_approval_that_was_not_required_changes_nothing():
    assert decide(against(0.1, 0.2), False, Approval(False)).answer == "promoted"


def test_a_decision_is_json():
    content = json.loads(json.dumps(decide(against(0.1, 0.2)).as_dict()))
    assert content["candidate"]["match"]["gain"] == {"mean": pytest.approx(0.15), "low": 0.1, "high": 0.2, "pairs": 40}
