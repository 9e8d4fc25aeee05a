"""MLflow's model registry: versions of ``stage1-agent``, which one is champion, and which ones were before it.

The registered model keeps the champions in order, so that going back is one step. A lock on the store's folder makes
two runs that finish at once decide one after the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import mlflow
from filelock import FileLock
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_ALREADY_EXISTS, RESOURCE_DOES_NOT_EXIST, ErrorCode

from rlcore.errors import RegistryError
from tasks import tracking
from tasks.store import CHAMPION as CHAMPION
from tasks.store import MODEL as MODEL
from tasks.store import mlruns_folder

CHALLENGER = "challenger"

LONGEST_DESCRIPTION = 5000
"""Characters that the store's column has room for."""

DECISION_TAG = "stage1.promotion"
"""What was decided last on a version, by the gate or by a person."""

GATE_TAG = "stage1.gate"
"""The gate's own answer, once it was carried out; what a person does later leaves it as it is."""

_CHAMPIONS_TAG = "stage1.champions"
_MOST_CHAMPIONS = 100
_EXISTS, _MISSING = (ErrorCode.Name(code) for code in (RESOURCE_ALREADY_EXISTS, RESOURCE_DOES_NOT_EXIST))
_ABOUT = "Chooses VTracer's parameters for a logo; each version is the best model of a run."


@dataclass(frozen=True, slots=True)
class Version:
    """A version of the registered model, with its aliases and tags."""

    number: str
    run_id: str
    description: str
    created: float
    aliases: tuple[str, ...]
    tags: Mapping[str, str]


def lock() -> FileLock:
    """Held while the champion is read, decided on and set."""
    return FileLock(mlruns_folder() / ".registry.lock")


def versions() -> list[Version]:
    """All, the latest first."""
    tracking.use_store(mlruns_folder())
    client, found, token = mlflow.MlflowClient(), list[ModelVersion](), None
    while True:
        page = client.search_model_versions(f"name = '{MODEL}'", page_token=token)
        found += page
        token = page.token
        if not token:
            break
    aliases = _aliases()
    return [_version(one, aliases) for one in sorted(found, key=lambda one: -int(one.version))]


def version(number: str) -> Version:
    """One version, by its number or an alias.

    Raises:
        RegistryError: there is none.
    """
    known = versions()
    found = [one for one in known if number == one.number or number in one.aliases]
    if not found:
        numbers = ", ".join(one.number for one in known[:10])
        raise RegistryError(f"{MODEL} has no version {number!r}; the latest are: {numbers or 'none'}")
    return found[0]


def version_of_run(run_id: str) -> Version | None:
    """The version that a run registered, if it did."""
    return next((one for one in versions() if one.run_id == run_id), None)


def with_alias(alias: str) -> Version | None:
    """The version that an alias stands for, if any."""
    return next((one for one in versions() if alias in one.aliases), None)


def register(run_id: str, model_id: str, description: str, tags: Mapping[str, str]) -> Version:
    """Makes a logged model a version with all that is told of it, in one transaction; once for a run."""
    known = version_of_run(run_id)
    if known is not None:
        return known
    client = mlflow.MlflowClient()
    try:
        client.create_registered_model(MODEL, description=_ABOUT)
    except MlflowException as error:
        if error.error_code != _EXISTS:
            raise
    source = f"models:/{model_id}"
    made = client.create_model_version(
        MODEL, source, run_id, tags=dict(tags), description=description, model_id=model_id
    )
    return version(str(made.version))


def challenge(number: str) -> None:
    """Gives a version the alias ``challenger``."""
    mlflow.MlflowClient().set_registered_model_alias(MODEL, CHALLENGER, number)


def crown(number: str) -> None:
    """Makes a version champion; a challenger that becomes champion is challenger no more."""
    before = with_alias(CHAMPION)
    line = _line_up_to(before.number if before else "")
    _keep_line([*(one for one in line if one != number), number])
    _set_champion(number)


def champion_before() -> Version:
    """The one that the champion took its place from.

    Raises:
        RegistryError: there is no champion, or none was before it.
    """
    champion = with_alias(CHAMPION)
    if champion is None:
        raise RegistryError(f"{MODEL} has no champion: stage1 models promote VERSION makes one")
    known = {one.number: one for one in versions()}
    # a version may have been deleted meanwhile
    earlier = [known[number] for number in _line_up_to(champion.number)[:-1] if number in known]
    if not earlier:
        raise RegistryError(f"{MODEL} had no champion before version {champion.number}")
    return earlier[-1]


def roll_back() -> tuple[Version, Version]:
    """Gives the champion's place back to the one before; returns both: who left it, and who has it.

    Raises:
        RegistryError: see ``champion_before``.
    """
    after, before = with_alias(CHAMPION), champion_before()
    assert after is not None  # else there is none before it
    _set_champion(before.number)
    return after, before


def _set_champion(number: str) -> None:
    client = mlflow.MlflowClient()
    client.set_registered_model_alias(MODEL, CHAMPION, number)
    if _aliases().get(CHALLENGER) == number:
        client.delete_registered_model_alias(MODEL, CHALLENGER)


def record(number: str, run_id: str, told: str) -> None:
    """Tags a version and its run with what was decided; the run may have been deleted."""
    mlflow.MlflowClient().set_model_version_tag(MODEL, number, DECISION_TAG, told)
    try:
        tracking.tag(run_id, promotion=told, version=number)
    except MlflowException as error:
        if error.error_code != _MISSING:
            raise


def mark(number: str, answer: str) -> None:
    """Says on a version that the gate's answer was carried out."""
    mlflow.MlflowClient().set_model_version_tag(MODEL, number, GATE_TAG, answer)


def _line_up_to(champion: str) -> list[str]:
    """Champions so far, in order, the present one last."""
    line = _champions()
    if champion in line:
        return line[: len(line) - line[::-1].index(champion)]
    return [*line, champion] if champion else line  # it was made champion by other means


def _champions() -> list[str]:
    try:
        tags = mlflow.MlflowClient().get_registered_model(MODEL).tags
    except MlflowException as error:
        if error.error_code != _MISSING:
            raise
        return []
    return str(tags.get(_CHAMPIONS_TAG, "")).split()


def _keep_line(line: list[str]) -> None:
    mlflow.MlflowClient().set_registered_model_tag(MODEL, _CHAMPIONS_TAG, " ".join(line[-_MOST_CHAMPIONS:]))


def _aliases() -> dict[str, str]:
    """Version by alias. A search leaves them out."""
    try:
        found = mlflow.MlflowClient().get_registered_model(MODEL).aliases
    except MlflowException as error:
        if error.error_code != _MISSING:
            raise
        return {}
    return {str(alias): str(number) for alias, number in found.items()}


def _version(found: ModelVersion, aliases: Mapping[str, str]) -> Version:
    number = str(found.version)
    own = tuple(sorted(alias for alias, of in aliases.items() if of == number))
    created = float(found.creation_timestamp or 0) / 1000
    return Version(number, str(found.run_id), str(found.description or ""), created, own, dict(found.tags))
