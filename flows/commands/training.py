"""``stage1 run``, ``resume``, ``curriculum`` and ``tune``."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
from rich.console import Console

from flows.commands.common import FAILED, PORT, ConfigFile, Dashboard, Port, ReportAsJson, Verbose, importing, quiet
from flows.options import overrides, with_config_options
from rlcore.config import Stage1Config, load_config
from rlcore.curriculum import ALL_STAGES, Curriculum, check_settings, curriculum_of


@with_config_options
def run(
    config: ConfigFile = None,
    name: Annotated[str, typer.Option(help="Name of the run; empty: made of category, seed and time.")] = "",
    as_json: ReportAsJson = False,
    dashboard: Dashboard = True,
    port: Port = PORT,
    verbose: Verbose = False,
    **options: Any,
) -> None:
    """Run stage 1: prepare logos, train in chunks, validate, judge, test, report."""
    settings = load_config(config, overrides(options))
    quiet(verbose)
    _run(settings, name, as_json, port if dashboard else None)


def _run(settings: Stage1Config, name: str, as_json: bool, port: int | None) -> None:
    with importing():
        from flows.running import run_stage1

    console = Console(stderr=True) if as_json else Console()
    report, passed = run_stage1(settings, name, console, quiet=as_json, port=port)
    if as_json:
        sys.stdout.write(report.read_text(encoding="utf-8"))
    if not passed:
        raise typer.Exit(FAILED)


def resume(
    run: Annotated[str, typer.Argument(help="Name of the run; default: the latest that did not finish.")] = "",
    workers: Annotated[int | None, typer.Option(min=0, max=512, help="Trace processes; default: as it was.")] = None,
    max_training_time_hours: Annotated[
        float | None, typer.Option(help="Hours from now; default: as many as it was given.")
    ] = None,
    as_json: ReportAsJson = False,
    dashboard: Dashboard = True,
    port: Port = PORT,
    verbose: Verbose = False,
) -> None:
    """Go on with a run that was killed, stopped, or out of time, to the end that it would have had."""
    quiet(verbose)
    with importing():
        from tasks.curriculum import refuse_attempt
        from tasks.opening import unfinished_run

    folder = unfinished_run(run)
    refuse_attempt(folder.name)
    given = {"workers": workers, "max_training_time_hours": max_training_time_hours}
    settings = folder.config().model_dump() | {name: value for name, value in given.items() if value is not None}
    _run(load_config(None, settings), folder.name, as_json, port if dashboard else None)


@with_config_options
def curriculum(
    config: ConfigFile = None,
    name: Annotated[str, typer.Option(help="Name of the curriculum; one of that name goes on. Empty: made.")] = "",
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the one of that name, or the latest, with its own settings.")
    ] = False,
    stages: Annotated[str, typer.Option(help="Stages in their order, separated by commas.")] = ",".join(ALL_STAGES),
    episodes_scale: Annotated[float, typer.Option(help="All stages' episodes are multiplied by it.")] = 1.0,
    allow_advance_below_threshold: Annotated[
        bool, typer.Option(help="After three attempts go on even so; that is recorded and told.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what came of it as JSON, and nothing else.")] = False,
    dashboard: Dashboard = True,
    port: Port = PORT,
    verbose: Verbose = False,
    **options: Any,
) -> None:
    """Train through simple, text, gradient and complex logos, each stage going on from the last one's model."""
    quiet(verbose)
    with importing():
        from tasks.curriculum import curriculum_folder, latest_unfinished

    if resume:
        folder = curriculum_folder(name) if name else latest_unfinished()
        plan, name = folder.plan(), folder.name
    else:
        given = overrides(options)
        check_settings(given)
        plan = curriculum_of(
            config=load_config(config, given),
            stages=tuple(stages.split(",")),
            episodes_scale=episodes_scale,
            allow_advance_below_threshold=allow_advance_below_threshold,
        )
    _run_curriculum(plan, name, as_json, port if dashboard else None)


def _run_curriculum(plan: Curriculum, name: str, as_json: bool, port: int | None) -> None:
    with importing():
        from flows.curriculum_running import run_curriculum

    console = Console(stderr=True) if as_json else Console()
    folder = run_curriculum(plan, name, console, quiet=as_json, port=port)
    if as_json:
        sys.stdout.write(folder.report_file.read_text(encoding="utf-8"))
    if folder.report()["outcome"] == "not_reached":
        raise typer.Exit(FAILED)


@with_config_options
def tune(
    config: ConfigFile = None,
    study: Annotated[
        str, typer.Option(help="Name of the study; one of that name goes on. Empty: made of category and seed.")
    ] = "",
    trials: Annotated[int, typer.Option(min=1, max=100_000, help="Trials of the study in all, earlier ones too.")] = 20,
    target_episodes: Annotated[
        int, typer.Option("--episodes", min=1, max=10_000_000, help="Episodes of a trial's training.")
    ] = 2000,
    seeds: Annotated[int, typer.Option(min=1, max=100, help="Trainings of a trial; their mean counts.")] = 1,
    verbose: Verbose = False,
    **options: Any,
) -> None:
    """Look for better settings of PPO with short trainings; the same command again goes on with its study."""
    settings = load_config(config, overrides(options) | {"target_episodes": target_episodes})
    quiet(verbose)
    with importing():
        from flows.tuning import tune_ppo

    tune_ppo(settings, study, trials, seeds, Console())
