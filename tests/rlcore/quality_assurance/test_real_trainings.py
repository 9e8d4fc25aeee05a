"""Real trainings: healthy ones raise no alarm, ruined ones do."""

import pytest

from rlcore.judging.validation import run_searcher
from rlcore.learning.agent import Agent
from rlcore.learning.plan import plan_chunks
from rlcore.learning.training import train_segment, untrained
from rlcore.quality_assurance import Monitor, judge
from tests.conftest import small_config

EPISODES = {"target_episodes": 300, "validation_frequency": 100, "checkpoint_frequency": 50}


@pytest.fixture
def monitored(library, table, subjects, held_out, evaluator):
    """Trains for a configuration, and gives its monitor and validations."""

    def run(config):
        monitor, checkpoint = Monitor(config), untrained(config, library, table, subjects)
        validations = []

        def validate():
            agent, budget = Agent(checkpoint), config.steps_per_episode
            validations.append(run_searcher(agent, held_out, budget, config, evaluator, episode=checkpoint.episode))
            monitor.take_validation(validations[-1])

        validate()
        for chunk in plan_chunks(config):
            for segment in chunk:
                checkpoint = train_segment(checkpoint, segment, subjects, evaluator, monitor.take_rollout)
            validate()
        return monitor, validations

    return run


@pytest.mark.parametrize("seed", range(5))
def test_a_healthy_training_raises_no_high_or_critical_alert(monitored, seed):
    # as many rollouts as a run of 3,750 episodes has by default
    config = small_config(seed=seed, ppo={"rollout_episodes": 10}, **EPISODES)
    monitor, validations = monitored(config)
    assert [alert for alert in monitor.alerts if alert.severity in ("high", "critical")] == []
    assert judge(config, monitor, validations, config.target_episodes).decision in ("target_reached", "continue")


def test_a_training_with_an_absurd_learning_rate_is_a_critical_failure(monitored):
    config = small_config(ppo={"rollout_episodes": 10, "learning_rate": 0.1}, target_episodes=60)
    monitor, validations = monitored(config)
    assert monitor.critical.check == "kl"
    assert monitor.critical.episode == 15  # the third rollout
    assert judge(config, monitor, validations, config.target_episodes).decision == "roll_back"
