"""A journal that grows becomes messages: without gaps, and all of it once."""

import json

import numpy as np
import pytest

from rlcore.dashboard import snapshot
from rlcore.dashboard.feed import MOST_MESSAGES, Feed
from rlcore.dashboard.journal_tail import JournalTail
from rlcore.dashboard.protocol import RequestMetricsHistory
from rlcore.dashboard.snapshot import RunIndex
from rlcore.progress.state import RunState
from tests.rlcore.dashboard.made_journal import BEGUN, alert_entry, entry
from tests.rlcore.dashboard.made_run import CHUNK, EPISODES, LINES, RUNNING, MadeRun, Page, before, note

ROLLBACK = entry("rollback", LINES[-1]["time"], number=1, episode=CHUNK, reason="no good")


def feed_of(run: MadeRun) -> Feed:
    return Feed(run.folder, RunIndex(run.folder.path.parents[1]))


def told(feed: Feed) -> list[dict]:
    """The news as a client reads them; a message's topic is the one of the document."""
    return [json.loads(message.text, parse_constant=pytest.fail) for message in feed.news()]


def page_of(feed: Feed) -> Page:
    page = Page()
    page.take(json.loads(feed.initial()))
    return page


def kinds(messages: list[dict]) -> list[str]:
    return [message["type"] for message in messages]


@pytest.mark.parametrize("seed", range(4))
def test_however_it_grows_a_page_has_all_of_it_once(tmp_path, seed):
    """Cut anywhere, in the middle of lines too."""
    random = np.random.default_rng(seed)
    lines = [*LINES[:-1], ROLLBACK, *_again(LINES), LINES[-1]]
    text = "".join(f"{json.dumps(line)}\n" for line in lines)
    cuts = sorted(int(cut) for cut in random.integers(0, len(text), 12))
    run = MadeRun(tmp_path).write_text(text[: cuts[0]])
    feed = feed_of(run)
    feed.catch_up()
    page = page_of(feed)
    for first, last in zip(cuts, [*cuts[1:], len(text)], strict=True):
        run.write_text(text[first:last])
        for message in told(feed):
            page.take(message)
    whole = feed_of(run)
    whole.catch_up()
    assert page.lasting == page_of(whole).lasting
    assert page.data["series"]["episode/reward"]["x"] == list(range(1, EPISODES + 1))


def _again(lines):
    """The second chunk once more, after training went back to the first."""
    after = next(place for place, line in enumerate(lines) if line["event"] == "verdict") + 1
    return [line for line in lines[after:-1] if line["event"] in ("episode", "rollout")]


def test_each_line_has_its_message(tmp_path):
    run = MadeRun(tmp_path).write(LINES[:1])
    feed = feed_of(run)
    feed.catch_up()
    for event, expected in {
        "baselines": [],
        "comparison": [],
        "validation": ["validation_result"],
        "system": ["system_metrics"],
        "milestone": ["milestone_achieved"],
        "alert": ["qa_alert"],
        "alert_over": ["qa_alert"],
        "checkpoint": ["training_event"],
        "verdict": ["training_event"],
        "test": ["validation_result"],
        "ended": ["training_event"],
        "stage_begin": [],
        "progress": [],
    }.items():
        line = next((line for line in LINES if line["event"] == event), None) or entry(
            event, BEGUN, episode=1, file="checkpoints/1.pt", size_bytes=1
        )
        messages = told(run.write([line]) and feed)
        assert kinds(messages) == expected, event


def test_a_rollout_comes_after_its_episodes(tmp_path):
    run = MadeRun(tmp_path).write(before("episode"))
    feed = feed_of(run)
    feed.catch_up()
    run.write(LINES[len(before("episode")) : len(before("rollout")) + 1])
    episodes, metrics = told(feed)
    assert (episodes["type"], metrics["type"]) == ("episode_metrics", "metrics_update")
    assert [episode["number"] for episode in episodes["episodes"]] == list(range(1, CHUNK + 1))
    rewards = [episode["reward"] for episode in episodes["episodes"]]
    assert episodes["episodes"][49]["reward_mean"] == pytest.approx(np.mean(rewards[:50]))
    assert episodes["episodes"][-1]["reward_mean"] == pytest.approx(np.mean(rewards[-100:]))
    assert metrics["points"]["rollout/gain"] == [CHUNK, LINES[len(before("rollout"))]["rollout"]["gain"]]
    assert {name for name in metrics["points"] if name.startswith("train/")} >= {"train/approx_kl", "train/value_loss"}
    assert not [name for name in metrics["points"] if name.startswith("episode/")]
    assert metrics["health"]["score"] > 0


def test_who_comes_between_an_episode_and_its_rollout_has_it_once(tmp_path):
    run = MadeRun(tmp_path).write(before("episode"))
    feed = feed_of(run)
    feed.catch_up()
    run.write(LINES[len(before("episode")) : len(before("rollout")) - 25])
    assert kinds(told(feed)) == ["episode_metrics"]
    page = page_of(feed)
    run.write(LINES[len(before("rollout")) - 25 : len(before("rollout")) + 1])
    for message in told(feed):
        page.take(message)
    assert [one["number"] for one in page.data["episodes"]] == list(range(1, CHUNK + 1))


