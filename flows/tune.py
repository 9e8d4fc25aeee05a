"""The flow ``tune``: data -> library -> warm start -> trial ... -> report."""

from __future__ import annotations

from pathlib import Path

from prefect import flow

from rlcore.config import Stage1Config
from tasks.tuning import (
    measure_start,
    open_bench,
    open_study_run,
    prepare_study,
    report_study,
    run_trial,
    trials_to_run,
)


@flow(name="tune", flow_run_name="tune {config.category} seed {config.seed}", validate_parameters=True)
def tune(
    config: Stage1Config = Stage1Config(target_episodes=2000),  # noqa: B008  frozen
    study: str = "",
    trials: int = 20,
    seeds: int = 1,
) -> Path:
    """Looks for better settings of PPO; a study that was interrupted goes on. Returns the study's folder.

    Args:
        config: all settings; ``target_episodes`` are a trial's, ``ppo`` are the settings of the first trial.
        study: its name; empty: made of category and seed.
        trials: trials that the study has in the end, earlier ones among them.
        seeds: trainings of a trial.
    """
    with open_study_run(config, study, seeds, trials) as run:
        prepare_study(run)
        with open_bench(run) as bench:
            measure_start(run, bench)
            for trial in trials_to_run(run, trials):
                run_trial(run, bench, trial, seeds)
        return report_study(run)
