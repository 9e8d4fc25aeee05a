"""A finished run's best model becomes a version of the registered model, once, with all that identifies it."""

from __future__ import annotations

import hashlib
import subprocess
from importlib.metadata import version
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from rlcore.config import Stage1Config
from rlcore.data.dataset_files import data_hash
from rlcore.files import read_json, write_text
from rlcore.records import Evidence
from rlcore.reporting.findings import INTERVALS, mean_interval
from rlcore.reporting.model_card import model_card, shortened
from rlcore.run_folder import RunFolder
from tasks import registry
from tasks.delivery import deliver, deliver_all
from tasks.logged_models import log_model
from tasks.models import keep_best
from tasks.opening import ADJUSTABLE, ENDS
from tasks.report import collect_evidence
from tasks.run import RETRIES, RETRY_DELAY_SECONDS, Run, is_transient

_ROOT = Path(__file__).parent.parent


@task(
    name="register model",
    task_run_name="register the best model",
    cache_policy=NO_CACHE,
    retries=RETRIES,
    retry_delay_seconds=RETRY_DELAY_SECONDS,
    retry_condition_fn=is_transient,
)
def register_model(run: Run) -> str:
    """Registers the best model; returns the version's number, empty for a run that was rejected or is out of time.

    MLflow has one version of a run: after a kill between making it and writing it down it is found there.

    Raises:
        DeliveryError: MLflow is away.
    """
    if not is_finished(run.folder):
        return ""
    known = registered_version(run.folder)
    if known:
        return known
    deliver_all(run)  # the logged model among it
    evidence, episode = collect_evidence(run.folder), keep_best(run.folder).episode
    identity = identity_of(run)
    card = model_card(evidence, identity)
    write_text(run.folder.model_card, card)
    model_id = log_model(run.mlflow_run_id, run.folder.best_model, episode)
    made = registry.register(
        run.mlflow_run_id,
        model_id,
        shortened(card, registry.LONGEST_DESCRIPTION),
        {f"stage1.{name.replace(' ', '_')}": value for name, value in (identity | scores_of(evidence)).items()},
    )
    files = [run.folder.model_card.name]
    run.folder.journal.write_once(
        "registered", "", version=made.number, episode=episode, model_id=model_id, files=files
    )
    deliver(run)
    return made.number


def is_finished(folder: RunFolder) -> bool:
    """Whether the gate let it come to its end."""
    verdicts = folder.verdicts()
    return bool(verdicts) and verdicts[-1].decision not in ENDS


def registered_version(folder: RunFolder) -> str:
    """Number of the version that it registered; empty: none."""
    found = folder.journal.read("registered")
    return str(found[-1]["version"]) if found else ""


def identity_of(run: Run) -> dict[str, str]:
    """What the model was made from, by name."""
    return {
        "run": run.folder.name,
        "MLflow run": run.mlflow_run_id,
        "data hash": data_hash(read_json(run.folder.data / "manifest.json")),
        "config hash": config_hash(run.config),
        "code version": code_version(),
        "seed": str(run.config.seed),
    }


def scores_of(evidence: Evidence) -> dict[str, str]:
    """On the test logos, each as ``mean [low, high]`` with its 95 % interval; and the lead in gain on baselines."""
    scores = {}
    for field in INTERVALS:
        found = mean_interval(evidence.test, field)
        scores[field] = f"{found['mean']:.4f} [{found['low']:.4f}, {found['high']:.4f}]"
    for comparison in evidence.comparisons:
        gain = comparison.gain
        ahead = f"{gain.mean:+.4f} [{gain.low:+.4f}, {gain.high:+.4f}]"
        scores[f"ahead of {comparison.baseline.searcher}"] = ahead
    return scores


def config_hash(config: Stage1Config) -> str:
    """SHA-256 of all settings that change a result."""
    return hashlib.sha256(config.model_dump_json(exclude=set(ADJUSTABLE)).encode()).hexdigest()


def code_version() -> str:
    """The commit of this checkout (``-dirty`` where files were changed), or the version of the installed package."""
    if (_ROOT / ".git").exists():
        command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
        try:
            done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, timeout=30, check=True)
            return done.stdout.strip()
        except (OSError, subprocess.SubprocessError):  # no git here, or not this user's checkout
            pass
    return f"stage1 {version('stage1')}"
