"""The flow ``evaluate``: the champion against the baselines once more, on a folder or its own test split."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from prefect import flow
from prefect.client.schemas.objects import State
from pydantic import Field

from tasks.evaluation import evaluate_model, evaluation_state, tell_evaluation
from tasks.store import CHAMPION_MODEL


@flow(name="evaluate", flow_run_name="evaluate {model}", validate_parameters=True)
def evaluate(
    images: str = "",
    model: str = CHAMPION_MODEL,
    success_rate_threshold: Annotated[float, Field(ge=0, le=1)] | None = None,
    workers: Annotated[int, Field(ge=0, le=512)] = os.cpu_count() or 1,
) -> State[Path]:
    """Measures a model and the baselines, tells MLflow and Prefect, and emits ``stage1.alert`` where it got worse.

    Args:
        images: a folder of logos, taken whole but for those that the model was trained on; empty: the test split of
            the model's own source.
        model: a path, or ``models:/...`` in MLflow.
        success_rate_threshold: under it an alert is emitted; empty: the model's own.
        workers: trace processes.
    """
    file = evaluate_model(model, images, success_rate_threshold, workers)
    tell_evaluation(file)
    return evaluation_state(file)
