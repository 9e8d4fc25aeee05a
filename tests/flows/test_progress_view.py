"""Progress in the terminal, read from a journal."""

import time
from dataclasses import asdict
from io import StringIO

import pytest
from rich.console import Console

from flows import progress_view
from flows.progress_view import REFRESH_SECONDS, ProgressState, ProgressView, render
from rlcore.journal import Journal
from rlcore.records import Verdict
from tests.rlcore.made import alert, judged, rollout, validation

HEADLINE = asdict(validation(1.5, episode=30).headline())
EVENTS = [
    {"event": "started", "name": "tiny", "schema_version": 1, "target_episodes": 60, "chunks": 2},
    {"event": "stage_begin", "stage": "training"},
    {"event": "rollout", "rollout": rollout(1.25, 20, episodes=20, seconds=10.0).as_dict()},
    {"event": "rollout", "rollout": rollout(1.375, 30, episodes=10, seconds=5.0).as_dict()},
    {"event": "milestone", "name": "episodes-50", "episode": 30, "message": "50% of 60 episodes done"},
    {"event": "validation", **judged(validation(1.5, episode=30))},
    {"event": "alert", "alert": asdict(alert())},
    {"event": "verdict", "verdict": asdict(Verdict(30, "continue", "all fine", (alert(),)))},
    {"event": "something new", "field": 1},
    {"event": "progress", "stage": "references: test", "done": 16, "total": 150},
]


def folded(events=EVENTS):
    state = ProgressState()
    for event in events:
        state.take({"time": 1.0, **event})
    return state


def shown(state, width=100):
    console = Console(file=StringIO(), record=True, width=width)
    console.print(render(state))
    return console.export_text()


def test_the_state_after_some_events():
    state = folded()
    run = state.run
    assert (run.target_episodes, run.chunks, run.chunk, run.episode) == (60, 2, 1, 30)
    assert (run.rollouts[-1].gain, run.rollouts[-1].success_rate) == (1.375, 0.25)
    assert (run.stage, run.done, run.total) == ("references: test", 16, 150)
    assert run.validations[-1]["headline"] == HEADLINE
    assert state.notes == ["50% of 60 episodes done", "medium alert: a gap. more logos", "gate: continue (all fine)"]
    assert run.velocity == 2.0
    assert state.eta == "–"  # training is over
    assert folded([*EVENTS[:4], EVENTS[3]]).eta == "0:15"


def test_a_new_stage_begins_at_nothing():
    state = folded([*EVENTS, {"event": "stage_begin", "stage": "training"}])
    run = state.run
    assert (run.stage, run.done, run.total, run.chunk) == ("training", 0, 0, 2)


def test_velocity_is_that_of_the_last_rollouts():
    slow = {"event": "rollout", "rollout": rollout(1.0, 10, episodes=10, seconds=1000.0).as_dict()}
    fast = {"event": "rollout", "rollout": rollout(1.0, 20, episodes=10, seconds=2.0).as_dict()}
    assert folded([slow, *[fast] * 10]).run.velocity == 5.0
    assert folded([slow, *[fast] * 9]).run.velocity < 1


def test_the_panel_has_every_figure():
    text = shown(folded())
    for part in (
        "references: test 16/150",
        "30 of 60, chunk 1 of 2",
        "mean gain 1.375, success rate 25.0%",
        "2.00 episodes/s, – of training left",
        "gain 1.500, SSIM improvement 0.500, success 0.0% (episode 30)",
        "gate: continue (all fine)",
        "medium alert: a gap",
    ):
        assert part in text


def test_the_panel_before_anything_is_known():
    text = shown(ProgressState())
    assert "starting" in text
    assert "gain" not in text
    assert ProgressState().eta == "–"


def test_only_the_last_notes_are_shown():
    notes = [{"event": "milestone", "name": "n", "episode": 1, "message": f"note {index}"} for index in range(9)]
    text = shown(folded(notes))
    assert "note 2" not in text
    assert "note 3" in text
    assert "note 8" in text


def test_notes_are_no_markup():
    assert "[red]not red[/red]" in shown(
        folded([{"event": "milestone", "name": "n", "episode": 1, "message": "[red]not red[/red]"}])
    )


