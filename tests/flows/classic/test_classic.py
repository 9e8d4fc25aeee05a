"""The examples of ``docs/classic.md``, as they stand there; and a curriculum that is killed and goes on."""

import ast
import asyncio
import inspect
import json
import re
import shutil
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from flows.classic import Stage1Config, create_stage1_executor
from flows.cli import app
from flows.commands.common import FAILED
from flows.stage1 import train
from rlcore.curriculum_folder import CurriculumFolder
from rlcore.data.dataset_files import load_dataset
from rlcore.files import read_json
from rlcore.learning.agent import Checkpoint
from rlcore.learning.model import Model
from rlcore.run_folder import RunFolder
from tasks.elsewhere import runs_kept_in
from tasks.opening import open_run
from tests.conftest import SMALL
from tests.flows.processes import DEADLINE_SECONDS, Blow, start, strike, toml_of, wait_for
from tests.rlcore.drawn import write_drawn

pytestmark = pytest.mark.timeout(900)

DOCUMENT = Path("docs/classic.md")
STAGES = ("simple", "text", "gradient", "complex")

SETTINGS: dict[str, Any] = SMALL | {
    "generated_logos": 0,
    "splits": "folders",
    "target_episodes": 20,
    "validation_frequency": 100,
    "checkpoint_frequency": 5,
    "reference_traces": 0,
    "single_setting_traces": 0,
    "comparison_traces": 0,
    # so that anything better than plain VTracer is a success
    "ssim_improvement_threshold": 0.0,
    "quality_target": 0.0,
    "ppo": {"rollout_episodes": 5},
}


def stage_runs(store):
    return [RunFolder(store / "stage1" / f"curriculum-{n}-{name}-1") for n, name in enumerate(STAGES, start=1)]


@dataclass
class Done:
    """What the examples left behind: their names, and the folder that they ran in."""

    names: dict[str, Any]
    folder: Path


def examples():
    """All but the first block, which shows settings."""
    blocks = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert blocks[0].startswith("settings = ")
    return blocks[1:]


