"""The flow ``evaluate``: the champion against the baselines, and the alert where it got worse."""

import json
import time
from dataclasses import fields
from pathlib import Path

import mlflow
import pytest
from PIL import Image
from prefect.artifacts import Artifact
from prefect.client.orchestration import get_client

from flows.evaluate import evaluate
from rlcore.data.dataset_files import load_dataset
from rlcore.files import read_json
from rlcore.records import Alert
from tasks import registry
from tasks.evaluation import EXPERIMENT
from tasks.registration import registered_version

BASELINES = ["plain VTracer", "cleaned plain", "best single setting", "portfolio"]


@pytest.fixture
def champion(run, no_champion):
    version = registered_version(run.folder)
    registry.crown(version)
    return version


def told_of(name):
    """The run's events that Prefect's server has."""
    asked = {"filter": {"resource": {"id": [f"stage1.run.{name}"]}, "event": {"name": ["stage1.alert"]}}}
    with get_client(sync_client=True) as client:
        return client.request("POST", "/events/filter", json=asked).json()["events"]


def mlflow_run(name):
    client = mlflow.MlflowClient()
    experiment = client.get_experiment_by_name(EXPERIMENT)
    [found] = client.search_runs([experiment.experiment_id], f"attributes.run_name = '{name}'")
    return found


def test_the_champion_on_its_own_test_split(run, champion):
    state = evaluate(workers=0, success_rate_threshold=0.0, return_state=True)
    assert state.is_completed()
    content = read_json(state.result())
    assert (content["version"], content["source"], content["alert"]) == (champion, "none, test split", None)
    assert [row["searcher"] for row in content["rows"]] == ["agent", *BASELINES]
    test = run.folder.validation("test")
    gains = {result["digest"]: result["gain"] for result in content["validations"][0]["results"]}
    assert gains == {result.digest: result.gain for result in test.of()}
    assert content["rows"][0]["gain"] == pytest.approx(test.headline().gain)
    portfolio = run.folder.baselines("test")[-1].headline()
    assert content["rows"][-1]["success_rate"] == pytest.approx(portfolio.success_rate)
    kept = mlflow_run(content["name"])
    assert kept.info.status == "FINISHED"
    assert kept.data.metrics["evaluation-agent/gain"] == pytest.approx(test.headline().gain)
    assert kept.data.tags["stage1.version"] == champion
    assert "evaluation.json" in {item.path for item in mlflow.MlflowClient().list_artifacts(kept.info.run_id)}
    table = Artifact.get("stage1-evaluation")
    assert [row["searcher"] for row in json.loads(table.data)] == ["agent", *BASELINES]
    assert told_of(content["name"]) == []


def test_a_folder_and_an_alert(run, champion, tmp_path):
    dataset = load_dataset(run.folder.data)
    few = sorted(run.folder.validation("test").of(), key=lambda result: result.success)[:3]
    assert not few[0].success
    chosen = [subject for subject in dataset.of("test") if subject.logo.digest in {result.digest for result in few}]
    for subject in (*chosen, *dataset.of("train")[:2]):
        Image.fromarray(subject.logo.rgba).save(tmp_path / f"{subject.logo.digest}.png")
    state = evaluate(images=str(tmp_path), workers=0, success_rate_threshold=1.0, return_state=True)
    content = read_json(state.result())
    assert content["excluded"] == 2  # it was trained on them
    assert content["rows"][0]["logos"] == 3
    assert (state.is_completed(), state.name) == (True, "Under threshold")
    for _ in range(40):
        if found := told_of(content["name"]):
            break
        time.sleep(0.25)
    [event] = found
    payload, resource = event["payload"], event["resource"]
    assert Alert(**{field.name: payload[field.name] for field in fields(Alert)}) == Alert(**content["alert"])
    assert (payload["severity"], payload["threshold"]) == ("high", 1.0)
    assert payload["measured"] == content["rows"][0]["success_rate"]
    assert (resource["stage1.check"], resource["stage1.severity"]) == ("champion", "high")
    assert resource["stage1.repeated"] == "false"
    assert payload["subject"].startswith(f"[stage1] {content['name']}: high alert: the success rate of models:/")
    for form in ("text", "plain", "html"):
        assert "gain ahead of portfolio" in payload[form]
        assert "train anew" in payload[form]
        assert mlflow_run(content["name"]).info.run_id in payload[form]


def test_it_is_deployed():
    assert "entrypoint: flows/evaluate.py:evaluate" in Path("prefect.yaml").read_text()
