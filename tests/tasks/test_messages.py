"""What automations are told, and which alerts are told again."""

import json

import pytest

from tasks import links, messages
from tasks.messages import ALERT_DISTANCE_SECONDS, is_repeated, payload_of
from tasks.store import DASHBOARD_VARIABLE
from tests.tasks.told_run import MLFLOW_RUN, alert_of, finished, milestone, report, told_run


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.delenv(DASHBOARD_VARIABLE, raising=False)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return told_run(tmp_path / "a run")


def told(payload, form="plain"):
    assert json.loads(json.dumps(payload, allow_nan=False))
    return payload["subject"], payload[form]


def test_a_milestone_has_figures_with_targets_trend_advice_and_links(run):
    subject, text = told(payload_of(run, milestone(run)))
    assert subject == "[stage1] a run: Milestone: 20% of 400 <episodes> done"
    assert "a run, episode 110 of 400" in text
    assert "success rate on 1 validation logos after 100 episodes: 0.0\u00a0% (target 80%)" in text
    assert "mean SSIM: 0.9000 (target 0.85)" in text
    assert "Validation gain 1.000 → 1.500 (+0.500) since episode 0; success rate 0.0" in text
    assert "What to do:\nNothing to do." in text
    assert "- Dashboard: stage1 dashboard --run 'a run'" in text
    assert f"- MLflow run: {MLFLOW_RUN}" in text


def test_markup_is_kept_out_of_slack_and_html(run):
    entry = milestone(run)
    assert "*Milestone: 20% of 400 &lt;episodes&gt; done*" in payload_of(run, entry)["text"]
    assert "<h2>Milestone: 20% of 400 &lt;episodes&gt; done</h2>" in payload_of(run, entry)["html"]


def test_an_alert_has_its_figure_and_what_to_do(run):
    payload = payload_of(run, alert_of(run, "critical"))
    subject, text = told(payload)
    assert subject.endswith("critical alert: a gap")
    assert "overfitting (gap): 0.6, limit 0.5" in text
    assert "What to do:\nmore logos" in text
    assert payload["severity"] == "critical"


def test_a_report_has_the_trends_of_training_and_the_open_alerts(run):
    alert_of(run, "medium")
    _, text = told(payload_of(run, report(run)))
    assert "Training: gain 1.250 (unknown)" in text
    assert "episodes a minute now." in text
    assert "Open: medium: a gap. more logos" in text
    assert "What to do:\nLook at the open alerts." in text


@pytest.mark.parametrize(
    ("success", "outcome", "word", "advice"),
    [
        (True, "target_reached", "reached (success rate 100.0", "stage1 vectorize"),
        (False, "completed", "not reached (success rate 0.0", "report.html says where"),
        (True, "failure", "rejected", "Do not use this model"),
        (False, "out_of_time", "out of time", "stage1 resume 'a run'"),
    ],
)
def test_a_finished_run_says_what_came_out(run, success, outcome, word, advice):
    payload = payload_of(run, finished(run, success, outcome))
    subject, text = told(payload)
    assert f"Finished: {word}" in subject
    assert advice in text
    assert "success rate on 1 test logos, never seen before" in text
    assert "The gate: the gate's <reason>." in text
    assert payload["picture"] == f"Curves of a run, episode 110, {outcome}"


def test_figures_are_those_of_the_moment(run):
    first = milestone(run)
    told_later = {**first, "time": run.folder.journal.read("validation")[0]["time"]}
    assert "after 0 episodes" in payload_of(run, told_later)["plain"]


def at(seconds, severity="high", check="gap"):
    return {"time": seconds, "key": f"{seconds}", "alert": {"check": check, "severity": severity}}


def test_the_same_alert_is_told_again_only_after_a_while():
    times = [0.0, 60.0, ALERT_DISTANCE_SECONDS - 1, ALERT_DISTANCE_SECONDS, ALERT_DISTANCE_SECONDS + 60]
    alerts = [at(seconds) for seconds in times]
    assert [is_repeated(one, alerts) for one in alerts] == [False, True, True, False, True]


def test_one_that_has_become_worse_is_told_at_once_and_a_milder_one_is_not():
    alerts = [at(0.0, "medium"), at(10.0, "high"), at(20.0, "medium"), at(30.0, "critical"), at(40.0, "high")]
    assert [is_repeated(one, alerts) for one in alerts] == [False, False, True, False, True]


def test_another_check_is_another_alert():
    alerts = [at(0.0), at(1.0, check="disk"), at(2.0)]
    assert [is_repeated(one, alerts) for one in alerts] == [False, False, True]


def test_links_have_addresses_where_there_are_some_but_no_password(run, monkeypatch):
    monkeypatch.setenv(DASHBOARD_VARIABLE, "http://10.0.0.1:8768/?token=abc")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://user:secret@mlflow.example/base/")
    monkeypatch.setattr(links, "_experiment", lambda run_id: "7")
    found = {link.name: link.target for link in messages.links_of(run)}
    assert found == {
        "Dashboard": "http://10.0.0.1:8768/?run=a+run",
        "MLflow run": f"https://mlflow.example/base/#/experiments/7/runs/{MLFLOW_RUN}?workflowType=machine_learning",
    }
