"""A curriculum on disk: its plan, its journal, and how far it is, read from the runs of its attempts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from rlcore.config import Stage1Config
from rlcore.curriculum import Curriculum, StageResult, Step, best_result, decide
from rlcore.errors import ConfigError
from rlcore.events import check
from rlcore.files import write_json, write_text
from rlcore.journal import Journal
from rlcore.quality_assurance import best_validation
from rlcore.run_folder import RunFolder

Outcome = Literal["reached", "below_threshold", "not_reached", "unfinished"]
"""All stages at their thresholds; some gone on from under it, as was asked for; one not reached; not at its end."""


@dataclass(frozen=True, slots=True)
class NextAttempt:
    """What is to be trained now."""

    run: str
    stage: int
    number: int
    config: Stage1Config


def result_of(folder: RunFolder) -> StageResult | None:
    """What an attempt came to; None: it is not trained to its end yet, or was out of time."""
    verdicts = folder.verdicts()
    if not verdicts or verdicts[-1].decision in ("roll_back", "out_of_time"):
        return None
    last = verdicts[-1]
    if not last.stops and last.episode < folder.config().target_episodes:
        return None
    rate = best_validation(folder.validations()).headline().success_rate
    return StageResult(folder.name, rate, last.reason if last.decision == "failure" else "")


@dataclass(frozen=True)
class CurriculumFolder:
    """``<mlruns>/curriculum/<name>``; the runs lie where all runs lie, in ``<mlruns>/stage1``."""

    path: Path

    @property
    def name(self) -> str:
        """The curriculum's name."""
        return self.path.name

    @property
    def plan_file(self) -> Path:
        """What it was begun with."""
        return self.path / "curriculum.json"

    @property
    def report_file(self) -> Path:
        """What came of each attempt."""
        return self.path / "curriculum_report.json"

    @property
    def journal(self) -> Journal:
        """Its own: which attempts were begun, and what was decided after each."""
        return Journal(self.path / "journal.jsonl", check)

    def plan(self) -> Curriculum:
        """The kept plan.

        Raises:
            ConfigError: there is none, or it is another version's.
        """
        try:
            return Curriculum.model_validate_json(self.plan_file.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise ConfigError(f"curriculum {self.name!r} is not in {self.path.parent}") from error
        except ValueError as error:
            raise ConfigError(f"{self.plan_file}: {error} (another version's?)") from error

    def write_plan(self, plan: Curriculum) -> Path:
        """Keeps the plan."""
        return write_text(self.plan_file, plan.model_dump_json(indent=2) + "\n")

    def run(self, stage: int, attempt: int) -> RunFolder:
        """Of an attempt (from 1) at a stage (from 0), begun or not."""
        return RunFolder(self.path.parent.parent / "stage1" / self.plan().run_name(self.name, stage, attempt))

    def results(self, stage: int) -> list[StageResult]:
        """Of the attempts that are trained to their end, in order."""
        found: list[StageResult] = []
        while (folder := self.run(stage, len(found) + 1)).config_file.exists():
            result = result_of(folder)
            if result is None:
                break
            found.append(result)
        return found

    def step(self, stage: int) -> Step | None:
        """What follows the last attempt; None: there is none yet."""
        plan, results = self.plan(), self.results(stage)
        return decide(plan.stage(stage), results, plan.allow_advance_below_threshold) if results else None

    def next_attempt(self) -> NextAttempt | None:
        """The attempt that was begun and is not finished, or the next; None: the curriculum has ended."""
        for stage in range(len(self.plan().stages)):
            attempt = self._attempt_at(stage)
            if attempt is not None:
                return attempt
            step = self.step(stage)
            if step is not None and step.ends_curriculum:
                break
        return None

    def is_trained(self, attempt: NextAttempt) -> bool:
        """Whether it came to its end; if not, it was out of time."""
        return len(self.results(attempt.stage)) >= attempt.number

    def _attempt_at(self, stage: int) -> NextAttempt | None:
        """None: the stage is through."""
        plan, results, step = self.plan(), self.results(stage), self.step(stage)
        if results and not self.run(stage, len(results)).finished:  # trained, but not told to its end
            number = len(results)
        elif step is not None and step.ends_stage:
            return None
        else:
            number = len(results) + 1
        config = plan.attempt_config(stage, number, self._start(stage, results[: number - 1]))
        return NextAttempt(plan.run_name(self.name, stage, number), stage, number, config)

    def _start(self, stage: int, results: list[StageResult]) -> str:
        """The best of the stage's earlier attempts, else of the last stage's; empty before there is any."""
        known = results or (self.results(stage - 1) if stage else [])
        return best_result(known).run if known else ""

    def report(self) -> dict[str, Any]:
        """What came of it so far, as JSON can hold it; ``docs/classic.md`` names the fields."""
        stages = [self._stage_report(index) for index in range(len(self.plan().stages))]
        decisions = [stage["decision"] for stage in stages]
        last = max((index for index, stage in enumerate(stages) if stage["attempts"]), default=0)
        results = self.results(last)
        return {
            "name": self.name,
            "outcome": self._outcome(decisions),
            "total_stages": len(stages),
            "successful_stages": decisions.count("advance"),
            "advanced_below_threshold": [s["name"] for s in stages if s["decision"] == "advance_below_threshold"],
            "reason": stages[last]["reason"],
            "final_model": best_result(results).run if results else "",
            "stages": stages,
        }

    def _outcome(self, decisions: Sequence[str]) -> Outcome:
        if "not_reached" in decisions:
            return "not_reached"
        if self.next_attempt() is not None:
            return "unfinished"
        return "reached" if set(decisions) == {"advance"} else "below_threshold"

    def _stage_report(self, index: int) -> dict[str, Any]:
        stage, step = self.plan().stage(index), self.step(index)
        return {
            **asdict(stage),
            "attempts": [asdict(result) for result in self.results(index)],
            "decision": step.decision if step else "not_begun",
            "reason": step.reason if step else "",
        }

    def write_report(self) -> Path:
        """Keeps the report."""
        return write_json(self.report_file, self.report())