async def perform(blocks, names):
    """As a notebook does: ``await`` at the top, in one event loop."""
    for block in blocks:
        code = compile(block, str(DOCUMENT), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        waits = eval(code, names)
        if inspect.isawaitable(waits):
            await waits


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    return SETTINGS | {"images": str(write_drawn(tmp_path_factory.mktemp("drawn")))}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the examples run."""
    return tmp_path_factory.mktemp("classic")


@pytest.fixture(scope="module")
def killed(prefect, mlruns, settings, folder):
    """The example's curriculum, by the command line, killed in its third stage; the store."""
    store = folder / "models/curriculum_training"
    (folder / "small.toml").write_text(toml_of(Stage1Config(**settings)))
    own = ("--config", str(folder / "small.toml"), "--name", "curriculum", "--episodes-scale", "0.002")
    process = start(store, "curriculum", *own, "--no-dashboard")
    third, begun = stage_runs(store)[2], time.monotonic()
    while not third.journal.path.exists() and process.poll() is None and time.monotonic() - begun < DEADLINE_SECONDS:
        time.sleep(0.02)
    assert wait_for(third, Blow("rollout", 2), 0, process), process.communicate()
    strike(process, Blow("rollout", whom="group"))
    process.communicate(timeout=DEADLINE_SECONDS)
    assert process.returncode == -9
    assert not stage_runs(store)[3].path.exists()
    return store


@pytest.fixture(scope="module")
def done(killed, settings, folder):
    """All examples; that of the curriculum goes on with the one that was killed."""
    drawn, blocks = Path(settings["images"]), examples()
    shutil.copytree(drawn / "train", folder / "logos")
    (folder / "held_out").mkdir()
    for number, path in enumerate([*drawn.glob("validation/simple-*"), *drawn.glob("test/simple-*")]):
        shutil.copy(path, folder / "held_out" / f"{number}.png")
    shutil.copy(drawn / "test" / "simple-0.png", folder / "logo.png")
    names: dict[str, Any] = {"settings": settings}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        asyncio.run(cancelled(Stage1Config(**settings)))
        asyncio.run(perform(blocks, names))
    return Done(names, folder)


async def cancelled(config):
    """The first example's training, called off after an update."""
    images, held_out = (sorted(Path(name).glob("*.png")) for name in ("logos", "held_out"))
    executor = create_stage1_executor(images, held_out, "models/stage1_training", config)
    call = asyncio.ensure_future(executor.execute_stage1_training())
    journal = executor_run(Path()).journal
    while not call.done() and not journal.read("rollout"):
        await asyncio.sleep(0.02)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call


def executor_run(folder):
    return RunFolder(folder / "models/stage1_training/stage1/training")


def test_the_report_has_what_the_earlier_system_told(done):
    report = done.names["report"]
    assert report.keys() >= {"success", "episodes_completed", "target_episodes", "completion_rate", "final_performance",
                             "target_achievement", "training_statistics", "artifacts"}  # fmt: skip
    assert report["stage1_training_results"].items() <= report.items()
    assert (report["episodes_completed"], report["target_episodes"], report["completion_rate"]) == (20, 20, 1.0)
    assert all(Path(path).exists() for path in report["artifacts"].values())
    assert json.loads(json.dumps(report)) == report


def test_a_training_that_was_called_off_goes_on_by_the_same_call(done):
    journal = executor_run(done.folder).journal
    assert [(entry["status"], entry["resumable"]) for entry in journal.read("ended")] == [
        ("KILLED", True),
        ("FINISHED", False),
    ]
    assert len(journal.read("resumed")) == 1


def test_its_figures_are_those_of_the_runs_own_report(done):
    report = done.names["report"]
    folder = executor_run(done.folder)
    own = read_json(folder.path / "stage1_final_report.json")
    performance = report["final_performance"]
    assert performance.pop("avg_quality") == own["headline"]["quality"]
    assert performance == {name: own["headline"][name] for name in performance}
    assert report["success"] == report["target_achievement"]["overall_target_reached"] == own["target"]["reached"]
    assert report["training_statistics"]["total_validations"] == 2
    assert report["training_statistics"]["milestones_achieved"] == len(folder.milestones())


def test_validation_images_are_never_trained_on(done):
    dataset = load_dataset(executor_run(done.folder).data)
    by_split = {
        split: {subject.logo.digest for subject in dataset.of(split)} for split in ("train", "validation", "test")
    }
    assert {split: len(digests) for split, digests in by_split.items()} == {"train": 8, "validation": 3, "test": 3}
    assert all(subject.name.startswith("train/") for subject in dataset.of("train"))
    assert not by_split["train"] & (by_split["validation"] | by_split["test"])


def test_the_optimizer_chose_something_better_than_plain(done):
    found = done.names["found"]
    assert found["best_reward"] > 0
    assert found["bytes_ratio"] < 1
    assert 0 < found["ssim_improvement"] <= 1
    assert (found["success"], found["target_reached"], found["episodes_run"]) == (True, True, 1)
    assert Model.load(done.folder / "models/mine.pt").episode == done.names["optimizer"].model.episode


def test_the_env_was_played_to_an_end(done):
    assert done.names["terminated"] or done.names["truncated"]


def test_the_curriculum_went_through_its_stages(done):
    outcome = done.names["outcome"]
    assert (outcome["outcome"], outcome["successful_stages"], outcome["total_stages"]) == ("reached", 4, 4)
    assert [stage["name"] for stage in outcome["stages"]] == list(STAGES)
    assert [stage["episodes"] for stage in outcome["stages"]] == [10, 16, 20, 30]
    assert Path(outcome["final_model_path"]).exists()


@pytest.fixture(scope="module")
def runs(done, killed):
    """Of the four stages."""
    return stage_runs(killed)


def test_each_stage_starts_with_the_weights_that_the_one_before_ended_with(runs):
    for before, after in pairwise(runs):
        ended, begun = Checkpoint.load(before.best_model), Checkpoint.load(after.checkpoint(0))
        assert ended.policy.keys() == begun.policy.keys()
        assert all(torch.equal(tensor, begun.policy[name]) for name, tensor in ended.policy.items())
        assert ended.library.settings == begun.library.settings
        assert set(ended.experience.digests) < set(begun.experience.digests)
        assert (begun.config.start_from, begun.episode) == (before.name, 0)


def test_no_stage_is_judged_on_what_an_earlier_one_was_trained_on(runs):
    trained = set()
    for run, category in zip(runs, STAGES, strict=True):
        dataset = load_dataset(run.data)
        assert {subject.category for subject in dataset.of("train")} == {category}
        trained |= {subject.logo.digest for subject in dataset.of("train")}
        assert not trained & {s.logo.digest for split in ("validation", "test") for s in dataset.of(split)}


def test_killed_in_the_third_stage_it_goes_on_without_repeating_the_others(killed, runs):
    assert [len(run.journal.read("started")) for run in runs] == [1, 1, 1, 1]
    assert [len(run.journal.read("resumed")) for run in runs] == [0, 0, 1, 0]
    assert all(run.finished for run in runs)
    journal = CurriculumFolder(killed / "curriculum" / "curriculum").journal
    assert [entry["run"] for entry in journal.read("attempt")] == [run.name for run in runs]
    assert [(entry["run"], entry["decision"]) for entry in journal.read("step")] == [(r.name, "advance") for r in runs]


def test_the_killed_stage_comes_to_the_bytes_of_one_that_was_not(runs, tmp_path):
    shutil.copytree(runs[1].path, tmp_path / "stage1" / runs[1].name)
    with runs_kept_in(tmp_path), open_run(runs[2].config(), runs[2].name) as run:
        train(run)
    files = [run.folder.library, run.folder.table, *run.folder.checkpoints().values()]
    files += sorted(run.path.glob("validations/*.json"))
    assert len(files) > 8
    for file in files:
        assert (runs[2].path / file.relative_to(run.path)).read_bytes() == file.read_bytes(), file.name


@pytest.fixture(scope="module")
def unreached(prefect, mlruns, settings, tmp_path_factory):
    """Nothing is a success: three attempts, then no further stage."""
    folder = tmp_path_factory.mktemp("unreached")
    values = settings | {"quality_target": 1.0, "ssim_improvement_threshold": 0.99}
    (folder / "small.toml").write_text(toml_of(Stage1Config(**values)))
    result = CliRunner().invoke(
        app,
        ["curriculum", "--config", str(folder / "small.toml"), "--stages", "simple,text", "--episodes-scale", "0.0004",
         "--name", "hard", "--no-dashboard"],
    )  # fmt: skip
    return CurriculumFolder(mlruns / "curriculum" / "hard"), result


def test_after_three_attempts_it_ends_and_says_so(unreached):
    folder, result = unreached
    assert result.exit_code == FAILED, result.output
    report = read_json(folder.report_file)
    assert (report["outcome"], [len(stage["attempts"]) for stage in report["stages"]]) == ("not_reached", [3, 0])
    assert report["reason"].endswith("success rate 0.0% stays under 80%: not reached, no attempt is left")
    assert "not reached, no attempt is left" in result.output.replace("\n", " ")
    assert not folder.run(1, 1).path.exists()


def test_an_attempt_goes_on_from_the_one_before_with_another_seed(unreached):
    folder, _ = unreached
    first, second, third = (folder.run(0, number) for number in (1, 2, 3))
    assert [run.config().seed for run in (first, second, third)] == [0, 1, 2]
    ended, begun = Checkpoint.load(first.best_model), Checkpoint.load(second.checkpoint(0))
    assert all(torch.equal(tensor, begun.policy[name]) for name, tensor in ended.policy.items())
    assert ended.experience.digests == begun.experience.digests
    assert (second.data / "logos.npz").read_bytes() == (first.data / "logos.npz").read_bytes()


def test_the_test_split_is_read_once_a_stage(unreached):
    folder, _ = unreached
    assert [folder.run(0, number).has_validation("test") for number in (1, 2, 3)] == [False, False, True]
