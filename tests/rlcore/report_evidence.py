"""A small real run's evidence: drawn logos, real traces, stand-ins for the trained and the untrained policy."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

from rlcore.config import Stage1Config, load_config
from rlcore.conversion.evaluator import Evaluator
from rlcore.conversion.tracing import trace
from rlcore.episode import Subject
from rlcore.features import category_of, measure
from rlcore.gain import Baseline
from rlcore.judging.search import RandomSearch
from rlcore.judging.searchers import CLEANED_SEARCHER, PLAIN_SEARCHER, FixedSetting, Method1, Searcher
from rlcore.judging.validation import Validation, run_searcher
from rlcore.logos import make_logo
from rlcore.parameters import CLEANED_PLAIN, PLAIN, Parameters
from rlcore.records import Comparison, Evidence, Rollout, Verdict
from rlcore.rendering import rasterise
from rlcore.statistics import paired_difference
from tests.rlcore.made import alert

SIDE_PX = 64
HOSTILE_NAME = '<script>alert("x")</script>&\'.png'

SHAPES = {
    HOSTILE_NAME: '<circle cx="50" cy="50" r="41" fill="#c2185b"/><circle cx="50" cy="50" r="19" fill="#fff"/>',
    "ring": '<circle cx="50" cy="50" r="33" fill="none" stroke="#0b5" stroke-width="14"/>',
    "bars": '<path d="M10 90V40h18v50zM40 90V15h18v75zM70 90V55h18v35z" fill="#1a73e8"/>',
    "chevron": '<path d="M12 18 52 50 12 82h24l40-32-40-32z" fill="#e65100"/>',
    "star": '<path d="M50 4 61 38 97 38 68 59 79 94 50 73 21 94 32 59 3 38 39 38z" fill="#fbc02d"/>',
    "moon": '<path d="M60 8a42 42 0 1 0 32 62A36 36 0 1 1 60 8z" fill="#512da8"/>',
    "halves": '<path d="M50 6v88A44 44 0 0 1 50 6z" fill="#00838f"/><path d="M50 6v88a44 44 0 0 0 0-88z" fill="#26a"/>',
    "kite": '<path d="M50 5 90 42 50 95 10 42z" fill="#d32f2f"/><path d="M50 5 90 42H10z" fill="#ff8a80"/>',
}
GROUND = '<rect width="100" height="100" fill="#f1f3f4"/>'


@dataclass(frozen=True)
class Case:
    """The evidence, with what the gallery needs beside it."""

    config: Stage1Config
    subjects: tuple[Subject, ...]
    evidence: Evidence


def draw(name: str, body: str, side_px: int = SIDE_PX) -> Subject:
    """A measured logo from the inside of a 100 x 100 SVG."""
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="100" height="100" viewBox="0 0 100 100">{body}</svg>'
    logo = make_logo(name, rasterise(svg.encode(), (100, 100), side_px), side_px)
    features, plain, cleaned = measure(logo), trace(logo, PLAIN), trace(logo, CLEANED_PLAIN)
    baselines = [Baseline(result.quality, result.size_bytes, result.seconds) for result in (plain, cleaned)]
    return Subject(logo, features, baselines[0], baselines[1], category_of(features), "test")


@functools.cache
def drawn_subjects() -> tuple[Subject, ...]:
    """Each shape transparent, and on a ground."""
    transparent = [draw(name, body) for name, body in SHAPES.items()]
    return (*transparent, *(draw(f"opaque/{name}", GROUND + body) for name, body in SHAPES.items()))


def rollouts(count: int, episodes: int = 50) -> tuple[Rollout, ...]:
    """Constructed records: their figures rise smoothly; one has a loss that is not a number."""
    return tuple(_rollout(number, episodes) for number in range(1, count + 1))


def _rollout(number: int, episodes: int) -> Rollout:
    share = 1 - math.exp(-number / 20)
    ripple = 0.05 * math.sin(number * 1.7)
    train = {
        "policy_gradient_loss": -0.01 * (1 - share) + ripple / 20,
        "value_loss": 0.3 * (1 - share) + 0.02 if number != 3 else math.nan,
        "approx_kl": 0.012 + ripple / 10,
        "explained_variance": 0.6 * share,
        "entropy_loss": -9.0 + 4 * share,
    }
    return Rollout(
        episode=number * episodes,
        episodes=episodes,
        reward=1 + share + ripple,
        gain=1 + share + ripple,
        first_gain=0.6 + share,
        quality=0.95 + 0.03 * share,
        bytes_ratio=0.9 - 0.2 * share,
        ssim_improvement=0.4 + 0.3 * share + ripple,
        success_rate=max(0.0, 0.2 + 0.5 * share + ripple),
        failures={},
        traces=episodes * 8,
        remembered=3,
        seconds=4.0 + ripple,
        trace_seconds=7.0,
        train=train,
    )


def judged(searcher: Searcher, budget: int, config: Stage1Config, evaluator: Evaluator, episode: int = 0) -> Validation:
    """``searcher`` on the drawn logos, with a reference gain for each."""
    subjects = drawn_subjects()
    references = {subject.logo.digest: 3.0 for subject in subjects}
    return run_searcher(searcher, subjects, budget, config, evaluator, references, episode)


@functools.cache
def case(rollout_count: int = 40, validation_count: int = 3) -> Case:
    """A whole run: ``validation_count`` validations (1 or more), every baseline, a verdict with an alert."""
    config = load_config(None, {"working_size": SIDE_PX, "category": "all", "workers": 0, "steps_per_episode": 4})
    with Evaluator() as evaluator:
        untrained = RandomSearch(config.action_space, seed=1)
        trained = FixedSetting("agent", Parameters(supersample=3, mode="polygon", palette_size=4))
        searchers: list[Searcher] = [untrained, *[trained] * (validation_count - 1)]
        validations = tuple(
            judged(searcher, 4, config, evaluator, episode=1000 * number) for number, searcher in enumerate(searchers)
        )
        agent = RandomSearch(config.action_space, seed=2)
        agent.name = "agent"
        test = judged(agent, 4, config, evaluator, episode=1000)
        baselines = [
            judged(PLAIN_SEARCHER, 1, config, evaluator),
            judged(CLEANED_SEARCHER, 1, config, evaluator),
            judged(Method1(), 1, config, evaluator),
            judged(FixedSetting("best single setting", trained.parameters), 1, config, evaluator),
            judged(RandomSearch(config.action_space, seed=3), 4, config, evaluator),
        ]
    return Case(config, drawn_subjects(), _evidence(config, rollout_count, validations, test, baselines))


def compared(test: Validation, baseline: Validation) -> Comparison:
    """The test validation against one baseline."""
    return Comparison(
        baseline,
        paired_difference([r.gain for r in test.of()], [r.gain for r in baseline.of()]),
        paired_difference([r.ssim_improvement for r in test.of()], [r.ssim_improvement for r in baseline.of()]),
    )


def _evidence(
    config: Stage1Config,
    rollout_count: int,
    validations: tuple[Validation, ...],
    test: Validation,
    baselines: list[Validation],
) -> Evidence:
    gap = alert(episode=2000, last_episode=2000, message="training gain <leaves> validation gain behind")
    last, first = [result.gain for result in validations[-1].of()], [result.gain for result in validations[0].of()]
    return Evidence(
        run_name="ppo-default-s0",
        config=config.model_dump(mode="json"),
        versions={"vtracer": "0.6.15", "stable-baselines3": "2.9.2"},
        logo_counts={"train": {"simple": 61}, "validation": {"simple": 12, "text": 4}, "test": {"simple": 16}},
        skipped={"near-duplicate": 12, "damaged": 2},
        rollouts=rollouts(rollout_count),
        validations=validations,
        verdicts=(Verdict(1000, "continue", "better than before"), Verdict(2000, "continue", "a gap", (gap,))),
        test=test,
        comparisons=tuple(compared(test, baseline) for baseline in baselines),
        training_effect=paired_difference(last, first),
        best_episode=1000,
        outcome="completed",
        seconds={"data": 12.5, "training": 801.2, "test": 30.0},
        peak_memory_mib=1234.5,
    )
