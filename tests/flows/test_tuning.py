"""``stage1 tune``: a tiny study on drawn logos, taken up again, killed, refused."""

import re
from dataclasses import dataclass
from io import StringIO

import mlflow
import pandas as pd
import pytest
from filelock import FileLock
from optuna.trial import TrialState
from rich.console import Console
from typer.testing import CliRunner

import rlcore.learning.tuning
from flows.cli import USAGE_ERROR, app, main
from flows.tune import tune
from flows.tuning import StudyProgress
from rlcore.config import PPOSettings, Stage1Config, load_config
from rlcore.errors import ConfigError, NonFiniteError
from rlcore.files import read_json
from rlcore.learning.tuning_study import StudyRecord, begin_trial, open_study, record_of
from rlcore.run_folder import RunFolder
from tests.flows.conftest import tiny_config

LIBRARY = {"library_size": 6, "library_searches": 4, "library_traces": 8, "library_moves": 4, "warm_start_updates": 40}
WEIGHTS = ("0.25", "0.5", "2")


def study_config(**values) -> Stage1Config:
    return tiny_config(**{"target_episodes": 20} | LIBRARY | values)


@pytest.fixture(scope="module", autouse=True)
def mlruns(tmp_path_factory):
    """A store of its own: other tests count what is in theirs."""
    folder = tmp_path_factory.mktemp("tuning") / "mlruns"
    before = mlflow.get_tracking_uri()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STAGE1_MLRUNS", str(folder))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        yield folder
    mlflow.set_tracking_uri(before)


@dataclass(frozen=True)
class Finished:
    folder: RunFolder
    printed: str
    study: StudyRecord
    config: Stage1Config

    @property
    def parent(self) -> mlflow.entities.Run:
        [found] = runs(f"attributes.run_name = '{self.folder.name}'")
        return found

    @property
    def children(self) -> list[mlflow.entities.Run]:
        """By name."""
        return children_of(self.parent)


def runs(condition):
    client = mlflow.MlflowClient()
    return client.search_runs([client.get_experiment_by_name("stage1").experiment_id], condition)


def children_of(parent):
    found = runs(f"tags.mlflow.parentRunId = '{parent.info.run_id}'")
    return sorted(found, key=lambda run: run.info.run_name)


def history(run, key):
    return [(m.step, m.value) for m in mlflow.MlflowClient().get_metric_history(run.info.run_id, key)]


def record(mlruns, name):
    return record_of(open_study(mlruns / "tune.db", name))


def options(config, **others):
    """As the command line takes them."""
    small = {key: value for key, value in config.model_dump(exclude_defaults=True).items() if key != "target_episodes"}
    small |= {f"ppo_{key}": value for key, value in small.pop("ppo", {}).items()}
    given = small | {"workers": config.workers, "episodes": config.target_episodes} | others
    flags = [
        f"--{'' if value else 'no-'}{key.replace('_', '-')}" for key, value in given.items() if isinstance(value, bool)
    ]
    named = {key: value for key, value in given.items() if not isinstance(value, bool)}
    return [*flags, *(part for key, value in named.items() for part in (f"--{key.replace('_', '-')}", str(value)))]


@pytest.fixture(scope="module")
def finished(mlruns, prefect) -> Finished:
    """Two trials of two seeds, from the command line on 80 columns."""
    config = study_config(workers=1)
    arguments = ["tune", "--study", "tiny", "--trials", "2", "--seeds", "2", *options(config)]
    done = CliRunner().invoke(app, arguments, env={"COLUMNS": "80"})
    assert done.exit_code == 0, done.output
    return Finished(RunFolder(mlruns / "tune" / "tiny"), done.output, record(mlruns, "tiny"), config)


@pytest.fixture(scope="module")
def resumed(finished, mlruns) -> Finished:
    """The same study with other workers and one trial more, after a process was killed in its third trial."""
    killed = begin_trial(open_study(mlruns / "tune.db", "tiny"), PPOSettings(), 0)
    client = mlflow.MlflowClient()
    orphan = client.create_run(finished.parent.info.experiment_id, run_name="orphan").info.run_id
    killed.set_user_attr("mlflow_run_id", orphan)
    before = {path: path.stat().st_mtime_ns for path in prepared(finished.folder)}
    config = study_config(workers=0)
    assert tune(config, "tiny", trials=3, seeds=2) == finished.folder.path
    assert {path: path.stat().st_mtime_ns for path in prepared(finished.folder)} == before
    assert client.get_run(orphan).info.status == "KILLED"
    return Finished(finished.folder, "", record(mlruns, "tiny"), config)


