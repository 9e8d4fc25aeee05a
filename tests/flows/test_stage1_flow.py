"""What a run of the whole flow leaves in its folder, in MLflow and in Prefect."""

import json
import re
import time
from io import StringIO
from pathlib import Path

import mlflow
import pytest
import torch
from PIL import Image
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from rich.console import Console

from flows.running import run_stage1
from flows.stage1 import stage1
from rlcore.conversion.evaluator import Evaluator
from rlcore.data.dataset_files import load_dataset
from rlcore.data.generated import generate_logos
from rlcore.errors import ConfigError, DataError
from rlcore.files import read_json
from rlcore.judging.validation import run_searcher
from rlcore.learning.agent import Agent, Checkpoint
from rlcore.learning.library import Library
from rlcore.learning.trace_table import TraceTable
from rlcore.learning.training import untrained
from rlcore.parameters import Parameters
from rlcore.quality_assurance import best_validation
from rlcore.run_folder import RunFolder
from tasks.quality import STATE_NAMES
from tests.flows.conftest import mlflow_run, tiny_config

EPISODES = [0, 30, 60]
KEPT = [0, 30, 45, 60]
"""Checkpoints: every chunk's and the last two."""
BASELINES = ["plain VTracer", "cleaned plain", "Method 1", "best single setting", "portfolio"]


@pytest.fixture(scope="session")
def again(mlruns, prefect, run):
    """The same run with other workers, as the command line makes it; with what it printed on 80 columns."""
    output = StringIO()
    console = Console(file=output, width=80)
    report, passed = run_stage1(tiny_config(workers=0), "again", console, quiet=False)
    assert passed
    return RunFolder(report.parent), output.getvalue()


def history(run, key):
    metrics = mlflow.MlflowClient().get_metric_history(run.mlflow_run.info.run_id, key)
    return {metric.step: metric.value for metric in metrics} if _once(metrics) else None


def _once(metrics):
    """Every step has one value: what is logged twice makes charts jump."""
    steps = [metric.step for metric in metrics]
    return len(steps) == len(set(steps))


def artifacts(run, folder=None):
    return {item.path for item in mlflow.MlflowClient().list_artifacts(run.mlflow_run.info.run_id, folder)}


def prefect_run(state):
    """Prefect's flow run, with its task runs in the order in which they began.

    Their states come to the server as events, some time after the flow's own: waited for, at most half a minute.
    """
    with get_client(sync_client=True) as client:
        flow_run_id = state.state_details.flow_run_id
        chosen = FlowRunFilter(id=FlowRunFilterId(any_=[flow_run_id]))
        for _ in range(60):
            tasks = client.read_task_runs(flow_run_filter=chosen, limit=200)
            if tasks and all(task.state.is_final() for task in tasks):
                break
            time.sleep(0.5)
        return client.read_flow_run(flow_run_id), sorted(tasks, key=lambda task: task.start_time)


def test_every_file_is_there(run):
    files = {path.relative_to(run.folder.path).as_posix() for path in run.folder.path.rglob("*") if path.is_file()}
    expected = {
        "config.json",
        "journal.jsonl",
        "data/manifest.json",
        "data/logos.npz",
        "library.json",
        "table.npz",
        "comparison.json",
        "comparison.html",
        "best_model.pt",
        "stage1_final_report.json",
        "stage1_progress_report.json",
        "stage1_summary.txt",
        "stage1_training_progress.png",
        "report.html",
        "model_card.md",
        "validations/test.json",
        *(f"validations/baseline-{split}-{index}.json" for split in ("validation", "test") for index in range(5)),
        *(f"validations/episode-{episode:06d}.json" for episode in EPISODES),
        *(f"checkpoints/episode-{episode:06d}.pt" for episode in KEPT),
        *(f"samples/episode-{episode:06d}-{number}.png" for episode in EPISODES for number in range(1, 5)),
        "run.json",
        f"delivered/mlflow-{run.mlflow_run.info.run_id}.json",
        "delivered/prefect.json",
        ".lock",
    }
    assert expected <= files
    assert {name for name in files - expected if not name.startswith("gallery/")} == set()
    assert not [name for name in files if ".part" in name]


def test_the_config_and_every_checkpoint_agree(run):
    assert run.folder.config() == run.config
    for episode in KEPT:
        checkpoint = Checkpoint.load(run.folder.checkpoint(episode))
        assert (checkpoint.episode, checkpoint.rollbacks, checkpoint.config) == (episode, 0, run.config)


