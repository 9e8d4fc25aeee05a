"""The flow ``curriculum``: one attempt at a stage after the other, each a sub-flow of ``stage1``'s tasks."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from prefect import flow
from prefect.client.schemas.objects import State

from flows.stage1 import conclude, train
from rlcore.config import Stage1Config
from rlcore.curriculum import ALL_STAGES, StageName, curriculum_of
from tasks.curriculum import begin_attempt, closing_state_of, judge_attempt, open_curriculum, report_curriculum
from tasks.opening import open_run
from tasks.quality import closing_state
from tasks.run import REJECTED


@flow(name="curriculum", flow_run_name="curriculum seed {config.seed}", validate_parameters=True)
def curriculum(
    config: Stage1Config = Stage1Config(),  # noqa: B008  frozen
    stages: tuple[StageName, ...] = ALL_STAGES,
    episodes_scale: float = 1.0,
    images: dict[StageName, str] | None = None,
    image_splits: Literal["content", "folders"] = "content",
    allow_advance_below_threshold: bool = False,
    name: str = "",
) -> State[Path]:
    """Trains through the stages; each goes on from the last one's model, and is tried three times at most.

    Ends in a state named ``Target reached``, ``Below threshold``, ``Out of time``, or (failed) ``Not reached``, with
    the curriculum's folder. One that was interrupted goes on where it was, by its name.

    Args:
        config: settings of every stage, but for category, episodes, threshold and seed, which the stage sets.
        stages: by name, in their order.
        episodes_scale: all stages' episodes are multiplied by it.
        images: a folder of logos for a stage, taken whole; the others take the config's, by their category.
        image_splits: how these folders are split, as ``splits`` of the config.
        allow_advance_below_threshold: after three attempts go on even so; that is recorded and told.
        name: of the curriculum's folder, and begin of its runs' names; empty: made of seed and flow run.
    """
    plan = curriculum_of(
        config=config,
        stages=stages,
        episodes_scale=episodes_scale,
        images=images or {},
        image_splits=image_splits,
        allow_advance_below_threshold=allow_advance_below_threshold,
    )
    with open_curriculum(plan, name) as folder:
        while (attempt := begin_attempt(folder)) is not None:
            state = curriculum_stage(attempt.config, attempt.run, folder.path, attempt.stage, return_state=True)
            if state.is_failed() and state.name != REJECTED:
                state.result(raise_on_failure=True)
            if not folder.is_trained(attempt):  # out of time: with the same name it goes on
                break
        report_curriculum(folder)
        return closing_state_of(folder)


@flow(name="curriculum stage", flow_run_name="{run_name}", validate_parameters=True)
def curriculum_stage(config: Stage1Config, run_name: str, folder: Path, stage: int) -> State[Path]:
    """One attempt at a stage; the test split is read where it is the stage's last."""
    with open_run(config, run_name) as run:
        train(run)
        step = judge_attempt(folder, stage, run)
        if step is not None and step.ends_stage:
            conclude(run)
    return closing_state(run)