def prepared(folder):
    found = [*folder.data.iterdir(), folder.library, folder.table, folder.checkpoint(0)]
    assert all(path.is_file() for path in found)
    return found


def test_the_default_settings_are_tried_first(finished):
    assert [trial.number for trial in finished.study.trials] == [0, 1]
    assert finished.study.trials[0].settings == finished.config.ppo
    assert finished.study.trials[1].settings != PPOSettings()
    assert finished.study.baseline is not None


def test_each_trial_is_a_child_run_with_its_figures(finished):
    assert finished.parent.info.status == "FINISHED"
    assert [run.info.run_name for run in finished.children] == ["tiny-trial-000", "tiny-trial-001"]
    for run, trial in zip(finished.children, finished.study.trials, strict=True):
        assert run.info.status == "FINISHED"
        assert run.data.params == {f"ppo.{k}": str(v) for k, v in trial.settings.model_dump().items()}
        assert run.data.metrics["trial/value"] == trial.value
        assert run.data.metrics["trial/episodes_per_second"] > 0
        by_seed = history(run, "trial/value_by_seed")
        assert [step for step, _ in by_seed] == [0, 1]
        assert sum(value for _, value in by_seed) / 2 == pytest.approx(trial.value)
        leads = [history(run, f"lead/size-weight-{weight}") for weight in WEIGHTS]
        assert [[step for step, _ in lead] for lead in leads] == [[1, 2, 3]] * 3
        assert sum(value for lead in leads for _, value in lead) / 9 == pytest.approx(trial.value)
        assert all(len(history(run, f"gain/size-weight-{weight}")) == 3 for weight in WEIGHTS)
        assert history(run, "episode/gain")[-1][0] == 40


def test_the_parent_has_the_result(finished):
    parent, study = finished.parent, finished.study
    value, best = study.ranking[0]
    assert parent.data.metrics["best/value"] == value
    assert parent.data.metrics["best/learning_rate"] == best.settings.learning_rate
    assert parent.data.metrics["baseline/value"] == study.baseline
    assert history(parent, "trial/value") == [(trial.number, trial.value) for trial in study.trials]
    assert parent.data.params["target_episodes"] == "20"
    artifacts = {item.path for item in mlflow.MlflowClient().list_artifacts(parent.info.run_id)}
    assert artifacts >= {"trials.csv", "tuning.png", "ppo.toml", "library.json", "config.json"}


def test_the_folder_has_the_result(finished):
    table = pd.read_csv(finished.folder.path / "trials.csv")
    assert list(table["value"]) == pytest.approx([trial.value for trial in finished.study.trials])
    assert load_config(finished.folder.path / "ppo.toml").ppo == finished.study.ranking[0][1].settings


def test_what_is_printed_is_a_table_and_a_config(finished, tmp_path):
    printed = finished.printed
    assert "default" in printed
    assert "trial 1" in printed
    assert "Without any PPO the mean lead over the portfolio is" in printed
    assert not [line for line in printed.splitlines() if len(line) > 80 and not line.startswith(("written", "•"))]
    file = tmp_path / "ppo.toml"
    file.write_text(re.search(r"\[ppo\]\n(\w+ = \S+\n)+", printed)[0])
    assert load_config(file).ppo == finished.study.ranking[0][1].settings


def test_a_study_taken_up_again_goes_on(finished, resumed):
    assert [trial.number for trial in resumed.study.trials] == [0, 1, 3]
    assert resumed.study.trials[:2] == finished.study.trials
    assert resumed.study.baseline == finished.study.baseline
    assert [run.info.run_name for run in resumed.children][-1] == "tiny-trial-003"
    assert len(resumed.children) == 3
    assert resumed.parent.info.status == "FINISHED"
    assert len(history(resumed.parent, "trial/value")) == 3


def test_its_killed_trial_is_failed(resumed, mlruns):
    trials = open_study(mlruns / "tune.db", "tiny").trials
    assert [trial.state for trial in trials] == [
        TrialState.COMPLETE,
        TrialState.COMPLETE,
        TrialState.FAIL,
        trials[0].state,
    ]
    assert trials[2].params == trials[3].params


