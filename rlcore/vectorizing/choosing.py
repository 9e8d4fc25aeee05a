"""One picture, one agent, a few traces: the best of them that may be delivered, and plain VTracer's where none is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rlcore.conversion.preparation import encoded
from rlcore.conversion.tracing import RAW_OVERSIZE_BYTES, ConversionError, convert, forget, trace
from rlcore.episode import Episode, Subject
from rlcore.errors import ConstraintError, RenderError, UnusableFileError
from rlcore.features import category_of, measure
from rlcore.gain import HEADROOM, Baseline, Weights
from rlcore.learning.agent import Agent
from rlcore.learning.model import Model
from rlcore.parameters import CLEANED_PLAIN, PLAIN, Parameters
from rlcore.vectorizing.finishing import finished
from rlcore.vectorizing.measuring import Canvas
from rlcore.vectorizing.optimizing import optimized
from rlcore.vectorizing.options import Options
from rlcore.vectorizing.result import Plain, Vectorized
from rlcore.vectorizing.source import Source


@dataclass(frozen=True)
class _Candidate:
    """What could be delivered; the SVG is finished."""

    svg: bytes
    ssim: float
    parameters: Parameters


def vectorized(name: str, source: Source, agent: Agent, model: Model, options: Options) -> Vectorized:
    """Lets ``agent`` (of ``model``) spend its traces, and delivers the first in its order that is not worse than plain.

    Raises:
        UnusableFileError: VTracer gives nothing for the picture.
        ConstraintError: nothing that was found is within ``max_bytes`` and ``min_ssim``.
    """
    try:
        canvas = Canvas(source.own, source.logo.matte)
        plain, subject = _baselines(source, canvas)
        episode = _played(subject, agent, model, options)
        chosen = _delivered(_candidates(episode, plain, source, canvas, options), options)
    finally:
        forget()
    working_size = max(source.logo.rgba.shape[:2])
    return Vectorized(name, chosen.svg, chosen.ssim, chosen.parameters, plain, episode.step, *source.size, working_size)


def _baselines(source: Source, canvas: Canvas) -> tuple[Plain, Subject]:
    """Plain VTracer on the picture as it is, and the logo with plain and cleaned plain on what is traced."""
    logo = source.logo
    plain = trace(logo, PLAIN, keep_svg=True)
    # alpha clean-up leaves an opaque logo as it is
    cleaned = trace(logo, CLEANED_PLAIN) if logo.has_alpha else plain
    if plain.svg is None or cleaned.failure is not None:
        raise UnusableFileError(f"plain VTracer's trace failed: {plain.failure or cleaned.failure}")
    own = _plain_of_own(source, canvas, plain.svg) if source.is_reduced else Plain(plain.svg, plain.quality)
    # where plain is all but perfect, files can still become smaller: the agent is told of an error it can reckon with
    baselines = [
        Baseline(min(found.quality, 1 - HEADROOM), found.size_bytes, found.seconds) for found in (plain, cleaned)
    ]
    features = measure(logo)
    subject = Subject(logo, features, baselines[0], baselines[1], category_of(features), "own")
    return own, subject


def _plain_of_own(source: Source, canvas: Canvas, reduced: bytes) -> Plain:
    """Plain VTracer on a picture in its own size; where that gives nothing that can be drawn, ``reduced`` enlarged.

    A picture so busy that its own size would give an SVG that no trace may have is not tried: a noisy photo of 2000 px
    takes two minutes. What VTracer writes goes by the edges between colours.
    """
    height, width = source.own.shape[:2]
    if len(reduced) * _edges(source.own) / max(1, _edges(source.logo.rgba)) <= RAW_OVERSIZE_BYTES:
        try:
            svg = convert(encoded(source.own), PLAIN)
            return Plain(svg, canvas.ssim(svg))
        except (ConversionError, RenderError):
            pass
    svg = finished(reduced, (width, height))
    return Plain(svg, canvas.ssim(svg))


def _edges(rgba: NDArray[np.uint8]) -> int:
    """Neighbours, beside and below, that differ as plain VTracer tells colours apart."""
    coarse = np.ascontiguousarray(rgba >> (8 - PLAIN.color_precision)).view(np.uint32)[..., 0]
    return int(np.count_nonzero(coarse[1:] != coarse[:-1]) + np.count_nonzero(coarse[:, 1:] != coarse[:, :-1]))


def _played(subject: Subject, agent: Agent, model: Model, options: Options) -> Episode:
    """The episode after at most ``options.budget`` traces, their SVGs kept; it ends where the options are used up."""
    weights = Weights(model.config.quality_weight, options.size_weight)
    # what the agent sees is as long as in its training, whatever the budget
    episode = Episode(subject, model.config.steps_per_episode, weights, model.config.target)
    for _ in range(options.budget):
        [parameters] = agent.propose([episode])
        if parameters in {attempt.parameters for attempt in episode.attempts}:
            break
        episode.record(parameters, trace(subject.logo, parameters, keep_svg=True))
    return episode


def _candidates(
    episode: Episode, plain: Plain, source: Source, canvas: Canvas, options: Options
) -> Iterator[_Candidate]:
    """What may be delivered, the best gain first, a success before any that is not; plain's among it, with gain 0."""
    pixels = (float(source.own.shape[1]), float(source.own.shape[0]))
    attempts = sorted((a for a in episode.attempts if a.deliverable), key=lambda a: (not a.success, -a.gain))
    drawings = [(a.trace.svg, a.trace.quality, a.parameters) for a in attempts if a.gain > 0]
    drawings += [(plain.svg, plain.ssim, PLAIN)]
    drawings += [(a.trace.svg, a.trace.quality, a.parameters) for a in attempts if a.gain <= 0]
    for drawing, quality, parameters in drawings:
        assert drawing is not None  # it was asked for
        svg = finished(drawing, pixels, source.background)
        # in its own size it is the same picture as it was when it was traced
        ssim = canvas.ssim(svg) if source.is_reduced else quality
        if ssim >= plain.ssim:
            if options.optimize:
                svg = optimized(svg, ssim, canvas)
            # what an SVG says of its size is not what it was drawn at
            yield _Candidate(finished(svg, source.size), ssim, parameters)


def _delivered(candidates: Iterator[_Candidate], options: Options) -> _Candidate:
    """The first within the constraints.

    Raises:
        ConstraintError: none is.
    """
    least, most = options.min_ssim or 0.0, options.max_bytes or 2**62
    missed = []
    for candidate in candidates:
        if candidate.ssim >= least and len(candidate.svg) <= most:
            return candidate
        missed.append(candidate)
    nearest = min(missed, key=lambda c: (max(0.0, least - c.ssim) + max(0.0, len(c.svg) / most - 1), len(c.svg)))
    asked = [f"SSIM {options.min_ssim:g} or more"] if options.min_ssim is not None else []
    asked += [f"at most {options.max_bytes:,} bytes"] if options.max_bytes is not None else []
    raise ConstraintError(
        f"no SVG of {' in '.join(asked)} was found; the nearest has SSIM {nearest.ssim:.4f} in"
        f" {len(nearest.svg):,} bytes"
    )
