"""``stage1 compare`` on a tiny real model."""

import json

import mlflow
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from flows.cli import USAGE_ERROR, app, main
from rlcore.data.dataset_files import load_dataset
from rlcore.data.generated import generate_logos
from rlcore.judging.standings import ComparisonTable
from rlcore.learning.agent import Checkpoint
from rlcore.parameters import Parameters
from tasks.models import load_model
from tasks.tracking import use_store

QUICK = ["--budget", "1,2,3", "--seeds", "1", "--most-traces", "4", "--reference-traces", "6", "--workers", "0"]


@pytest.fixture(scope="module", autouse=True)
def store(run, tmp_path_factory):
    """A store with the run's best model alone: other tests count what is in the run's own."""
    folder = tmp_path_factory.mktemp("comparing") / "mlruns"
    model = folder / "stage1" / "tiny" / "best_model.pt"
    model.parent.mkdir(parents=True)
    model.write_bytes(run.folder.best_model.read_bytes())
    before = mlflow.get_tracking_uri()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STAGE1_MLRUNS", str(folder))
        yield folder
    mlflow.set_tracking_uri(before)


def run_main(*arguments):
    with pytest.raises(SystemExit) as caught:
        main(["compare", *QUICK, *map(str, arguments)])
    return caught.value.code


def table_in(path):
    content = json.loads(path.read_text())
    del content["conclusions"]
    return ComparisonTable.from_dict(content)


@pytest.fixture(scope="module")
def compared(run, store, tmp_path_factory):
    """Files of a comparison of the latest run's best model on its own test split, and what it printed."""
    folder = tmp_path_factory.mktemp("compared")
    files = ["--json", str(folder / "c.json"), "--html", str(folder / "c.html")]
    done = CliRunner().invoke(app, ["compare", *QUICK, *files], env={"COLUMNS": "100"})
    assert done.exit_code == 0, done.output
    return table_in(folder / "c.json"), (folder / "c.html").read_text(), done.output


def test_the_test_split_is_compared(compared, run):
    table, _, _ = compared
    test = load_dataset(run.folder.data).of("test")
    assert [result.name for result in table.agent.results] == [subject.name for subject in test]
    assert table.about.excluded == len(load_dataset(run.folder.data).of("train"))
    assert table.about.source.endswith("test split")
    assert table.budgets == (1, 2, 3)
    assert {standing.searcher for standing in table.standings} >= {"agent", "portfolio", "TPE", "reference search"}


def test_its_agent_is_the_one_of_the_runs_own_test(compared, run):
    table, _, _ = compared
    mine, tested = table.agent.results, run.folder.validation("test").results
    assert [result.gains for result in mine] == [result.gains for result in tested]


def test_table_sentences_and_files_are_told(compared):
    table, html, output = compared
    for standing in table.standings:
        assert standing.searcher in output
        assert f"{standing.summary.gain:.3f}".replace("-", "−") in output
    assert "Success by kind of logo" in output
    assert "with 3 traces" in output
    assert "c.html" in output
    assert "<script" not in html


def test_what_was_searched_is_kept_for_the_next_time(compared, store):
    table, _, _ = compared
    assert table.about.model == str(store / "stage1" / "tiny" / "best_model.pt")
    assert len(list((store / "cache" / "reference").glob("*/*.json"))) == table.logos
    assert len(list((store / "cache" / "search").glob("*/*.json"))) == 3 * table.logos


def test_two_models_and_the_judged_logos_alone(run, tmp_path):
    file = tmp_path / "c.json"
    models = [run.folder.best_model, run.folder.checkpoint(0)]
    chosen = ["--model", models[0], "--model", models[1], "--no-others", "--most-traces", 0, "--json", file]
    assert run_main(*chosen) == 0
    table = table_in(file)
    judged = load_dataset(run.folder.data).of("test", run.config.category)
    assert [result.name for result in table.agent.results] == 2 * [subject.name for subject in judged]
    assert table.logos == len(judged)
    assert table.standing("agent", 3).seeds == 2
    assert {standing.searcher for standing in table.standings}.isdisjoint({"random", "TPE", "CMA-ES"})
    assert table.about.model == f"{models[0]}, {models[1]}"


def test_a_folder_a_size_and_a_weight(run, tmp_path, capsys):
    folder = tmp_path / "logos"
    folder.mkdir()
    for number, logo in enumerate(generate_logos(5, 77, 64)):
        Image.fromarray(np.ascontiguousarray(logo.rgba)).save(folder / f"{number}.png")
    file = tmp_path / "c.json"
    chosen = ["--model", run.folder.best_model, "--images", folder, "--category", "all", "--json", file]
    assert run_main(*chosen, "--working-size", 48, "--size-weight", 2) == 0
    table = table_in(file)
    assert table.size_weight == 2
    # the model's portfolio for this weight, and no other
    portfolio = Checkpoint.load(run.folder.best_model).library.portfolio(2.0)
    delivered = {Parameters(**r.parameters) for r in table.rival.results if r.parameters is not None}
    assert delivered <= set(portfolio[:3])
    assert table.logos == 5
    assert table.about.source == str(folder)
    assert table.about.excluded == 0
    assert "5 logos" in " ".join(capsys.readouterr().out.split())


def test_a_model_in_mlflow_is_the_file_that_was_logged(run, monkeypatch):
    monkeypatch.setenv("STAGE1_MLRUNS", str(run.folder.path.parent.parent))
    use_store(run.folder.path.parent.parent)
    client = mlflow.MlflowClient()
    models = client.search_logged_models([run.mlflow_run.info.experiment_id])
    logged = [m for m in models if m.source_run_id == run.mlflow_run.info.run_id and m.name == "ppo-ep00060"]
    assert len(logged) == 1
    found = load_model(f"models:/{logged[0].model_id}")
    own = Checkpoint.load(run.folder.checkpoint(60))
    assert found.episode == own.episode == 60
    assert found.digest == own.model.digest


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--model", "gone.pt"], "gone.pt: no such checkpoint"),
        (["--model", "models:/m-gone"], "models:/m-gone: no such model"),
        (["--images", "gone"], "no such folder"),
        (["--budget", "1,x"], "budget = '1,x': write whole numbers"),
        (["--budget", "1,9"], "allowed are 1 to the model's 3 traces"),
        (["--category", "pretty"], "category = 'pretty'"),
    ],
)
def test_what_can_not_be_compared_is_told_in_one_line(run, capsys, arguments, told):
    assert run_main(*arguments) == USAGE_ERROR
    message = capsys.readouterr().err
    assert message.startswith("stage1: ")
    assert told in message
    assert message.count("\n") == 1


def test_help_lists_what_can_be_chosen():
    done = CliRunner().invoke(app, ["compare", "--help"], env={"COLUMNS": "200", "TERM": "dumb", "NO_COLOR": "1"})
    for option in ("--model", "--images", "--split", "--budget", "--seeds", "--json", "--html", "--size-weight"):
        assert option in done.output
