"""What is said of runs at one moment: their state in a word, the list of all, and everything of one."""

import json
import math
import os
import subprocess
import sys
import time

import psutil
import pytest

from rlcore.config import Stage1Config
from rlcore.dashboard import snapshot, values
from rlcore.dashboard.protocol import SERVER_MESSAGES, TOPICS, as_json
from rlcore.dashboard.snapshot import RunIndex, all_runs, initial_data, run_word, summary
from rlcore.files import write_json
from rlcore.processes import this_process
from rlcore.progress.state import RunState
from rlcore.run_folder import QUIET_SECONDS
from tests.rlcore.dashboard.made_journal import BEGUN, entries, entry
from tests.rlcore.dashboard.made_journal import summary as headline
from tests.rlcore.dashboard.made_run import CHUNK, EPISODES, LINES, RUNNING, MadeRun, before


def state_of(run: MadeRun) -> RunState:
    return RunState.of(run.folder.journal.read())


def ended(status: str, resumable: bool) -> dict:
    return entry("ended", BEGUN, status=status, reason="so it is", resumable=resumable)


@pytest.mark.parametrize(
    ("last", "word"),
    [
        ([], "running"),
        ([ended("FINISHED", False)], "finished"),
        ([ended("FAILED", True)], "failed"),
        ([ended("FAILED", False)], "failed"),
        ([ended("KILLED", True)], "stopped"),
        ([ended("KILLED", True), entry("resumed", BEGUN, name="made-run")], "running"),
    ],
)
def test_the_state_in_a_word(tmp_path, last, word):
    run = MadeRun(tmp_path).write([*RUNNING, *last])
    assert run_word(run.folder, state_of(run)) == word
    assert all_runs(tmp_path)[0]["state"] == word


def test_a_run_whose_process_is_gone_is_lost(tmp_path):
    run = MadeRun(tmp_path, mine=False).write(RUNNING)
    assert run_word(run.folder, state_of(run)) == "lost"
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        begun = psutil.Process(process.pid).create_time()
        write_json(run.folder.path / "run.json", {"pid": process.pid, "process_begun": begun})
        assert run_word(run.folder, state_of(run)) == "running"
        write_json(run.folder.path / "run.json", {"pid": process.pid, "process_begun": begun - 60})
        assert run_word(run.folder, state_of(run)) == "lost"  # the id is another process's now
        write_json(run.folder.path / "run.json", {"pid": process.pid, "process_begun": begun})
        process.communicate(b"\n", timeout=10)
    assert run_word(run.folder, state_of(run)) == "lost"


def test_a_run_on_another_machine_is_lost_when_its_journal_is_quiet(tmp_path):
    run = MadeRun(tmp_path, mine=False).write(RUNNING)
    write_json(run.folder.path / "run.json", this_process() | {"host": "another.example"})
    assert run_word(run.folder, state_of(run)) == "running"
    quiet = time.time() - QUIET_SECONDS
    os.utime(run.folder.path / "run.json", (quiet, quiet))
    os.utime(run.folder.journal.path, (quiet + 10, quiet + 10))
    assert run_word(run.folder, state_of(run)) == "running"
    os.utime(run.folder.journal.path, (quiet, quiet))
    assert run_word(run.folder, state_of(run)) == "lost"  # though an id like that is here, and alive


def test_the_lock_of_a_run_is_left_alone(tmp_path):
    run = MadeRun(tmp_path).write(RUNNING)
    all_runs(tmp_path)
    summary(run.folder, state_of(run))
    assert {file.name for file in run.folder.path.iterdir()} == {"config.json", "journal.jsonl", "run.json"}


