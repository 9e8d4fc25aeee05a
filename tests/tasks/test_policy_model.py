"""The agent as an MLflow model: logged, loaded elsewhere, and used on a picture."""

import json
import subprocess
import sys
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from rlcore.errors import UnusableFileError
from rlcore.learning.agent import read_model
from rlcore.parameters import Parameters
from rlcore.rendering import render
from rlcore.vectorizing import vectorize
from tasks import tracking
from tasks.logged_models import log_model
from tests.rlcore.pictures import disk, noise

SIDE = 48


@pytest.fixture(scope="module")
def logged(tmp_path_factory, start, config):
    """(MLflow's URI of the model, its checkpoint)."""
    folder = tmp_path_factory.mktemp("mlruns")
    checkpoint = start.save(folder / "policy.pt")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        before = mlflow.get_tracking_uri()
        run_id = tracking.start_run(folder / "stage1" / "models", config)
        yield f"models:/{log_model(run_id, checkpoint, 0)}", checkpoint
        mlflow.set_tracking_uri(before)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    for name, rgba in (("disk", disk(SIDE)), ("noise", noise(SIDE, SIDE))):
        Image.fromarray(rgba).save(folder / f"{name}.png")
    return [str(folder / "disk.png"), str(folder / "noise.png")]


@pytest.fixture(scope="module")
def answer(logged, pictures):
    return mlflow.pyfunc.load_model(logged[0]).predict(pd.DataFrame({"image": pictures}))


def test_a_picture_becomes_an_svg_that_renders(answer):
    picture = render(answer["svg"][0].encode(), SIDE, SIDE, (255, 255, 255))
    assert tuple(picture[SIDE // 2, SIDE // 2]) == (255, 0, 0)
    assert tuple(picture[1, 1]) == (255, 255, 255)
    assert np.unique(render(answer["svg"][1].encode(), SIDE, SIDE, (255, 255, 255))).size > 10


def test_it_answers_what_the_agent_answers(answer, logged, pictures, config):
    model = read_model(logged[1])
    for index, path in enumerate(pictures):
        expected = vectorize(path, model=model, budget=config.steps_per_episode, objective=config.size_weight)
        row = answer.iloc[index]
        assert row["svg"] == expected.svg.decode()
        assert Parameters(**json.loads(row["parameters"])) == expected.parameters
        assert (row["quality"], row["size_bytes"]) == (expected.ssim, expected.size_bytes)
        assert (row["plain_quality"], row["plain_bytes"]) == (expected.baseline.ssim, expected.baseline.size_bytes)


def test_a_picture_that_can_not_be_used_is_an_error_with_its_name(logged, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"no picture")
    model = mlflow.pyfunc.load_model(logged[0])
    with pytest.raises(UnusableFileError, match=r"broken\.png: not an image"):
        model.predict(pd.DataFrame({"image": [str(tmp_path / "broken.png")]}))


def test_its_signature_and_requirements_are_kept(logged):
    info = mlflow.models.get_model_info(logged[0])
    assert info.signature.inputs.input_names() == ["image"]
    assert set(info.signature.outputs.input_names()) >= {"svg", "quality", "parameters"}
    wanted = Path(mlflow.pyfunc.get_model_dependencies(logged[0])).read_text()
    assert "vtracer==0.6.15" in wanted
    assert "prefect" not in wanted


def test_it_needs_no_source_code_of_this_project(logged, pictures, tmp_path):
    """Loaded far from the repository, the model brings what it needs; neither Prefect nor the project is imported."""
    code = (
        "import sys, mlflow, pandas\n"
        "sys.meta_path.insert(0, type('Refuse', (), {'find_spec': staticmethod(lambda name, path=None, target=None:"
        " (_ for _ in ()).throw(ImportError(name)) if name in ('prefect', 'tasks', 'flows') else None)}))\n"
        "mlflow.set_tracking_uri(sys.argv[1])\n"
        "model = mlflow.pyfunc.load_model(sys.argv[2])\n"
        "import rlcore; assert 'artifacts' in rlcore.__file__ or 'tmp' in rlcore.__file__, rlcore.__file__\n"
        "print(model.predict(pandas.DataFrame({'image': [sys.argv[3]]}))['svg'][0])\n"
    )
    uri, model = mlflow.get_tracking_uri(), logged[0]
    command = [sys.executable, "-c", code, uri, model, pictures[0]]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("</svg>")
