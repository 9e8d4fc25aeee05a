"""The command line ``stage1``. Heavy imports wait inside the commands, so that ``--help`` answers at once."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from flows.exporting import export
from flows.models import app as models_app
from flows.notifications.commands import app as notifications
from flows.options import overrides, with_config_options
from flows.vectorize_command import vectorize
from rlcore.config import Stage1Config, load_config
from rlcore.curriculum import ALL_STAGES, Curriculum, check_settings, curriculum_of
from rlcore.errors import Stage1Error

app = typer.Typer(
    name="stage1",
    help="Train, judge and use an agent that chooses VTracer's parameters for a logo.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(notifications, name="notifications")

PORT = 8768  # as rlcore.dashboard.server has it, whose import would make --help wait
Port = Annotated[
    int, typer.Option(min=0, max=65535, help="Port of the dashboard; a busy one: the next that is free; 0: any.")
]
Dashboard = Annotated[bool, typer.Option(help="Serve the live dashboard while it runs.")]

USAGE_ERROR = 2
FAILED = 1
INTERRUPTED = 130


class Split(str, Enum):
    """Splits that no training has seen."""

    validation = "validation"
    test = "test"


@app.callback()
def _app() -> None:
    """Keeps ``run`` a subcommand."""


def _quiet(verbose: bool) -> None:
    """Progress is shown from the journal; the frameworks' own log lines would tear it."""
    level = "INFO" if verbose else "CRITICAL"
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", level)
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", level)
    # and where they were imported already, as under `python -m flows.stage1`
    for name in ("prefect", "prefect.flow_runs", "prefect.task_runs", "mlflow", "alembic"):
        logging.getLogger(name).setLevel(level)


@app.command()
@with_config_options
def run(
    config: Annotated[
        Path | None, typer.Option(help="TOML file with settings; options given here win over it.")
    ] = None,
    name: Annotated[str, typer.Option(help="Name of the run; empty: made of category, seed and time.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the final report as JSON, and nothing else.")] = False,
    dashboard: Dashboard = True,
    port: Port = PORT,
    verbose: Annotated[bool, typer.Option(help="Show the log lines of Prefect and MLflow too.")] = False,
    **options: Any,
) -> None:
    """Run stage 1: prepare logos, train in chunks, validate, judge, test, report."""
    settings = load_config(config, overrides(options))
    _quiet(verbose)
    _run(settings, name, as_json, port if dashboard else None)


def _run(settings: Stage1Config, name: str, as_json: bool, port: int | None) -> None:
    from flows.running import run_stage1

    console = Console(stderr=True) if as_json else Console()
    report, passed = run_stage1(settings, name, console, quiet=as_json, port=port)
    if as_json:
        sys.stdout.write(report.read_text(encoding="utf-8"))
    if not passed:
        raise typer.Exit(FAILED)


@app.command()
def resume(
    run: Annotated[str, typer.Argument(help="Name of the run; default: the latest that did not finish.")] = "",
    workers: Annotated[int | None, typer.Option(min=0, max=512, help="Trace processes; default: as it was.")] = None,
    max_training_time_hours: Annotated[
        float | None, typer.Option(help="Hours from now; default: as many as it was given.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the final report as JSON, and nothing else.")] = False,
    dashboard: Dashboard = True,
    port: Port = PORT,
    verbose: Annotated[bool, typer.Option(help="Show the log lines of Prefect and MLflow too.")] = False,
) -> None:
    """Go on with a run that was killed, stopped, or out of time, to the end that it would have had."""
    _quiet(verbose)
    from tasks.curriculum import refuse_attempt
    from tasks.opening import unfinished_run

    folder = unfinished_run(run)
    refuse_attempt(folder.name)
    given = {"workers": workers, "max_training_time_hours": max_training_time_hours}
    settings = folder.config().model_dump() | {name: value for name, value in given.items() if value is not None}
    _run(load_config(None, settings), folder.name, as_json, port if dashboard else None)


