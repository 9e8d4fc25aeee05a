"""Notifications at a real Prefect server: automations, blocks, a webhook and a mail server, all on loopback."""

from __future__ import annotations

import time

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.states import Failed

from flows.notifications import trial
from flows.notifications.automations import EVENTS
from rlcore.errors import NotificationError
from tests.flows.asking import ask
from tests.flows.notifications.service import (
    HOOK_SECRET,
    SECRETS,
    SETTLING_SECONDS,
    SLACK_SECRET,
    all_arrived,
    options,
    stage1,
    state,
    tell,
)
from tests.flows.receivers import Hook, wait_until
from tests.tasks.told_run import MLFLOW_RUN, PICTURE, alert_of, finished, milestone, report, told_run

# the mail server of the tests asks for a login without encryption
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return told_run(tmp_path_factory.mktemp("runs") / "a run")


def test_setup_says_what_it_made_and_twice_changes_nothing(service, told, channels):
    assert told.count("made the block") == 3
    assert told.count("made the automation") == 15
    before = state(service)
    assert len(before) == 18
    assert "nothing to change" in stage1("setup", *options(service))
    assert state(service) == before


def test_what_is_changed_keeps_its_id_and_what_is_paused_stays_so(service, channels):
    before = state(service)
    alerts = before["stage1 notifications: slack, alerts"]["id"]
    ask("PATCH", f"{service.url}/automations/{alerts}", json={"enabled": False})
    said = stage1("setup", *options(service, **{"min-severity": "low", "events": "alerts,failures"}))
    assert said.count("changed the automation") == 6  # failures: a rejected run is told as that now
    assert said.count("removed the automation") == 9
    after = state(service)
    assert {name: row["id"] for name, row in after.items()} == {name: before[name]["id"] for name in after}
    assert not after["stage1 notifications: slack, alerts"]["enabled"]
    assert "paused: alerts" in stage1("list")
    ask("PATCH", f"{service.url}/automations/{alerts}", json={"enabled": True})


def test_the_list_has_no_secrets(service, channels):
    said = stage1("list")
    assert f"http://127.0.0.1:{service.hook.port}/…" in said
    assert "t…@example.com" in said
    assert [secret for secret in SECRETS if secret in said] == []


def test_a_milestone_arrives_once_in_each_channel_even_when_told_twice(service, channels, run):
    entry = milestone(run)
    assert tell(run, entry) < 5
    tell(run, entry, again=True)
    slack, webhook, mail = all_arrived(service, "Milestone: 20%")
    assert set(slack) == {"text"}
    assert "*Milestone: 20% of 400 &lt;episodes&gt; done*\na run, episode 110 of 400" in slack["text"]
    assert set(webhook) == {"text", "subject", "body"}
    assert webhook["subject"] == "[stage1] a run: Milestone: 20% of 400 <episodes> done" == mail["Subject"]
    assert webhook["body"].strip() == mail.get_body(("plain",)).get_content().replace("\r\n", "\n").strip()
    assert "<h2>Milestone: 20% of 400 &lt;episodes&gt; done</h2>" in mail.get_body(("html",)).get_content()
    assert not mail["Subject"].startswith(" ")
    assert (mail["To"], mail["From"]) == ("team@example.com, boss@example.com", "team@example.com")
    assert f"MLflow run: {MLFLOW_RUN}" in webhook["body"]


def test_what_the_untrained_policy_reaches_is_not_told(service, channels, tmp_path):
    run = told_run(tmp_path / "untrained")
    tell(run, milestone(run, "success-50", episode=0))
    tell(run, milestone(run, "success-70", episode=10))
    all_arrived(service, "untrained, episode 10 of 400")
    assert service.hook.with_text("untrained, episode 0 of 400") == []


def test_alerts_arrive_by_severity_and_not_again_and_again(service, channels, run):
    for severity, check, episode in (
        ("medium", "mild", 111),
        ("high", "flood", 112),
        ("high", "flood", 113),
        ("critical", "flood", 114),
        ("critical", "flood", 115),
    ):
        tell(run, alert_of(run, severity, check, episode))
    all_arrived(service, "critical alert: a gap")
    all_arrived(service, "high alert: a gap")
    assert service.hook.with_text("(mild)") == []


def test_a_report_arrives(service, channels, run):
    tell(run, report(run))
    slack, *_ = all_arrived(service, "Progress: episode")
    assert "*Trend*\nTraining: gain" in slack["text"]


def test_a_finished_run_arrives_with_its_curves(service, channels, run):
    tell(run, finished(run))
    *_, mail = all_arrived(service, "Finished: reached")
    [picture] = mail.iter_attachments()
    assert (picture.get_filename(), picture.get_content()) == ("stage1_training_progress.png", PICTURE)


def broken(run, error):
    """A flow run of ``stage1`` that tells a validation, and ends with the error."""

    @flow(name="stage1", flow_run_name="stage1 simple seed 0")
    def training():
        tell(run, run.folder.journal.read("validation")[-1])
        labels = {"prefect.resource.id": f"stage1.run.{run.folder.name}"}
        asked = {"filter": {"event": {"name": ["stage1.validation"]}, "resource": {"labels": labels}}, "limit": 1}
        with get_client(sync_client=True) as client:
            wait_until(lambda: client.request("POST", "/events/filter", json=asked).json()["events"])
        raise error

    return training


