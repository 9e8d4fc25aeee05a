"""A run whose journal has one event of each kind that people are told of, without any training."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rlcore.files import write_bytes, write_text
from rlcore.records import Verdict
from tasks.progress import write_report_of_hour
from tasks.run import Run
from tests.conftest import small_config
from tests.rlcore.made import alert, judged, rollout, validation

MLFLOW_RUN = "0123456789abcdef"
PICTURE = b"\x89PNG\r\n\x1a\n and the rest of a picture"


def told_run(path) -> Run:
    """Begun, validated twice, with an update of the policy between."""
    run = Run(path=path, mlflow_run_id=MLFLOW_RUN)
    journal = run.folder.journal
    run.folder.write_config(small_config(target_episodes=400))
    journal.write_once("started", "a", name=path.name, schema_version=1, target_episodes=400, chunks=4)
    for gain, episode in ((1.0, 0), (1.5, 100)):
        found = validation(gain, episode)
        run.folder.write_validation(found)
        journal.write_once("validation", f"episode {episode}", **judged(found))
        journal.write("rollout", rollbacks=0, rollout=rollout(gain, episode + 10).as_dict())
    return run


def milestone(run: Run, name: str = "episodes-20", episode: int = 110) -> dict[str, Any]:
    """A milestone, as the journal's entry; so are those below."""
    return _told(run, "milestone", name, name=name, episode=episode, message="20% of 400 <episodes> done")


def alert_of(run: Run, severity: str = "high", check: str = "gap", episode: int = 110) -> dict[str, Any]:
    made = alert(severity=severity, check=check, episode=episode, last_episode=episode)
    return _told(run, "alert", f"{check}, {severity}, episode {episode}", alert=asdict(made))


def report(run: Run) -> dict[str, Any]:
    write_report_of_hour(run)
    return run.folder.journal.read("report")[-1]


def finished(run: Run, success: bool = True, outcome: str = "target_reached") -> dict[str, Any]:
    """The end of the run, with its files."""
    run.folder.write_validation(validation(2.0, 100, success=success), "test")
    decision = "failure" if outcome == "failure" else "target_reached"
    run.folder.journal.write("verdict", verdict=asdict(Verdict(110, decision, "the gate's <reason>")))
    write_text(run.path / "stage1_summary.txt", "what came out\n")
    write_bytes(run.path / "stage1_training_progress.png", PICTURE)
    return _told(run, "final_report", f"episode 110, {outcome}", episode=110, outcome=outcome, files=["report.html"])


def _told(run: Run, event: str, key: str, **fields: Any) -> dict[str, Any]:
    run.folder.journal.write_once(event, key, **fields)
    return run.folder.journal.read(event)[-1]
