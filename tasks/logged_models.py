"""A policy as a logged model of MLflow: pyfunc, models from code, no pickle."""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mlflow
import pandas as pd
from mlflow.entities import LoggedModelStatus
from mlflow.models import Model, ModelSignature
from mlflow.types import ColSpec, DataType, Schema

_MODEL_CODE = Path(__file__).with_name("policy_model.py")
_MODEL_PACKAGE = Path(__file__).parent.parent / "rlcore"
_MODEL_NEEDS = (
    *("torch", "stable-baselines3", "gymnasium", "vtracer", "skia-python", "opencv-python-headless"),
    *("pillow", "defusedxml", "numpy", "pandas", "scipy", "pydantic"),
)


@lru_cache(maxsize=1)
def _signature() -> ModelSignature:
    text = [ColSpec(DataType.string, name) for name in ("parameters", "svg")]
    numbers = [ColSpec(DataType.double, name) for name in ("quality", "size_bytes", "plain_quality", "plain_bytes")]
    return ModelSignature(Schema([ColSpec(DataType.string, "image")]), Schema([*text, *numbers]))


def log_model(run_id: str, checkpoint: Path, episode: int) -> str:
    """The policy as a logged model with the code that it needs, once; returns the model's id."""
    name = f"ppo-ep{episode:05d}"
    known = _logged_model(run_id, name)
    if known is not None:
        return known
    client = mlflow.MlflowClient()
    experiment = client.get_run(run_id).info.experiment_id
    made = client.create_logged_model(experiment, name=name, source_run_id=run_id)
    # what ``mlflow.pyfunc.log_model`` calls; that one needs an active run, and leaving one marks it as finished
    info = Model.log(
        artifact_path=None,
        flavor=SimpleNamespace(save_model=_save_pyfunc),
        run_id=run_id,
        model_id=made.model_id,
        name=name,
        python_model=str(_MODEL_CODE),
        artifacts={"checkpoint": str(checkpoint)},
        code_paths=[str(_MODEL_PACKAGE)],
        signature=_signature(),
        input_example=pd.DataFrame({"image": ["logo.png"]}),
        validate_serving_input=False,
        pip_requirements=[f"{name}=={version(name)}" for name in _MODEL_NEEDS],
        step=episode,
    )
    return str(info.model_id)


def _save_pyfunc(*, validate_serving_input: bool, **kwargs: Any) -> None:
    """``mlflow.pyfunc.save_model``, which does not know what ``Model.log`` reads off its arguments.

    Validating would load the model and run the example: seconds, for a signature that is given.
    """
    mlflow.pyfunc.save_model(**kwargs)


def _logged_model(run_id: str, name: str) -> str | None:
    """Id of the run's model of that name; one that a kill left half made is deleted."""
    client = mlflow.MlflowClient()
    experiment = client.get_run(run_id).info.experiment_id
    ours = f"source_run_id = '{run_id}' AND name = '{name}'"
    whole = None
    for model in client.search_logged_models([experiment], ours):
        if model.status == LoggedModelStatus.READY:
            whole = str(model.model_id)
        else:
            client.delete_logged_model(model.model_id)
    return whole
