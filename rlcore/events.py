"""The typed schema of a run's journal: one class per kind of event. ``docs/journal.md`` has the table.

A writer that misses a field, or makes one up, is refused before the line is written; a reader that meets a line of
another version is told so.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from rlcore.curriculum import Decision
from rlcore.errors import JournalError
from rlcore.judging.validation import Summary
from rlcore.records import Alert, PlayedEpisode, Rollout, Verdict
from rlcore.statistics import Difference, Estimate

SCHEMA_VERSION = 1
"""Written into ``started``; raised when a field changes its meaning or goes."""


class Event(BaseModel):
    """What every line has.

    Attributes:
        time: seconds since 1970 (UTC).
        key: of a fact, which is written once however often the run passes it; empty for what is no fact.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    time: float
    event: str
    key: str = ""


class Started(Event):
    """The run has begun."""

    event: Literal["started"] = "started"
    name: str
    schema_version: int
    target_episodes: int
    chunks: int


class Resumed(Event):
    """It is taken up again by another process."""

    event: Literal["resumed"] = "resumed"
    name: str


class Stopping(Event):
    """A signal asked it to stop."""

    event: Literal["stopping"] = "stopping"
    by: str


class Ended(Event):
    """It is over: ``FINISHED``, ``FAILED`` or ``KILLED``; ``resumable``: it can be gone on with."""

    event: Literal["ended"] = "ended"
    status: str
    reason: str = ""
    resumable: bool


class StageBegin(Event):
    """A part of the run begins (``data``, ``library``, ``training``, ``validation``, ...)."""

    event: Literal["stage_begin"] = "stage_begin"
    stage: str


class Progress(Event):
    """``done`` of ``total`` units of a stage."""

    event: Literal["progress"] = "progress"
    stage: str
    done: int
    total: int


class Stage(Event):
    """A part of the run is through, after so many seconds."""

    event: Literal["stage"] = "stage"
    stage: str
    seconds: float


class Data(Event):
    """The data set is there: logos by split and category, number of skipped files."""

    event: Literal["data"] = "data"
    counts: dict[str, dict[str, int]]
    skipped: int


class LibraryFound(Event):
    """The library is there, with so many settings and moves."""

    event: Literal["library"] = "library"
    size: int


class Traces(Event):
    """What an evaluator did in a chunk (0: before training)."""

    event: Literal["traces"] = "traces"
    chunk: int
    asked: int
    remembered: int
    failures: dict[str, int]
    trace_seconds: float
    repeated: int


class EpisodePlayed(Event):
    """One training episode. After a kill it may stand there twice: the second time says the same and does not count."""

    event: Literal["episode"] = "episode"
    rollbacks: int
    episode: PlayedEpisode


class RolloutDone(Event):
    """An update of the policy: means over its episodes, and the losses by Stable-Baselines3's names in ``train``."""

    event: Literal["rollout"] = "rollout"
    rollbacks: int
    rollout: Rollout


class Broken(Event):
    """A loss or a weight is not a finite number."""

    event: Literal["broken"] = "broken"
    episode: int
    rollbacks: int
    reason: str


class CheckpointKept(Event):
    """A checkpoint is on disk, at the path relative to the run's folder."""

    event: Literal["checkpoint"] = "checkpoint"
    episode: int
    file: str
    size_bytes: int


class Rollback(Event):
    """Training goes back to the checkpoint of ``episode``, for the ``number``-th time."""

    event: Literal["rollback"] = "rollback"
    number: int
    episode: int
    reason: str


class BaselineFigures(BaseModel):
    """One baseline: its name, traces per logo, and means."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    searcher: str
    traces: int
    gain: float
    quality: float
    success_rate: float


class BaselinesMeasured(Event):
    """The baselines on a split, each over the judged category."""

    event: Literal["baselines"] = "baselines"
    split: str
    searchers: list[BaselineFigures]


class Lead(Event):
    """What the agent's gain is ahead of a baseline's, on the validation logos."""

    event: Literal["comparison"] = "comparison"
    episode: int
    baseline: str
    gain: Difference


class Validated(Event):
    """The agent on the validation logos: means, and 95 % intervals over the logos."""

    event: Literal["validation"] = "validation"
    episode: int
    headline: Summary
    gain: Estimate
    success_rate: Estimate


class MilestoneReached(Event):
    """Something worth telling."""

    event: Literal["milestone"] = "milestone"
    name: str
    episode: int
    message: str


class AlertRaised(Event):
    """An alert was raised, or has become worse."""

    event: Literal["alert"] = "alert"
    alert: Alert


class AlertOver(Event):
    """The trouble of an alert, which was raised at ``raised``, is over."""

    event: Literal["alert_over"] = "alert_over"
    check: str
    raised: int
    episode: int


class VerdictGiven(Event):
    """The gate's answer after a chunk."""

    event: Literal["verdict"] = "verdict"
    verdict: Verdict


