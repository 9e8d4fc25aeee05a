"""A model against the baselines on a folder or its own test split, once more: whether it still does what it did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import mlflow
from prefect import task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.states import Completed

from rlcore.config import Stage1Config
from rlcore.conversion.evaluator import Evaluator
from rlcore.data.held_out import held_out_logos
from rlcore.errors import DataError
from rlcore.files import read_json, write_json
from rlcore.judging.searchers import CLEANED_SEARCHER, PLAIN_SEARCHER, FixedSetting, Searcher, Sequential
from rlcore.judging.standings import BEST_SINGLE, PORTFOLIO
from rlcore.judging.validation import Validation, run_searcher
from rlcore.learning.agent import Agent, Checkpoint
from rlcore.records import Alert, Comparison
from rlcore.reporting.wording import interval
from rlcore.statistics import estimate
from tasks import metrics, registry, tracking
from tasks.models import load_model
from tasks.prefect_sink import EVENTS, run_event
from tasks.run import mlruns_folder

EXPERIMENT = "stage1-evaluations"
CHAMPION_MODEL = f"models:/{registry.MODEL}@{registry.CHAMPION}"


@dataclass(frozen=True)
class Evaluation:
    """The agent first, then the baselines; all on the same logos.

    Attributes:
        name: of its folder and MLflow run.
        model: as it was asked for; ``version`` is its number in the registry, empty where it has none.
        source: where the logos are from.
        excluded: logos left out because the model was trained on them.
        threshold: least success rate.
    """

    name: str
    model: str
    version: str
    source: str
    excluded: int
    threshold: float
    validations: tuple[Validation, ...]

    @property
    def success_rate(self) -> float:
        """The agent's."""
        return self.validations[0].headline().success_rate

    def rows(self) -> list[dict[str, Any]]:
        """The table: means of each searcher, and what the agent's gain is ahead by, with its 95 % interval."""
        agent, *baselines = self.validations
        ahead = ["", *(interval(Comparison.of(agent, baseline).gain) for baseline in baselines)]
        shown = ("logos", "quality", "ssim_improvement", "success_rate", "bytes_ratio", "gain")
        return [
            {
                "searcher": one.searcher,
                "traces": one.budget,
                **{name: getattr(one.headline(), name) for name in shown},
                "agent ahead by": lead,
            }
            for one, lead in zip(self.validations, ahead, strict=True)
        ]

    def alert(self) -> Alert | None:
        """Where the success rate is under its threshold."""
        rate = self.success_rate
        if rate >= self.threshold:
            return None
        found = estimate([float(result.success) for result in self.validations[0].of()])
        told = f"{rate:.1%} [{found.low:.1%}, {found.high:.1%}] on {found.pairs} logos of {self.source}"
        return Alert(
            kind="degradation",
            check="champion",
            severity="high",
            episode=self.validations[0].episode,
            last_episode=self.validations[0].episode,
            updates=0,
            message=f"the success rate of {self.model} is {told}, under {self.threshold:.0%}",
            measured=rate,
            threshold=self.threshold,
            recommendation="Look at the logos that failed (evaluation.json); train anew with such logos among them.",
        )

    def as_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        alert = self.alert()
        return {
            **{k: getattr(self, k) for k in ("name", "model", "version", "source", "excluded", "threshold")},
            "alert": None if alert is None else asdict(alert),
            "rows": self.rows(),
            "validations": [validation.as_dict() for validation in self.validations],
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Evaluation:
        """What ``as_dict`` gave."""
        parts = {k: content[k] for k in ("name", "model", "version", "source", "excluded", "threshold")}
        return cls(**parts, validations=tuple(Validation.from_dict(v) for v in content["validations"]))


@task(name="evaluate model", task_run_name="evaluate {model}", cache_policy=NO_CACHE)
def evaluate_model(model: str, images: str, threshold: float | None, workers: int) -> Path:
    """Measures a model and the baselines; returns the path of ``evaluation.json``.

    Raises:
        CheckpointError: there is no such model.
        DataError: there are no logos of its category that it was not trained on.
    """
    checkpoint = load_model(model)
    config = checkpoint.config.model_copy(update={"workers": workers})
    source = images or config.images
    trained = frozenset(checkpoint.experience.digests)
    logos = held_out_logos(config, source, "test", config.working_size, trained)
    judged = [subject for subject in logos.subjects if config.category in ("all", subject.category)]
    if not judged:
        raise DataError(f"no logo of category {config.category!r} in {source!r} that {model} was not trained on")
    with Evaluator(workers) as evaluator:
        found = tuple(
            run_searcher(searcher, judged, traces, config, evaluator, episode=episode)
            for searcher, traces, episode in _searchers(checkpoint, config)
        )
    name = f"evaluate-{datetime.now():%Y%m%d-%H%M%S-%f}"
    least = config.success_rate_threshold if threshold is None else threshold
    whole = Evaluation(name, model, _version_of(model), _told(source, config), logos.excluded, least, found)
    return write_json(mlruns_folder() / "evaluations" / name / "evaluation.json", whole.as_dict())


def _told(source: str, config: Stage1Config) -> str:
    return f"{source}, test split" if source == config.images else source


def _searchers(model: Checkpoint, config: Stage1Config) -> list[tuple[Searcher, int, int]]:
    """Each with its traces and the training episodes behind it."""
    portfolio, steps = model.library.portfolio(config.size_weight), config.steps_per_episode
    return [
        (Agent(model), steps, model.episode),
        (PLAIN_SEARCHER, 1, 0),
        (CLEANED_SEARCHER, 1, 0),
        (FixedSetting(BEST_SINGLE, portfolio[0]), 1, 0),
        (Sequential(PORTFOLIO, portfolio), steps, 0),
    ]


def _version_of(model: str) -> str:
    """``models:/<name>@<alias>`` and ``models:/<name>/<version>`` have one."""
    prefix = f"models:/{registry.MODEL}"
    return registry.version(model[len(prefix) + 1 :]).number if model.startswith((prefix + "@", prefix + "/")) else ""


@task(name="tell evaluation", task_run_name="tell of the evaluation", cache_policy=NO_CACHE)
def tell_evaluation(file: Path) -> str:
    """An MLflow run with figures and table, a Prefect artifact, an alert where it is due; returns that run's id."""
    told = Evaluation.from_dict(read_json(file))
    experiment = tracking.use_store(mlruns_folder(), EXPERIMENT)
    client = mlflow.MlflowClient()
    tags = {"stage1.model": told.model, "stage1.version": told.version, "stage1.source": told.source}
    run_id = str(client.create_run(experiment, run_name=told.name, tags=tags).info.run_id)
    for validation in told.validations:
        prefix = f"evaluation-{validation.searcher.replace(' ', '_')}"
        tracking.log_metrics(run_id, metrics.summary_metrics(prefix, validation.headline()), 0)
    tracking.log_files(run_id, [file])
    tracking.log_logos(run_id, told.validations[0], "logos")
    tracking.finish_run(run_id, "FINISHED")
    create_table_artifact(told.rows(), key="stage1-evaluation", description=f"{told.model} on {told.source}")
    alert = told.alert()
    if alert is not None:
        event = run_event(EVENTS["alert"], told.name, asdict(alert), uuid5(NAMESPACE_URL, f"stage1/{file}/alert"))
        with get_client(sync_client=True) as server:
            server.request("POST", "/events", json=[event.model_dump(mode="json")])
    return run_id


def evaluation_state(file: Path) -> State[Path]:
    """The flow's final state: named by whether the success rate is where it should be."""
    told = Evaluation.from_dict(read_json(file))
    alert = told.alert()
    if alert is not None:
        return Completed(name="Under threshold", message=alert.message, data=file)
    return Completed(message=f"success rate {told.success_rate:.1%}, at least {told.threshold:.0%}", data=file)