def test_the_line_has_every_figure():
    line = folded().line()
    for part in (
        "references: test 16/150",
        "episode 30/60 chunk 1/2",
        "gain 1.375 success 25.0%",
        "validation@30 gain 1.5",
    ):
        assert part in line
    assert ProgressState().line() == "starting Prefect and MLflow"


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(progress_view, "REFRESH_SECONDS", 0.02)
    monkeypatch.setattr(progress_view, "LINE_SECONDS", 0.05)


def followed(journal, console):
    """What is shown while the events are written one after the other."""
    with ProgressView(journal, console):
        for event in EVENTS:
            journal.write(**event)
            time.sleep(0.03)
        time.sleep(0.3)
    return console.file.getvalue()


def test_without_a_terminal_there_are_plain_lines(quick, tmp_path):
    output = followed(Journal(tmp_path / "journal.jsonl"), Console(file=StringIO(), width=80))
    lines = output.splitlines()
    assert lines[-1] == folded().line()
    assert 2 <= len(lines) <= len(EVENTS)
    assert len(set(lines)) == len(lines)
    assert "\x1b" not in output


def test_on_a_terminal_the_panel_is_drawn_in_place(quick, tmp_path):
    console = Console(file=StringIO(), width=100, force_terminal=True, color_system=None)
    output = followed(Journal(tmp_path / "journal.jsonl"), console)
    assert "30 of 60, chunk 1 of 2" in output
    assert "\x1b[" in output


def test_what_is_written_last_is_still_shown_on_a_terminal(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl")
    console = Console(file=StringIO(), width=100, force_terminal=True, color_system=None)
    with ProgressView(journal, console):
        for event in EVENTS:
            journal.write(**event)
    assert "gate: continue (all fine)" in console.file.getvalue()


def test_an_error_in_the_run_ends_the_view(quick, tmp_path):
    view = ProgressView(Journal(tmp_path / "journal.jsonl"), Console(file=StringIO()))
    with pytest.raises(ValueError, match="run"), view:
        raise ValueError("run")
    assert not view._thread.is_alive()


def test_a_chunk_that_is_trained_in_several_goes_is_one_chunk():
    go = {"event": "stage_begin", "stage": "training"}
    assert folded([EVENTS[0], go, {"event": "resumed"}, go, go]).run.chunk == 1


def test_what_happens_to_a_run_is_told():
    events = [
        {"event": "stopping", "by": "SIGTERM"},
        {"event": "resumed", "name": "a"},
        {"event": "undelivered", "sink": "mlflow", "reason": "refused"},
        {"event": "damaged", "file": "episode-000015.pt", "reason": "checksum"},
        {"event": "other_versions", "key": "torch 2.0, now 2.1"},
    ]
    told = " ".join(folded(events).notes)
    for part in ("SIGTERM", "taken up again", "mlflow is away", "episode-000015.pt", "torch 2.0, now 2.1"):
        assert part in told


def test_without_a_terminal_every_note_is_a_line(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl")
    output = StringIO()
    with ProgressView(journal, Console(file=output, width=80)):
        for index in range(9):
            journal.write("milestone", name="n", episode=1, message=f"note {index}")
        time.sleep(3 * REFRESH_SECONDS)
    assert [line for line in output.getvalue().splitlines() if "note" in line] == [
        f"note {index}" for index in range(9)
    ]


def test_a_note_in_plain_lines_is_no_markup(tmp_path):
    journal, output = Journal(tmp_path / "journal.jsonl"), StringIO()
    with ProgressView(journal, Console(file=output, width=200)):
        journal.write("milestone", name="n", episode=1, message="[parameters: 1] [/tmp/x] gone")
        time.sleep(3 * REFRESH_SECONDS)
    assert "[parameters: 1] [/tmp/x] gone" in output.getvalue()


def test_what_an_earlier_process_told_is_no_news(tmp_path):
    journal, output = Journal(tmp_path / "journal.jsonl"), StringIO()
    for event in EVENTS:
        journal.write(**event)
    with ProgressView(journal, Console(file=output, width=80)):
        journal.write("milestone", name="n", episode=1, message="news")
        time.sleep(3 * REFRESH_SECONDS)
    lines = output.getvalue().splitlines()
    assert [line for line in lines if "episode 30/60" not in line] == ["news"]