def test_the_library_is_found_on_training_logos_and_kept_in_every_checkpoint(run):
    library = Library.from_dict(read_json(run.folder.library))
    table = TraceTable.load(run.folder.table)
    training = load_dataset(run.folder.data).of("train", run.config.category)
    assert 0 < len(library.settings) <= run.config.library_size
    assert 0 < len(library.moves) <= run.config.library_moves
    assert table.quality.shape == (len(library.settings), len(training))
    for episode in KEPT:
        checkpoint = Checkpoint.load(run.folder.checkpoint(episode))
        assert checkpoint.library == library
        assert checkpoint.experience.digests == tuple(subject.logo.digest for subject in training)
        assert (checkpoint.experience.table.quality == table.quality).all()


def test_the_first_policy_has_been_started_warm(run):
    first = Checkpoint.load(run.folder.checkpoint(0))
    subjects = load_dataset(run.folder.data).of("train", run.config.category)
    cold = untrained(first.config, first.library, first.experience.table, subjects)
    moved = {name for name, tensor in cold.policy.items() if not torch.equal(tensor, first.policy[name])}
    assert moved == {name for name in cold.policy if name.startswith(("mlp_extractor.critic", "value_net"))}


def test_traces_of_the_record_are_not_made_again_in_training(run):
    chunks = {entry["chunk"]: entry for entry in run.folder.journal.read("traces")}
    assert set(chunks) == {0, 1, 2}
    for chunk in (1, 2):
        assert chunks[chunk]["asked"] == 90
        assert chunks[chunk]["remembered"] > 30


def test_the_best_single_setting_is_the_portfolios_first(run):
    library = Library.from_dict(read_json(run.folder.library))
    portfolio = library.portfolio(run.config.size_weight)
    *_, single, several = run.folder.baselines("test")
    for result in single.results:
        assert result.parameters in (None, portfolio[0].as_dict())
    for one, result in zip(single.results, several.results, strict=True):
        assert len(result.gains) == 3
        assert result.gains[0] == one.gain
        assert result.parameters is None or Parameters(**result.parameters) in portfolio[:3]


def test_every_searcher_is_compared_with_the_best_model(run):
    table = run.folder.comparison()
    test = run.folder.validation("test")
    assert [result.gains for result in table.agent.results] == [result.gains for result in test.results]
    assert table.budgets == (1, 2, 3)
    assert max(standing.traces for standing in table.standings) <= max(run.config.reference_traces, 6)
    key = "comparison-portfolio-3/gain"
    assert list(history(run, key).values()) == [pytest.approx(table.standing("portfolio", 3).summary.gain)]


def test_the_best_model_is_that_of_the_best_validation(run):
    best = best_validation(run.folder.validations())
    assert run.folder.best_model.read_bytes() == run.folder.checkpoint(best.episode).read_bytes()
    assert run.folder.validation("test").episode == best.episode


def test_validations_are_of_the_held_out_logos(run):
    dataset = load_dataset(run.folder.data)
    splits = {split: {s.logo.digest for s in dataset.of(split)} for split in ("train", "validation", "test")}
    assert not splits["train"] & (splits["validation"] | splits["test"])
    assert not splits["validation"] & splits["test"]
    assert [v.episode for v in run.folder.validations()] == EPISODES
    for validation in run.folder.validations():
        assert {result.digest for result in validation.results} == splits["validation"]
        assert validation.budget == 3
    for validation in (run.folder.validation("test"), *run.folder.baselines("test")):
        assert {result.digest for result in validation.results} == splits["test"]
        assert all(result.regret is not None for result in validation.of())
    names = [validation.searcher for validation in run.folder.baselines("test")]
    assert names == BASELINES
    assert [validation.budget for validation in run.folder.baselines("test")] == [1, 1, 1, 1, 3]


def test_the_test_can_be_repeated_from_what_was_kept(run):
    kept = run.folder.validation("test")
    agent = Agent(Checkpoint.load(run.folder.best_model), run.config)
    references = {result.digest: result.gain + result.regret for result in kept.results}
    with Evaluator() as evaluator:
        dataset = load_dataset(run.folder.data)
        repeated = run_searcher(agent, dataset.of("test"), 3, run.config, evaluator, references, kept.episode)
    for old, new in zip(kept.results, repeated.results, strict=True):
        assert (new.name, new.gains, new.parameters) == (old.name, old.gains, old.parameters)
        assert new.regret == pytest.approx(old.regret)