def test_a_running_summary(tmp_path, monkeypatch):
    run = MadeRun(tmp_path).write(before("stage", 7))  # in the second training
    state = state_of(run)
    monkeypatch.setattr(snapshot.time, "time", lambda: BEGUN + 1000)
    found = summary(run.folder, state)
    assert (found["name"], found["state"], found["status"], found["reason"]) == ("made-run", "running", None, None)
    assert (found["stage"], found["chunk"], found["chunks"]) == ("training", 2, 2)
    assert (found["episode"], found["target_episodes"]) == (EPISODES, EPISODES)
    assert (found["begun"], found["elapsed_seconds"]) == (BEGUN, 1000.0)
    assert found["episodes_per_minute"] == pytest.approx(60 * state.velocity)
    assert found["time_left"]["low"] <= found["time_left"]["seconds"] <= found["time_left"]["high"]
    assert found["reward_mean"] == state.series["episode/reward_mean"].y[-1]
    assert found["test"] is None
    assert found["picture"] is None
    assert found["open_alerts"] == len(state.open_alerts) == 1


def test_a_finished_summary(tmp_path):
    run = MadeRun(tmp_path).write(LINES)
    found = summary(run.folder, state_of(run))
    assert (found["state"], found["status"], found["decision"]) == ("finished", "FINISHED", "continue")
    assert found["elapsed_seconds"] == LINES[-1]["time"] - BEGUN
    assert found["time_left"] is None
    assert found["test"] == {"episode": EPISODES, **headline(4.66, 0.89)}


def test_of_a_run_that_nobody_is_at_no_time_is_left(tmp_path):
    run = MadeRun(tmp_path, mine=False).write(before("stage", 7))
    assert state_of(run).time_left is not None
    assert summary(run.folder, state_of(run))["time_left"] is None


def test_the_best_validation_is_the_earliest_with_the_highest_score():
    state = RunState()
    for episode, score, gain in ((0, 0.1, 9.0), (10, 0.8, 1.0), (20, 0.8, 2.0), (30, 0.7, 3.0)):
        figures = {**headline(gain, 0.5), "convergence_score": score}
        around = {"mean": gain, "low": gain, "high": gain, "pairs": 3}
        values_ = {"headline": figures, "gain": around, "success_rate": around}
        state.take(entry("validation", BEGUN, episode=episode, **values_))
    assert values.best_validation(state) == {"episode": 10, "gain": 1.0, "success_rate": 0.5}
    assert values.best_validation(RunState()) is None


def test_initial_data_has_all_of_a_run(tmp_path):
    run = MadeRun(tmp_path).write(LINES)
    state, config = state_of(run), run.folder.config()
    found = json.loads(as_json(initial_data(run.folder, config, state, all_runs(tmp_path))), parse_constant=pytest.fail)
    assert set(found) == set(SERVER_MESSAGES["initial_data"])
    assert (found["run"], found["schema_version"], found["topics"]) == ("made-run", 1, list(TOPICS))
    assert found["config"] == {
        "target_episodes": EPISODES,
        "success_rate_threshold": 0.8,
        "ssim_improvement_threshold": 0.75,
        "quality_target": 0.85,
        "category": "simple",
        "seed": 0,
        "steps_per_episode": 8,
    }
    assert found["series"]["episode/gain"]["x"] == list(range(1, EPISODES + 1))
    assert found["series"]["rollout/gain"]["x"] == [CHUNK, EPISODES]
    assert found["series"]["validation/success_rate_high"]["x"] == [0, CHUNK, EPISODES]
    assert [one["number"] for one in found["episodes"]] == list(range(1, EPISODES + 1))
    for name in values.MOVING_AVERAGES:
        assert [one[name] for one in found["episodes"]] == found["series"][f"episode/{name}"]["y"]
    assert [one["searcher"] for one in found["baselines"]] == list(found["leads"])
    assert [one["episode"] for one in found["validations"]] == [0, CHUNK, EPISODES]
    assert [(one["check"], one["over"]) for one in found["alerts"]] == [("velocity", 125), ("gap", None)]
    assert set(found["alerts"][0]) == {
        *("time", "kind", "check", "severity", "episode", "message"),
        *("measured", "threshold", "recommendation", "over"),
    }
    assert found["events"][-1]["message"] == "ended as FINISHED"
    assert found["system"]["gpu_memory_mib"] == []
    assert found["health"]["indicators"][0]["name"] == "approximate KL"
    assert 0 < found["health"]["score"] <= 100
    assert found["samples"] is None
    assert found["runs"] == all_runs(tmp_path)


