"""Challenger against champion: the same harness on the test logos of both, without what either was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import mlflow
from mlflow.exceptions import MlflowException

from rlcore.config import Stage1Config
from rlcore.conversion.evaluator import Evaluator
from rlcore.data.dataset import Dataset, build_dataset
from rlcore.data.dataset_files import load_dataset
from rlcore.data.held_out import HeldOut, neutral_logos
from rlcore.episode import Subject
from rlcore.errors import CheckpointError, DataError
from rlcore.files import read_json, write_json
from rlcore.judging.promotion import Match
from rlcore.judging.validation import Validation, play, results_after
from rlcore.learning.agent import Agent
from rlcore.learning.model import Model
from rlcore.records import Comparison
from rlcore.run_folder import RunFolder
from tasks import registry, tracking
from tasks.data import dataset_of
from tasks.models import keep_best, load_model
from tasks.run import Run, StageProgress, stage

STAGE = "promotion"


def match_of(run: Run, champion: registry.Version) -> Match:
    """Plays it, or reads what was played before: a run that is taken up again against the same champion."""
    file = run.path / "matches" / f"champion-{champion.number}.json"
    if not file.exists():
        try:
            rival = load_model(f"models:/{registry.MODEL}/{champion.number}")
        except CheckpointError as error:
            return Match(None, 0, 0, f"the champion can't be played: {error}")
        write_json(file, _play(run, rival, champion.run_id))
    content = read_json(file)
    validations = [Validation.from_dict(content[who]) for who in ("challenger", "champion")]
    gain = Comparison.of(*validations).gain if validations[0].of() else None
    return Match(gain, content["excluded"], validations[0].budget, content["note"])


def _play(run: Run, rival: Model, rivals_run: str) -> dict[str, object]:
    config, best = run.config, keep_best(run.folder).model
    with stage(run, STAGE), Evaluator(config.workers) as evaluator:
        logos, note = _logos(run, [best, rival], rivals_run)
        judge = _Judge(config, evaluator, logos.subjects, min(c.config.steps_per_episode for c in (best, rival)))
        return {
            "excluded": logos.excluded,
            "note": note,
            "challenger": judge.validation("challenger", best, StageProgress(run, f"{STAGE}: challenger")).as_dict(),
            "champion": judge.validation("champion", rival, StageProgress(run, f"{STAGE}: champion")).as_dict(),
        }


@dataclass(frozen=True)
class _Judge:
    """What is the same for both; ``traces`` is the smaller budget where they were trained with different ones."""

    config: Stage1Config
    evaluator: Evaluator
    subjects: Sequence[Subject]
    traces: int

    def validation(self, name: str, model: Model, on_progress: StageProgress) -> Validation:
        """A model after so many traces; it sees its own budget, which its observations are made of."""
        own = model.config.steps_per_episode
        episodes = play(Agent(model), self.subjects, own, self.config, self.evaluator, on_progress)
        results = results_after(episodes, self.traces)
        return Validation(name, model.episode, self.traces, self.config.category, results)


def _logos(run: Run, models: Sequence[Model], rivals_run: str) -> tuple[HeldOut, str]:
    own, category = dataset_of(run), run.config.category
    other, note = _rivals_dataset(models[1], rivals_run, run.config.workers)
    tests = [*own.of("test", category), *other.of("test", category)]
    trained_on = frozenset().union(*(model.experience.digests for model in models))
    return neutral_logos(tests, [*own.of("train"), *other.of("train")], trained_on), note


def _rivals_dataset(rival: Model, run_id: str, workers: int) -> tuple[Dataset, str]:
    """From its run's folder; where that is gone, from its source again; where that is gone too, none, with a note."""
    folder = _folder_of(run_id)
    if folder is not None:
        try:
            return load_dataset(folder.data), ""
        except DataError:
            pass
    try:
        return build_dataset(
            rival.config.model_copy(update={"workers": workers})
        ), "the champion's logos were read anew"
    except DataError as error:
        return Dataset((), ()), f"without the champion's test logos: {error}"


def _folder_of(run_id: str) -> RunFolder | None:
    """Of a run in MLflow, if it is of this machine."""
    try:
        tags = mlflow.MlflowClient().get_run(run_id).data.tags
    except MlflowException:  # deleted meanwhile
        return None
    path = tracking.folder_of(tags)
    return RunFolder(path) if path is not None and path.is_dir() else None
