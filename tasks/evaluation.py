"""A model against the baselines on a folder or its own test split, once more: whether it still does what it did."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
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
from rlcore.judging.validation import run_searcher
from rlcore.learning.agent import Agent
from rlcore.learning.model import Model
from rlcore.reporting.evaluation import Evaluation
from tasks import metrics, registry, tracking
from tasks.links import links_of_evaluation
from tasks.messages import evaluation_payload
from tasks.models import load_model
from tasks.prefect_sink import EVENTS, alert_labels, run_event
from tasks.store import mlruns_folder

EXPERIMENT = "stage1-evaluations"


@task(name="evaluate model", task_run_name="evaluate {model}", cache_policy=NO_CACHE)
def evaluate_model(model: str, images: str, threshold: float | None, workers: int) -> Path:
    """Measures a model and the baselines; returns the path of ``evaluation.json``.

    Raises:
        CheckpointError: there is no such model.
        DataError: there are no logos of its category that it was not trained on.
    """
    loaded = load_model(model)
    config = loaded.config.model_copy(update={"workers": workers})
    source = images or config.images
    trained = frozenset(loaded.experience.digests)
    logos = held_out_logos(config, source, "test", config.working_size, trained)
    judged = [subject for subject in logos.subjects if config.category in ("all", subject.category)]
    if not judged:
        raise DataError(f"no logo of category {config.category!r} in {source!r} that {model} was not trained on")
    with Evaluator(workers) as evaluator:
        found = tuple(
            run_searcher(searcher, judged, traces, config, evaluator, episode=episode)
            for searcher, traces, episode in _searchers(loaded, config)
        )
    name = f"evaluate-{datetime.now():%Y%m%d-%H%M%S-%f}"
    least = config.success_rate_threshold if threshold is None else threshold
    whole = Evaluation(name, model, _version_of(model), _told(source, config), logos.excluded, least, found)
    return write_json(mlruns_folder() / "evaluations" / name / "evaluation.json", whole.as_dict())


def _told(source: str, config: Stage1Config) -> str:
    return f"{source}, test split" if source == config.images else source


def _searchers(model: Model, config: Stage1Config) -> list[tuple[Searcher, int, int]]:
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
        payload = evaluation_payload(told, alert, links_of_evaluation(run_id))
        labels = alert_labels(alert.check, alert.severity, repeated=False)
        event = run_event(EVENTS["alert"], told.name, payload, uuid5(NAMESPACE_URL, f"stage1/{file}/alert"), labels)
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