@app.command()
@with_config_options
def curriculum(
    config: Annotated[
        Path | None, typer.Option(help="TOML file with settings; options given here win over it.")
    ] = None,
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
    verbose: Annotated[bool, typer.Option(help="Show the log lines of Prefect and MLflow too.")] = False,
    **options: Any,
) -> None:
    """Train through simple, text, gradient and complex logos, each stage going on from the last one's model."""
    _quiet(verbose)
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
    from flows.curriculum_running import run_curriculum

    console = Console(stderr=True) if as_json else Console()
    folder = run_curriculum(plan, name, console, quiet=as_json, port=port)
    if as_json:
        sys.stdout.write(folder.report_file.read_text(encoding="utf-8"))
    if folder.report()["outcome"] == "not_reached":
        raise typer.Exit(FAILED)


@app.command()
def dashboard(
    run: Annotated[str, typer.Option(help="Name of the run to show first; default: the latest.")] = "",
    host: Annotated[
        str, typer.Option(help="Address to serve on; beyond this machine a token is asked for.")
    ] = "127.0.0.1",
    port: Port = PORT,
    token: Annotated[
        str,
        typer.Option(
            envvar="STAGE1_DASHBOARD_TOKEN",
            show_envvar=True,
            help="Token beyond this machine; empty: made, and printed.",
        ),
    ] = "",
) -> None:
    """Watch runs in the browser, while they go on or afterwards; Ctrl-C ends it."""
    from flows.dashboarding import serve_dashboard

    serve_dashboard(run, host, port, token, Console())


@app.command()
def up(
    prefect_port: Annotated[int, typer.Option(min=1, max=65535, help="Port of Prefect's server.")] = 4200,
    mlflow_port: Annotated[int, typer.Option(min=1, max=65535, help="Port of MLflow's server.")] = 5000,
    dashboard_port: Port = PORT,
    detach: Annotated[bool, typer.Option("--detach", help="In the background, until stage1 down.")] = False,
) -> None:
    """Run Prefect's server, a worker, MLflow's server and the dashboard, on this machine only; Ctrl-C ends them."""
    from flows import service

    ports = service.Ports(prefect_port, mlflow_port, dashboard_port)
    (service.up_detached if detach else service.up)(ports, Console())


@app.command()
def down() -> None:
    """End what stage1 up --detach began."""
    from flows.service import down as end

    end(Console())


@app.command()
def relocate() -> None:
    """Tell MLflow where mlruns is now, after it was moved, copied or restored from a backup."""
    from tasks.relocation import relocate as relocated
    from tasks.store import mlruns_folder

    told = relocated(mlruns_folder())
    changed = f"{told.entries} entries changed from {told.before}" if told.entries else "nothing to change"
    Console().print(f"{told.after}: {changed}", highlight=False, soft_wrap=True)


@app.command()
def automations() -> None:
    """Let the Prefect server mark runs whose process is gone as crashed, and start those of deployments again."""
    from flows.automations import prefect_server
    from flows.recovery import set_up_recovery

    with prefect_server() as client:
        for told in set_up_recovery(client) or ["nothing to change"]:
            Console().print(told, highlight=False)


@app.command()
def runs() -> None:
    """List all runs with their state."""
    from flows.runs import show_runs

    show_runs(Console())


@app.command()
def status(run: Annotated[str, typer.Argument(help="Name of the run; default: the latest.")] = "") -> None:
    """Say how far a run is, and how it is doing."""
    from flows.runs import show_status

    show_status(run, Console())


@app.command()
@with_config_options
def tune(
    config: Annotated[
        Path | None, typer.Option(help="TOML file with settings; options given here win over it.")
    ] = None,
    study: Annotated[
        str, typer.Option(help="Name of the study; one of that name goes on. Empty: made of category and seed.")
    ] = "",
    trials: Annotated[int, typer.Option(min=1, max=100_000, help="Trials of the study in all, earlier ones too.")] = 20,
    target_episodes: Annotated[
        int, typer.Option("--episodes", min=1, max=10_000_000, help="Episodes of a trial's training.")
    ] = 2000,
    seeds: Annotated[int, typer.Option(min=1, max=100, help="Trainings of a trial; their mean counts.")] = 1,
    verbose: Annotated[bool, typer.Option(help="Show the log lines of Prefect and MLflow too.")] = False,
    **options: Any,
) -> None:
    """Look for better settings of PPO with short trainings; the same command again goes on with its study."""
    settings = load_config(config, overrides(options) | {"target_episodes": target_episodes})
    _quiet(verbose)
    from flows.tuning import tune_ppo

    tune_ppo(settings, study, trials, seeds, Console())


