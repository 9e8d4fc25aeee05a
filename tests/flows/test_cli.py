"""The command line, as a user types it."""

import json
import os
import re
import subprocess
import sys
from dataclasses import asdict

import pytest
from typer.testing import CliRunner

import flows.dashboarding
import flows.running
from flows.cli import USAGE_ERROR, app, main
from flows.commands.common import FAILED
from rlcore.config import NESTED_SETTINGS, Stage1Config, allowed_values
from rlcore.errors import CheckpointError
from rlcore.run_folder import RunFolder
from tests.rlcore.made import alert, rollout


@pytest.fixture(scope="module")
def help_text():
    """On one wide line per option."""
    result = CliRunner().invoke(app, ["run", "--help"], env={"COLUMNS": "400", "TERM": "dumb", "NO_COLOR": "1"})
    assert result.exit_code == 0
    return result.output


def flag(name):
    return "--" + name.replace("_", "-")


def test_help_explains_every_field_in_a_sentence(help_text):
    lines = help_text.splitlines()
    fields = Stage1Config.model_fields
    options = [(flag(name), name, field) for name, field in fields.items() if name not in NESTED_SETTINGS]
    for group, settings in NESTED_SETTINGS.items():
        options += [(flag(f"{group}_{name}"), f"{group}.{name}", f) for name, f in settings.model_fields.items()]
    assert len(options) > 50
    for option, path, field in options:
        [line] = [line for line in lines if any(option in word.split(",") for word in line.split())]
        assert field.description in line
        if field.annotation in (int, float):
            assert allowed_values(path) in line
            assert "default" in line


def test_help_names_the_short_option_and_the_others(help_text):
    assert "--episodes" in help_text
    for option in ("--config", "--json", "--verbose", "--no-hourly-reports"):
        assert option in help_text


def test_the_flows_module_is_the_same_command():
    command = [sys.executable, "-m", "flows.stage1", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, env={**os.environ, "COLUMNS": "200"})
    assert done.returncode == 0, done.stderr
    assert "--validation-frequency" in done.stdout
    assert done.stderr == ""


def test_help_lists_the_commands_by_what_they_are_for():
    result = CliRunner().invoke(app, ["--help"])
    assert result.exit_code == 0
    groups = dict(re.findall(r"╭─ (\w+) ─(.*?)╰", result.output, re.DOTALL))
    found = {name: re.findall(r"^│ (\w+)", text, re.MULTILINE) for name, text in groups.items() if name != "Options"}
    assert found == {
        "Use": ["vectorize", "export"],
        "Train": ["run", "resume", "curriculum", "tune"],
        "Watch": ["dashboard", "status", "runs"],
        "Judge": ["compare", "bench"],
        "Operate": ["up", "down", "automations", "relocate", "models", "notifications"],
    }


@pytest.fixture
def refused(capsys, monkeypatch):
    """Calls the command line; the one line that it says on stderr. Nothing may have been run."""
    monkeypatch.setattr(flows.running, "run_stage1", lambda *_, **__: pytest.fail("it ran"))

    def call(*arguments):
        with pytest.raises(SystemExit) as caught:
            main(["run", *arguments])
        assert caught.value.code == USAGE_ERROR
        output = capsys.readouterr()
        assert output.out == ""
        assert output.err.count("\n") == 1
        return output.err

    return call


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--seed", "-1"], ["seed = -1", "whole number, 0 to 2147483647"]),
        (["--seed", "abc"], ["seed = 'abc'", "whole number"]),
        (["--episodes", "0"], ["target_episodes = 0", "1 to"]),
        (["--target-episodes", "1.5"], ["target_episodes = 1.5"]),
        (["--success-rate-threshold", "1.5"], ["success_rate_threshold = 1.5", "above 0 to 1"]),
        (["--working-size", "8"], ["working_size = 8", "16 to 2048"]),
        (["--quality-weight", "nan"], ["quality_weight = nan"]),
        (["--category", "logos"], ["category = 'logos'", "simple, text, gradient, complex, all"]),
        (["--ppo-epochs", "0"], ["ppo.epochs = 0", "1 to 100"]),
        (["--ppo-learning-rate", "1"], ["ppo.learning_rate = 1", "above 0 to 0.1"]),
        (["--tuned", "speckle"], ["speckle", "known are mode"]),
        (["--fixed", "supersample"], ["fixed = 'supersample'", "NAME=VALUE"]),
        (["--fixed", "hierarchical=9"], ["hierarchical = 9", "stacked, cutout"]),
        (["--images", "none"], ["generated_logos"]),
        (["--seed", "-1", "--workers", "-2"], ["seed = -1", "workers = -2"]),
    ],
)
def test_a_wrong_value_is_refused_with_field_value_and_range(refused, arguments, told):
    message = refused(*arguments)
    assert message.startswith("stage1: ")
    for part in told:
        assert part in message


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--name", "../x"], "run name '../x': letters, digits"),
        (["--name", ".x"], "run name '.x'"),
        (["--images", "nowhere", "--name", "x"], "images = 'nowhere': no such folder"),
    ],
)
def test_a_run_that_can_not_be_is_refused_before_anything_starts(monkeypatch, tmp_path, capsys, arguments, told):
    monkeypatch.setenv("STAGE1_MLRUNS", str(tmp_path / "mlruns"))
    monkeypatch.setattr(flows.running, "foreground", lambda *_, **__: pytest.fail("servers were started"))
    with pytest.raises(SystemExit) as caught:
        main(["run", *arguments])
    assert caught.value.code == USAGE_ERROR
    assert told in capsys.readouterr().err
    assert not (tmp_path / "mlruns").exists()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("episodes = 5", ["episodes: unknown field", "target_episodes"]),
        ("[ppo]\nlr = 1", ["ppo.lr: unknown field", "learning_rate"]),
        ('seed = "5"', ["seed = '5'"]),
        ("seed = 99999999999", ["seed = 99999999999", "0 to 2147483647"]),
        ("seed =", ["bad.toml"]),
    ],
)
def test_a_wrong_config_file_is_refused(refused, tmp_path, content, told):
    path = tmp_path / "bad.toml"
    path.write_text(content)
    message = refused("--config", str(path))
    for part in told:
        assert part in message


