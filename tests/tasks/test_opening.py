"""A run is begun, taken up again and closed, whatever happens in it."""

import re
import signal

import mlflow
import pytest

from rlcore.errors import ConfigError
from rlcore.run_folder import RunFolder, run_folders
from tasks import tracking
from tasks.opening import alone, is_busy, new_run_name, open_run, unfinished_run
from tasks.stopping import Interrupted, stop_asked, stop_if_asked
from tests.conftest import small_config
from tests.rlcore.made import rollout

pytestmark = pytest.mark.usefixtures("mlruns")


def status(run):
    return mlflow.get_run(run.mlflow_run_id).info.status


def test_a_run_is_running_then_finished(config, mlruns):
    with open_run(config, "fine") as run:
        assert status(run) == "RUNNING"
        assert run.path == mlruns / "stage1" / "fine"
        assert run.config == config
    assert status(run) == "FINISHED"
    events = run.folder.journal.read()
    assert [entry["event"] for entry in events if entry["event"] != "system"] == ["started", "ended"]
    assert (events[0]["target_episodes"], events[0]["chunks"]) == (60, 2)


@pytest.mark.parametrize(
    ("error", "ended"), [(ValueError("broken"), "FAILED"), (KeyboardInterrupt(), "KILLED"), (SystemExit(3), "KILLED")]
)
def test_what_goes_wrong_is_written_down_and_raised(config, error, ended):
    with pytest.raises(type(error)), open_run(config, f"wrong-{type(error).__name__}") as run:
        raise error
    assert status(run) == ended
    last = run.folder.journal.read("ended")[-1]
    assert (last["status"], last["reason"]) == (ended, f"{type(error).__name__}: {error}")


def test_a_name_is_used_once(config):
    with open_run(config, "twice"):
        pass
    with (
        pytest.raises(ConfigError, match=r"run 'twice' exists already in .*, and is finished"),
        open_run(config, "twice"),
    ):
        pytest.fail("it was opened")


def test_names_are_made_of_category_seed_and_time():
    name = new_run_name(small_config(seed=7, category="all"))
    assert re.fullmatch(r"ppo-all-s7-\d{8}-\d{6}", name)


def test_an_unfinished_run_goes_on_with_its_own_mlflow_run(config):
    with pytest.raises(RuntimeError), open_run(config, "goes on") as first:
        raise RuntimeError("broken")
    with open_run(config.model_copy(update={"workers": 3}), "goes on") as second:
        assert second == first
        assert status(second) == "RUNNING"
        assert second.config.workers == 3
    assert status(second) == "FINISHED"
    told = [
        entry["event"] for entry in second.folder.journal.read() if entry["event"] in ("started", "resumed", "ended")
    ]
    assert told == ["started", "ended", "resumed", "ended"]


def test_another_configuration_needs_another_name(config):
    with pytest.raises(RuntimeError), open_run(config, "other"):
        raise RuntimeError("broken")
    other = config.model_copy(update={"seed": 5})
    with pytest.raises(ConfigError, match="begun with seed = 0, not 5: choose another name"), open_run(other, "other"):
        pytest.fail("it was opened")


def test_a_run_whose_process_is_gone_is_killed_at_the_next_start(config, mlruns):
    tracking.use_store(mlruns)
    gone, alive = (mlruns / "stage1" / name for name in ("gone", "alive"))
    ids = [tracking.start_run(folder, config) for folder in (gone, alive)]
    with alone(RunFolder(alive), "run"), open_run(config, "next"):
        assert [mlflow.get_run(run_id).info.status for run_id in ids] == ["KILLED", "RUNNING"]
    tracking.finish_run(ids[1], "KILLED")


def test_a_run_is_held_by_one(config, mlruns):
    folder = RunFolder(mlruns / "stage1" / "held")
    assert not is_busy(folder)
    with alone(folder, "run"):
        assert is_busy(folder)
        message = "run 'held' is being run by another process"
        with pytest.raises(ConfigError, match=message), alone(folder, "run"):
            pytest.fail("it was held twice")
    assert not is_busy(folder)


