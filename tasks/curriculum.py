"""A curriculum begun or taken up again, its attempts, and what is decided after each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from prefect import task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from rlcore.curriculum import Curriculum, Step
from rlcore.curriculum_folder import CurriculumFolder, NextAttempt
from rlcore.errors import ConfigError
from rlcore.run_folder import RunFolder
from tasks.opening import ADJUSTABLE, NAME, alone, check_unchanged
from tasks.run import Run
from tasks.store import mlruns_folder

NOT_REACHED = "Not reached"
"""Name of the flow's final state where a stage stayed under its threshold; the stages after it were not begun."""


def curriculum_folder(name: str) -> CurriculumFolder:
    """The curriculum of that name, begun or not."""
    return CurriculumFolder(mlruns_folder() / "curriculum" / name)


def new_curriculum_name(seed: int) -> str:
    """``curriculum-s<seed>-<local time>``."""
    return f"curriculum-s{seed}-{datetime.now():%Y%m%d-%H%M%S}"


def latest_unfinished() -> CurriculumFolder:
    """The curriculum that was begun last and can be gone on with.

    Raises:
        ConfigError: there is none.
    """
    plans = (mlruns_folder() / "curriculum").glob("*/curriculum.json")
    for plan in sorted(plans, key=lambda path: path.stat().st_mtime, reverse=True):
        folder = CurriculumFolder(plan.parent)
        if folder.next_attempt() is not None:
            return folder
    raise ConfigError(f"no unfinished curriculum in {mlruns_folder() / 'curriculum'}")


def refuse_attempt(run: str) -> None:
    """Whether a run may be gone on with by itself.

    Raises:
        ConfigError: it is an attempt of a curriculum, which decides what follows it.
    """
    for plan in (mlruns_folder() / "curriculum").glob("*/curriculum.json"):
        name = plan.parent.name
        if re.fullmatch(rf"{re.escape(name)}-\d+-\w+-\d+", run):
            raise ConfigError(f"run {run!r} is of a curriculum: go on with stage1 curriculum --resume --name {name}")


@contextmanager
def open_curriculum(plan: Curriculum, name: str) -> Iterator[CurriculumFolder]:
    """Begins a curriculum or takes one up again; its report is written in the end, however it ends.

    Without a name, a flow run that Prefect starts anew takes up what it began.

    Raises:
        ConfigError: another process is at it, or it was begun with other settings.
    """
    name = name or _name_of_flow_run() or new_curriculum_name(plan.config.seed)
    if not re.fullmatch(NAME, name):
        raise ConfigError(f"name {name!r}: letters, digits, spaces, '.', '_' and '-' are allowed, not first a '.'")
    folder = curriculum_folder(name)
    with alone(RunFolder(folder.path), "curriculum"):
        if folder.plan_file.exists():
            check_unchanged(f"curriculum {name!r}", _terms(folder.plan()), _terms(plan))
        folder.write_plan(plan)
        try:
            yield folder
        finally:
            folder.write_report()


def _name_of_flow_run() -> str:
    own = flow_run.get_id()
    return f"curriculum-{own[:8]}" if own else ""


def _terms(plan: Curriculum) -> dict[str, Any]:
    return plan.model_dump(mode="json", exclude={"config": set(ADJUSTABLE)})


def begin_attempt(folder: CurriculumFolder) -> NextAttempt | None:
    """The attempt that is to be trained now, told to the curriculum's journal; None: it has ended."""
    attempt = folder.next_attempt()
    if attempt is not None:
        stage = folder.plan().stages[attempt.stage]
        folder.journal.write_once("attempt", attempt.run, stage=stage, number=attempt.number, run=attempt.run)
    return attempt


@task(name="judge attempt", task_run_name="advance or repeat", cache_policy=NO_CACHE)
def judge_attempt(path: Path, stage: int, run: Run) -> Step | None:
    """What follows this attempt, by the validation logos alone; None: it was out of time before its end."""
    folder = CurriculumFolder(path)
    step, last = folder.step(stage), folder.results(stage)
    if step is None or last[-1].run != run.folder.name:
        return None
    folder.journal.write_once(
        "step",
        run.folder.name,
        stage=folder.plan().stages[stage],
        run=run.folder.name,
        decision=step.decision,
        reason=step.reason,
    )
    return step


@task(name="report curriculum", task_run_name="report the curriculum", cache_policy=NO_CACHE)
def report_curriculum(folder: CurriculumFolder) -> Path:
    """Writes what came of each attempt, for Prefect too; returns the file."""
    report = folder.report()
    rows = [
        {
            "stage": stage["name"],
            "run": attempt["run"],
            "success rate": attempt["success_rate"],
            "threshold": stage["success_rate_threshold"],
            "stage ended with": stage["decision"],
        }
        for stage in report["stages"]
        for attempt in stage["attempts"]
    ]
    create_table_artifact(rows, key="stage1-curriculum", description=f"{folder.name}: {report['reason']}")
    return folder.write_report()


def closing_state_of(folder: CurriculumFolder) -> State[Path]:
    """The flow's final state: failed where a stage was not reached, for then the stages after it are not trained."""
    report = folder.report()
    match report["outcome"]:
        case "reached":
            return Completed(name="Target reached", message=report["reason"], data=folder.path)
        case "below_threshold":
            below = f"stages that did not reach their threshold: {', '.join(report['advanced_below_threshold'])}"
            return Completed(name="Below threshold", message=below, data=folder.path)
        case "unfinished":
            return Completed(name="Out of time", message=report["reason"], data=folder.path)
    return Failed(name=NOT_REACHED, message=report["reason"])
