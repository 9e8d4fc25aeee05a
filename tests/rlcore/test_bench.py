"""The benchmark measures real traces and a real training; what it prints is a ratio of what it measured."""

import dataclasses

import pytest
from PIL import Image

from rlcore import bench
from rlcore.data.generated import generate_logos
from rlcore.errors import DataError


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(bench, "ROUNDS", 1)
    monkeypatch.setattr(bench, "EPISODES", 10)


def test_ratios_are_those_of_the_measured_times(tmp_path, quick, monkeypatch):
    for index, logo in enumerate(generate_logos(6, 0, 64)):
        Image.fromarray(logo.rgba).save(tmp_path / f"{index}.png")
    (tmp_path / "notes.txt").write_text("not a logo")
    told = []
    real = bench.train_segment

    def counted(checkpoint, segment, subjects, evaluator, on_rollout):
        before = dataclasses.replace(evaluator.statistics)
        real(checkpoint, segment, subjects, evaluator, on_rollout)
        told.append((evaluator.statistics.asked - before.asked, evaluator.statistics.remembered - before.remembered))

    monkeypatch.setattr(bench, "train_segment", counted)
    result = bench.run_bench(str(tmp_path), logos=10, workers=1)
    assert result["logos"] == 6
    [(asked, remembered)] = told
    assert asked == 10 * 8
    # the library is small: what was traced before costs nothing, and does not count
    assert result["training_steps"] == asked - remembered > 10 * 8 / 3
    assert result["step_overhead"] == pytest.approx(result["trace_ms"] / result["vtracer_ms"])
    assert result["step_overhead"] > 1
    assert 0 < result["journal_share"] < 1
    alone = 1000 / result["training_trace_alone_ms"]
    assert result["training_efficiency"] == pytest.approx(result["training_traces_per_second"] / alone)
    assert result["vectorize_ms"] > result["vectorize_added_ms"]
    assert result["vectorize_added_ms"] <= result["vectorize_added_most_ms"]
    assert result["training_step_ms"] == pytest.approx(1000 / result["training_traces_per_second"])


def test_a_source_without_a_logo_is_refused(tmp_path, quick):
    (tmp_path / "notes.txt").write_text("not a logo")
    with pytest.raises(DataError, match="none of 1 files"):
        bench.run_bench(str(tmp_path), logos=10, workers=1)