def test_the_latest_unfinished_run_is_gone_on_with(config, mlruns):
    for name in ("older", "newer"):
        with pytest.raises(RuntimeError), open_run(config, name):
            raise RuntimeError("broken")
    with open_run(config, "done"):
        pass
    assert unfinished_run().name == "newer"
    with alone(RunFolder(unfinished_run().path), "run"):
        assert unfinished_run().name != "newer"
    assert unfinished_run("older").name == "older"
    assert [folder.name for folder in run_folders(mlruns)][:3] == ["done", "newer", "older"]


def test_what_can_not_be_gone_on_with_is_told(config, monkeypatch, tmp_path):
    with open_run(config, "complete"):
        pass
    with pytest.raises(ConfigError, match="run 'complete' is finished"):
        unfinished_run("complete")
    with pytest.raises(ConfigError, match=r"run 'nobody' is not in .*; the latest there: complete"):
        unfinished_run("nobody")
    monkeypatch.setenv("STAGE1_MLRUNS", str(tmp_path))
    with pytest.raises(ConfigError, match="no unfinished run in"):
        unfinished_run()


def signalled(config, name, *numbers):
    """A run that gets the signals, and looks for them once."""
    with open_run(config, name):
        for number in numbers:
            signal.raise_signal(number)
        assert stop_asked()
        stop_if_asked()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_answered_where_nothing_is_lost(config, mlruns, number):
    with pytest.raises(Interrupted, match=f"asked to stop by {number.name}"):
        signalled(config, number.name, number)
    folder = RunFolder(mlruns / "stage1" / number.name)
    assert folder.journal.read("stopping")[0]["by"] == number.name
    assert mlflow.get_run(tracking.find_run(folder.path)).info.status == "KILLED"
    assert not folder.finished
    assert not stop_asked()


def test_a_second_signal_ends_it_at_once(config):
    with pytest.raises(KeyboardInterrupt, match="by SIGINT, then by SIGTERM") as ended:
        signalled(config, "impatient", signal.SIGINT, signal.SIGTERM)
    assert not isinstance(ended.value, Interrupted)


def test_handlers_are_given_back(config):
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with open_run(config, "handlers"):
        assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] != before
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_what_mlflow_could_not_take_is_delivered_when_it_can(config, monkeypatch):
    """MLflow's store can't be written for a while: the real one, with its database locked away."""
    from tasks import delivery
    from tasks.delivery import deliver

    with open_run(config, "away") as run:
        told = run.folder.journal.write_once
        told("rollout", "10", rollbacks=0, rollout=rollout(1.0, 10).as_dict())
        assert deliver(run)
        uri = mlflow.get_tracking_uri()
        mlflow.set_tracking_uri("http://127.0.0.1:9")  # nobody listens
        told("rollout", "20", rollbacks=0, rollout=rollout(1.5, 20).as_dict())
        assert not deliver(run)
        assert not deliver(run)
        assert [entry["sink"] for entry in run.folder.journal.read("undelivered")] == ["mlflow"]
        mlflow.set_tracking_uri(uri)
        assert not deliver(run)  # it is left alone for a moment
        for line in delivery._lines(run.path, run.mlflow_run_id):
            line._not_before = 0.0
        assert deliver(run)
    history = mlflow.MlflowClient().get_metric_history(run.mlflow_run_id, "episode/gain")
    assert [(metric.step, metric.value) for metric in history] == [(10, 1.0), (20, 1.5)]


def test_what_was_told_before_a_kill_is_not_told_again(config):
    """The cursor is written after the event: a kill in between makes it come a second time."""
    from tasks import delivery
    from tasks.delivery import deliver

    with open_run(config, "again") as run:
        run.folder.journal.write_once("rollout", "10", rollbacks=0, rollout=rollout(1.0, 10).as_dict())
        assert deliver(run)
        (run.path / "delivered" / f"mlflow-{run.mlflow_run_id}.json").unlink()
        delivery._lines.cache_clear()
        run.folder.journal.write_once("rollout", "20", rollbacks=0, rollout=rollout(1.5, 20).as_dict())
        assert deliver(run)
    history = mlflow.MlflowClient().get_metric_history(run.mlflow_run_id, "episode/gain")
    assert [(metric.step, metric.value) for metric in history] == [(10, 1.0), (20, 1.5)]


