"""Progress reports of a run."""

import pytest

from rlcore.files import read_json
from tasks import progress
from tasks.progress import report_due, write_progress, write_report_of_hour
from tasks.run import Run
from tests.conftest import small_config
from tests.rlcore.made import rollout


@pytest.fixture
def run(tmp_path):
    made = Run(path=tmp_path / "a run", mlflow_run_id="")
    made.folder.write_config(small_config(report_interval_minutes=10))
    made.folder.journal.write("started", name="a run", schema_version=1, target_episodes=60, chunks=2)
    return made


def played(run, episode):
    run.folder.journal.write("rollout", rollbacks=0, rollout=rollout(1.0, episode).as_dict())


def at(monkeypatch, run, minutes):
    now = run.folder.begun + 60 * minutes
    monkeypatch.setattr(progress.time, "time", lambda: now)


def test_the_first_is_due_an_interval_after_the_beginning(run, monkeypatch):
    at(monkeypatch, run, 9.9)
    assert not report_due(run)
    at(monkeypatch, run, 10.1)
    assert report_due(run)


def test_the_next_is_due_an_interval_after_the_last(run, monkeypatch):
    played(run, 10)
    at(monkeypatch, run, 11)
    write_report_of_hour(run)
    assert not report_due(run)
    at(monkeypatch, run, 20.9)
    assert not report_due(run)
    at(monkeypatch, run, 21.1)
    assert report_due(run)


def test_none_is_due_where_none_is_wanted(run, monkeypatch):
    run.folder.write_config(small_config(hourly_reports=False))
    at(monkeypatch, run, 1000)
    assert not report_due(run)


def test_a_report_is_two_files_and_an_event(run):
    played(run, 10)
    write_report_of_hour(run)
    [event] = run.folder.journal.read("report")
    assert event["files"] == ["reports/episode-000010.json", "reports/episode-000010.md"]
    assert event["message"].startswith("episode 10 of 60, training gain 1.000")
    assert read_json(run.path / event["files"][0])["episode"] == 10
    assert "# a run: episode 10 of 60" in (run.path / event["files"][1]).read_text(encoding="utf-8")
    assert read_json(run.path / "stage1_progress_report.json")["episode"] == 10


def test_a_run_that_comes_to_the_same_episode_again_does_not_tell_it_twice(run):
    played(run, 10)
    write_report_of_hour(run)
    write_report_of_hour(run)
    assert len(run.folder.journal.read("report")) == 1
    played(run, 20)
    write_report_of_hour(run)
    assert [event["episode"] for event in run.folder.journal.read("report")] == [10, 20]


def test_the_progress_report_is_of_the_whole_run(run):
    for episode in (10, 20, 30):
        played(run, episode)
        write_progress(run)
    content = read_json(run.path / "stage1_progress_report.json")
    assert (content["episode"], content["episodes_since"]) == (30, 30)


def test_after_a_rollback_the_same_episode_is_told_anew(run):
    played(run, 10)
    write_report_of_hour(run)
    before = (run.path / "reports" / "episode-000010.md").read_bytes()
    run.folder.journal.write_once("rollback", "1", number=1, episode=0, reason="broken")
    run.folder.journal.write("rollout", rollbacks=1, rollout=rollout(3.0, 10).as_dict())
    write_report_of_hour(run)
    assert (run.path / "reports" / "episode-000010.md").read_bytes() == before
    assert "3.000" in (run.path / "reports" / "episode-000010-rollback1.md").read_text(encoding="utf-8")
    assert len(run.folder.journal.read("report")) == 2
