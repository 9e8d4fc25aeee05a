"""The agent as an MLflow model: paths of images in, SVGs with their parameters and measures out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.pyfunc.model import PythonModel

from rlcore.errors import UnusableFileError
from rlcore.learning.agent import read_model
from rlcore.vectorizing import Failure, Vectorized, vectorize_many


class PolicyModel(PythonModel):
    """Loads a checkpoint (no pickled code) and vectorizes files with it."""

    def load_context(self, context: Any) -> None:
        """Reads the checkpoint."""
        self._model = read_model(Path(context.artifacts["checkpoint"]))

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:
        """A row per ``image`` (a path): parameters as JSON, svg, quality, size_bytes, plain_quality, plain_bytes.

        Raises:
            UnusableFileError: one of them can't be used.
        """
        config = self._model.config
        outcomes = vectorize_many(
            [Path(path) for path in model_input["image"]],
            workers=1,
            model=self._model,
            budget=config.steps_per_episode,
            objective=config.size_weight,
        )
        answer: pd.DataFrame = pd.DataFrame([_row(outcome) for outcome in outcomes])
        return answer


def _row(result: Vectorized | Failure) -> dict[str, Any]:
    if isinstance(result, Failure):
        raise UnusableFileError(f"{result.name}: {result.reason}")
    return {
        "parameters": json.dumps(result.parameters.as_dict()),
        "svg": result.svg.decode(),
        "quality": result.ssim,
        "size_bytes": float(result.size_bytes),
        "plain_quality": result.baseline.ssim,
        "plain_bytes": float(result.baseline.size_bytes),
    }


mlflow.models.set_model(PolicyModel())
