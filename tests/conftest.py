"""A small real data set for all tests: drawn logos, traced once."""

import pytest

from rlcore.config import Stage1Config, load_config
from rlcore.conversion.evaluator import Evaluator
from rlcore.conversion.tracing import Trace
from rlcore.data.dataset import Dataset, build_dataset
from rlcore.episode import Subject
from rlcore.learning.agent import Checkpoint
from rlcore.learning.experience import Experience
from rlcore.learning.library import Library
from rlcore.learning.library_search import find_library
from rlcore.learning.trace_table import TraceTable
from rlcore.learning.training import untrained
from rlcore.logos import Logo
from rlcore.parameters import CLEANED_PLAIN, Parameters

SMALL = {
    "images": "none",
    "generated_logos": 60,
    "working_size": 48,
    "workers": 0,
    "steps_per_episode": 3,
    "target_episodes": 60,
    "validation_frequency": 30,
    "checkpoint_frequency": 15,
    "reference_traces": 10,
    "single_setting_traces": 288,
    "library_size": 6,
    "library_searches": 4,
    "library_traces": 16,
    "library_kinds": 2,
    "library_moves": 4,
    "warm_start_updates": 40,
    "comparison_traces": 6,
    "dashboard_pictures": False,
    "promote": False,
}


def small_config(**values) -> Stage1Config:
    """The small settings, but for ``values``."""
    return load_config(None, SMALL | values)


class RecordingEvaluator(Evaluator):
    """Keeps what it was asked and what it answered, call by call."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[list[tuple[Logo, Parameters, Trace]]] = []

    def traces(self, jobs, keep_svg=False):
        results = super().traces(jobs, keep_svg)
        self.calls.append([(*job, result) for job, result in zip(jobs, results, strict=True)])
        return results


@pytest.fixture(scope="session")
def config() -> Stage1Config:
    return small_config()


@pytest.fixture(scope="session")
def dataset(config) -> Dataset:
    return build_dataset(config)


@pytest.fixture(scope="session")
def subjects(dataset) -> tuple[Subject, ...]:
    """Training logos."""
    return dataset.of("train")


@pytest.fixture(scope="session")
def held_out(dataset) -> tuple[Subject, ...]:
    """Validation logos, opaque ones and transparent ones among them."""
    chosen = dataset.of("validation")
    assert {subject.logo.has_alpha for subject in chosen} == {True, False}
    return chosen


@pytest.fixture(scope="session")
def evaluator():
    """One that remembers over all tests; who counts traces makes one of their own."""
    with Evaluator() as shared:
        yield shared


@pytest.fixture(scope="session")
def searched(config, subjects, evaluator) -> tuple[Library, TraceTable]:
    """A library found on the training logos, and its table."""
    return find_library(CLEANED_PLAIN, subjects, config, evaluator)


@pytest.fixture(scope="session")
def library(searched) -> Library:
    return searched[0]


@pytest.fixture(scope="session")
def table(searched) -> TraceTable:
    return searched[1]


@pytest.fixture(scope="session")
def experience(table, subjects) -> Experience:
    return Experience.of(table, subjects)


@pytest.fixture(scope="session")
def start(config, library, table, subjects) -> Checkpoint:
    """The untrained policy."""
    return untrained(config, library, table, subjects)
