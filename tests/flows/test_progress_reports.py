"""Reports of an hour, with a very short hour: files, journal, Prefect and MLflow."""

import html
import time

import mlflow
import pytest
from prefect.client.orchestration import get_client

from flows.stage1 import stage1
from rlcore.files import read_json
from rlcore.run_folder import RunFolder
from tests.flows.conftest import Finished, mlflow_run, tiny_config
from tests.flows.processes import prepare


@pytest.fixture(scope="module")
def hourly(mlruns, run):
    config = tiny_config(report_interval_minutes=0.001, target_episodes=30, comparison_traces=0)
    folder = RunFolder(mlruns / "stage1" / "hourly")
    prepare(folder, run.folder)
    state = stage1(config, "hourly", return_state=True)
    return Finished(folder, config, state, mlflow_run("hourly"))


def test_each_rollout_has_its_report(hourly):
    reports = hourly.folder.journal.read("report")
    assert [report["episode"] for report in reports] == [rollout.episode for rollout in hourly.folder.rollouts()]
    assert len(reports) > 3
    for report in reports:
        content = read_json(hourly.folder.path / report["files"][0])
        assert content["episode"] == report["episode"]
        assert content["episodes_since"] == hourly.folder.rollouts()[0].episodes


def test_prefect_has_an_artifact_and_an_event_for_each(hourly):
    flow_run_id = hourly.state.state_details.flow_run_id
    reports = hourly.folder.journal.read("report")
    asked = {"filter": {"event": {"name": ["stage1.report"]}}, "limit": 50}
    with get_client(sync_client=True) as client:
        kept = [a for a in client.read_artifacts(limit=200) if a.flow_run_id == flow_run_id]
        texts = [artifact.data for artifact in kept if artifact.key == "stage1-hourly-report"]
        for _ in range(40):  # the server writes events down some seconds after it took them
            events = client.request("POST", "/events/filter", json=asked).json()["events"]
            told = [event for event in events if event["resource"]["prefect.resource.id"] == "stage1.run.hourly"]
            if len(told) >= len(reports):
                break
            time.sleep(0.5)
    assert len(texts) == len(reports)
    assert any("# hourly: episode 30 of 30 (100%)" in text for text in texts)
    assert sorted(event["payload"]["episode"] for event in told) == [report["episode"] for report in reports]
    assert all(event["payload"]["message"].startswith("episode ") for event in told)


def test_mlflow_has_the_files(hourly):
    items = mlflow.MlflowClient().list_artifacts(hourly.mlflow_run.info.run_id, "reports")
    wanted = {name for report in hourly.folder.journal.read("report") for name in report["files"]}
    assert {item.path for item in items} == wanted


def test_the_progress_report_has_the_timeline_of_the_final_one(hourly):
    progress = read_json(hourly.folder.path / "stage1_progress_report.json")
    final = read_json(hourly.folder.path / "stage1_final_report.json")
    assert [entry["verdict"] for entry in progress["timeline"]] == final["verdicts"]
    assert [m["name"] for m in progress["milestones"]] == [m.name for m in hourly.folder.milestones()]
    assert [v["gain"] for v in progress["validations"]] == [
        v["breakdown"]["simple"]["gain"] for v in final["validations"]
    ]
    page = html.unescape((hourly.folder.path / "report.html").read_text(encoding="utf-8"))
    assert [milestone for milestone in hourly.folder.milestones() if milestone.message not in page] == []