def test_episodes_that_were_written_again_after_a_kill_count_once(tmp_path):
    run = MadeRun(tmp_path).write(before("rollout"))
    feed = feed_of(run)
    feed.catch_up()
    played = [line for line in LINES if line["event"] == "episode"][:CHUNK]
    run.write([*played, LINES[len(before("rollout"))]])
    assert kinds(told(feed)) == ["metrics_update"]


def test_a_line_without_its_end_waits_for_it(tmp_path):
    run = MadeRun(tmp_path).write(LINES[:1])
    feed = feed_of(run)
    feed.catch_up()
    text = json.dumps(entry("report", BEGUN, episode=0, message="só", files=[]), ensure_ascii=False)
    for part in (text[:30], text[30:-1]):
        run.write_text(part)
        assert told(feed) == []
    run.write_text(text[-1] + "\n")
    (message,) = told(feed)
    assert message["event"]["message"] == "só"
    assert told(feed) == []


def test_damaged_lines_and_those_of_other_versions_are_passed_by(tmp_path):
    run = MadeRun(tmp_path).write(LINES[:1])
    feed = feed_of(run)
    feed.catch_up()
    run.write_text('{"time": 1, "event": "repo\n7\n[]\nnull\n{}\n\n')
    run.write_text('{"time": 1, "event": "weather", "rain": true}\n{"time": 1, "event": "report", "episode": 3}\n')
    run.write_text('{"event": "stopping", "by": "SIGTERM"}\n{"time": "x", "event": "stopping", "by": "SIGTERM"}\n')
    note(run, "good")
    assert [message["event"]["message"] for message in told(feed)] == ["good"]


def test_a_figure_that_is_not_finite_is_null(tmp_path):
    rollout = LINES[len(before("rollout"))]
    train = {**rollout["rollout"]["train"], "approx_kl": float("nan"), "value_loss": float("inf")}
    run = MadeRun(tmp_path).write(before("rollout"))
    feed = feed_of(run)
    feed.catch_up()
    run.write([{**rollout, "rollout": {**rollout["rollout"], "train": train}}])
    (metrics,) = told(feed)
    assert metrics["points"]["train/approx_kl"] == [CHUNK, None]
    assert metrics["points"]["train/value_loss"] == [CHUNK, None]
    page = page_of(feed)
    assert page.data["series"]["train/approx_kl"]["y"] == [None]


def test_going_back_tells_everything_again(tmp_path):
    run = MadeRun(tmp_path).write(RUNNING)
    feed = feed_of(run)
    feed.catch_up()
    run.write([ROLLBACK])
    note(run, "after it")
    event, initial, after = told(feed)
    assert (event["type"], event["event"]["kind"]) == ("training_event", "rollback")
    assert initial["type"] == "initial_data"
    assert initial["series"]["episode/reward"]["x"][-1] == CHUNK
    assert initial["episodes"][-1]["number"] == CHUNK
    assert [one["over"] for one in initial["alerts"] if one["check"] == "gap"] == [CHUNK]
    assert initial["events"][-1]["kind"] == "rollback"
    assert after["event"]["message"] == "after it"


def test_an_alert_that_becomes_worse_replaces_itself(tmp_path):
    run = MadeRun(tmp_path).write(LINES[:1])
    feed = feed_of(run)
    feed.catch_up()
    page = page_of(feed)
    for severity in ("medium", "critical"):
        run.write([alert_entry(BEGUN, severity=severity)])
    run.add("alert_over", check="gap", raised=10, episode=20)
    run.add("alert_over", check="never", raised=1, episode=20)
    messages = told(feed)
    assert [(one["alert"]["severity"], one["alert"]["over"]) for one in messages] == [
        ("medium", None),
        ("critical", None),
        ("critical", 20),
    ]
    for message in messages:
        page.take(message)
    assert [(one["severity"], one["over"]) for one in page.data["alerts"]] == [("critical", 20)]


def test_a_validation_brings_baselines_leads_and_pictures(tmp_path):
    run = MadeRun(tmp_path).write(LINES[:1])
    feed = feed_of(run)
    feed.catch_up()
    file = run.folder.sample(0, 1)
    file.parent.mkdir()
    file.touch()
    run.write(LINES[1 : len(before("validation")) + 1])
    found = next(message for message in told(feed) if message["type"] == "validation_result")
    assert (found["split"], found["validation"]["episode"]) == ("validation", 0)
    assert len(found["baselines"]) == len(found["leads"]) == 5
    assert found["samples"] == {"episode": 0, "urls": ["/api/runs/made-run/samples/0-1.png"]}
    assert found["points"]["validation/gain"] == [0, found["validation"]["headline"]["gain"]]
    assert found["points"]["validation/gain_low"] == [0, found["validation"]["gain"]["low"]]


