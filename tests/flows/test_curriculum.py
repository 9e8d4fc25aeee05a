"""The curriculum on the command line: what it refuses, and what it shows."""

from dataclasses import asdict
from io import StringIO

import pytest
from rich.console import Console

from flows.cli import USAGE_ERROR, main
from flows.curriculum_running import CurriculumProgress, show_curriculum
from rlcore.config import Stage1Config
from rlcore.curriculum import curriculum_of
from rlcore.curriculum_folder import CurriculumFolder
from rlcore.events import SCHEMA_VERSION
from rlcore.records import Verdict
from tasks.curriculum import closing_state_of
from tests.rlcore.made import validation


@pytest.fixture
def store(monkeypatch, tmp_path):
    monkeypatch.setenv("STAGE1_MLRUNS", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--stages", "simple,simpel"), "stages.1 = 'simpel': input should be 'simple', 'text'"),
        (("--stages", "text,text"), "stages = text, text: one or more are needed, each once"),
        (("--episodes-scale", "0"), "episodes_scale = 0.0"),
        (
            ("--episodes", "10", "--category", "all"),
            "category, target_episodes: each stage of a",
        ),
        (("--resume",), "no unfinished curriculum in"),
        (("--resume", "--name", "nobody"), "curriculum 'nobody' is not in"),
        (("--seed", "-1"), "seed = -1"),
    ],
)
def test_what_is_wrong_is_one_line(store, capsys, arguments, told):
    with pytest.raises(SystemExit) as caught:
        main(["curriculum", "--no-dashboard", *arguments])
    assert caught.value.code == USAGE_ERROR
    output = capsys.readouterr()
    assert told in output.err
    assert output.err.count("\n") == 1


@pytest.fixture
def curriculum(store):
    """Its first stage is gone on from though it stayed under its threshold; the second is not begun."""
    folder = CurriculumFolder(store / "curriculum" / "mine")
    folder.write_plan(
        curriculum_of(config=Stage1Config(), stages=("simple", "text"), allow_advance_below_threshold=True)
    )
    for number in (1, 2, 3):
        run = folder.run(0, number)
        run.write_config(folder.plan().attempt_config(0, number, ""))
        run.write_validation(validation(success=False))
        verdict = Verdict(5000, "continue", "all done")
        run.journal.write_once("verdict", "", verdict=asdict(verdict))
        run.journal.write("ended", status="FINISHED", resumable=False)
    return folder


def shown(folder):
    output = StringIO()
    show_curriculum(folder, Console(file=output, width=200))
    return output.getvalue()


def test_a_stage_under_its_threshold_is_not_passed_over_in_silence(curriculum):
    text = shown(curriculum)
    assert "stage simple did NOT reach its threshold" in text
    assert "THE THRESHOLD IS NOT REACHED" in text
    assert "out of time; go on with: stage1 curriculum --resume --name mine" in text
    rows = [line.split() for line in text.splitlines() if "mine-1-simple" in line]
    assert [row[-1] for row in rows] == ["repeat", "repeat", "threshold"]


def test_the_flows_last_state_says_how_it_ended(curriculum):
    assert closing_state_of(curriculum).name == "Out of time"
    run = curriculum.run(1, 1)
    run.write_config(curriculum.plan().attempt_config(1, 1, ""))
    good = validation(success=True)
    run.write_validation(good)
    run.journal.write_once("verdict", "", verdict=asdict(Verdict(8000, "target_reached", "all done")))
    run.journal.write("ended", status="FINISHED", resumable=False)
    state = closing_state_of(curriculum)
    assert (state.name, state.message) == ("Below threshold", "stages that did not reach their threshold: simple")
    assert state.is_completed()
    strict = curriculum.plan().model_copy(update={"allow_advance_below_threshold": False})
    curriculum.write_plan(strict)
    assert closing_state_of(curriculum).is_failed()
    assert closing_state_of(curriculum).name == "Not reached"


@pytest.mark.parametrize("arguments", [(), ("mine-2-text-1",)])
def test_an_attempt_is_not_gone_on_with_by_itself(curriculum, capsys, arguments):
    run = curriculum.run(1, 1)
    run.write_config(curriculum.plan().attempt_config(1, 1, ""))
    run.journal.write_once("started", "", name=run.name, schema_version=SCHEMA_VERSION, target_episodes=8000, chunks=8)
    with pytest.raises(SystemExit) as caught:
        main(["resume", "--no-dashboard", *arguments])
    assert caught.value.code == USAGE_ERROR
    assert "go on with stage1 curriculum --resume --name mine" in capsys.readouterr().err


def test_its_line_is_that_of_the_run_which_goes_on(curriculum):
    progress = CurriculumProgress()
    assert progress.line() == "starting Prefect and MLflow"
    curriculum.run(1, 1).journal.write("stage_begin", stage="library")
    progress.take({"event": "attempt", "stage": "text", "number": 1, "run": "mine-2-text-1"})
    assert progress.line() == "text, attempt 1 | library"
    progress.take({"event": "step", "stage": "text", "run": "mine-2-text-1", "decision": "repeat", "reason": "too few"})
    assert progress.notes == ["text, attempt 1: mine-2-text-1", "too few"]
