"""MLflow, on a real temporary SQLite store."""

import json
import math
import sqlite3
import subprocess
import sys
from contextlib import closing

import mlflow
import numpy as np
import pytest
from PIL import Image

from rlcore.data.dataset_files import manifest
from rlcore.judging.searchers import PLAIN_SEARCHER
from rlcore.judging.validation import run_searcher
from rlcore.learning.agent import Agent
from tasks import metrics, tracking
from tasks.logged_models import log_model
from tests.rlcore.made import rollout


@pytest.fixture(scope="module")
def mlruns(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mlruns with a space")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        before = mlflow.get_tracking_uri()
        tracking.use_store(folder)
        yield folder
        mlflow.set_tracking_uri(before)


@pytest.fixture(scope="module")
def run_id(mlruns, config):
    return tracking.start_run(mlruns / "stage1" / "a run", config)


def client():
    return mlflow.MlflowClient()


def history(run_id, key):
    return [(metric.step, metric.value) for metric in client().get_metric_history(run_id, key)]


def artifacts(run_id, folder=None):
    return sorted(item.path for item in client().list_artifacts(run_id, folder))


def test_the_store_is_made_once(mlruns):
    experiment = tracking.use_store(mlruns)
    assert tracking.use_store(mlruns) == experiment
    assert [found.name for found in client().search_experiments() if found.name != "Default"] == ["stage1"]
    assert mlflow.get_tracking_uri() == f"sqlite:///{mlruns / 'mlflow.db'}"


def test_the_store_can_be_read_while_it_is_written(mlruns):
    with closing(sqlite3.connect(mlruns / "mlflow.db")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_artifacts_are_kept_beside_the_store(mlruns):
    experiment = client().get_experiment_by_name("stage1")
    assert experiment.artifact_location == (mlruns / "artifacts").as_uri()


def test_another_server_is_used_where_the_environment_names_one(mlruns, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'elsewhere.db'}")
    try:
        tracking.use_store(tmp_path / "own")
        assert (tmp_path / "elsewhere.db").exists()
        assert not (tmp_path / "own" / "mlflow.db").exists()
    finally:
        monkeypatch.delenv("MLFLOW_TRACKING_URI")
        tracking.use_store(mlruns)


def test_two_processes_may_make_the_store_at_once(tmp_path):
    code = (
        "import sys; from pathlib import Path; from tasks import tracking\n"
        "sys.stdin.readline(); print(tracking.use_store(Path(sys.argv[1])))\n"
    )
    start = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    both = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "new")], **start) for _ in range(2)]
    for process in both:  # both have imported MLflow when the first is told to go
        process.stdin.write("go\n")
        process.stdin.flush()
    results = [(process.communicate(timeout=60), process.returncode) for process in both]
    assert [code for _, code in results] == [0, 0], results
    assert len({out for (out, _), _ in results}) == 1


@pytest.mark.parametrize(
    ("nested", "expected"),
    [
        ({}, {}),
        ({"a": 1, "b": {"c": 2.5, "d": {"e": "x"}}}, {"a": 1, "b.c": 2.5, "b.d.e": "x"}),
        ({"a": [1, "two"], "b": {}, "c": None, "d": True}, {"a": '[1, "two"]', "b": "{}", "c": None, "d": True}),
    ],
)
def test_nested_settings_get_dotted_names(nested, expected):
    assert tracking.flat(nested) == expected


def test_a_run_has_all_settings_as_params(run_id, config):
    kept = client().get_run(run_id)
    expected = tracking.flat(config.model_dump(mode="json"))
    assert kept.data.params == {key: str(value) for key, value in expected.items()}
    assert kept.data.params["ppo.learning_rate"] == str(config.ppo.learning_rate)
    assert json.loads(kept.data.params["tuned"]) == list(config.tuned)
    assert (kept.info.run_name, kept.info.status) == ("a run", "RUNNING")
    assert {"stage1.host", "stage1.pid", "mlflow.note.content", "version.vtracer"} <= kept.data.tags.keys()


@pytest.mark.parametrize("status", ["FINISHED", "FAILED", "KILLED"])
def test_a_run_ends_with_its_status(mlruns, config, status):
    run_id = tracking.start_run(mlruns / "stage1" / "short", config)
    tracking.finish_run(run_id, status)
    ended = client().get_run(run_id)
    assert ended.info.status == status
    assert ended.info.end_time is not None


