"""A trial's settings, its training and the figure that it is judged by."""

from dataclasses import replace

import numpy as np
import pytest
from optuna.distributions import CategoricalDistribution

from rlcore.config import PPOSettings
from rlcore.conversion.evaluator import Evaluator
from rlcore.errors import NonFiniteError
from rlcore.judging.validation import Validation
from rlcore.learning.library_search import find_library
from rlcore.learning.training import untrained
from rlcore.learning.tuning import (
    SPACE,
    Bench,
    Duel,
    Outcome,
    judged_size_weights,
    nearest_params,
    objective_value,
    suggested,
)
from rlcore.learning.warm_start import warm_started
from rlcore.parameters import Parameters
from tests.conftest import small_config
from tests.rlcore.made import result

LIBRARY = {"library_size": 6, "library_searches": 4, "library_traces": 8, "library_moves": 4, "warm_start_updates": 40}


@pytest.fixture(scope="module")
def bench(dataset):
    config = small_config(target_episodes=20, **LIBRARY)
    subjects = dataset.of("train", config.category)[:12]
    with Evaluator() as evaluator:
        library, table = find_library(Parameters(), subjects, config, evaluator)
        start = warm_started(untrained(config, library, table, subjects), subjects)
        yield Bench(start, subjects, dataset.of("validation", config.category), evaluator)


def made(searcher, *gains):
    """Of one logo for each tuple of gains by number of traces."""
    results = tuple(result(gains=values, gain=values[-1]) for values in gains)
    return Validation(searcher, 0, len(gains[0]), "simple", results)


def duel(size_weight, agent, portfolio):
    return Duel(size_weight, made("agent", *agent), made("portfolio", *portfolio))


DUELS = (
    duel(0.25, [(1.0, 2.0), (3.0, 4.0)], [(1.0, 1.0), (1.0, 1.0)]),  # leads 1 and 2
    duel(2.0, [(0.0, 1.0), (0.0, 1.0)], [(1.0, 1.0), (2.0, 2.0)]),  # leads -1.5 and -0.5
)


def test_the_objective_is_the_mean_lead_over_size_weights_and_traces():
    assert DUELS[0].gains == (2.0, 3.0)
    assert DUELS[0].leads == (1.0, 2.0)
    assert DUELS[1].leads == (-1.5, -0.5)
    assert objective_value(DUELS) == pytest.approx((1 + 2 - 1.5 - 0.5) / 4)
    assert objective_value(DUELS[:1]) == pytest.approx(1.5)


def test_no_lead_is_zero():
    assert objective_value([duel(1.0, [(0.5, 0.75)], [(0.5, 0.75)])]) == 0


def test_an_outcome_is_the_mean_over_its_seeds():
    outcome = Outcome((DUELS, (DUELS[0], replace(DUELS[1], portfolio=DUELS[1].agent))))
    assert outcome.values == pytest.approx((0.25, 0.75))
    assert outcome.value == pytest.approx(0.5)
    assert outcome.curves() == [
        {
            "gain/size-weight-0.25": 2.0,
            "lead/size-weight-0.25": 1.0,
            "gain/size-weight-2": 0.0,
            "lead/size-weight-2": -0.75,
        },
        {
            "gain/size-weight-0.25": 3.0,
            "lead/size-weight-0.25": 2.0,
            "gain/size-weight-2": 1.0,
            "lead/size-weight-2": -0.25,
        },
    ]


def test_size_weights_are_judged_once_each():
    assert judged_size_weights(small_config()) == (0.25, 0.5, 2.0)
    assert judged_size_weights(small_config(size_weight=2.0)) == (0.25, 2.0)


def test_suggestions_change_what_is_tuned_and_are_short_numbers():
    base = PPOSettings(value_coefficient=0.7)
    found = suggested({"learning_rate": 0.00123456, "batch_size": 400, "epochs": 3}, base)
    assert found == base.model_copy(update={"learning_rate": 0.00123, "batch_size": 400, "epochs": 3})


def test_every_corner_of_the_space_is_allowed():
    for pick in (0, -1):
        corner = {
            name: d.choices[pick] if isinstance(d, CategoricalDistribution) else (d.low, d.high)[pick]
            for name, d in SPACE.items()
        }
        assert set(corner) < set(PPOSettings.model_fields)
        assert suggested(corner, PPOSettings()).model_dump() == PPOSettings().model_dump() | corner


def test_the_nearest_point_is_inside_the_space():
    params = nearest_params(PPOSettings(entropy_coefficient=0.0, rollout_episodes=130, epochs=90, discount=0.8))
    assert params["entropy_coefficient"] == 1e-4
    assert params["rollout_episodes"] == 125
    assert params["epochs"] == 10
    assert params["discount"] == 0.8
    assert set(params) == set(SPACE)


def test_a_training_starts_from_the_start_with_its_own_settings(bench):
    settings = PPOSettings(learning_rate=3e-3, rollout_episodes=5)
    rollouts = []
    trained = bench.trained(settings, 2, rollouts.append)
    assert trained.episode == 20
    assert [rollout.episode for rollout in rollouts] == [5, 10, 15, 20]
    assert trained.config.ppo == settings
    assert trained.config.seed == bench.start.config.seed + 2
    assert bench.start.episode == 0
    assert any(not np.array_equal(trained.policy[name], weight) for name, weight in bench.start.policy.items())


def test_the_same_seed_gives_the_same_training_and_another_one_another(bench):
    def weights(number):
        return bench.trained(PPOSettings(), number).policy

    first, again, other = weights(0), weights(0), weights(1)
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert any(not np.array_equal(first[name], other[name]) for name in first)


def test_judging_is_of_every_size_weight_and_remembers(bench):
    duels = bench.judged(bench.start)
    assert [d.size_weight for d in duels] == [0.25, 0.5, 2.0]
    for found in duels:
        assert found.portfolio.searcher == "portfolio"
        assert found.agent.budget == found.portfolio.budget == bench.start.config.steps_per_episode
        assert [r.digest for r in found.agent.results] == [r.digest for r in found.portfolio.results]
    before = bench._evaluator.statistics.trace_seconds
    assert bench.judged(bench.start) == duels
    assert bench._evaluator.statistics.trace_seconds == before


def test_weights_that_are_no_numbers_end_a_training(bench, monkeypatch):
    broken = {name: weight * float("nan") for name, weight in bench.start.policy.items()}
    monkeypatch.setattr(
        "rlcore.learning.tuning.train_segment", lambda checkpoint, *_: replace(checkpoint, policy=broken)
    )
    with pytest.raises(NonFiniteError, match="not a finite number"):
        bench.trained(PPOSettings(), 0)
