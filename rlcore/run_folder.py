"""Where a run keeps what: one folder, every name in one place. All but the journal is written beside and renamed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rlcore.config import Stage1Config
from rlcore.files import read_json, write_json, write_text
from rlcore.journal import Journal
from rlcore.judging.validation import Validation
from rlcore.records import Alert, Rollout, Verdict


@dataclass(frozen=True)
class RunFolder:
    """``<mlruns>/stage1/<run>``."""

    path: Path

    @property
    def name(self) -> str:
        """The run's name."""
        return self.path.name

    @property
    def config_file(self) -> Path:
        """The run's configuration."""
        return self.path / "config.json"

    @property
    def data(self) -> Path:
        """Folder of the manifest and the logos' pixels."""
        return self.path / "data"

    @property
    def library(self) -> Path:
        """What the agent chooses from."""
        return self.path / "library.json"

    @property
    def table(self) -> Path:
        """The library's settings on every training logo."""
        return self.path / "table.npz"

    @property
    def best_model(self) -> Path:
        """The checkpoint with the highest convergence score on the validation logos."""
        return self.path / "best_model.pt"

    @property
    def reference_cache(self) -> Path:
        """Shared by all runs beside this one."""
        return self.path.parent.parent / "cache" / "reference"

    def checkpoint(self, episode: int) -> Path:
        """The checkpoint after so many episodes."""
        return self.path / "checkpoints" / f"episode-{episode:06d}.pt"

    @property
    def journal(self) -> Journal:
        """The append-only record."""
        return Journal(self.path / "journal.jsonl")

    def write_config(self, config: Stage1Config) -> Path:
        """Keeps the configuration."""
        return write_text(self.config_file, config.model_dump_json(indent=2) + "\n")

    def config(self) -> Stage1Config:
        """The kept configuration."""
        return Stage1Config.model_validate_json(self.config_file.read_text(encoding="utf-8"))

    def write_validation(self, validation: Validation, name: str = "") -> Path:
        """Keeps a validation under ``name``, or its episode; all of them are read in the order of their names."""
        kept = name or f"episode-{validation.episode:06d}"
        return write_json(self.path / "validations" / f"{kept}.json", validation.as_dict())

    def has_validation(self, episode: int) -> bool:
        """Whether the checkpoint of ``episode`` was validated."""
        return any(validation.episode == episode for validation in self.validations())

    def validations(self) -> list[Validation]:
        """The agent's on the validation split, the untrained policy's first."""
        return [self._validation(path) for path in sorted((self.path / "validations").glob("episode-*.json"))]

    def baselines(self, split: str) -> list[Validation]:
        """The baselines on a split, in the order in which they were measured."""
        return [self._validation(path) for path in sorted((self.path / "validations").glob(f"baseline-{split}-*.json"))]

    def validation(self, name: str) -> Validation:
        """One that was kept under a name."""
        return self._validation(self.path / "validations" / f"{name}.json")

    @staticmethod
    def _validation(path: Path) -> Validation:
        return Validation.from_dict(read_json(path))

    def rollouts(self) -> list[Rollout]:
        """All so far, from the journal."""
        return [Rollout(**entry["rollout"]) for entry in self.journal.read("rollout")]

    def verdicts(self) -> list[Verdict]:
        """All so far, from the journal."""
        kept = [entry["verdict"] for entry in self.journal.read("verdict")]
        return [Verdict(**{**v, "alerts": tuple(Alert(**a) for a in v["alerts"])}) for v in kept]

    def seconds(self) -> dict[str, float]:
        """Wall time by stage, from the journal."""
        totals: dict[str, float] = {}
        for entry in self.journal.read("stage"):
            totals[entry["stage"]] = totals.get(entry["stage"], 0.0) + entry["seconds"]
        return totals
