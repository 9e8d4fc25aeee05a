"""Damaged files of every format are used or skipped, and nothing else."""

from functools import partial

import pytest

from tests.hostile import fuzz as fuzz_module
from tests.hostile import mutations
from tests.hostile.fuzz import fuzz, main
from tests.rlcore import worker_calls

FILES = 600


def test_damaged_files_are_used_or_skipped():
    outcomes = dict(fuzz(FILES, seed=0))
    assert {number: kind for number, kind in outcomes.items() if kind not in ("used", "skipped")} == {}
    assert len(outcomes) == FILES
    assert set(outcomes.values()) == {"used", "skipped"}


def test_the_files_are_of_every_format_and_each_is_another():
    made = [mutations.mutated(0, number) for number in range(FILES)]
    assert {name.rpartition(".")[2] for name, _ in made} == {"png", "jpg", "webp", "bmp", "gif", "svg"}
    assert len(set(made)) > 0.98 * FILES
    assert all(content != mutations.SEEDS[name] for name, content in made[:50])


def test_the_same_seed_gives_the_same_files():
    for number in range(50):
        assert mutations.mutated(3, number) == mutations.mutated(3, number)
        assert mutations.mutated(3, number) != mutations.mutated(4, number)


def test_undamaged_they_are_used(tmp_path):
    for name, content in mutations.SEEDS.items():
        (tmp_path / name).write_bytes(content)
        assert mutations.load_logo(tmp_path / name, mutations.WORKING_SIZE).name == name


def test_the_command_tells_the_counts(capsys):
    assert main(["--files", "20", "--seed", "5"]) == 0
    assert capsys.readouterr().out.startswith("fuzzed 20, used ")


@pytest.mark.parametrize(
    ("fault", "told", "counts"),
    [("leave", "crash", "crashed 3, hung 0"), ("hang", "timeout", "crashed 0, hung 3")],
)
def test_a_crash_and_a_hang_are_told_and_fail_the_command(monkeypatch, capsys, fault, told, counts):
    monkeypatch.setattr(fuzz_module, "outcome", partial(worker_calls.fault, fault))
    monkeypatch.setattr(fuzz_module, "TIME_LIMIT_SECONDS", 0.5)
    assert main(["--files", "3", "--seed", "5"]) == 1
    first, *_, last = capsys.readouterr().out.splitlines()
    assert first == f"file 0 of seed 5 (opaque.png): {told}"
    assert last == f"fuzzed 3, used 0, skipped 0, {counts}"


def test_another_error_is_told_like_a_crash(monkeypatch):
    def fail(*arguments):
        raise KeyError("told")

    monkeypatch.setattr(mutations, "load_logo", fail)
    assert fuzz_module.outcome(0, 0) == "KeyError: 'told'"