def test_an_interrupt_in_the_middle_of_a_delivery_doubles_nothing(config, monkeypatch):
    from tasks import mlflow_sink
    from tasks.delivery import deliver

    real = mlflow_sink.tracking.log_metrics

    def interrupted(*arguments):
        real(*arguments)
        raise KeyboardInterrupt

    with open_run(config, "interrupted delivery") as run:
        run.folder.journal.write_once("rollout", "10", rollbacks=0, rollout=rollout(1.0, 10).as_dict())
        with monkeypatch.context() as patch:
            patch.setattr(mlflow_sink.tracking, "log_metrics", interrupted)
            with pytest.raises(KeyboardInterrupt):
                deliver(run)
        assert deliver(run)
    history = mlflow.MlflowClient().get_metric_history(run.mlflow_run_id, "episode/gain")
    assert [(metric.step, metric.value) for metric in history] == [(10, 1.0)]


def test_a_new_mlflow_run_is_told_everything(config):
    from tasks.delivery import deliver

    def broken():
        with open_run(config, "deleted") as run:
            run.folder.journal.write_once("rollout", "10", rollbacks=0, rollout=rollout(1.0, 10).as_dict())
            assert deliver(run)
            told.append(run)
            raise RuntimeError("broken")

    told = []
    with pytest.raises(RuntimeError):
        broken()
    [first] = told
    mlflow.delete_run(first.mlflow_run_id)
    with open_run(config, "deleted") as second:
        assert second.mlflow_run_id != first.mlflow_run_id
    history = mlflow.MlflowClient().get_metric_history(second.mlflow_run_id, "episode/gain")
    assert [(metric.step, metric.value) for metric in history] == [(10, 1.0)]


def test_a_run_that_ended_but_could_not_say_so_ends_as_its_journal_says(config, mlruns):
    with open_run(config, "ended"):
        pass
    run_id = tracking.find_run(mlruns / "stage1" / "ended")
    mlflow.MlflowClient().update_run(run_id, status="RUNNING")
    with open_run(config, "after it"):
        assert mlflow.get_run(run_id).info.status == "FINISHED"


@pytest.mark.parametrize("name", ["a/b", "../evil", "/tmp/evil", ".hidden", "two\nlines"])
def test_a_name_that_is_no_folder_of_its_own_is_refused(config, name):
    with pytest.raises(ConfigError, match="run name"), open_run(config, name):
        pytest.fail("it was opened")


def test_what_a_killed_process_wrote_beside_is_removed(config, mlruns):
    left = mlruns / "stage1" / "left" / "checkpoints" / ".episode-000000.pt.123.part"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    with open_run(config, "left"):
        assert not left.exists()


def test_every_decision_is_in_mlflow(config):
    from dataclasses import asdict

    from rlcore.records import Verdict
    from tasks.delivery import deliver

    with open_run(config, "decisions") as run:
        for verdict in (Verdict(30, "roll_back", "kl", (), 1), Verdict(30, "continue", "fine", (), 1)):
            run.folder.journal.write_once("verdict", f"episode 30: {verdict.decision}", verdict=asdict(verdict))
        assert deliver(run)
        tags = mlflow.get_run(run.mlflow_run_id).data.tags
    assert tags["stage1.verdict"] == "continue: fine"
    assert tags["stage1.verdict after episode 30: roll_back"] == "roll_back: kl"
    assert tags["stage1.verdict after episode 30: continue"] == "continue: fine"


def test_a_store_that_can_not_be_used_is_named_before_anything_is_begun(config, mlruns, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    before = mlflow.get_tracking_uri()
    try:
        with (
            pytest.raises(ConfigError, match=r"MLflow at http://127\.0\.0\.1:9 can't be used"),
            open_run(config, "alone"),
        ):
            pytest.fail("it was opened")
    finally:
        mlflow.set_tracking_uri(before)
    assert RunFolder(mlruns / "stage1" / "alone").journal.read() == []