def test_rollouts_and_verdicts_are_in_the_journal(run):
    rollouts = run.folder.rollouts()
    assert rollouts[-1].episode == 60
    assert sum(rollout.episodes for rollout in rollouts) == 60
    assert [verdict.episode for verdict in run.folder.verdicts()] == [30, 60]
    events = {entry["event"] for entry in run.folder.journal.read()}
    assert {
        "started",
        "data",
        "episode",
        "checkpoint",
        "validation",
        "milestone",
        "system",
        "traces",
        "ended",
    } <= events
    assert run.folder.journal.read("ended")[0]["status"] == "FINISHED"
    assert {
        "data",
        "library",
        "warm start",
        "training",
        "validation",
        "test",
        "comparison",
        "report",
    } <= run.folder.seconds().keys()


def test_the_mlflow_run_is_finished_with_its_params(run):
    assert run.mlflow_run.info.status == "FINISHED"
    params = run.mlflow_run.data.params
    assert (params["seed"], params["target_episodes"]) == ("0", "60")
    assert params["ppo.epochs"] == str(run.config.ppo.epochs)
    assert run.mlflow_run.data.tags["stage1.verdict"].startswith(run.folder.verdicts()[-1].decision)


def test_episode_metrics_are_logged_per_rollout(run):
    rollouts = run.folder.rollouts()
    names = ("reward", "gain", "first_gain", "quality", "bytes_ratio", "ssim_improvement", "success_rate")
    for name in names:
        expected = {rollout.episode: pytest.approx(getattr(rollout, name)) for rollout in rollouts}
        assert history(run, f"episode/{name}") == expected
    assert history(run, "episode/length") == {rollout.episode: 3 for rollout in rollouts}
    assert set(history(run, "episode/velocity")) == {rollout.episode for rollout in rollouts}


def test_ppos_losses_are_logged(run):
    rollouts = run.folder.rollouts()
    for name in ("value_loss", "policy_gradient_loss", "approx_kl", "learning_rate"):
        expected = {rollout.episode: pytest.approx(rollout.train[name]) for rollout in rollouts}
        assert history(run, f"train/{name}") == expected


def test_validation_metrics_are_logged_at_each_chunk(run):
    validations = run.folder.validations()
    for name in ("quality", "gain", "ssim_improvement", "success_rate", "bytes_ratio", "regret", "convergence_score"):
        expected = {v.episode: pytest.approx(getattr(v.headline(), name)) for v in validations}
        assert history(run, f"validation/{name}") == expected
    for reading, has_alpha in (("opaque", False), ("transparent", True)):
        expected = {v.episode: pytest.approx(v.summary(has_alpha=has_alpha).gain) for v in validations}
        assert history(run, f"validation-{reading}/gain") == expected
    test = run.folder.validation("test")
    assert history(run, "test/success_rate") == {test.episode: test.headline().success_rate}
    assert set(history(run, "gate/alerts")) == {30, 60}


def test_baselines_are_logged_beside(run):
    for baseline in run.folder.baselines("test"):
        key = f"baseline-test/{baseline.searcher.replace(' ', '_')}/gain"
        assert list(history(run, key).values()) == [pytest.approx(baseline.headline().gain)]


def test_tables_of_logos_are_logged(run):
    tables = {f"validation/episode-{episode:06d}.json" for episode in EPISODES}
    assert artifacts(run, "validation") == tables
    info, client = run.mlflow_run.info, mlflow.MlflowClient()
    for path, validation in zip(sorted(tables), run.folder.validations(), strict=True):
        table = client.load_table(info.experiment_id, path, [info.run_id])
        assert table["digest"].tolist() == [result.digest for result in validation.results]
        assert table["gain"].tolist() == pytest.approx([result.gain for result in validation.results])


def test_files_are_artifacts_and_the_same(run):
    top = {
        "config.json",
        "manifest.json",
        "library.json",
        "comparison.json",
        "comparison.html",
        "journal.jsonl",
        "best_model.pt",
        "stage1_final_report.json",
        "stage1_progress_report.json",
        "stage1_summary.txt",
        "stage1_training_progress.png",
        "report.html",
    }
    assert top <= artifacts(run)
    assert len(artifacts(run, "checkpoints")) == len(KEPT)
    for name in ("report.html", "best_model.pt"):
        local = mlflow.artifacts.download_artifacts(run_id=run.mlflow_run.info.run_id, artifact_path=name)
        assert Path(local).read_bytes() == (run.folder.path / name).read_bytes()