class Tested(Event):
    """The best model on the test logos."""

    event: Literal["test"] = "test"
    episode: int
    headline: Summary


class Compared(Event):
    """The comparison with every other searcher is there."""

    event: Literal["compared"] = "compared"
    episode: int
    files: list[str]


class Reported(Event):
    """A progress report is there; ``files`` lie in the run's folder."""

    event: Literal["report"] = "report"
    episode: int
    message: str
    files: list[str]


class FinalReport(Event):
    """The final report is there."""

    event: Literal["final_report"] = "final_report"
    episode: int
    outcome: str
    files: list[str]


class Registered(Event):
    """The run's best model is a version of the registered model; ``files`` lie in the run's folder."""

    event: Literal["registered"] = "registered"
    version: str
    episode: int
    model_id: str
    files: list[str]


class PromotionDecided(Event):
    """Whether that version became champion (``promoted``), did not (``kept``), or ``waits`` for a person."""

    event: Literal["promotion"] = "promotion"
    version: str
    answer: Literal["promoted", "kept", "waits"]
    reason: str
    champion_before: str
    files: list[str]


class PictureDrawn(Event):
    """A picture of the whole dashboard is there."""

    event: Literal["picture"] = "picture"
    episode: int
    file: str


class System(Event):
    """What the run takes of the machine: MiB of all its processes and of the main one, and what is left.

    Attributes:
        cpu_percent: of the whole machine, all cores, 0 to 100, since the sample before.
        workers: trace processes.
        gpu_memory_mib: allocated on each GPU; empty without one.
    """

    event: Literal["system"] = "system"
    memory_mib: float
    main_memory_mib: float
    cpu_percent: float
    disk_free_mib: float
    workers: int
    gpu_memory_mib: list[float] = []


class Disk(Event):
    """Free bytes, and what the rest of the run will write."""

    event: Literal["disk"] = "disk"
    episode: int
    free_bytes: int
    needed_bytes: int


class Damaged(Event):
    """A damaged file was set aside."""

    event: Literal["damaged"] = "damaged"
    file: str
    reason: str


class OtherVersions(Event):
    """The run goes on with other libraries than it was begun with; the key names them."""

    event: Literal["other_versions"] = "other_versions"
    episode: int


class Undelivered(Event):
    """MLflow or Prefect is away; what it is to know is kept."""

    event: Literal["undelivered"] = "undelivered"
    sink: str
    reason: str


class StudyBegun(Event):
    """A study of PPO's settings: trials asked for, trials that ended before, episodes of a trial."""

    event: Literal["study"] = "study"
    trials: int
    ended: int
    episodes: int


class BaselineValue(Event):
    """The study's objective without PPO."""

    event: Literal["baseline"] = "baseline"
    value: float


class TrialEnded(Event):
    """A trial's objective, or why there is none."""

    event: Literal["trial"] = "trial"
    number: int
    value: float | None
    failure: str


class AttemptBegun(Event):
    """Of a curriculum: attempt ``number`` (from 1) at a stage begins, in a run of its own."""

    event: Literal["attempt"] = "attempt"
    stage: str
    number: int
    run: str


class StepDecided(Event):
    """Of a curriculum: what follows an attempt (``advance``, ``repeat``, ...), and why."""

    event: Literal["step"] = "step"
    stage: str
    run: str
    decision: Decision
    reason: str


KINDS: dict[str, type[Event]] = {kind.model_fields["event"].default: kind for kind in Event.__subclasses__()}
"""The classes by the name of their event."""


@lru_cache
def _adapter(event: str) -> TypeAdapter[Any]:
    return TypeAdapter(KINDS[event])


def typed(entry: Mapping[str, Any]) -> Event:
    """A line of a journal as its class.

    Raises:
        JournalError: no such event is known, or a field is missing, unknown or of another type.
    """
    name = str(entry.get("event"))
    if name not in KINDS:
        raise JournalError(f"event {name!r} is not in the journal's schema {SCHEMA_VERSION}")
    try:
        found: Event = _adapter(name).validate_python(entry)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise JournalError(f"event {name!r}: {place}: {first['msg']}") from error
    return found


def check(entry: Mapping[str, Any]) -> None:
    """Refuses a line that is not in the schema.

    Raises:
        JournalError: see ``typed``.
    """
    typed(entry)
