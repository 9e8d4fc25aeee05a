"""The agent as an MLflow model: paths of images in, SVGs with their parameters and measures out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.pyfunc.model import PythonModel

from rlcore.conversion.evaluator import Evaluator
from rlcore.learning.agent import Agent, Checkpoint
from rlcore.vectorize import Vectorized, vectorize


class PolicyModel(PythonModel):
    """Loads a checkpoint (no pickled code) and vectorizes files with it."""

    def load_context(self, context: Any) -> None:
        """Reads the checkpoint."""
        self._checkpoint = Checkpoint.load(Path(context.artifacts["checkpoint"]))
        self._agent = Agent(self._checkpoint)

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:
        """A row per ``image`` (a path): parameters as JSON, svg, quality, size_bytes, plain_quality, plain_bytes."""
        with Evaluator(workers=0) as evaluator:
            images = [Path(path) for path in model_input["image"]]
            rows = [_row(vectorize(image, self._agent, self._checkpoint.config, evaluator)) for image in images]
        answer: pd.DataFrame = pd.DataFrame(rows)
        return answer


def _row(result: Vectorized) -> dict[str, Any]:
    return {
        "parameters": json.dumps(result.parameters.as_dict()),
        "svg": result.svg.decode(),
        "quality": result.quality,
        "size_bytes": float(len(result.svg)),
        "plain_quality": result.plain.quality,
        "plain_bytes": float(result.plain.size_bytes),
    }


mlflow.models.set_model(PolicyModel())
