"""What the gate does about a training that is broken: real trainings, each broken in its own way."""

import dataclasses

import mlflow
import pytest
import torch

import tasks.training
from flows.stage1 import stage1
from rlcore.conversion.evaluator import Evaluator
from rlcore.files import read_json
from rlcore.learning.agent import Checkpoint
from rlcore.learning.env import LogoVecEnv
from rlcore.run_folder import RunFolder
from tests.flows.conftest import mlflow_run
from tests.flows.processes import other_files, prepare


@pytest.fixture
def train(mlruns, prefect, run):
    """Trains a run of that name from the prepared policy on; gives its folder and the flow's state."""

    def begun(name, config=run.config):
        folder = RunFolder(mlruns / "stage1" / name)
        prepare(folder, run.folder)
        return folder, stage1(config, name, return_state=True)

    return begun


def decisions(folder):
    return [(verdict.episode, verdict.decision, verdict.rollbacks) for verdict in folder.verdicts()]


def history(name, key):
    return [(m.step, m.value) for m in mlflow.MlflowClient().get_metric_history(mlflow_run(name).info.run_id, key)]


@pytest.fixture
def a_weight_breaks_once(monkeypatch):
    real = tasks.training.train_segment

    def breaking(checkpoint, *arguments):
        if checkpoint.episode == 45 and not checkpoint.rollbacks:
            broken = {name: tensor.clone() for name, tensor in checkpoint.policy.items()}
            broken["value_net.bias"][0] = torch.nan
            checkpoint = dataclasses.replace(checkpoint, policy=broken)
        return real(checkpoint, *arguments)

    monkeypatch.setattr(tasks.training, "train_segment", breaking)


def test_after_a_weight_that_is_no_number_it_goes_back_and_on(train, a_weight_breaks_once, run):
    folder, state = train("broken weight")
    assert state.is_completed()
    assert decisions(folder)[:2] == [(30, "continue", 0), (45, "roll_back", 1)]
    assert decisions(folder)[-1][::2] == (60, 1)
    kept = Checkpoint.load(folder.emergency(45, 0))
    assert kept.policy["value_net.bias"].isnan().all()
    # the last good checkpoint is the validated one, not the one of the half chunk
    [rollback] = folder.journal.read("rollback")
    assert (rollback["number"], rollback["episode"]) == (1, 30)
    assert "value_net.bias is not finite" in rollback["reason"]
    assert [Checkpoint.load(folder.checkpoint(episode)).rollbacks for episode in (0, 30, 60)] == [0, 1, 1]
    assert [rollout.episode for rollout in folder.rollouts()] == list(range(5, 61, 5))


def test_the_second_time_learns_at_half_the_rate_and_explores_anew(run):
    first, again = (
        history("broken weight", "train/learning_rate"),
        history("broken weight", "train-rollback1/learning_rate"),
    )
    assert [step for step, _ in first] == list(range(5, 46, 5))
    assert [step for step, _ in again] == list(range(35, 61, 5))
    straight = dict(history("tiny", "train/learning_rate"))
    assert [value for _, value in again] == pytest.approx([straight[step] / 2 for step, _ in again])
    rewards = dict(history("broken weight", "episode/reward"))
    assert any(
        rewards[step] != value for step, value in history("broken weight", "episode-rollback1/reward") if step < 46
    )


def test_the_report_tells_what_happened(mlruns, run):
    report = read_json(mlruns / "stage1" / "broken weight" / "stage1_final_report.json")
    assert "roll_back" in {verdict["decision"] for verdict in report["verdicts"]}
    page = (mlruns / "stage1" / "broken weight" / "report.html").read_text(encoding="utf-8")
    assert "value_net.bias is not finite" in page
    assert mlflow_run("broken weight").data.tags["stage1.rollbacks"] == "1"


def rejected(folder, state, reason):
    assert (state.name, state.is_failed()) == ("Rejected", True)
    assert [(decision, rollbacks) for _, decision, rollbacks in decisions(folder)] == [
        ("roll_back", 1),
        ("roll_back", 2),
        ("failure", 2),
    ]
    assert reason in state.message
    assert "after 2 rollbacks" in state.message
    assert len(list((folder.path / "emergency").glob("attempt-*.pt"))) == 3
    assert folder.finished
    assert mlflow_run(folder.name).info.status == "FAILED"
    # what there is is judged and told all the same
    assert folder.validation("test").episode == 0
    assert reason in (folder.path / "report.html").read_text(encoding="utf-8")


def test_a_constant_reward_is_rejected_after_two_rollbacks(train, monkeypatch):
    real = LogoVecEnv._reward
    monkeypatch.setattr(LogoVecEnv, "_reward", lambda *arguments: 0.0 * real(*arguments) + 1.0)
    folder, state = train("constant reward")
    rejected(folder, state, "the reward is the same whatever is chosen")


class TimingOut(Evaluator):
    """Its workers never answer in time, and it remembers nothing."""

    def __init__(self, workers):
        super().__init__(1, time_limit_seconds=1e-4)

    def remember(self, known):
        pass


def test_workers_that_always_time_out_are_rejected_after_two_rollbacks(train, monkeypatch):
    monkeypatch.setattr(tasks.training, "Evaluator", TimingOut)
    folder, state = train("timing out")
    rejected(folder, state, "of the traces failed")
    [first, *_] = folder.journal.read("rollout")
    assert first["rollout"]["failures"] == {"timeout": first["rollout"]["traces"]}
    assert history("timing out", "episode/failed_timeout")


@pytest.fixture
def hurried(train, run):
    """A run that has no time at all, then is gone on with; its folder, and the two states."""
    hasty = run.config.model_copy(update={"max_training_time_hours": 1e-9})
    folder, first = train("hurried", hasty)
    report = (folder.path / "report.html").read_text(encoding="utf-8")
    status = mlflow_run("hurried").info.status
    return folder, first, report, status, stage1(run.config, "hurried", return_state=True)


def test_a_run_that_is_out_of_time_makes_its_report_and_can_be_gone_on_with(hurried, run):
    folder, first, report, status, last = hurried
    assert (first.name, first.is_completed()) == ("Out of time", True)
    assert status == "KILLED"
    assert "hours have passed" in report
    assert last.name == run.state.name
    assert folder.finished
    assert mlflow_run("hurried").info.status == "FINISHED"
    straight = [decision for _, decision, _ in decisions(run.folder)]
    assert [decision for _, decision, _ in decisions(folder)] == ["out_of_time", *straight]
    # a test of an earlier best model is not kept
    assert other_files(folder, run.folder) == ["stage1_final_report.json"]
