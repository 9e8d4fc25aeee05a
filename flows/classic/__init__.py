"""The names of the earlier stage 1 system, as thin functions on top of this one; ``docs/classic.md`` has examples."""

from flows.classic.curriculum import CurriculumTrainingPipeline
from flows.classic.dashboard import Stage1MonitoringDashboard, create_stage1_dashboard
from flows.classic.env import VTracerOptimizationEnv
from flows.classic.executor import Stage1TrainingExecutor, create_stage1_executor
from flows.classic.optimizer import PPOVTracerOptimizer
from rlcore.config import Stage1Config

__all__ = [
    "CurriculumTrainingPipeline",
    "PPOVTracerOptimizer",
    "Stage1Config",
    "Stage1MonitoringDashboard",
    "Stage1TrainingExecutor",
    "VTracerOptimizationEnv",
    "create_stage1_dashboard",
    "create_stage1_executor",
]
