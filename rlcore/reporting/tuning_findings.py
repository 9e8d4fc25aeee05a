"""What a study says: the best settings beside the default ones, and whether they are any better."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rlcore.config import PPOSettings
from rlcore.learning.tuning import SPACE
from rlcore.learning.tuning_study import StudyRecord, TrialRecord
from rlcore.reporting.wording import MISSING, duration, signed

VALUE_DIGITS = 4
SHOWN = 4


def best_table(study: StudyRecord, most: int = SHOWN) -> list[list[str]]:
    """A column for the default settings and each of the best trials, a row for the value and each tuned setting."""
    best = [trial for _, trial in study.ranking[:most]]
    trials = [*([study.default] if study.default else []), *(trial for trial in best if trial is not study.default)]
    rows: list[tuple[str, Callable[[TrialRecord], str]]] = [
        ("mean lead", lambda trial: value_text(trial.value)),
        *((name.replace("_", " "), _setting(name)) for name in SPACE),
        ("time", lambda trial: duration(trial.seconds)),
    ]
    titles = ["default" if trial is study.default else f"trial {trial.number}" for trial in trials]
    return [["", *titles], *([name, *(text(trial) for trial in trials)] for name, text in rows)]


def _setting(name: str) -> Callable[[TrialRecord], str]:
    return lambda trial: f"{getattr(trial.settings, name):g}"


def value_text(value: float | None) -> str:
    """A value of the objective, with its sign."""
    return MISSING if value is None else signed(value, VALUE_DIGITS)


def study_conclusions(study: StudyRecord) -> list[str]:
    """Sentences on what PPO and the tuning brought."""
    failed = sum(trial.value is None for trial in study.trials)
    count = len(study.trials)
    sentences = [f"{count} {'trial' if count == 1 else 'trials'}" + (f", {failed} failed" if failed else "") + "."]
    if study.baseline is not None:
        sentences.append(f"Without any PPO the mean lead over the portfolio is {value_text(study.baseline)}.")
    if not study.ranking:
        return sentences
    value, best = study.ranking[0]
    if best is study.default:
        return [*sentences, f"No trial is better than the default settings ({value_text(value)})."]
    default = study.default.value if study.default else None
    ahead = MISSING if default is None else signed(value - default, VALUE_DIGITS)
    return [
        *sentences,
        f"Trial {best.number} is the best: {value_text(value)}, {ahead} against the default settings."
        " The best of many noisy figures looks better than it is: try it with more seeds or more episodes.",
    ]


def toml_of(settings: PPOSettings) -> str:
    """A ``[ppo]`` table that ``stage1 run --config`` takes."""
    return "[ppo]\n" + "".join(f"{name} = {value!r}\n" for name, value in settings.model_dump().items())


def trial_rows(study: StudyRecord) -> list[dict[str, Any]]:
    """Every trial that ended, as a row of a table."""
    return [
        {
            "trial": trial.number,
            "value": trial.value,
            **trial.settings.model_dump(),
            "seconds": round(trial.seconds, 1),
            "failure": trial.failure,
        }
        for trial in study.trials
    ]