def test_a_missing_config_file_is_refused(refused, tmp_path):
    assert "gone.toml" in refused("--config", str(tmp_path / "gone.toml"))


def test_an_unknown_option_is_a_usage_error(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["run", "--sed", "3"])
    assert caught.value.code == USAGE_ERROR
    assert "--sed" in capsys.readouterr().err


ports = []
"""Where the dashboard of the last calls would be."""


@pytest.fixture
def started(monkeypatch, tmp_path):
    """What the command line would run; the result is a report that says so."""
    calls = []
    ports.clear()

    def record(settings, name, console, quiet, port):
        calls.append((settings, name, quiet))
        ports.append(port)
        report = tmp_path / "report.json"
        report.write_text('{"gain": "2,5 é"}\n', encoding="utf-8")
        return report, name != "rejected"

    monkeypatch.setattr(flows.running, "run_stage1", record)
    return calls


def run_main(*arguments):
    with pytest.raises(SystemExit) as caught:
        main(["run", *arguments])
    return caught.value.code


def test_options_go_over_the_file_and_the_file_over_defaults(started, tmp_path):
    path = tmp_path / "settings.toml"
    path.write_text('seed = 4\nworkers = 1\ncategory = "all"\n[ppo]\nepochs = 3\nbatch_size = 20\n')
    assert run_main("--config", str(path), "--seed", "5", "--ppo-epochs", "7", "--name", "mine") == 0
    [(settings, name, quiet)] = started
    assert (settings.seed, settings.workers, settings.category) == (5, 1, "all")
    assert (settings.ppo.epochs, settings.ppo.batch_size) == (7, 20)
    assert settings.target_episodes == Stage1Config().target_episodes
    assert (name, quiet) == ("mine", False)


def test_flags_can_be_switched_both_ways(started):
    run_main("--no-hourly-reports", "--failure-detection", "--tuned", "mode", "--tuned", "supersample")
    [(settings, _, _)] = started
    assert (settings.hourly_reports, settings.failure_detection) == (False, True)
    assert settings.tuned == ("mode", "supersample")


def test_json_is_the_report_and_nothing_else(started, capsys):
    run_main("--json")
    output = capsys.readouterr()
    assert json.loads(output.out) == {"gain": "2,5 é"}
    assert output.err == ""
    assert started[0][2]


def test_a_rejected_training_ends_with_its_own_code(started):
    assert run_main("--name", "rejected") == FAILED


@pytest.fixture
def unfinished(monkeypatch, tmp_path):
    """A run that was begun with three workers; its folder."""
    monkeypatch.setenv("STAGE1_MLRUNS", str(tmp_path / "mlruns"))
    folder = RunFolder(tmp_path / "mlruns" / "stage1" / "half done")
    folder.write_config(Stage1Config(workers=3, seed=8))
    folder.journal.write("started", name="half done", schema_version=1, target_episodes=60, chunks=2)
    return folder


def resume(*arguments):
    with pytest.raises(SystemExit) as caught:
        main(["resume", *arguments])
    return caught.value.code


