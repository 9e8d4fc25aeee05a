"""A journal, folded."""

from dataclasses import asdict

import pytest

from rlcore.progress.state import ROLLING_EPISODES, RunState
from rlcore.records import Verdict
from tests.rlcore.made import alert, judged, played, rollout, system, validation

START = {"event": "started", "name": "a", "schema_version": 1, "target_episodes": 400, "chunks": 2, "time": 10.0}


def state(*events):
    return RunState.of({"time": 20.0, "key": "", **event} for event in (START, *events))


def episode(number, rollbacks=0, **values):
    return {"event": "episode", "rollbacks": rollbacks, "episode": asdict(played(number, **values))}


def update(last, rollbacks=0, **values):
    return {"event": "rollout", "rollbacks": rollbacks, "rollout": rollout(episode=last, **values).as_dict()}


def test_the_beginning():
    found = state()
    assert (found.name, found.begun, found.target_episodes, found.chunks, found.episode) == ("a", 10.0, 400, 2, 0)
    assert (found.velocity, found.time_left, found.open_alerts) == (0.0, None, [])


def test_moving_averages_are_over_a_hundred_episodes():
    found = state(*(episode(n, reward=float(n), success=n > 150) for n in range(1, 201)))
    assert found.series["episode/reward"].y[-1] == 200.0
    assert found.series["episode/reward_mean"].y[9] == 5.5
    assert found.series["episode/reward_mean"].y[-1] == 150.5
    assert found.series["episode/success_mean"].y[-1] == 0.5
    assert ROLLING_EPISODES == 100


def test_an_episode_that_stands_there_twice_counts_once():
    found = state(episode(1, reward=1.0), episode(2, reward=2.0), episode(1, reward=1.0), episode(2, reward=2.0))
    assert found.series["episode/reward"].x == [1, 2]
    assert [one.number for one in found.recent] == [1, 2]


def test_a_rollback_takes_back_what_was_trained_after_the_checkpoint():
    before = [*(episode(n) for n in range(1, 21)), update(10), update(20), {"event": "alert", "alert": asdict(alert())}]
    back = {"event": "rollback", "number": 1, "episode": 10, "reason": "broken"}
    found = state(*before, {"event": "system", **system()}, back)
    assert (found.episode, found.rollbacks) == (10, 1)
    assert found.series["episode/reward"].x == list(range(1, 11))
    assert found.series["rollout/gain"].x == [10]
    assert len(found.series["system/memory_mib"].x) == 1
    assert found.open_alerts == []
    assert found.alerts[0].over == 10
    long = [episode(n, success=n > 950) for n in range(1, 1951)]
    far = state(*long, {"event": "rollback", "number": 1, "episode": 1000, "reason": "broken"}, episode(1001, 1))
    assert far.series["episode/success_mean"].y[-2:] == [0.5, 0.5]  # 50 of 901 to 1000, 50 of 902 to 1001
    again = state(*before, back, *(episode(n, 1, reward=5.0) for n in range(11, 21)), update(20, 1))
    assert again.series["episode/reward"].y[10:] == [5.0] * 10
    assert again.episode == 20


def test_alerts_are_raised_made_worse_and_over():
    raised, worse = alert(), alert(severity="high")
    found = state({"event": "alert", "alert": asdict(raised)}, {"event": "alert", "alert": asdict(worse)})
    assert [one.severity for one in found.open_alerts] == ["high"]
    other = asdict(alert(check="kl", severity="critical"))
    over = {"event": "alert_over", "check": raised.check, "raised": raised.episode, "episode": 90}
    found = state({"event": "alert", "alert": asdict(worse)}, {"event": "alert", "alert": other}, over)
    assert [one.check for one in found.open_alerts] == ["kl"]
    assert [told.over for told in found.alerts] == [90, None]


def test_the_worst_alert_is_first():
    mild, bad = alert(severity="low"), alert(check="kl", severity="critical")
    found = state({"event": "alert", "alert": asdict(mild)}, {"event": "alert", "alert": asdict(bad)})
    assert [one.severity for one in found.open_alerts] == ["critical", "low"]


def test_validations_have_their_interval():
    found = state({"event": "validation", **judged(validation(1.5, 30))})
    assert found.series["validation/gain"].y == [1.5]
    assert found.series["validation/gain_low"].y == [1.5]  # of one logo
    assert found.validations[0]["episode"] == 30


def test_the_time_left_holds_the_validations():
    training = {"event": "stage_begin", "stage": "training"}
    verdict = {"event": "verdict", "verdict": asdict(Verdict(200, "continue", "fine"))}
    validated = {"event": "stage", "stage": "validation", "seconds": 30.0}
    rollouts = [update(end, episodes=50, seconds=25.0) for end in (50, 100, 150, 200)]
    found = state(validated, training, *rollouts, verdict, training)
    # half of the way at two a second, and one chunk's validation to come
    assert found.time_left.seconds == 130.0
    assert found.chunk == 2
    assert (
        state(training, update(200, seconds=1.0), {"event": "ended", "status": "FINISHED", "reason": ""}).time_left
        is None
    )


def test_rollouts_since_a_moment():
    found = state(update(10) | {"time": 30.0}, update(20) | {"time": 40.0})
    assert [one.episode for one in found.rollouts_since(35.0)] == [20]


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ({"event": "stopping", "by": "SIGTERM"}, "SIGTERM"),
        ({"event": "resumed", "name": "a"}, "taken up again"),
        ({"event": "ended", "status": "FAILED", "reason": "KeyError: x"}, "FAILED: KeyError: x"),
        ({"event": "undelivered", "sink": "mlflow", "reason": "refused"}, "mlflow is away"),
        ({"event": "damaged", "file": "episode-000015.pt", "reason": "checksum"}, "episode-000015.pt"),
        ({"event": "other_versions", "key": "torch 2.0, now 2.1", "episode": 3}, "torch 2.0, now 2.1"),
        ({"event": "broken", "episode": 3, "rollbacks": 0, "reason": "loss is nan"}, "loss is nan"),
        ({"event": "report", "episode": 3, "message": "episode 3 of 400", "files": []}, "episode 3 of 400"),
        ({"event": "verdict", "verdict": asdict(Verdict(3, "early_stopping", "no rise"))}, "early stopping (no rise)"),
    ],
)
def test_what_happens_is_told_in_a_sentence(event, words):
    [note] = state(event).notes
    assert words in note.message
    assert (note.kind, note.time) == (event["event"], 20.0)


def test_events_of_another_version_are_passed_by():
    assert state({"event": "something new", "field": 1}).episode == 0
