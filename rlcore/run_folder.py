"""Where a run keeps what: one folder, every name in one place. All but the journal is written beside and renamed."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rlcore.config import Stage1Config
from rlcore.errors import ConfigError
from rlcore.events import check
from rlcore.files import read_json, write_json, write_text
from rlcore.journal import Journal
from rlcore.judging.standings import ComparisonTable
from rlcore.judging.validation import Validation
from rlcore.learning.plan import ends_chunk
from rlcore.processes import is_alive, is_elsewhere, this_process
from rlcore.records import Alert, Milestone, Rollout, Verdict

LAST_CHECKPOINTS = 2
"""Kept whatever they are: if the last is damaged, the one before is gone on from."""

QUIET_SECONDS = 60.0
"""A run writes into its journal every five seconds (``system``): after so long without a line, nobody is at it."""


def write_rollout(journal: Journal, rollout: Rollout, rollbacks: int) -> None:
    """Writes a rollout down once, after its episodes."""
    episodes = [("episode", {"rollbacks": rollbacks, "episode": asdict(one)}) for one in rollout.played]
    key = f"episode {rollout.episode}, {rollbacks} rollbacks"
    journal.write_once("rollout", key, after=episodes, rollbacks=rollbacks, rollout=rollout.as_dict())


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
    def start_model(self) -> Path:
        """A copy of the model that training goes on from; not there where it begins with none."""
        return self.path / "start.pt"

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

    def checkpoints(self) -> dict[int, Path]:
        """All that are kept, by episode, in order."""
        found = sorted((self.path / "checkpoints").glob("episode-*.pt"))
        return {int(path.stem.removeprefix("episode-")): path for path in found}

    def set_aside(self, path: Path, reason: str) -> None:
        """Renames a damaged file, so that it is in nobody's way but can be looked at."""
        path.replace(path.with_name(f"{path.name}.damaged"))
        self.journal.write("damaged", file=path.name, reason=reason)

    def prune_checkpoints(self) -> None:
        """Keeps the last two, and every chunk's, the best among them."""
        config, kept = self.config(), self.checkpoints()
        for episode in list(kept)[:-LAST_CHECKPOINTS]:
            if not ends_chunk(config, episode):
                kept[episode].unlink()

    @property
    def comparison_file(self) -> Path:
        """The comparison with every other searcher."""
        return self.path / "comparison.json"

    def comparison(self) -> ComparisonTable | None:
        """The kept comparison; None if none was made."""
        file = self.comparison_file
        return ComparisonTable.from_dict(read_json(file)) if file.exists() else None

    @property
    def model_card(self) -> Path:
        """What the registered version is, for people."""
        return self.path / "model_card.md"

    @property
    def promotion_file(self) -> Path:
        """The decision whether the registered version becomes champion, and what it was made from."""
        return self.path / "promotion.json"

    @property
    def waits_for_approval(self) -> bool:
        """Whether a person was asked about its version and has not answered yet."""
        told = self.journal.read("promotion")
        return bool(told) and told[-1]["answer"] == "waits"

    def forget_comparison(self) -> None:
        """Removes a comparison of a model that is no longer the best."""
        for name in ("comparison.json", "comparison.html"):
            (self.path / name).unlink(missing_ok=True)

    def samples(self, episode: int) -> list[Path]:
        """The pictures of that episode's validation, in order."""
        return sorted((self.path / "samples").glob(f"episode-{episode:06d}-*.png"))

    def emergency(self, episode: int, rollbacks: int) -> Path:
        """A checkpoint that training was broken at, kept for inspection."""
        return self.path / "emergency" / f"attempt-{rollbacks}-episode-{episode:06d}.pt"

    @property
    def rollbacks(self) -> int:
        """How often training went back to an earlier checkpoint."""
        return len(self.journal.read("rollback"))

    def sample(self, episode: int, number: int) -> Path:
        """A picture of a validation logo: original, plain, agent."""
        return self.path / "samples" / f"episode-{episode:06d}-{number}.png"

    @property
    def journal(self) -> Journal:
        """The append-only record."""
        return Journal(self.path / "journal.jsonl", check)

    @property
    def begun(self) -> float:
        """When it was begun, in epoch seconds; 0 before that."""
        return float(next((entry["time"] for entry in self.journal.read("started")), 0.0))

    @property
    def schema_version(self) -> int:
        """Of its journal; 0 where another version's events are in it, or none."""
        return int(next((entry["schema_version"] for entry in self.journal.read("started")), 0))

    @property
    def finished(self) -> bool:
        """Whether it came to its end; a run that broke off, was killed, or was out of time can be gone on with."""
        ends = self.journal.read("ended")
        # runs of earlier versions can't be gone on with
        return bool(ends) and not ends[-1].get("resumable", False)

    @property
    def _identity_file(self) -> Path:
        return self.path / "run.json"

    def identity(self) -> dict[str, Any]:
        """Who is, or was last, at it: ``mlflow_run_id``, ``flow_run_id``, ``this_process``'s; empty before."""
        content: dict[str, Any] = read_json(self._identity_file) if self._identity_file.exists() else {}
        return content

    def write_identity(self, mlflow_run_id: str, flow_run_id: str | None) -> None:
        """Keeps the ids, and that this process is at it."""
        ids = {"mlflow_run_id": mlflow_run_id, "flow_run_id": flow_run_id}
        write_json(self._identity_file, {**ids, **this_process()})

    @property
    def process_alive(self) -> bool:
        """Whether the process that was last at it still is there; known without touching the run's lock.

        Of another machine or container, only what it writes can be seen here.
        """
        known = self.identity()
        if is_elsewhere(known):
            written = (file.stat().st_mtime for file in (self._identity_file, self.journal.path) if file.exists())
            return time.time() - max(written) < QUIET_SECONDS
        return is_alive(known)

    def picture(self, name: str) -> Path:
        """A picture of the whole dashboard."""
        return self.path / "pictures" / f"dashboard_{name}.png"

    def report_file(self, episode: int, rollbacks: int, ending: str) -> Path:
        """A progress report, as ``json`` or ``md``; after a rollback episodes come again."""
        again = f"-rollback{rollbacks}" if rollbacks else ""
        return self.path / "reports" / f"episode-{episode:06d}{again}.{ending}"

    def write_config(self, config: Stage1Config) -> Path:
        """Keeps the configuration."""
        return write_text(self.config_file, config.model_dump_json(indent=2) + "\n")

    def config(self) -> Stage1Config:
        """The kept configuration.

        Raises:
            ConfigError: it is of another version, or damaged.
        """
        try:
            return Stage1Config.model_validate_json(self.config_file.read_text(encoding="utf-8"))
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise ConfigError(f"{self.config_file}: {place}: {first['msg']} (another version's?)") from error

    def write_validation(self, validation: Validation, name: str = "") -> Path:
        """Keeps a validation under ``name``, or its episode; all of them are read in the order of their names."""
        kept = name or f"episode-{validation.episode:06d}"
        return write_json(self.path / "validations" / f"{kept}.json", validation.as_dict())

    def validation_at(self, episode: int) -> Validation:
        """The agent's on the validation split, after so many episodes."""
        return self.validation(f"episode-{episode:06d}")

    def has_validation(self, name: str) -> bool:
        """Whether one is kept under a name."""
        return (self.path / "validations" / f"{name}.json").exists()

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
        """All so far, from the journal; those that a rollback took back are left out."""
        found: list[Rollout] = []
        for entry in self.journal.read("rollout", "rollback"):
            if entry["event"] == "rollout":
                found.append(Rollout(**entry["rollout"]))
            elif entry["event"] == "rollback":
                found = [rollout for rollout in found if rollout.episode <= entry["episode"]]
        return found

    @property
    def trained_episodes(self) -> int:
        """Episodes behind the last rollout, or the broken one after it."""
        episode = 0
        for entry in self.journal.read("rollout", "rollback", "broken"):
            if entry["event"] == "rollout":
                episode = entry["rollout"]["episode"]
            elif entry["event"] in ("rollback", "broken"):
                episode = entry["episode"]
        return episode

    def verdicts(self) -> list[Verdict]:
        """All so far, from the journal."""
        kept = [entry["verdict"] for entry in self.journal.read("verdict")]
        return [Verdict(**{**v, "alerts": tuple(Alert(**a) for a in v["alerts"])}) for v in kept]

    def milestones(self) -> list[Milestone]:
        """All so far, from the journal."""
        names = ("name", "episode", "message")
        return [Milestone(**{name: entry[name] for name in names}) for entry in self.journal.read("milestone")]

    def seconds(self) -> dict[str, float]:
        """Wall time by stage, from the journal."""
        totals: dict[str, float] = {}
        for entry in self.journal.read("stage"):
            totals[entry["stage"]] = totals.get(entry["stage"], 0.0) + entry["seconds"]
        return totals


def run_folders(mlruns: Path) -> list[RunFolder]:
    """All runs, the latest first."""
    found = [RunFolder(path.parent) for path in (mlruns / "stage1").glob("*/config.json")]
    return sorted(found, key=lambda folder: folder.begun, reverse=True)