def test_initial_data_of_a_run_that_has_just_begun(tmp_path):
    run = MadeRun(tmp_path).write(LINES[:1])
    found = initial_data(run.folder, run.folder.config(), state_of(run), [])
    assert (found["series"], found["episodes"], found["validations"], found["alerts"]) == ({}, [], [], [])
    assert (found["system"], found["samples"], found["health"]["score"]) == (None, None, None)
    assert found["summary"]["best_validation"] is None


def test_times_are_floats_whatever_the_journal_has(tmp_path):
    whole = [{**line, "time": int(line["time"])} for line in LINES]
    run = MadeRun(tmp_path).write(whole)
    found = initial_data(run.folder, run.folder.config(), state_of(run), all_runs(tmp_path))
    lists = (found["events"], found["milestones"], found["alerts"], found["validations"], [found["system"]])
    assert {type(one["time"]) for found_there in lists for one in found_there} == {float}
    assert {type(found["summary"]["begun"]), type(found["runs"][0]["begun"])} == {float}


def test_fewer_points_still_have_the_extremes():
    state = RunState()
    curve = state.series["train/loss"]
    for x in range(20_000):
        curve.add(x, math.sin(x / 500))
    curve.y[12_345], curve.y[777] = 40.0, -30.0
    for points in (4, 5, 100, 1000, 10_000):
        found = values.series_values(state, points)["train/loss"]
        assert len(found["x"]) == len(found["y"]) <= points
        assert (max(found["y"]), min(found["y"])) == (40.0, -30.0)
        assert found["x"] == sorted(set(found["x"]))
        assert (found["x"][0], found["x"][-1]) == (0, 19_999)
    part = values.series_values(state, 100, ["train/loss"], 700, 800)["train/loss"]
    assert (part["x"][0], part["x"][-1], min(part["y"])) == (700, 800, -30.0)
    assert values.series_values(state, 4, ["none"]) == {"none": {"x": [], "y": []}}
    assert set(state.series) == {"train/loss"}  # asking makes no series


def test_samples_are_of_the_last_validation_that_has_pictures(tmp_path):
    run = MadeRun(tmp_path, name="a run (1)").write(LINES)
    for episode, number in ((0, 1), (CHUNK, 2), (CHUNK, 1)):
        file = run.folder.sample(episode, number)
        file.parent.mkdir(exist_ok=True)
        file.touch()
    assert values.samples_value(run.folder, state_of(run)) == {
        "episode": CHUNK,
        "urls": [f"/api/runs/a%20run%20%281%29/samples/{CHUNK}-{number}.png" for number in (1, 2)],
    }


def test_the_picture_is_one_that_is_there(tmp_path):
    run = MadeRun(tmp_path).write(LINES)
    run.add("picture", episode=250, file="pictures/dashboard_000250.png")
    assert summary(run.folder, state_of(run))["picture"] is None
    file = run.folder.picture("000250")
    file.parent.mkdir()
    file.touch()
    assert summary(run.folder, state_of(run))["picture"] == "/api/runs/made-run/pictures/dashboard_000250.png"


def test_all_runs_in_a_line_each_the_latest_first(tmp_path):
    assert all_runs(tmp_path) == []
    MadeRun(tmp_path, "early").write(LINES)
    late = [{**line, "time": line["time"] + 60} for line in entries(EPISODES, chunk=CHUNK, name="late")]
    MadeRun(tmp_path, "late").write(late[:3])
    assert [run["name"] for run in all_runs(tmp_path)] == ["late", "early"]
    best = values.best_validation(RunState.of(LINES))
    assert all_runs(tmp_path)[1] == {
        "name": "early",
        "state": "finished",
        "begun": BEGUN,
        "episode": EPISODES,
        "target_episodes": EPISODES,
        "gain": best["gain"],
        "success_rate": best["success_rate"],
    }
    assert (all_runs(tmp_path)[0]["gain"], all_runs(tmp_path)[0]["episode"]) == (None, 0)


