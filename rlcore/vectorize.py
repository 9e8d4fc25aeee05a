"""One image file to one SVG, with a searcher's choice of parameters; never worse than plain VTracer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rlcore.config import Stage1Config
from rlcore.conversion.evaluator import Evaluator
from rlcore.data.reading import read_apart
from rlcore.episode import Subject
from rlcore.errors import UnusableFileError
from rlcore.features import category_of, measure
from rlcore.gain import Baseline
from rlcore.judging.searchers import Searcher
from rlcore.judging.validation import play
from rlcore.parameters import CLEANED_PLAIN, PLAIN, Parameters


@dataclass(frozen=True)
class Vectorized:
    """What the user gets, and what plain VTracer would have given."""

    svg: bytes
    parameters: Parameters
    quality: float
    plain: Baseline


def vectorize(path: Path, searcher: Searcher, config: Stage1Config, evaluator: Evaluator) -> Vectorized:
    """Reads ``path``, lets ``searcher`` spend its traces, and delivers the best (plain's where nothing is better).

    Raises:
        UnusableFileError: the file can't be read as a logo, or VTracer gives nothing for it.
    """
    try:
        logo = read_apart(path, config.working_size)
    except UnusableFileError as error:
        raise UnusableFileError(f"{path}: {error}") from error
    plain, cleaned = evaluator.traces([(logo, PLAIN), (logo, CLEANED_PLAIN)])
    if plain.failure or cleaned.failure:
        raise UnusableFileError(f"{path}: plain VTracer's trace failed: {plain.failure or cleaned.failure}")
    features = measure(logo)
    baselines = [Baseline(result.quality, result.size_bytes, result.seconds) for result in (plain, cleaned)]
    chosen = PLAIN
    if baselines[0].has_headroom:
        subject = Subject(logo, features, baselines[0], baselines[1], category_of(features), "own")
        [episode] = play(searcher, [subject], config.steps_per_episode, config, evaluator)
        chosen = episode.delivered.parameters if episode.delivered else PLAIN
    [final] = evaluator.traces([(logo, chosen)], keep_svg=True)
    if final.svg is None:
        raise UnusableFileError(f"{path}: the chosen trace failed when it was repeated: {final.failure}")
    return Vectorized(final.svg, chosen, final.quality, baselines[0])