def test_what_is_not_a_finite_number_is_left_out(run_id):
    values = {"m/a": 1.5, "m/nan": math.nan, "m/inf": -math.inf, "m/none": None, "m/b": True}
    tracking.log_metrics(run_id, values, 30)
    tracking.log_metrics(run_id, {"m/a": 2.5}, 60)
    assert history(run_id, "m/a") == [(30, 1.5), (60, 2.5)]
    assert history(run_id, "m/b") == [(30, 1.0)]
    assert not {"m/nan", "m/inf", "m/none"} & client().get_run(run_id).data.metrics.keys()


def test_more_metrics_than_a_batch_holds(run_id):
    tracking.log_metrics(run_id, {f"many/{index}": float(index) for index in range(1001)}, 1)
    kept = client().get_run(run_id).data.metrics
    assert [kept[f"many/{index}"] for index in range(1001)] == list(range(1001))


def test_what_has_a_value_at_a_step_is_told_from_what_has_none(run_id):
    tracking.log_metrics(run_id, {"u/a": 1.0, "u/b": 2.0}, 10)
    tracking.log_metrics(run_id, {"u/a": 1.5}, 20)
    metrics = {"u/a": 9.0, "u/b": 9.0, "u/c": 9.0}
    assert tracking.unlogged(run_id, metrics, 10) == {"u/c": 9.0}
    assert tracking.unlogged(run_id, metrics, 20) == {"u/b": 9.0, "u/c": 9.0}
    assert tracking.unlogged(run_id, metrics, 30) == metrics


def test_a_folders_run_is_found_again_and_goes_on(mlruns, config):
    folder = mlruns / "stage1" / "with 'quotes' and space"
    assert tracking.find_run(folder) is None
    run_id = tracking.start_run(folder, config)
    assert tracking.find_run(folder) == run_id
    assert tracking.RunningRun(run_id, folder) in tracking.running_runs()
    tracking.finish_run(run_id, "KILLED")
    assert run_id not in {run.run_id for run in tracking.running_runs()}
    assert tracking.reopen_run(run_id, config) == run_id
    assert client().get_run(run_id).info.status == "RUNNING"


def test_params_that_a_kill_kept_from_being_logged_are_logged_when_it_goes_on(mlruns, config):
    experiment = tracking.use_store(mlruns)
    run_id = client().create_run(experiment, run_name="half begun").info.run_id
    client().log_param(run_id, "seed", str(config.seed))
    tracking.reopen_run(run_id, config)
    params = tracking.flat(config.model_dump(mode="json"))
    assert client().get_run(run_id).data.params == {key: str(value) for key, value in params.items()}


def test_a_model_is_logged_once_and_half_a_model_is_made_anew(run_id, start, tmp_path):
    path = start.save(tmp_path / "policy.pt")
    experiment = client().get_run(run_id).info.experiment_id
    half = client().create_logged_model(experiment, name="ppo-ep00777", source_run_id=run_id)
    whole = log_model(run_id, path, 777)
    assert whole != half.model_id
    assert log_model(run_id, path, 777) == whole
    found = client().search_logged_models([experiment], f"source_run_id = '{run_id}' AND name = 'ppo-ep00777'")
    assert [model.model_id for model in found] == [whole]


def test_no_metrics_are_no_mistake(run_id):
    tracking.log_metrics(run_id, {"nothing": math.nan}, 1)


def test_a_rollouts_figures(run_id):
    told = rollout(1.25, 50, train={"value_loss": 0.5, "approx_kl": math.nan})
    tracking.log_metrics(run_id, metrics.rollout_metrics(told, steps=8), 50)
    for key, value in {
        "episode/gain": 1.25,
        "episode/reward": 1.25,
        "episode/first_gain": 0.5,
        "episode/quality": 0.9,
        "episode/bytes_ratio": 0.8,
        "episode/ssim_improvement": 0.5,
        "episode/success_rate": 0.25,
        "episode/length": 8.0,
        "episode/velocity": 2.0,
        "episode/failed_traces": 0.0,
        "train/value_loss": 0.5,
    }.items():
        assert history(run_id, key) == [(50, value)], key
    assert history(run_id, "train/approx_kl") == []


def test_tags_are_put_under_one_name(run_id):
    tracking.tag(run_id, verdict="continue: fine")
    assert client().get_run(run_id).data.tags["stage1.verdict"] == "continue: fine"