def test_the_logos_are_the_runs_data_set(run):
    [logged] = run.mlflow_run.inputs.dataset_inputs
    manifest = read_json(run.folder.data / "manifest.json")
    assert logged.dataset.name == f"logos-{len(manifest['logos'])}"


def test_every_chunks_policy_is_a_model_with_its_figures(run):
    info = run.mlflow_run.info
    models = mlflow.search_logged_models([info.experiment_id], f"source_run_id = '{info.run_id}'", output_format="list")
    found = {model.name: model for model in models}
    assert sorted(found) == ["ppo-ep00000", "ppo-ep00030", "ppo-ep00060"]
    for validation in run.folder.validations():
        figures = {metric.key: metric.value for metric in found[f"ppo-ep{validation.episode:05d}"].metrics}
        assert figures["validation/convergence_score"] == pytest.approx(validation.headline().convergence_score)
        assert figures["validation/gain"] == pytest.approx(validation.headline().gain)


def test_the_flow_run_ends_in_a_state_named_by_the_gate(run):
    flow_run, _ = prefect_run(run.state)
    last = run.folder.verdicts()[-1]
    assert (flow_run.name, flow_run.state_type.value) == ("stage1 simple seed 0", "COMPLETED")
    assert flow_run.state_name == run.state.name == STATE_NAMES[last.decision]


def test_tasks_read_like_a_story(run):
    _, tasks = prefect_run(run.state)
    assert [task.name for task in tasks] == [
        "prepare data",
        "search settings for the library",
        "search reference gains: validation",
        "baselines on validation",
        "make the policy and start it warm",
        "validate at episode 0",
        "train chunk 1",
        "validate at episode 30",
        "quality gate after chunk 1",
        "train chunk 2",
        "validate at episode 60",
        "quality gate after chunk 2",
        "search reference gains: test",
        "baselines on test",
        "final test",
        "compare with every searcher",
        "final report",
        "register the best model",
        "challenger against champion",
        "decide on the promotion",
    ]
    assert {task.state_type.value for task in tasks} == {"COMPLETED"}
    assert {task.run_count for task in tasks} == {1}


def test_artifacts_in_prefect(run):
    flow_run_id = run.state.state_details.flow_run_id
    with get_client(sync_client=True) as client:
        found = {a.key: a for a in client.read_artifacts(limit=200) if a.flow_run_id == flow_run_id}
    assert {key: artifact.type for key, artifact in found.items()} == {
        "stage1-validation": "table",
        "stage1-summary": "markdown",
        "stage1-training-progress": "image",
    }
    assert (run.folder.path / "stage1_summary.txt").read_text() in found["stage1-summary"].data
    assert str(found["stage1-training-progress"].data).startswith("data:image/png;base64,")
    assert "transparent" in str(found["stage1-validation"].data)


def test_the_reports_figures_are_those_of_the_validations(run):
    report = read_json(run.folder.path / "stage1_final_report.json")
    test = read_json(run.folder.path / "validations" / "test.json")
    assert report["test"] == test
    assert report["breakdown"] == test["breakdown"]
    judged = [result for result in test["results"] if result["category"] == "simple"]
    for name in ("quality", "gain", "ssim_improvement", "bytes_ratio"):
        mean = sum(result[name] for result in judged) / len(judged)
        assert report["headline"][name] == pytest.approx(mean)
    rate = sum(result["success"] for result in judged) / len(judged)
    assert report["target"]["success_rate"] == pytest.approx(rate)
    assert report["headline"]["logos"] == len(judged)
    kept = [read_json(path) for path in sorted((run.folder.path / "validations").glob("episode-*.json"))]
    assert [v["breakdown"] for v in report["validations"]] == [v["breakdown"] for v in kept]
    effect = [one["gain"] - other["gain"] for one, other in zip(kept[-1]["results"], kept[0]["results"], strict=True)]
    assert report["training_effect"]["mean"] == pytest.approx(sum(effect) / len(effect))
    for index, comparison in enumerate(report["comparisons"]):
        baseline = read_json(run.folder.path / "validations" / f"baseline-test-{index}.json")
        assert comparison["searcher"] == baseline["searcher"]
        ahead = [a["gain"] - b["gain"] for a, b in zip(test["results"], baseline["results"], strict=True)]
        assert comparison["gain"]["mean"] == pytest.approx(sum(ahead) / len(ahead))
    assert (report["run_name"], report["trained_episodes"]) == ("tiny", 60)
    assert report["config"] == json.loads(run.config.model_dump_json())


