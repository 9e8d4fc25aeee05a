"""Searches of logos kept on disk: comparing another agent with the same searches costs nothing.

A file for each search and logo, by everything that its traces depend on.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path

from rlcore.config import Stage1Config
from rlcore.conversion.evaluator import Evaluator
from rlcore.conversion.tracing import Trace
from rlcore.episode import Attempt, Episode, Subject
from rlcore.files import read_json, write_text
from rlcore.judging.reference import LOCAL_SPREAD, POPULATION, cache_key, conditions
from rlcore.judging.search import WIDE_SPREAD, Search
from rlcore.judging.validation import playing
from rlcore.logos import Logo
from rlcore.parameters import Parameters

_Kept = Mapping[str, Sequence[tuple[Parameters, Trace]]]
"""By logo digest, in order."""


def recalled(
    search: Search, subjects: Sequence[Subject], budget: int, config: Stage1Config, evaluator: Evaluator, cache: Path
) -> Generator[list[Episode], None, None]:
    """Like ``playing``, but what ``cache`` (a folder) has is not searched again, and what it has not is kept.

    Close it where it is left early: only then is it written. With a weight on speed nothing is kept or recalled,
    since seconds can't be reproduced.
    """
    if config.speed_weight:
        yield from playing(search, subjects, budget, config, evaluator)
        return
    identity = {**search.identity, **conditions(config), "spreads": [POPULATION, LOCAL_SPREAD, WIDE_SPREAD]}
    folder = cache / cache_key(identity)
    kept = {subject.logo.digest: _read(folder / f"{subject.logo.digest}.json") for subject in subjects}
    episodes: list[Episode] = []
    try:
        for episodes in playing(_Recalling(search, kept), subjects, budget, config, _Known(evaluator, kept)):
            yield episodes
    finally:
        for episode in episodes:
            digest = episode.subject.logo.digest
            if episode.step > len(kept[digest]):
                _write(folder / f"{digest}.json", episode.attempts)


class _Recalling:
    """Proposes what was proposed before, as far as that goes; then it asks the search."""

    def __init__(self, search: Search, kept: _Kept) -> None:
        self.name = search.name
        self._search = search
        self._kept = kept

    def propose(self, episodes: Sequence[Episode]) -> list[Parameters]:
        new = iter(self._search.propose([episode for episode in episodes if self._known(episode) is None]))
        return [self._known(episode) or next(new) for episode in episodes]

    def _known(self, episode: Episode) -> Parameters | None:
        kept = self._kept[episode.subject.logo.digest]
        return kept[episode.step][0] if episode.step < len(kept) else None


class _Known(Evaluator):
    """Answers from what is kept, else lets another evaluator trace."""

    def __init__(self, evaluator: Evaluator, kept: _Kept) -> None:
        super().__init__()
        self._evaluator = evaluator
        self._traces = {(digest, parameters): trace for digest, own in kept.items() for parameters, trace in own}

    def traces(self, jobs: Sequence[tuple[Logo, Parameters]], keep_svg: bool = False) -> list[Trace]:
        known = [self._traces.get((logo.digest, parameters)) for logo, parameters in jobs]
        missing = [job for job, trace in zip(jobs, known, strict=True) if trace is None]
        new = iter(self._evaluator.traces(missing, keep_svg))
        return [trace or next(new) for trace in known]


def _read(path: Path) -> list[tuple[Parameters, Trace]]:
    if not path.exists():
        return []
    content = read_json(path)
    found = []
    for values, quality, size_bytes, failure in content["attempts"]:
        parameters = Parameters(**dict(zip(content["names"], values, strict=True)))
        found.append((parameters, Trace(quality, size_bytes, 0.0, failure=failure)))
    return found


def _write(path: Path, attempts: Sequence[Attempt]) -> None:
    rows = [
        [list(a.parameters.as_dict().values()), a.trace.quality, a.trace.size_bytes, a.trace.failure] for a in attempts
    ]
    # hundreds of traces for hundreds of logos: not a line for each number
    write_text(path, json.dumps({"names": list(attempts[0].parameters.as_dict()), "attempts": rows}))