def test_a_failed_run_arrives_with_what_it_told_last(service, channels, tmp_path):
    final = broken(told_run(tmp_path / "breaking"), ValueError("no room for <this>"))(return_state=True)
    slack, webhook, _ = all_arrived(service, "Training failed")
    assert "no room for &lt;this&gt;" in slack["text"]
    assert "breaking, episode 100 of 400" in webhook["body"]
    assert "go on with: stage1 resume 'breaking'" in webhook["body"]
    page = f"/runs/flow-run/{final.state_details.flow_run_id}"
    assert webhook["body"].count(page) == 1
    assert "success rate on 1 validation logos after 100 episodes" in webhook["body"]


def test_a_crashed_run_arrives(service, channels, tmp_path):
    # as Ctrl-C twice does
    with pytest.raises(KeyboardInterrupt):
        broken(told_run(tmp_path / "crashing"), KeyboardInterrupt())()
    all_arrived(service, "Training crashed")


def test_a_rejected_run_is_told_as_finished_and_not_as_failed(service, channels, tmp_path):
    rejected = told_run(tmp_path / "rejected")

    @flow(name="stage1")
    def training():
        tell(rejected, finished(rejected, success=False, outcome="failure"))
        return Failed(name="Rejected", message="broken")

    before = len(service.hook.with_text("Training failed"))
    training(return_state=True)
    all_arrived(service, "Finished: rejected")
    assert len(service.hook.with_text("Training failed")) == before


def quickly(service, pauses, name="webhook"):
    """The channel's pauses between attempts, shortened."""
    [row] = [row for key, row in state(service).items() if key == f"stage1-notifications-{name}"]
    ask("PATCH", f"{service.url}/block_documents/{row['id']}", json={"data": {**row["data"], "pauses_seconds": pauses}})


def only(service, name):
    for other in {"slack", "webhook", "mail"} - {name}:
        stage1("remove", "--channel", other)
    quickly(service, [0.2, 0.2], name)


def test_a_receiver_that_answers_500_is_tried_again(service, channels, tmp_path):
    only(service, "webhook")
    service.hook.statuses[:] = [500, 429]
    run = told_run(tmp_path / "twice 500")
    tell(run, milestone(run))
    wait_until(lambda: len(service.hook.with_text("twice 500")) == 3)
    time.sleep(SETTLING_SECONDS)
    assert len(service.hook.with_text("twice 500")) == 3


def test_one_that_refuses_is_not(service, channels, tmp_path):
    only(service, "webhook")
    service.hook.statuses[:] = [404]
    run = told_run(tmp_path / "refused")
    tell(run, milestone(run))
    wait_until(lambda: "'[stage1] refused: Milestone" in service.log.read_text())
    assert "it answered HTTP 404" in service.log.read_text()
    assert len(service.hook.with_text("refused")) == 1


def test_a_mail_server_that_says_later_is_tried_again(service, channels, tmp_path):
    only(service, "mail")
    service.post.refusals = 2
    run = told_run(tmp_path / "later")
    tell(run, milestone(run))
    wait_until(lambda: service.post.with_subject("later"))
    assert service.post.refusals == 0


def test_one_that_is_down_is_logged_and_holds_nothing_up(service, channels, tmp_path):
    port = Hook.free_port()
    stage1("setup", "--webhook", f"http://127.0.0.1:{port}/{HOOK_SECRET}")
    only(service, "webhook")
    run = told_run(tmp_path / "nobody there")
    assert tell(run, milestone(run)) < 5
    reason = "done' did not arrive: it can't be reached: ConnectionRefusedError (attempt 3 of 3)"
    wait_until(lambda: reason in service.log.read_text())


def test_the_trial_sends_one_of_each_kind_and_says_so(service, channels):
    said = stage1("test")
    assert said.count("delivered") == 18
    for kind in trial.KINDS:
        assert said.count(f" {kind} ") == 3
    assert len(service.hook.with_text(trial.RUN, SLACK_SECRET)) == 6
    mails = service.post.with_subject(trial.RUN)
    assert sorted(len(list(mail.iter_attachments())) for mail in mails) == [0, 0, 0, 0, 0, 1]
    flow_runs = ask("POST", f"{service.url}/flow_runs/filter", json={})
    assert [one["name"] for one in flow_runs if one["name"] == trial.RUN] == []


def test_the_trial_says_what_did_not_arrive_and_ends_with_1(service, channels):
    stage1("setup", *options(service, events="milestones"))
    quickly(service, [])
    service.hook.statuses[:] = []
    stage1("setup", "--slack-webhook", f"http://127.0.0.1:{Hook.free_port()}/{SLACK_SECRET}", "--events", "milestones")
    quickly(service, [], "slack")
    said = stage1("test", code=1)
    assert "it can't be reached: ConnectionRefusedError (attempt 1 of 1)" in said
    assert said.count("delivered") == 2


def test_remove_leaves_nothing(service, channels):
    assert stage1("remove").count("removed the ") == 18
    assert state(service) == {}
    assert "no channel is set up" in stage1("list")
    assert "nothing to remove" in stage1("remove")
    with pytest.raises(NotificationError, match="no channel is set up"):
        stage1("test")


def test_secrets_are_in_no_file_and_no_log(service, channels, run):
    for kind in EVENTS:  # the server has the channels now, with their secrets
        assert f"stage1 notifications: slack, {kind}" in state(service)
    files = [path for folder in (service.home, run.path) for path in folder.rglob("*") if path.is_file()]
    assert service.log in files
    assert any(path.name.startswith("prefect.db") for path in files)
    found = [(path.name, secret) for path in files for secret in SECRETS if secret.encode() in path.read_bytes()]
    assert found == []
