"""The flow ``stage1``: data -> [train chunk -> validate -> gate] ... -> final test -> report -> registry."""

from __future__ import annotations

from pathlib import Path

from prefect import flow
from prefect.client.schemas.objects import State

from rlcore.config import Stage1Config
from tasks.comparison import compare_searchers
from tasks.data import prepare_data, search_library, search_references
from tasks.opening import open_run
from tasks.promotion import ask_approval, decide_promotion, judge_challenger
from tasks.quality import closing_state, quality_gate
from tasks.registration import register_model
from tasks.report import write_final_report
from tasks.run import Run
from tasks.training import make_policy, train_chunk
from tasks.validation import final_test, validate, validate_baselines


@flow(name="stage1", flow_run_name="stage1 {config.category} seed {config.seed}", validate_parameters=True)
def stage1(config: Stage1Config = Stage1Config(), run_name: str = "") -> State[Path]:  # noqa: B008  frozen
    """Trains, validates and judges an agent; ends in a state named by the last verdict, with the run's folder.

    Args:
        config: all settings.
        run_name: name of the run's folder and MLflow run; empty: made of category, seed and time.
    """
    with open_run(config, run_name) as run:
        train(run)
        conclude(run)
    return closing_state(run)


def train(run: Run) -> None:
    """From logos to the gate's last verdict; the test split is not looked at."""
    prepare_data(run)
    search_library(run)
    search_references(run, "validation")
    validate_baselines(run, "validation")
    validate(run, make_policy(run))
    for chunk in range(1, run.config.chunk_count + 1):
        validate(run, train_chunk(run, chunk))
        while (verdict := quality_gate(run, chunk)).goes_back:
            validate(run, train_chunk(run, chunk))
        if verdict.stops:
            break


def conclude(run: Run) -> None:
    """The final test, the comparison, the report, the registry."""
    search_references(run, "test")
    validate_baselines(run, "test")
    final_test(run)
    compare_searchers(run)
    write_final_report(run)
    register_model(run)
    judge_challenger(run)
    ask_approval(run)
    decide_promotion(run)


if __name__ == "__main__":
    import sys

    from flows.cli import main

    main(["run", *sys.argv[1:]])
