"""The flow ``vectorize``: the same bytes wherever it runs, and nothing made twice."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest
from PIL import Image
from prefect.artifacts import Artifact

from flows.task_runners import task_runner
from flows.vectorize import vectorize
from rlcore.data.generated import generate_logos
from rlcore.errors import ConfigError
from rlcore.files import read_json
from rlcore.pretrained import pretrained
from tasks.vectorizing import RECORDS

pytestmark = pytest.mark.timeout(900)

LOGOS = 200
RUNNERS = [("threads", 1), ("threads", 4), ("dask", 2), ("ray", 2)]


@pytest.fixture(scope="module")
def logos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("logos")
    for number, logo in enumerate(generate_logos(LOGOS, 7, 32)):
        place = folder / ("even" if number % 2 == 0 else "")
        place.mkdir(exist_ok=True)
        Image.fromarray(logo.rgba).save(place / f"{number:03d}.png")
    return folder


def made_by(logos, output, prefect, **options):
    given = {"model": "pretrained", "budget": 1, "batch_size": 25}
    return vectorize(str(logos), str(output), return_state=True, **(given | options))


def svgs(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.svg"))}


@pytest.fixture(scope="module")
def first(logos, prefect, tmp_path_factory):
    """What one process makes of them."""
    output = tmp_path_factory.mktemp("first")
    state = made_by(logos, output, prefect, runner="threads", workers=1)
    assert state.is_completed(), state.message
    return output


@pytest.mark.parametrize(("runner", "workers"), RUNNERS[1:])
def test_the_same_bytes_on_any_runner(logos, first, prefect, tmp_path, runner, workers):
    if runner != "threads" and importlib.util.find_spec(f"prefect_{runner}") is None:
        pytest.skip(f"needs the extra {runner}: pip install 'stage1[{runner}]'")
    state = made_by(logos, tmp_path, prefect, runner=runner, workers=workers, batch_size=40)
    assert state.is_completed(), state.message
    assert len(svgs(first)) == LOGOS
    assert svgs(tmp_path) == svgs(first)


def test_again_it_makes_what_is_missing_or_changed_alone(logos, first, prefect):
    before = svgs(first)
    names = sorted(before)
    (first / names[0]).unlink()
    (first / names[1]).write_bytes(b"<svg/>")
    times = {name: (first / name).stat().st_mtime_ns for name in names[2:]}
    state = made_by(logos, first, prefect, workers=1)
    assert state.message == f"{LOGOS} of {LOGOS} pictures vectorized, {LOGOS - 2} of them before"
    assert svgs(first) == before
    assert {name: (first / name).stat().st_mtime_ns for name in names[2:]} == times


def test_another_model_or_option_makes_all_anew(logos, prefect, tmp_path):
    few = tmp_path / "few"
    few.mkdir()
    for path in sorted(logos.glob("*.png"))[:3]:
        (few / path.name).write_bytes(path.read_bytes())
    output = tmp_path / "svg"
    made_by(few, output, prefect, workers=1)
    assert made_by(few, output, prefect, workers=1).message.endswith("3 of them before")
    assert made_by(few, output, prefect, workers=1, budget=2).message.endswith("0 of them before")
    path = next(few.iterdir())
    path.write_bytes(sorted(logos.glob("*.png"))[5].read_bytes())  # the picture itself is another now
    assert made_by(few, output, prefect, workers=1, budget=2).message.endswith("2 of them before")


def test_what_fails_is_tried_again_and_named(logos, prefect, tmp_path):
    images = tmp_path / "images"
    images.mkdir()
    (images / "good.png").write_bytes(next(logos.glob("*.png")).read_bytes())
    (images / "bad.png").write_bytes(b"no picture")
    state = made_by(images, tmp_path / "svg", prefect, workers=1, retries=2)
    assert (state.name, state.is_completed()) == ("Some failed", True)
    assert "bad.png: not an image" in state.message
    told = {Path(row["name"]).name: row for row in read_json(tmp_path / "svg" / "results.json")["pictures"]}
    assert (told["bad.png"]["tries"], told["good.png"]["tries"]) == (3, 1)
    (images / "good.png").unlink()
    state = made_by(images, tmp_path / "none", prefect, workers=1)
    assert (state.name, state.is_failed()) == ("None vectorized", True)


def test_table_gallery_and_report_are_left(first, logos, prefect):
    made_by(logos, first, prefect, workers=1)
    rows = json.loads(Artifact.get("stage1-vectorize").data)
    assert len(rows) == LOGOS
    assert all(row["SSIM"] >= row["plain SSIM"] for row in rows)
    assert str(Artifact.get("stage1-vectorize-gallery").data).startswith("data:image/png;base64,")
    assert "plain VTracer" in (first / "report.html").read_text()
    kept = first / RECORDS / f"{pretrained().digest}.model"
    assert kept.read_bytes() == pretrained().content


def test_a_runner_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "prefect_dask.task_runners", None)
    with pytest.raises(ConfigError, match=r"runner = 'dask' is not installed: pip install 'stage1\[dask\]'"):
        task_runner("dask", 2)
    with pytest.raises(ConfigError, match="only the runners dask and ray have one"):
        task_runner("threads", 2, "tcp://127.0.0.1:8786")


def test_it_is_deployed():
    assert "entrypoint: flows/vectorize.py:vectorize" in Path("prefect.yaml").read_text()