@app.command()
def bench(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    images: Annotated[str, typer.Option(help="Logo source: default, or a folder.")] = "default",
    logos: Annotated[int, typer.Option(min=4, max=1000, help="Logos to measure on.")] = 48,
    workers: Annotated[int, typer.Option(min=1, max=512, help="Trace processes in training.")] = os.cpu_count() or 1,
    clients: Annotated[
        int, typer.Option(min=0, max=2000, help="Measure what so many viewers of the dashboard cost instead.")
    ] = 0,
) -> None:
    """Measure trace and training speed side by side; ratios are what to quote."""
    from rlcore.bench import run_bench
    from rlcore.dashboard_bench import run_dashboard_bench

    result = run_dashboard_bench(images, logos, workers, clients) if clients else run_bench(images, logos, workers)
    if as_json:
        sys.stdout.write(json.dumps(result, indent=2) + "\n")
        return
    console = Console()
    for key, value in result.items():
        console.print(f"{key:40} {value:.3f}" if isinstance(value, float) else f"{key:40} {value}")


app.add_typer(models_app, name="models", callback=lambda: _quiet(verbose=False))


app.command()(vectorize)
app.command()(export)


@app.command()
def compare(
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="A model or checkpoint, models:/… from MLflow, or pretrained; default: the latest run's best model."
            " Given more than once (training seeds), figures are means over the models."
        ),
    ] = None,
    images: Annotated[
        str | None, typer.Option(help="Logo source: default, or a folder; without it the model's own.")
    ] = None,
    split: Annotated[
        Split, typer.Option(help="Logos of the model's own source; another source is taken whole.")
    ] = Split.test,
    budget: Annotated[str, typer.Option(help="Traces at which all are compared.")] = "1,2,4,8",
    seeds: Annotated[int, typer.Option(min=1, max=100, help="Runs of each search per logo.")] = 5,
    category: Annotated[str | None, typer.Option(help="Judged category, or all; without it the model's.")] = None,
    size_weight: Annotated[
        float | None, typer.Option(min=0, max=100, help="Gain of halving the bytes; without it the model's.")
    ] = None,
    working_size: Annotated[
        int | None, typer.Option(min=16, max=2048, help="Longest side of logos in px; without it the model's.")
    ] = None,
    most_traces: Annotated[
        int, typer.Option(min=0, max=10_000, help="Most traces of a search for a logo; 0: no such search.")
    ] = 200,
    reference_traces: Annotated[
        int, typer.Option(min=0, max=100_000, help="Traces of the reference search for a logo; 0: none.")
    ] = 400,
    others: Annotated[
        bool, typer.Option(help="Try logos of other categories than the judged one too, for the table beside.")
    ] = True,
    workers: Annotated[int, typer.Option(min=0, max=512, help="Trace processes.")] = os.cpu_count() or 1,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write everything to this file.")] = None,
    html_file: Annotated[Path | None, typer.Option("--html", help="Write a page with plots to this file.")] = None,
) -> None:
    """Compare the agent with every other way to choose parameters, on logos that it was not trained on."""
    _quiet(verbose=False)
    from flows.comparing import ComparisonOptions, compare_model, show_comparison
    from rlcore.reporting.comparison_page import write_comparison

    options = ComparisonOptions(
        models=tuple(model or ()),
        images=images,
        split=split.value,
        budget=budget,
        seeds=seeds,
        category=category,
        size_weight=size_weight,
        working_size=working_size,
        most_traces=most_traces,
        reference_traces=reference_traces,
        workers=workers,
        others=others,
    )
    console = Console()
    table = compare_model(options, console)
    show_comparison(table, write_comparison(table, json_file, html_file), console)


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point: errors that a user can mend are one line on stderr, and the exit code says which kind."""
    try:
        app(args=None if arguments is None else list(arguments), standalone_mode=True)
    except Stage1Error as error:
        Console(stderr=True).print(f"stage1: {error}", style="red", highlight=False, markup=False, soft_wrap=True)
        sys.exit(USAGE_ERROR)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