def test_a_study_that_is_complete_only_tells(resumed, mlruns):
    tune(resumed.config, "tiny", trials=2, seeds=2)
    assert record(mlruns, "tiny") == resumed.study


def test_other_settings_need_another_study(resumed):
    with pytest.raises(
        ConfigError, match=r"study 'tiny' was begun with seeds = 2, not 1; target_episodes = 20, not 30"
    ):
        tune(study_config(target_episodes=30), "tiny", trials=3, seeds=1)


def test_one_process_at_a_time(resumed):
    with FileLock(resumed.folder.path / ".lock"), pytest.raises(ConfigError, match="being run by another process"):
        tune(resumed.config, "tiny", trials=3, seeds=2)


def test_a_broken_training_fails_its_trial_alone(resumed, mlruns, monkeypatch):
    real, calls = rlcore.learning.tuning.train_segment, []

    def breaks_first(*arguments):
        calls.append(arguments)
        if len(calls) == 1:
            raise NonFiniteError("a loss is not a number")
        return real(*arguments)

    monkeypatch.setattr(rlcore.learning.tuning, "train_segment", breaks_first)
    tune(resumed.config, "tiny", trials=5, seeds=2)
    failed, fine = record(mlruns, "tiny").trials[3:]
    assert (failed.number, failed.value, failed.failure) == (4, None, "a loss is not a number")
    assert fine.value is not None
    statuses = {run.info.run_name: run.info.status for run in resumed.children}
    assert (statuses["tiny-trial-004"], statuses["tiny-trial-005"]) == ("FAILED", "FINISHED")
    assert resumed.parent.info.status == "FINISHED"


def test_an_interrupt_leaves_a_study_that_goes_on(resumed, mlruns, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    before = len(record(mlruns, "tiny").trials)
    with monkeypatch.context() as patch:
        patch.setattr(rlcore.learning.tuning, "train_segment", interrupted)
        with pytest.raises(KeyboardInterrupt):
            tune(resumed.config, "tiny", trials=before + 1, seeds=2)
    assert resumed.parent.info.status == "KILLED"
    assert resumed.children[-1].info.status == "KILLED"
    tune(resumed.config, "tiny", trials=before + 1, seeds=2)
    assert len(record(mlruns, "tiny").trials) == before + 1
    assert resumed.parent.info.status == "FINISHED"


def test_bad_settings_are_told_in_one_line(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["tune", "--ppo-epochs", "0"])
    assert caught.value.code == USAGE_ERROR
    message = capsys.readouterr().err
    assert message.startswith("stage1: ppo.epochs = 0")
    assert message.count("\n") == 1


def test_help_tells_the_default_length_of_a_trial():
    done = CliRunner().invoke(app, ["tune", "--help"], env={"COLUMNS": "200", "TERM": "dumb", "NO_COLOR": "1"})
    [line] = [line for line in done.output.splitlines() if "--episodes" in line]
    assert "2000" in line
    assert "--target-episodes" not in done.output
    for option in ("--trials", "--study", "--seeds", "--config", "--ppo-learning-rate", "--library-size"):
        assert option in done.output


def test_progress_is_folded_from_the_journal():
    progress = StudyProgress()
    for entry in (
        {"event": "study", "trials": 2, "ended": 0, "episodes": 20},
        {"event": "trial", "number": 0, "value": 0.5, "failure": ""},
        {"event": "study", "trials": 3, "ended": 1, "episodes": 20},
        {"event": "baseline", "value": -0.25},
        {"event": "stage_begin", "stage": "trial 1"},
        {"event": "progress", "stage": "trial 1", "done": 10, "total": 20},
    ):
        progress.take(entry)
    assert progress.line() == "trial 1 10/20 | 1 of 3 trials | without PPO −0.2500, best +0.5000 (trial 0)"
    progress.take({"event": "trial", "number": 1, "value": None, "failure": "a loss is not a number"})
    console = Console(file=StringIO(), width=80)
    console.print(progress.panel())
    shown = console.file.getvalue()
    assert "2 of 3" in shown
    assert "trial 1: a loss is not a number" in shown


def test_the_journal_tells_every_trial(resumed):
    events = resumed.folder.journal.read("trial")
    assert [entry["number"] for entry in events][:3] == [0, 1, 3]
    assert read_json(resumed.folder.config_file)["target_episodes"] == 20