def test_folders_of_other_versions_are_left_out(tmp_path):
    MadeRun(tmp_path, "good").write(LINES)
    MadeRun(tmp_path, "no journal")
    MadeRun(tmp_path, "no beginning").write(LINES[1:])
    MadeRun(tmp_path, "older").write([{"time": BEGUN, "event": "run", "name": "older"}, *LINES[1:]])
    MadeRun(tmp_path, "later").write([{**LINES[0], "schema_version": 99}, *LINES[1:]])
    MadeRun(tmp_path, "bare").write([{"time": BEGUN, "event": "started", "name": "bare"}, *LINES[1:]])
    MadeRun(tmp_path, "binary").folder.journal.path.write_bytes(bytes(range(256)) * 9)
    other = MadeRun(tmp_path, "other config").write(LINES)
    other.folder.config_file.write_text('{"episodes": 7}')
    torn = MadeRun(tmp_path, "torn config").write(LINES)
    torn.folder.config_file.write_bytes(b'{"target_episodes": 1\xff')
    (tmp_path / "stage1" / "a file").touch()
    (tmp_path / "stage1" / "empty").mkdir()
    assert [run["name"] for run in all_runs(tmp_path)] == ["good"]


def test_the_list_grows_with_its_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(snapshot, "LOOK_SECONDS", 0.0)
    index = RunIndex(tmp_path)
    assert index.rows() == []
    run = MadeRun(tmp_path).write(before("rollout"))
    assert (index.rows()[0]["episode"], index.rows()[0]["state"]) == (0, "running")
    run.write(LINES[len(before("rollout")) :])
    assert (index.rows()[0]["episode"], index.rows()[0]["state"]) == (EPISODES, "finished")
    run.add("resumed", name="made-run")
    assert index.rows()[0]["state"] == "running"
    run.add("rollback", number=1, episode=CHUNK, reason="no good")
    assert index.rows()[0]["episode"] == CHUNK
    run.folder.config_file.unlink()
    assert index.rows() == []


def test_the_list_is_looked_at_once_a_second(tmp_path):
    index = RunIndex(tmp_path)
    MadeRun(tmp_path, "one").write(LINES)
    assert len(index.rows()) == 1
    MadeRun(tmp_path, "two").write(LINES)
    assert len(index.rows()) == 1
    assert index.find("two").name == "two"  # who asks for one by name gets it at once
    assert len(index.rows()) == 2


@pytest.mark.parametrize(
    "name", ["..", ".", "../other", "a run/../made-run", "made-run/", "/etc", "made-run\0", "MADE-RUN"]
)
def test_no_name_leads_out_of_the_folder(tmp_path, name):
    MadeRun(tmp_path).write(LINES)
    (tmp_path / "config.json").write_text(Stage1Config().model_dump_json())
    (tmp_path / "journal.jsonl").write_text(json.dumps(LINES[0]) + "\n")
    assert RunIndex(tmp_path).find(name) is None


def test_no_name_is_the_latest_run(tmp_path):
    assert RunIndex(tmp_path).find("") is None
    MadeRun(tmp_path, "b").write(LINES)
    MadeRun(tmp_path, "a").write([{**line, "time": line["time"] - 60} for line in LINES])
    assert RunIndex(tmp_path).find("").name == "b"


def test_many_long_runs_are_listed_quickly(tmp_path):
    lines = "".join(f"{json.dumps(line)}\n" for line in entries(2000))
    for number in range(10):
        MadeRun(tmp_path, f"run {number}").write_text(lines)
    index, begun = RunIndex(tmp_path), time.monotonic()
    assert len(index.rows()) == 10
    assert time.monotonic() - begun < 5
    begun = time.monotonic()
    for _ in range(20):
        index.rows()
    assert time.monotonic() - begun < 1  # what is known is not read again