def test_a_run_is_resumed_with_its_own_settings(started, unfinished):
    assert resume() == 0
    assert resume("half done", "--workers", "1", "--max-training-time-hours", "2") == 0
    assert [(s.seed, s.workers, s.max_training_time_hours, name) for s, name, _ in started] == [
        (8, 3, 12.0, "half done"),
        (8, 1, 2.0, "half done"),
    ]


@pytest.mark.parametrize("hours", ["0", "nan", "-1"])
def test_hours_that_no_run_may_have_are_refused_and_change_nothing(started, unfinished, capsys, hours):
    before = unfinished.config_file.read_bytes()
    assert resume("--max-training-time-hours", hours) == USAGE_ERROR
    assert "max_training_time_hours" in capsys.readouterr().err
    assert unfinished.config_file.read_bytes() == before
    assert started == []


def test_a_run_that_can_not_be_resumed_is_told_in_one_line(started, unfinished, capsys):
    assert resume("nobody") == USAGE_ERROR
    assert "run 'nobody' is not in" in capsys.readouterr().err
    unfinished.journal.write("ended", status="FINISHED", resumable=False)
    assert resume("half done") == USAGE_ERROR
    assert "finished: there is nothing to go on with" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "port"), [([], 8768), (["--port", "9000"], 9000), (["--no-dashboard"], None), (["--port", "0"], 0)]
)
def test_a_run_has_its_dashboard_unless_it_is_not_wanted(started, options, port):
    run_main(*options)
    assert ports == [port]


def told(capsys, *arguments):
    """What a command says that succeeds."""
    with pytest.raises(SystemExit) as caught:
        main(list(arguments))
    assert caught.value.code == 0
    return capsys.readouterr().out


def test_runs_are_listed_with_their_state(unfinished, capsys):
    unfinished.journal.write("rollout", rollbacks=0, rollout=rollout(1.0, 30).as_dict())
    listed = told(capsys, "runs")
    assert "half done" in listed
    assert "lost" in listed  # no process is at it
    assert "30 of 60" in listed


def test_without_a_run_it_is_said_how_to_begin_one(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("STAGE1_MLRUNS", str(tmp_path / "none"))
    assert "stage1 run begins one" in told(capsys, "runs").replace("\n", " ")
    with pytest.raises(SystemExit) as caught:
        main(["status"])
    assert caught.value.code == USAGE_ERROR
    assert "stage1 run begins one" in capsys.readouterr().err.replace("\n", " ")


@pytest.mark.parametrize("module", ["flows.runs", "flows.dashboarding"])
def test_whoever_looks_at_runs_does_not_wait_for_what_trains_them(module):
    code = f"import sys, {module}; print(sorted({{'torch', 'mlflow', 'prefect', 'matplotlib'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_status_is_the_progress_report_as_it_stands(unfinished, capsys):
    unfinished.journal.write("rollout", rollbacks=0, rollout=rollout(1.0, 30).as_dict())
    unfinished.journal.write("alert", alert=asdict(alert()))
    for arguments in ((), ("half done",)):
        text = told(capsys, "status", *arguments)
        assert "half done: episode 30 of 60 (50%)" in text
        assert alert().message in text


def test_a_run_that_is_not_there_has_no_status(unfinished, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["status", "nobody"])
    assert caught.value.code == USAGE_ERROR
    assert "run 'nobody' is not in" in capsys.readouterr().err


def test_a_dashboard_of_a_run_that_is_not_there_is_refused(unfinished, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["dashboard", "--run", "nobody", "--port", "0"])
    assert caught.value.code == USAGE_ERROR
    assert "run 'nobody' is not in" in capsys.readouterr().err


def test_the_dashboards_token_can_stand_in_the_environment(monkeypatch):
    given = []
    monkeypatch.setattr(flows.dashboarding, "serve_dashboard", lambda *arguments: given.append(arguments))
    monkeypatch.setenv("STAGE1_DASHBOARD_TOKEN", "from the environment")
    with pytest.raises(SystemExit):
        main(["dashboard", "--host", "0.0.0.0"])
    assert given[0][:4] == ("", "0.0.0.0", 8768, "from the environment")


def test_an_interruption_is_no_traceback(monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(flows.running, "run_stage1", interrupted)
    assert run_main() == 130
    assert "Traceback" not in capsys.readouterr().err


def test_without_a_trained_model_the_way_to_one_is_told(monkeypatch, tmp_path):
    from tasks.models import latest_model

    monkeypatch.setenv("STAGE1_MLRUNS", str(tmp_path))
    with pytest.raises(CheckpointError, match="train one with `stage1 run` first"):
        latest_model()