def test_the_test_is_told_apart(tmp_path):
    place = len(before("test"))
    run = MadeRun(tmp_path).write(LINES[:place])
    feed = feed_of(run)
    feed.catch_up()
    run.write([LINES[place]])
    (found,) = told(feed)
    assert (found["split"], found["points"], found["validation"]["gain"]) == ("test", {}, None)
    assert found["validation"]["headline"]["success_rate"] == 0.89


def test_more_than_can_be_told_is_told_as_a_whole(tmp_path):
    run = MadeRun(tmp_path).write(LINES[:1])
    feed = feed_of(run)
    feed.catch_up()
    for number in range(MOST_MESSAGES):
        note(run, f"note {number}")
    assert kinds(told(feed)) == ["training_event"] * MOST_MESSAGES
    for number in range(MOST_MESSAGES + 1):
        note(run, f"another {number}")
    (initial,) = told(feed)
    assert initial["type"] == "initial_data"
    assert initial["events"][-1]["message"] == f"another {MOST_MESSAGES}"
    assert told(feed) == []


@pytest.mark.parametrize("remove", [True, False])
def test_a_journal_that_was_begun_anew_is_told_from_its_beginning(tmp_path, remove):
    run = MadeRun(tmp_path).write(LINES)
    feed = feed_of(run)
    feed.catch_up()
    if remove:
        run.folder.journal.path.rename(run.folder.path / "old.jsonl")
        assert told(feed) == []
    else:
        run.folder.journal.path.write_text("")
    run.write(LINES[:1])
    (initial,) = told(feed)
    assert (initial["type"], initial["series"], initial["episodes"]) == ("initial_data", {}, [])
    note(run, "on it goes")
    assert kinds(told(feed)) == ["training_event"]


def test_a_journal_that_another_one_took_the_place_of_is_told_from_its_beginning(tmp_path):
    run = MadeRun(tmp_path).write(LINES)
    feed = feed_of(run)
    feed.catch_up()
    run.folder.journal.path.rename(run.folder.path / "old.jsonl")
    note(run.write(LINES), "the new one is longer")
    (initial,) = told(feed)
    assert (initial["type"], initial["series"]["episode/reward"]["x"][-1]) == ("initial_data", EPISODES)
    assert [event["message"] for event in initial["events"]].count("the new one is longer") == 1
    assert len([event for event in initial["events"] if event["kind"] == "ended"]) == 1


def test_a_tail_of_some_kinds_passes_the_others_by(tmp_path):
    run = MadeRun(tmp_path).write(LINES)
    tail = JournalTail(run.folder, {"started", "rollout"})
    assert tail.catch_up()
    assert not tail.catch_up()
    assert tail.state.episode == EPISODES
    assert not tail.state.recent
    assert not tail.state.validations


def test_history_is_a_part_in_the_resolution_asked_for(tmp_path):
    run = MadeRun(tmp_path).write(LINES)
    feed = feed_of(run)
    feed.catch_up()
    asked = RequestMetricsHistory(
        type="request_metrics_history", metrics=["episode/reward", "none"], first=11, last=200, points=20
    )
    found = json.loads(feed.history(asked))["series"]
    assert found["none"] == {"x": [], "y": []}
    state = RunState.of(LINES)
    inside = state.series["episode/reward"].y[10:200]
    assert (found["episode/reward"]["x"][0], found["episode/reward"]["x"][-1]) == (11, 200)
    assert len(found["episode/reward"]["x"]) <= 20
    assert (max(found["episode/reward"]["y"]), min(found["episode/reward"]["y"])) == (max(inside), min(inside))
    everything = json.loads(feed.history(RequestMetricsHistory(type="request_metrics_history")))["series"]
    assert everything == {name: {"x": curve.x, "y": curve.y} for name, curve in state.series.items()}


def test_what_is_told_to_many_is_made_once(tmp_path):
    feed = feed_of(MadeRun(tmp_path).write(LINES))
    feed.catch_up()
    assert feed.initial() is feed.initial()


def test_what_is_told_first_is_never_older_than_what_was_told_next(tmp_path):
    run = MadeRun(tmp_path).write(LINES)
    feed = feed_of(run)
    for read in (feed.news, feed.catch_up):
        page_of(feed)
        note(run, f"{read}")
        read()
        assert page_of(feed).data["events"][-1]["message"] == f"{read}"


def test_a_summary_comes_when_it_says_something_new(tmp_path, monkeypatch):
    monkeypatch.setattr(snapshot, "LOOK_SECONDS", 0.0)
    run = MadeRun(tmp_path).write(before("rollout"))
    feed = feed_of(run)
    feed.catch_up()
    assert json.loads(feed.changed_summary().text)["summary"]["state"] == "running"
    assert feed.changed_summary() is None  # time went by
    run.add("progress", stage="training", done=3, total=4)
    feed.news()
    assert json.loads(feed.changed_summary().text)["summary"]["done"] == 3
    MadeRun(tmp_path, "another").write(LINES)
    assert len(json.loads(feed.changed_summary().text)["runs"]) == 2
    (run.folder.path / "run.json").unlink()  # nobody is at it any more, and no line says so
    assert json.loads(feed.changed_summary().text)["summary"]["state"] == "lost"
