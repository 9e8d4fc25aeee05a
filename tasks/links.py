"""Where people look at a run: Prefect's page, the dashboard, MLflow's page. Addresses never carry passwords."""

from __future__ import annotations

import os
from functools import lru_cache
from urllib.parse import urlencode, urlsplit, urlunsplit

import mlflow
from mlflow.exceptions import MlflowException
from prefect.runtime import flow_run
from prefect.utilities.urls import url_for

from rlcore.reporting.messages import Link
from tasks.run import Run
from tasks.store import DASHBOARD_VARIABLE, mlruns_folder
from tasks.tracking import store_uri

MLFLOW_VARIABLE = "STAGE1_MLFLOW_URL"
"""Address of MLflow's pages, where it is not that of the tracking server."""


def links_of(run: Run) -> tuple[Link, ...]:
    """Prefect's, the dashboard's and MLflow's; where there is no address, what to type instead."""
    return (*_flow_run_page(), _dashboard(run.folder.name), _mlflow_page(run.mlflow_run_id))


def links_of_evaluation(mlflow_run_id: str) -> tuple[Link, ...]:
    """Prefect's and MLflow's."""
    return (*_flow_run_page(), _mlflow_page(mlflow_run_id))


def without_password(address: str) -> str:
    """The address without user, password, query and what else could be a secret."""
    parts = urlsplit(address)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _flow_run_page() -> tuple[Link, ...]:
    own = flow_run.get_id()
    page = url_for("flow-run", obj_id=own) if own else None
    return (Link("Flow run", without_password(page)),) if page else ()


def _dashboard(run_name: str) -> Link:
    address = os.environ.get(DASHBOARD_VARIABLE)
    if not address:
        return Link("Dashboard", f"stage1 dashboard --run '{run_name}'")
    return Link("Dashboard", f"{without_password(address).rstrip('/')}/?{urlencode({'run': run_name})}")


def _mlflow_page(run_id: str) -> Link:
    address = os.environ.get(MLFLOW_VARIABLE) or store_uri(mlruns_folder())
    experiment = _experiment(run_id) if address.startswith("http") else ""
    if not experiment:
        return Link("MLflow run", run_id)
    page = f"{without_password(address).rstrip('/')}/#/experiments/{experiment}/runs/{run_id}"
    return Link("MLflow run", f"{page}?workflowType=machine_learning")


@lru_cache(maxsize=8)
def _experiment(run_id: str) -> str:
    """Asked once a process: where MLflow is away, a run does not wait for it at each message."""
    try:
        return str(mlflow.MlflowClient().get_run(run_id).info.experiment_id)
    except MlflowException:
        return ""
