"""What takes longer than a test suite may: ``make soak`` prints one line per promise, and fails if one is broken."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from prefect.settings import PREFECT_HOME, PREFECT_LOGGING_LEVEL, temporary_settings

from flows.prefect_server import prefect_api
from rlcore.config import Stage1Config
from rlcore.conversion.evaluator import Evaluator
from rlcore.data.dataset import build_dataset
from rlcore.parameters import PLAIN
from rlcore.pretrained import pretrained
from rlcore.run_folder import RunFolder
from tasks import tracking
from tests.flows.conftest import tiny_config
from tests.flows.processes import (
    Blow,
    kept_in_mlflow,
    launch,
    other_facts,
    other_files,
    other_series,
    prepare,
    start,
    strike,
    toml_of,
    wait_for,
)

KILLS = 30
WORKER_SHARE = 0.2
"""Of the lives of a run, how many lose a worker before they end."""

FUZZED_FILES = 20_000
OUTAGE_SECONDS = 30
MOST_GROWTH_MIB = 50.0
ANSWERS = 4


def trained(mlruns: Path, config: Stage1Config, name: str) -> RunFolder:
    """A run that nobody disturbs."""
    folder = RunFolder(mlruns / "stage1" / name)
    file = mlruns / f"{name}.toml"
    mlruns.mkdir(parents=True, exist_ok=True)
    file.write_text(toml_of(config))
    output, _ = start(mlruns, "run", "--config", str(file), "--name", name).communicate()
    if not folder.finished:
        raise SystemExit(f"{name} did not come to its end:\n{output}")
    return folder


def killed_runs(mlruns: Path) -> tuple[str, bool]:
    """2000 episodes, killed at random moments, against the same without a kill."""
    config = tiny_config(workers=1, target_episodes=2000, validation_frequency=250, checkpoint_frequency=25)
    config = config.model_copy(update={"early_stopping_patience": 1000})
    straight, generator = trained(mlruns, config, "straight"), np.random.default_rng(7)
    folder, kills, lost = RunFolder(mlruns / "stage1" / "killed"), 0, 0
    prepare(folder, straight)
    (mlruns / "killed.toml").write_text(toml_of(config))
    arguments = ("run", "--config", str(mlruns / "killed.toml"), "--name", "killed")
    while not folder.finished:
        process = start(mlruns, *arguments)
        offset = folder.journal.path.stat().st_size if folder.journal.path.exists() else 0
        blow = Blow("stage_begin", whom=str(generator.choice(["flow", "group"])))
        if kills < KILLS and wait_for(folder, blow, offset, process):
            time.sleep(float(generator.uniform(0, 1.0)))
            if generator.random() < WORKER_SHARE and process.poll() is None:
                strike(process, Blow("stage_begin", whom="worker"))  # the run goes on
                kills += 1
            if process.poll() is None:
                strike(process, blow)
                kills += 1
        output, _ = process.communicate()
        lost += process.returncode not in (0, -9)
        if process.returncode not in (0, -9):
            print(output)
            break
        arguments = ("resume", "killed")
    tracking.use_store(mlruns)
    differences = [
        *other_files(folder, straight),
        *other_facts(folder, straight),
        *other_series(folder, straight),
        *([] if kept_in_mlflow(folder) == kept_in_mlflow(straight) else ["artifacts"]),
    ]
    same = "yes" if not differences else f"no: {', '.join(differences)}"
    return f"killed {kills}, lost {lost}, identical {same}", kills >= KILLS and not lost and not differences


def memory(mlruns: Path) -> tuple[str, bool]:
    """Of the main process over 5000 episodes: how much it grows after the first of five chunks."""
    config = tiny_config(workers=1, target_episodes=5000, validation_frequency=1000, checkpoint_frequency=500)
    config = config.model_copy(update={"early_stopping_patience": 1000})
    folder = trained(mlruns, config, "long")
    first = next(entry["time"] for entry in folder.journal.read("validation") if entry["episode"] == 1000)
    last = next(entry["time"] for entry in folder.journal.read("validation") if entry["episode"] == 5000)
    measured = [(entry["time"], entry["main_memory_mib"]) for entry in folder.journal.read("system")]
    at_first = [mib for at, mib in measured if at <= first][-1]
    growth = max(mib for at, mib in measured if first <= at <= last) - at_first
    text = f"main process after 1000 episodes {at_first:.0f} MiB, grown by {growth:.1f} MiB in the next 4000"
    return f"{text} (at most {MOST_GROWTH_MIB:g})", growth <= MOST_GROWTH_MIB


def fuzzing(mlruns: Path) -> tuple[str, bool]:
    """Damaged files of every format."""
    command = [sys.executable, "-m", "tests.hostile.fuzz", "--files", str(FUZZED_FILES), "--seed", "3"]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout.strip() or done.stderr.strip(), done.returncode == 0


def same_answers(mlruns: Path) -> tuple[str, bool]:
    """Each test logo traced several times with four settings; the last one is as near to chance as there are."""
    library = pretrained().library
    first = library.settings[library.portfolios[0.5][0]]
    bare = dataclasses.replace(first, palette_size=0)
    coarse = dataclasses.replace(bare, supersample=3, color_precision=2, layer_difference=58, filter_speckle=6)
    subjects = build_dataset(Stage1Config()).of("test")
    jobs = [(subject.logo, parameters) for subject in subjects for parameters in (PLAIN, first, bare, coarse)]
    with Evaluator(workers=2) as evaluator:
        calls = [evaluator.traces(jobs, keep_svg=True) for _ in range(ANSWERS)]
    differing = sum(len({trace.svg for trace in answers}) > 1 for answers in zip(*calls, strict=True))
    return f"{len(jobs)} traces, each {ANSWERS} times, {differing} with several answers", not differing


def outage(mlruns: Path) -> tuple[str, bool]:
    """MLflow's and Prefect's servers away in the middle of a run: the suite's tests, with a longer outage."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:warnings", "tests/flows/test_outage.py"]
    process = launch(mlruns, command, STAGE1_OUTAGE_SECONDS=str(OUTAGE_SECONDS))
    output, _ = process.communicate()
    told = output.strip().splitlines()[-1] if output.strip() else "no output"
    return f"MLflow and Prefect away for {OUTAGE_SECONDS} s, all delivered once: {told}", process.returncode == 0


PROMISES: tuple[Callable[[Path], tuple[str, bool]], ...] = (fuzzing, killed_runs, memory, same_answers, outage)


def main() -> int:
    """Prints a line for each promise; returns 1 if one is broken."""
    broken = 0
    with tempfile.TemporaryDirectory() as base:
        os.environ["STAGE1_MLRUNS"] = str(Path(base) / "mlruns")
        settings = {PREFECT_HOME: Path(base) / "prefect", PREFECT_LOGGING_LEVEL: "ERROR"}
        with temporary_settings(settings), prefect_api():
            for promise in PROMISES:
                begun = time.monotonic()
                text, kept = promise(Path(base) / "mlruns")
                broken += not kept
                print(f"{'kept  ' if kept else 'BROKEN'} {text} ({time.monotonic() - begun:.0f} s)", flush=True)
    return int(broken > 0)


if __name__ == "__main__":
    sys.exit(main())
