"""The promotion gate: challenger against champion, a person's approval where that is asked for, the decision.

All of it can be killed and come past again: what was measured and decided lies in the run's folder, and the registry
says whether it was carried out.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.exceptions import Pause
from prefect.flow_runs import suspend_flow_run
from prefect.input import RunInput
from prefect.runtime import deployment
from pydantic import Field

from rlcore.files import read_json, write_json
from rlcore.judging.promotion import Approval, Candidate, Promotion, decide
from rlcore.reporting.wording import percent
from tasks import registry
from tasks.delivery import deliver
from tasks.matching import match_of
from tasks.monitoring import monitor_of
from tasks.registration import registered_version
from tasks.run import RETRIES, RETRY_DELAY_SECONDS, Run, is_transient

PROMOTED, WAITS = "promoted", "waits"
APPROVAL_KEY = "promotion"


@task(
    name="judge challenger",
    task_run_name="challenger against champion",
    cache_policy=NO_CACHE,
    retries=RETRIES,
    retry_delay_seconds=RETRY_DELAY_SECONDS,
    retry_condition_fn=is_transient,
)
def judge_challenger(run: Run) -> str:
    """Makes the run's version challenger and holds it against the champion.

    Returns:
        What comes of it, as in ``rlcore.judging.promotion``; empty where nothing is to be decided.
    """
    version = _undecided(run)
    if not version:
        return ""
    if _was_carried_out(run, version):
        return str(read_json(run.folder.promotion_file)["answer"])
    registry.challenge(version)
    judged = _judge(run, version)
    if judged.answer == WAITS:  # to be read while a person thinks about it
        _keep(run, judged)
        _write_down(run)
    return judged.answer


class PromotionApproval(RunInput):
    """The form in Prefect's UI."""

    approve: bool = Field(description="Whether this version becomes champion.")
    approved_by: str = Field("", description="Who decided.")
    comment: str = Field("", description="Kept with the decision.")


def ask_approval(run: Run) -> None:
    """Where a person has to approve: ends the process until somebody answers, in minutes or in days.

    Prefect starts the flow again then, which comes past everything that is done. No task, for Prefect suspends flows
    alone; and only those of a deployment, since somebody has to start them again. Without one the version stays
    challenger, for ``stage1 models promote``.

    Raises:
        Pause: nobody has answered yet.
    """
    told = run.folder.journal.read("promotion")
    if not told or told[-1]["answer"] != WAITS or deployment.id is None or _approval_of(run) is not None:
        return
    form = PromotionApproval.with_initial_data(description=_question(run, told[-1]))
    try:
        answer = suspend_flow_run(wait_for_input=form, key=APPROVAL_KEY)
    except Pause as waiting:
        message = f"version {told[-1]['version']} of {registry.MODEL} waits for approval"
        raise Pause(message, state=waiting.state) from None
    approval = Approval(answer.approve, answer.approved_by, answer.comment)
    write_json(_approval_file(run), asdict(approval))


def _approval_file(run: Run) -> Path:
    return run.path / "approval.json"


def _approval_of(run: Run) -> Approval | None:
    file = _approval_file(run)
    return Approval(**read_json(file)) if file.exists() else None


def _question(run: Run, told: dict[str, Any]) -> str:
    rate = percent(run.folder.validation("test").headline().success_rate)
    return (
        f"**Shall version {told['version']} of {registry.MODEL} become champion?**\n\n"
        f"- run {run.folder.name}, success rate {rate} on its test logos\n"
        f"- champion now: {told['champion_before'] or 'none'}\n- {told['reason']}\n\n"
        f"Its model card: `stage1 models card {told['version']}`"
    )


@task(
    name="decide promotion",
    task_run_name="decide on the promotion",
    cache_policy=NO_CACHE,
    retries=RETRIES,
    retry_delay_seconds=RETRY_DELAY_SECONDS,
    retry_condition_fn=is_transient,
)
def decide_promotion(run: Run) -> str:
    """Decides, carries it out and writes it down: alias, tags, ``promotion.json``, journal.

    Returns:
        What came of it, as in ``rlcore.judging.promotion``; empty where nothing was to be decided.
    """
    version = _undecided(run)
    if not version:
        return ""
    while True:
        judged = _judge(run, version)
        with registry.lock():
            if _was_carried_out(run, version):
                break
            if judged.candidate.champion == _number(registry.with_alias(registry.CHAMPION)):
                _keep(run, judged)
                _carry_out(run, judged)
                break
        # another version became champion meanwhile: once more, against that one
    return _write_down(run)


def _undecided(run: Run) -> str:
    """The run's version, where a decision on it is still to be made or written down; else empty."""
    if not run.config.promote or any(told["answer"] != WAITS for told in run.folder.journal.read("promotion")):
        return ""
    return registered_version(run.folder)


def _judge(run: Run, version: str) -> Promotion:
    """Against the champion of this moment."""
    config, test = run.config, run.folder.validation("test").headline()
    champion = registry.with_alias(registry.CHAMPION)
    by_hand = _number(champion) == version
    candidate = Candidate(
        version,
        test.success_rate,
        config.success_rate_threshold,
        _number(champion),
        None if champion is None or by_hand else match_of(run, champion),
        monitor_of(run.folder, config).open_alerts,
    )
    if by_hand:
        return Promotion(candidate, "promoted", "it was made champion by hand")
    return decide(candidate, config.require_approval, _approval_of(run))


def _number(version: registry.Version | None) -> str:
    return "" if version is None else version.number


def _keep(run: Run, judged: Promotion) -> None:
    write_json(run.folder.promotion_file, judged.as_dict())


def _write_down(run: Run) -> str:
    """The kept decision, in the journal; gives its answer."""
    kept = read_json(run.folder.promotion_file)
    candidate, answer = kept["candidate"], str(kept["answer"])
    run.folder.journal.write_once(
        "promotion",
        f"version {candidate['version']}" + (f", {WAITS}" if answer == WAITS else ""),
        version=candidate["version"],
        answer=answer,
        reason=kept["reason"],
        champion_before=candidate["champion"],
        files=[run.folder.promotion_file.name],
    )
    deliver(run)
    return answer


def _carry_out(run: Run, judged: Promotion) -> None:
    version = judged.candidate.version
    if judged.answer == PROMOTED:
        registry.crown(version)
    _record(run, version, judged.answer, judged.reason)


def _record(run: Run, version: str, answer: str, reason: str) -> None:
    registry.record(version, run.mlflow_run_id, f"{answer}: {reason}")
    registry.mark(version, answer)


def _was_carried_out(run: Run, version: str) -> bool:
    """Whether a kill came between the registry and the journal: the decision is on disk, and the registry has it."""
    file = run.folder.promotion_file
    if not file.exists():
        return False
    kept, told = read_json(file), registry.version(version)
    if kept["answer"] == WAITS:
        return False
    if told.tags.get(registry.GATE_TAG) == kept["answer"]:
        return True
    if kept["answer"] == PROMOTED and registry.CHAMPION in told.aliases:
        _record(run, version, kept["answer"], kept["reason"])
        return True
    return False
