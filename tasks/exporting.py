"""A finished run's best model as a file for others, with a record of where it is from and how good it is."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rlcore.config import Stage1Config
from rlcore.data.dataset_files import data_hash
from rlcore.errors import CheckpointError
from rlcore.files import read_json, write_text
from rlcore.learning.agent import Checkpoint
from rlcore.records import Comparison, Evidence
from rlcore.reporting.findings import INTERVALS, mean_interval
from rlcore.reporting.model_card import model_card
from rlcore.run_folder import RunFolder
from tasks.opening import ADJUSTABLE
from tasks.registration import config_hash
from tasks.report import collect_evidence


def export_model(checkpoint: Path, output: Path, code_version: str = "") -> tuple[Path, Path]:
    """Writes the model and, beside it, its card; returns both paths. The same run gives the same bytes.

    Args:
        checkpoint: ``best_model.pt`` in the folder of a finished run, whose evidence says how good it is.
        output: the model's file.
        code_version: the commit that trained it, where that run's own card does not say.

    Raises:
        CheckpointError: there is no such checkpoint, or it is not the one that the run's final test was made with.
    """
    loaded, folder = Checkpoint.load(checkpoint), RunFolder(checkpoint.absolute().parent)
    if not folder.has_validation("test"):
        raise CheckpointError(f"{checkpoint}: not in the folder of a finished run, so nothing says how good it is")
    evidence = collect_evidence(folder)
    if evidence.best_episode != loaded.episode:
        raise CheckpointError(
            f"{checkpoint} is of episode {loaded.episode}, the run was tested with that of {evidence.best_episode}"
        )
    facts = _facts(folder, code_version)
    about = {"facts": facts, "figures": _figures(evidence), "versions": dict(loaded.versions)}
    written = replace(loaded.model, about=about).save(output)
    return written, write_text(output.with_name("model_card.md"), model_card(evidence, facts))


def _facts(folder: RunFolder, trained_by: str) -> dict[str, str]:
    config = folder.config()
    return {
        "run": folder.name,
        "command": command_of(config),
        "seed": str(config.seed),
        "data hash": data_hash(read_json(folder.data / "manifest.json")),
        "config hash": config_hash(config),
        "code version": trained_by or _code_version(folder),
    }


def _code_version(folder: RunFolder) -> str:
    """Of the code that trained it, as the card of its registration has it."""
    begin = "- code version: `"
    if folder.model_card.exists():
        for line in folder.model_card.read_text(encoding="utf-8").splitlines():
            if line.startswith(begin):
                return line[len(begin) :].rstrip("`")
    return f"not on record; exported by stage1 {version('stage1')}"


def command_of(config: Stage1Config) -> str:
    """The command that makes a run of these settings: those that are not the default's, and the seed."""
    default, given = Stage1Config(), ["--seed", str(config.seed)]
    for name, value in config.model_dump(exclude={"seed", "ppo", "qa", *ADJUSTABLE}).items():
        if value != getattr(default, name):
            given += _flag(name, value)
    for group in ("ppo", "qa"):
        for name, value in getattr(config, group).model_dump().items():
            if value != getattr(getattr(default, group), name):
                given += _flag(f"{group}_{name}", value)
    return " ".join(["stage1 run", *given])


def _flag(name: str, value: Any) -> list[str]:
    flag = "--" + ("episodes" if name == "target_episodes" else name.replace("_", "-"))
    if isinstance(value, bool):
        return [flag if value else flag.replace("--", "--no-", 1)]
    if isinstance(value, dict):
        return [part for key, item in value.items() for part in (flag, f"{key}={item}")]
    if isinstance(value, (list, tuple)):
        return [part for item in value for part in (flag, str(item))]
    return [flag, str(value)]


def _figures(evidence: Evidence) -> dict[str, Any]:
    """On the test logos of the judged category, with 95 % intervals; leads in gain, paired by logo."""
    return {
        "category": evidence.test.category,
        "logos": len(evidence.test.of()),
        "traces": evidence.test.budget,
        "means": {field: mean_interval(evidence.test, field) for field in INTERVALS},
        "ahead of": {found.baseline.searcher: _lead(found) for found in evidence.comparisons},
    }


def _lead(found: Comparison) -> dict[str, float]:
    return {"mean": found.gain.mean, "low": found.gain.low, "high": found.gain.high}