def test_a_validations_figures_and_table(run_id, held_out, config, evaluator):
    validation = run_searcher(PLAIN_SEARCHER, held_out, 2, config, evaluator, episode=90)
    headline = validation.headline()
    tracking.log_metrics(run_id, metrics.summary_metrics("validation", headline), 90)
    tracking.log_metrics(run_id, metrics.reading_metrics(validation, "validation"), 90)
    for _ in range(2):  # MLflow would append a second table to the first
        tracking.log_logos(run_id, validation, "validation")
    for name in ("quality", "gain", "ssim_improvement", "success_rate", "bytes_ratio", "convergence_score", "logos"):
        assert history(run_id, f"validation/{name}") == [(90, getattr(headline, name))]
    # no reference, no regret
    assert history(run_id, "validation/regret") == []
    opaque = validation.summary(has_alpha=False)
    assert history(run_id, "validation-opaque/quality") == [(90, opaque.quality)]
    assert artifacts(run_id, "validation") == ["validation/episode-000090.json"]
    experiment = client().get_run(run_id).info.experiment_id
    table = client().load_table(experiment, "validation/episode-000090.json", [run_id])
    assert table["name"].tolist() == [subject.name for subject in held_out]
    assert table["quality"].tolist() == pytest.approx([result.quality for result in validation.results])
    assert json.loads(table["gains"][0]) == [0.0, 0.0]


def test_files_and_images(run_id, tmp_path):
    for name in ("one.txt", "two.txt"):
        (tmp_path / name).write_text(name)
    tracking.log_files(run_id, [tmp_path / "one.txt"])
    tracking.log_files(run_id, [tmp_path / "two.txt"], "deep/folder")
    for _ in range(2):
        tracking.log_image(run_id, np.full((8, 12, 3), (255, 0, 0), dtype=np.uint8), "logo 1", 30)
    assert "one.txt" in artifacts(run_id)
    assert artifacts(run_id, "deep/folder") == ["deep/folder/two.txt"]
    [png] = [path for path in artifacts(run_id, "images") if path.endswith(".png")]
    assert png.startswith("images/logo 1+step+30+")
    image = Image.open(client().download_artifacts(run_id, png, str(tmp_path)))
    assert (image.size, image.convert("RGB").getpixel((0, 0))) == ((12, 8), (255, 0, 0))


def test_the_data_set_is_an_input_of_the_run(run_id, dataset):
    tracking.log_dataset(run_id, manifest(dataset), source="none")
    [logged] = client().get_run(run_id).inputs.dataset_inputs
    assert logged.dataset.name == f"logos-{len(dataset.subjects)}"
    columns = json.dumps(json.loads(logged.dataset.schema))
    assert all(name in columns for name in ("digest", "split", "category", "plain.quality", "features.edge_density"))
    assert {tag.value for tag in logged.tags} == {"training"}
    # the run is reopened to log it, and must go on running
    assert mlflow.active_run() is None


def test_a_model_is_linked_to_its_validation(run_id, start, held_out, config, evaluator, tmp_path):
    path = start.save(tmp_path / "policy.pt")
    model_id = log_model(run_id, path, 120)
    validation = run_searcher(Agent(start), held_out, 3, config, evaluator, episode=120)
    figures = metrics.summary_metrics("validation", validation.headline())
    tracking.log_metrics(run_id, figures, 120, model_id)
    model = mlflow.get_logged_model(model_id)
    assert (model.name, model.source_run_id) == ("ppo-ep00120", run_id)
    figures = {metric.key: metric.value for metric in model.metrics}
    assert figures["validation/gain"] == pytest.approx(validation.headline().gain)
    # linking the figures must not add them to the run a second time
    assert [value for step, value in history(run_id, "validation/gain") if step == 120] == [validation.headline().gain]


def test_a_run_goes_on_running_whatever_is_logged(mlruns, config, start, dataset, tmp_path):
    run_id = tracking.start_run(mlruns / "stage1" / "goes on running", config)
    tracking.log_dataset(run_id, manifest(dataset), "none")
    assert client().get_run(run_id).info.status == "RUNNING"
    log_model(run_id, start.save(tmp_path / "policy.pt"), 0)
    assert client().get_run(run_id).info.status == "RUNNING"
    tracking.finish_run(run_id, "KILLED")


def test_runs_of_other_machines_are_not_among_the_running(mlruns, config):
    run_id = tracking.start_run(mlruns / "stage1" / "elsewhere", config)
    assert run_id in {run.run_id for run in tracking.running_runs()}
    client().set_tag(run_id, "stage1.host", "another machine")
    assert run_id not in {run.run_id for run in tracking.running_runs()}
