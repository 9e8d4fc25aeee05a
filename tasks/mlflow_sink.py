"""What MLflow is told of a run: metrics, models, tables, pictures, files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import requests
from mlflow.exceptions import MlflowException
from PIL import Image

from rlcore.files import read_json
from rlcore.judging.validation import Validation
from rlcore.records import Comparison, Rollout
from tasks import metrics, tracking
from tasks.logged_models import log_model
from tasks.run import Run


class MLflowSink:
    """The run's own run in MLflow."""

    name = "mlflow"
    troubles = (MlflowException, requests.RequestException, OSError)

    def __init__(self, run: Run) -> None:
        self._run = run
        self._id = run.mlflow_run_id
        self.place = f"mlflow-{run.mlflow_run_id}"
        self._folder = run.folder
        self._again = True
        self._handlers: dict[str, Callable[[dict[str, Any]], None]] = {
            "data": self._data,
            "library": self._library,
            "baselines": self._baselines,
            "rollout": self._rollout,
            "validation": self._validation,
            "verdict": self._verdict,
            "rollback": self._rollback,
            "test": self._test,
            "compared": self._compared,
            "final_report": self._final_report,
            "registered": self._files,
            "promotion": self._files,
            "report": self._report,
            "picture": self._picture,
            "ended": self._ended,
        }

    def takes(self, event: str) -> bool:
        """Whether there is something to log."""
        return event in self._handlers

    def take(self, entry: dict[str, Any], again: bool) -> None:
        """Logs one event."""
        self._again = again
        self._handlers[entry["event"]](entry)

    def _log(self, figures: Mapping[str, float | None], step: int, model_id: str | None = None) -> None:
        if self._again:
            figures = tracking.unlogged(self._id, figures, step)
        tracking.log_metrics(self._id, figures, step, model_id)

    def _data(self, entry: dict[str, Any]) -> None:
        file = self._folder.data / "manifest.json"
        tracking.log_dataset(self._id, read_json(file), source=self._run.config.images)
        tracking.log_files(self._id, [file, self._folder.config_file])

    def _library(self, entry: dict[str, Any]) -> None:
        tracking.log_files(self._id, [self._folder.library])

    def _baselines(self, entry: dict[str, Any]) -> None:
        for baseline in self._folder.baselines(entry["split"]):
            prefix = f"baseline-{entry['split']}/{baseline.searcher.replace(' ', '_')}"
            self._log(metrics.summary_metrics(prefix, baseline.headline()), 0)

    def _rollout(self, entry: dict[str, Any]) -> None:
        rollout = Rollout(**entry["rollout"])
        steps = self._run.config.steps_per_episode
        self._log(metrics.rollout_metrics(rollout, steps, entry["rollbacks"]), rollout.episode)

    def _validation(self, entry: dict[str, Any]) -> None:
        episode, validation = entry["episode"], self._folder.validation_at(entry["episode"])
        model_id = log_model(self._id, self._folder.checkpoint(episode), episode)
        self._log(metrics.summary_metrics("validation", validation.headline()), episode, model_id)
        self._log(metrics.reading_metrics(validation, "validation"), episode)
        tracking.log_logos(self._id, validation, "validation")
        self._leads(validation)
        for number, file in enumerate(self._folder.samples(episode), start=1):
            with Image.open(file) as picture:
                tracking.log_image(self._id, np.asarray(picture), f"validation logo {number}", episode)

    def _leads(self, validation: Validation) -> None:
        for baseline in self._folder.baselines("validation"):
            prefix = f"ahead-of-{baseline.searcher.replace(' ', '_')}"
            gain = asdict(Comparison.of(validation, baseline).gain)
            self._log({f"{prefix}/{key}": value for key, value in gain.items()}, validation.episode)

    def _verdict(self, entry: dict[str, Any]) -> None:
        verdict = entry["verdict"]
        self._log({"gate/alerts": float(len(verdict["alerts"]))}, verdict["episode"])
        told = f"{verdict['decision']}: {verdict['reason']}"
        # the last one where everybody looks, each one beside
        tracking.tag(self._id, verdict=told, **{f"verdict after {entry['key']}": told})

    def _rollback(self, entry: dict[str, Any]) -> None:
        tracking.tag(self._id, rollbacks=str(entry["number"]))

    def _test(self, entry: dict[str, Any]) -> None:
        test = self._folder.validation("test")
        self._log(metrics.summary_metrics("test", test.headline()), test.episode)
        self._log(metrics.reading_metrics(test, "test"), test.episode)
        tracking.log_logos(self._id, test, "test")

    def _compared(self, entry: dict[str, Any]) -> None:
        table = self._folder.comparison()
        assert table is not None
        self._log(metrics.comparison_metrics(table), entry["episode"])
        tracking.log_files(self._id, [self._folder.path / name for name in entry["files"]])

    def _final_report(self, entry: dict[str, Any]) -> None:
        tracking.log_files(self._id, [self._folder.path / name for name in entry["files"]])
        tracking.log_files(self._id, [self._folder.best_model, self._folder.journal.path])
        tracking.log_files(self._id, self._folder.checkpoints().values(), "checkpoints")

    def _files(self, entry: dict[str, Any]) -> None:
        tracking.log_files(self._id, [self._folder.path / name for name in entry["files"]])

    def _report(self, entry: dict[str, Any]) -> None:
        tracking.log_files(self._id, [self._folder.path / name for name in entry["files"]], "reports")

    def _picture(self, entry: dict[str, Any]) -> None:
        files = [file for file in [self._folder.path / entry["file"]] if file.exists()]  # a user may have tidied up
        tracking.log_files(self._id, files, "dashboard")

    def _ended(self, entry: dict[str, Any]) -> None:
        tracking.finish_run(self._id, entry["status"])
