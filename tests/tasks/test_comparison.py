"""The comparison inside a run: files, figures in MLflow, and the way back into the report."""

import mlflow
import pytest

from rlcore.config import Stage1Config
from rlcore.data.dataset_files import save_dataset
from rlcore.judging.searchers import Sequential
from rlcore.judging.validation import run_searcher
from tasks.comparison import budgets_of, compare_searchers
from tasks.metrics import comparison_metrics
from tasks.opening import open_run
from tasks.run import Run
from tests.conftest import small_config
from tests.rlcore.made import validation


@pytest.fixture(scope="module")
def compared(dataset, start, tmp_path_factory):
    """A run with an untrained model, compared with four traces a search."""
    folder = tmp_path_factory.mktemp("run") / "mlruns"
    before = mlflow.get_tracking_uri()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STAGE1_MLRUNS", str(folder))
        with open_run(small_config(comparison_traces=4), "compared") as run:
            save_dataset(dataset, run.folder.data)
            start.save(run.folder.checkpoint(0))
            run.folder.write_validation(validation(1.0, 0))
            count = compare_searchers.fn(run)
        yield run, count
    mlflow.set_tracking_uri(before)


def test_files_are_in_the_run_and_in_mlflow(compared):
    run, count = compared
    table = run.folder.comparison()
    assert len(table.standings) == count > 10
    assert (run.path / "comparison.html").read_text().startswith("<!doctype html>")
    logged = {item.path for item in mlflow.MlflowClient().list_artifacts(run.mlflow_run_id)}
    assert {"comparison.json", "comparison.html"} <= logged


def test_figures_are_in_mlflow(compared):
    run, _ = compared
    table = run.folder.comparison()
    metrics = mlflow.get_run(run.mlflow_run_id).data.metrics
    portfolio = table.standing("portfolio", 3)
    assert metrics["comparison-portfolio-3/gain"] == portfolio.summary.gain
    assert metrics["comparison-portfolio-3/agent_ahead_low"] == portfolio.lead.gain.low
    assert metrics["comparison-agent-3/success_rate"] == table.standing("agent", 3).summary.success_rate
    wanted = {name for name, value in comparison_metrics(table).items() if value is not None}
    assert wanted <= set(metrics)


def test_how_far_it_is_is_in_the_journal(compared):
    run, _ = compared
    stages = {entry["stage"] for entry in run.folder.journal.read("progress")}
    assert "comparison: TPE" in stages
    assert "comparison" in run.folder.seconds()


def test_no_traces_no_comparison(compared, monkeypatch):
    run, _ = compared
    before = (run.path / "comparison.json").read_bytes()
    monkeypatch.setattr(Run, "config", small_config(comparison_traces=0))
    assert compare_searchers.fn(run) == 0
    assert (run.path / "comparison.json").read_bytes() == before


def test_the_portfolio_is_the_librarys_for_the_runs_size_weight(compared, start, dataset, evaluator):
    run, _ = compared
    table = run.folder.comparison()
    portfolio = Sequential("any", start.library.portfolio(run.config.size_weight))
    alone = run_searcher(portfolio, dataset.of("test"), 3, run.config, evaluator)
    assert table.standing("portfolio", 3).summary.gain == pytest.approx(alone.headline().gain)
    assert table.standing("best single setting", 1).summary.gain == pytest.approx(alone.gain_after(1))


@pytest.mark.parametrize(("steps", "expected"), [(1, (1,)), (3, (1, 2, 3)), (8, (1, 2, 4, 8)), (12, (1, 2, 4, 8, 12))])
def test_budgets_end_with_all_of_the_agents_traces(steps, expected):
    assert budgets_of(Stage1Config(steps_per_episode=steps)) == expected
