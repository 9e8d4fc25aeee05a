"""Hostile and damaged files by the hundred through ``vectorize_many`` and the command: an SVG or a reason for each."""

import re

import pytest

from flows.cli import main
from rlcore.vectorizing import Failure, Vectorized, vectorize_many
from tests.hostile import mutations
from tests.hostile.corpus import write_corpus
from tests.rlcore.vectorizing.conftest import check_svg

FILES = 320
INTERNAL = re.compile(r"\w*(Error|Exception): |longer than|memory|crash")
"""How the reasons begin that are no fault of the file's: none of them may come up."""


@pytest.fixture(scope="module")
def damaged(tmp_path_factory):
    """Mutated files of every format in a folder."""
    folder = tmp_path_factory.mktemp("damaged")
    for number in range(FILES):
        name, content = mutations.mutated(7, number)
        (folder / f"{number:03d}-{name}").write_bytes(content)
    return sorted(folder.iterdir())


def test_damaged_files_give_an_svg_or_a_reason(damaged):
    outcomes = list(vectorize_many(damaged, workers=2, budget=1, working_size=64))
    assert len(outcomes) == FILES
    reasons = [outcome.reason for outcome in outcomes if isinstance(outcome, Failure)]
    assert [reason for reason in reasons if INTERNAL.match(reason)] == []
    made = [outcome for outcome in outcomes if isinstance(outcome, Vectorized)]
    assert min(len(made), len(reasons)) > FILES / 5
    for result in made:
        check_svg(result.svg, result.width, result.height)
        assert result.ssim >= result.baseline.ssim


def test_the_command_delivers_the_good_ones_and_names_the_others(damaged, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("STAGE1_MLRUNS", str(tmp_path / "mlruns"))
    some = [str(path) for path in damaged[:24]]
    with pytest.raises(SystemExit) as caught:
        main(["vectorize", *some, "--output-dir", str(tmp_path / "out"), "--budget", "1", "--workers", "1"])
    assert caught.value.code == 1
    told = capsys.readouterr()
    made, failed = told.out.splitlines(), [line for line in told.err.splitlines() if line.startswith("stage1: ")]
    assert len(made) + len(failed) == 24
    assert len(list((tmp_path / "out").glob("*.svg"))) == len(made) > 0


def test_a_hostile_folder_hangs_nothing(tmp_path):
    """What is expected of each file in training's corpus holds here too: a picture, or the same reason."""
    folder, outside = tmp_path / "logos", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    written = write_corpus(folder, outside, "http://127.0.0.1:9")
    # takes most of a minute to draw, and is then a picture like any other
    cases = [case for case in written if case.name != "svg/dashes.svg"]
    assert len(cases) == len(written) - 1
    outcomes = vectorize_many([folder / case.name for case in cases], workers=2, budget=1, working_size=64)
    for case, outcome in zip(cases, outcomes, strict=True):
        if isinstance(outcome, Failure):
            assert case.reason is not None, f"{case.name}: {outcome.reason}"
            assert not INTERNAL.match(outcome.reason), f"{case.name}: {outcome.reason}"
        else:
            check_svg(outcome.svg, outcome.width, outcome.height)
