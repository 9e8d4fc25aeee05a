"""An evaluation: its table, and the alert where the success rate is under the threshold."""

import json
from dataclasses import asdict, replace

import pytest

from rlcore.judging.validation import Validation
from rlcore.reporting.evaluation import Evaluation
from tests.rlcore.made import result


def validation(name, gains, successes):
    results = [
        result(name=str(n), digest=str(n), gain=gain, gains=(gain,), success=success)
        for n, (gain, success) in enumerate(zip(gains, successes, strict=True))
    ]
    return Validation(name, 60, 1, "simple", tuple(results))


@pytest.fixture
def evaluation():
    agent = validation("agent", [1.0, 2.0, 3.0, 4.0], [True, True, True, False])
    plain = validation("plain VTracer", [0.0, 0.0, 0.0, 0.0], [False] * 4)
    return Evaluation("evaluate-1", "models:/stage1-agent@champion", "3", "a folder", 2, 0.75, (agent, plain))


def test_the_table(evaluation):
    agent, plain = evaluation.rows()
    assert (agent["searcher"], agent["success_rate"], agent["gain"], agent["agent ahead by"]) == (
        "agent",
        0.75,
        2.5,
        "",
    )
    assert plain["agent ahead by"].startswith("+2.500 [")


def test_at_the_threshold_all_is_well_and_under_it_is_not(evaluation):
    assert evaluation.alert() is None
    alert = replace(evaluation, threshold=0.76).alert()
    assert (alert.severity, alert.kind, alert.measured, alert.threshold) == ("high", "degradation", 0.75, 0.76)
    assert "75.0%" in alert.message
    assert "4 logos of a folder, under 76%" in alert.message


def test_it_comes_back_from_json(evaluation):
    low = replace(evaluation, threshold=0.9)
    content = json.loads(json.dumps(low.as_dict()))
    assert Evaluation.from_dict(content) == low
    assert content["alert"] == asdict(low.alert())