def test_the_report_opens_offline(run):
    page = (run.folder.path / "report.html").read_text()
    # a link to a namespace is a name, not an address
    loads = re.findall(r"""(?:src|href)\s*=\s*["']?(https?:|//|file:)""", page)
    assert loads == []
    assert "<script" not in page
    with Image.open(run.folder.path / "stage1_training_progress.png") as picture:
        assert picture.width > 600


def test_the_same_seed_with_other_workers_gives_the_same_bytes(run, again):
    folder, _ = again
    validations = sorted(path.name for path in (run.folder.path / "validations").iterdir())
    assert len(validations) == 14
    for name in validations:
        assert (folder.path / "validations" / name).read_bytes() == (
            run.folder.path / "validations" / name
        ).read_bytes()
    for name in ("library.json", "table.npz"):
        assert (folder.path / name).read_bytes() == (run.folder.path / name).read_bytes()
    tables = [where.comparison() for where in (run.folder, folder)]
    assert tables[0].standings == tables[1].standings
    ours, theirs = (Checkpoint.load(where.checkpoint(60)) for where in (run.folder, folder))
    assert all(bool((ours.policy[name] == theirs.policy[name]).all()) for name in ours.policy)


def test_references_of_the_same_logos_are_searched_once(run, again):
    folder, _ = again
    cached = list(run.folder.reference_cache.rglob("*.json"))
    assert len(cached) == len({path.name for path in cached})
    finished = run.folder.journal.read("ended")[0]["time"]
    assert all(path.stat().st_mtime < finished + 0.01 for path in cached)
    assert folder.reference_cache == run.folder.reference_cache


def test_the_terminal_shows_the_result_and_where_to_look(again):
    folder, output = again
    table = [line for line in output.splitlines() if line.strip().startswith(("agent ", "best single setting"))]
    assert len(table) == 2
    assert "…" not in output
    test = folder.validation("test").headline()
    for figure in (f"{test.quality:.4f}", f"{test.ssim_improvement:.3f}", f"{test.gain:.3f}"):
        assert figure in table[0]
    assert str(folder.path / "report.html") in output
    assert "interval over 15 logos" in " ".join(output.split())


def test_a_name_is_used_once(mlruns, prefect, run):
    before = (run.folder.path / "journal.jsonl").read_bytes()
    with pytest.raises(ConfigError, match="run 'tiny' exists already"):
        stage1(run.config, "tiny")
    assert (run.folder.path / "journal.jsonl").read_bytes() == before


def test_too_few_logos_stop_the_run_before_any_training(mlruns, prefect, tmp_path):
    for index, logo in enumerate(generate_logos(5, 0, 48)):
        Image.fromarray(logo.rgba).save(tmp_path / f"{index}.png")
    config = tiny_config(images=str(tmp_path), generated_logos=0)
    state = stage1(config, "too few", return_state=True)
    with pytest.raises(DataError, match=r"too few usable logos of category 'simple'.*train \d of 8"):
        state.result()
    folder = RunFolder(mlruns / "stage1" / "too few")
    assert not (folder.path / "checkpoints").exists()
    assert folder.journal.read("ended")[0]["status"] == "FAILED"
    assert mlflow_run("too few").info.status == "FAILED"
    flow_run, tasks = prefect_run(state)
    assert flow_run.state_type.value == "FAILED"
    # trying again would not bring more logos
    assert [(task.name, task.state_type.value, task.run_count) for task in tasks] == [("prepare data", "FAILED", 1)]


def test_every_validation_is_held_against_the_baselines(run):
    baselines = run.folder.baselines("validation")
    assert [baseline.searcher for baseline in baselines] == BASELINES
    entries = {(entry["episode"], entry["baseline"]): entry["gain"] for entry in run.folder.journal.read("comparison")}
    assert set(entries) == {(episode, baseline.searcher) for episode in EPISODES for baseline in baselines}
    for validation in run.folder.validations():
        for baseline in baselines:
            expected = validation.headline().gain - baseline.headline().gain
            assert entries[validation.episode, baseline.searcher]["mean"] == pytest.approx(expected, abs=1e-9)


def test_the_same_sample_logos_are_pictured_at_every_validation(run):
    client = mlflow.MlflowClient()
    images = [
        item.path for item in client.list_artifacts(run.mlflow_run.info.run_id, "images") if item.path.endswith(".png")
    ]
    for number in range(1, 5):
        for episode in EPISODES:
            assert any(f"logo {number}+step+{episode}+" in path for path in images), images
