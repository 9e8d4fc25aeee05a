"""The quality gate: what it makes of a run's journal."""

import dataclasses
from dataclasses import asdict

import pytest

from rlcore.progress.state import RunState
from rlcore.records import Verdict
from tasks.monitoring import monitor_of, tell_alerts
from tasks.quality import closing_state
from tasks.run import Run
from tests.rlcore.made import judged, system
from tests.rlcore.quality_assurance.made_runs import CONFIG, found, good, measured


@pytest.fixture
def run(tmp_path):
    made = Run(path=tmp_path / "run", mlflow_run_id="")
    made.folder.write_config(CONFIG)
    return made


def write(run, *events):
    for event in events:
        if hasattr(event, "results"):
            run.folder.write_validation(event)
            run.folder.journal.write("validation", **judged(event))
        else:
            run.folder.journal.write("rollout", rollbacks=0, rollout=event.as_dict())


def test_a_healthy_journal_gives_no_alert(run):
    write(run, measured([1.0]), *good(4), measured([1.1], 40))
    assert monitor_of(run.folder, CONFIG).alerts == ()


def test_a_journal_is_read_in_its_order(run):
    write(run, measured([2.0]), *good(4, failed_traces=30), measured([1.0], 40))
    monitor = monitor_of(run.folder, CONFIG)
    assert found(monitor) == [("failed traces", "medium"), ("validation gain", "medium"), ("gap", "medium")]
    assert monitor.alerts == monitor_of(run.folder, CONFIG).alerts


def test_a_training_that_broke_is_critical(run):
    write(run, measured([1.0]), *good(2))
    run.folder.journal.write("broken", episode=20, rollbacks=0, reason="a loss is not a number")
    assert monitor_of(run.folder, CONFIG).critical.message == "a loss is not a number"


def test_memory_is_looked_at_after_each_chunk(run):
    for chunk, mib in enumerate((1000, 2000, 3000)):
        run.folder.journal.write("system", **system(memory_mib=mib / 2))
        run.folder.journal.write("system", **system(memory_mib=mib))
        write(run, measured([1.0], 30 * chunk))
    assert found(monitor_of(run.folder, CONFIG)) == [("memory", "medium")]


@pytest.mark.parametrize(
    ("decision", "name", "failed"),
    [
        ("failure", "Rejected", True),
        ("target_reached", "Target reached", False),
        ("early_stopping", "Stopped early", False),
        ("out_of_time", "Out of time", False),
        ("continue", "Completed", False),
    ],
)
def test_a_flow_ends_in_a_state_named_by_the_last_verdict(run, decision, name, failed):
    run.folder.journal.write("verdict", verdict=asdict(Verdict(30, decision, "because")))
    state = closing_state(run)
    assert (state.name, state.message, state.is_failed()) == (name, "because", failed)


def test_an_alert_that_is_over_is_told_so_also_where_it_comes_again_after_a_rollback(run):
    def train(rollbacks):
        folder = run.folder
        events = [*good(2), *good(4, failed_traces=300), *good(20)]
        for number, event in enumerate(events, start=1):
            made = dataclasses.replace(event, episode=10 * number)
            folder.journal.write("rollout", rollbacks=rollbacks, rollout=made.as_dict())
            monitor = monitor_of(folder, CONFIG)
            tell_alerts(folder, monitor.recent_alerts, monitor.over)

    train(0)
    assert RunState.read(run.folder.journal).open_alerts == []
    run.folder.journal.write_once("rollback", "1", number=1, episode=0, reason="broken")
    train(1)
    told = [entry.get("check", "") for entry in run.folder.journal.read("rollback", "alert_over")]
    once = told[: told.index("")]
    assert "failed traces" in once
    assert told == [*once, "", *once]
    assert RunState.read(run.folder.journal).open_alerts == []
