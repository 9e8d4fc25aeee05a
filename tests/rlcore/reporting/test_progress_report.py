"""The report of an hour."""

import json
from dataclasses import asdict

import pytest

from rlcore.progress.state import RunState
from rlcore.records import Verdict
from rlcore.reporting.progress_report import as_markdown, headline, progress_report, trend
from tests.conftest import small_config
from tests.rlcore.made import alert, judged, rollout, system, validation

CONFIG = small_config(success_rate_threshold=0.8)


def at(time, event, **fields):
    return {"time": time, "event": event, "key": "", **fields}


def update(time, episode, gain):
    made = rollout(gain, episode, episodes=20, seconds=10.0, success_rate=gain / 4)
    return at(time, "rollout", rollbacks=0, rollout=made.as_dict())


EVENTS = [
    at(1000.0, "started", name="a run", schema_version=1, target_episodes=400, chunks=4),
    at(1001.0, "stage_begin", stage="training"),
    *(update(1100.0 + 100 * i, 20 * (i + 1), 1.0) for i in range(4)),
    at(1450.0, "validation", **judged(validation(1.5, 80))),
    at(1455.0, "milestone", name="episodes-20", episode=80, message="20% of 400 episodes done"),
    at(1460.0, "verdict", verdict=asdict(Verdict(80, "continue", "fine"))),
    at(1465.0, "alert", alert=asdict(alert())),
    at(1470.0, "stage_begin", stage="training"),
    *(update(1500.0 + 100 * i, 20 * (i + 5), 1.0 + i / 10) for i in range(6)),
    at(2100.0, "system", **system()),
]


def report(since=1000.0, events=EVENTS):
    return progress_report(CONFIG, RunState.of(events), since)


def test_what_it_says():
    found = report()
    assert (found["run"], found["episode"], found["target_episodes"], found["elapsed_seconds"]) == (
        "a run",
        200,
        400,
        1100,
    )
    assert found["episodes_per_minute"] == found["mean_episodes_per_minute"] == 120.0
    assert found["time_left"] == {"seconds": 100.0, "low": 100.0, "high": 100.0}
    assert [v["episode"] for v in found["validations"]] == [80]
    assert [a["check"] for a in found["open_alerts"]] == [alert().check]
    assert [m["name"] for m in found["milestones"]] == ["episodes-20"]
    [entry] = found["timeline"]
    assert (entry["verdict"]["decision"], entry["milestones"][0]["name"]) == ("continue", "episodes-20")
    assert found["resources"]["memory_mib"] == 900.0
    assert json.loads(json.dumps(found, allow_nan=False)) == json.loads(json.dumps(found))


def test_trends_are_over_the_time_since_the_last_one():
    assert report()["episodes_since"] == 200
    late = report(since=1500.0)
    assert late["episodes_since"] == 120
    assert late["trends"]["gain"]["mean"] == pytest.approx(1.25)
    assert late["trends"]["gain"]["change"] == pytest.approx(0.3)
    assert late["trends"]["gain"]["direction"] == "rising"


@pytest.mark.parametrize(
    ("gains", "direction"),
    [
        ([], "unknown"),
        ([1.0, 2.0, 3.0], "unknown"),
        ([1.0, 1.1, 2.0, 2.1], "rising"),
        ([2.0, 2.1, 1.0, 1.1], "falling"),
        ([1.0, 2.0, 1.2, 2.1], "flat"),
        ([1.0, 1.0, 1.0, 1.0], "flat"),
    ],
)
def test_a_change_within_the_noise_is_flat(gains, direction):
    assert trend([rollout(gain) for gain in gains], "gain")["direction"] == direction


def test_for_people():
    text = as_markdown(report())
    for part in (
        "# a run: episode 200 of 400 (50%)",
        "1 min 40 s of training left",
        "120.0 episodes a minute now",
        "| 80 | 1.500 [1.500, 1.500] |",
        "**medium** a gap (episode 10). more logos",
        "Memory 900 MiB, CPU 50 %, 2 trace processes, 48.8 GiB of the disk free.",
        "Target: a success rate of 80%.",
    ):
        assert part in text, part
    assert (
        headline(report())
        == "episode 200 of 400, training gain 1.150 (rising), 1 min 40 s of training left (1 min 40 s to 1 min 40 s)"
    )


def test_before_anything_happened():
    found = report(events=EVENTS[:1])
    text = as_markdown(found)
    assert "None yet." in text
    assert "No open alert." in text
    assert "time left unknown" in headline(found)
