"""A model as a file: small, without code, the same bytes each time, and the agent is the same with it."""

import dataclasses
import hashlib
import io
import json
import os
import subprocess
import sys
from zipfile import ZipFile

import numpy as np
import pytest

from rlcore.errors import CheckpointError, MissingCheckpointError
from rlcore.judging.validation import play
from rlcore.learning.agent import Agent, read_model
from rlcore.learning.model import Model


@pytest.fixture(scope="module")
def model(start):
    return dataclasses.replace(start.model, about={"facts": {"run": "a run"}})


def rewritten(content, **changed):
    """The same file with another ``model.json``."""
    archive, buffer = ZipFile(io.BytesIO(content)), io.BytesIO()
    about = json.loads(archive.read("model.json")) | changed
    with ZipFile(buffer, "w") as copy:
        for name in archive.namelist():
            copy.writestr(name, json.dumps(about) if name == "model.json" else archive.read(name))
    return buffer.getvalue()


def test_it_comes_back_whole(model, tmp_path):
    loaded = Model.load(model.save(tmp_path / "deep" / "a.model"))
    assert (loaded.config, loaded.library, loaded.episode) == (model.config, model.library, model.episode)
    assert loaded.about == {"facts": {"run": "a run"}}
    for name, weights in model.actor.as_dict().items():
        np.testing.assert_array_equal(loaded.actor.as_dict()[name], weights)
    assert loaded.experience.digests == model.experience.digests
    np.testing.assert_array_equal(loaded.experience.table.quality, model.experience.table.quality)
    np.testing.assert_array_equal(loaded.experience.forest.leaves, model.experience.forest.leaves)
    assert loaded.experience.forest.leaves.dtype == model.experience.forest.leaves.dtype


def test_the_same_model_is_the_same_bytes(model, tmp_path):
    saved = model.save(tmp_path / "a.model")
    assert saved.read_bytes() == dataclasses.replace(model).content == dataclasses.replace(Model.load(saved)).content
    assert Model.load(saved).digest == model.digest


def test_one_of_an_earlier_version_is_known_by_its_own_bytes(model, tmp_path):
    config = model.config.model_dump(mode="json")
    del config["report_interval_minutes"]  # as if this setting had been added since
    earlier = tmp_path / "earlier.model"
    earlier.write_bytes(rewritten(model.content, config=config))
    loaded = Model.load(earlier)
    assert loaded.config == model.config
    assert loaded.digest == hashlib.sha256(earlier.read_bytes()).hexdigest() != model.digest
    assert loaded.save(tmp_path / "copy.model").read_bytes() == earlier.read_bytes()


def test_its_agent_proposes_what_the_checkpoints_agent_proposes(model, start, held_out, config, evaluator, tmp_path):
    loaded = Model.load(model.save(tmp_path / "a.model"))
    played = [play(Agent(trained), held_out, 3, config, evaluator) for trained in (start, loaded)]
    chosen = [[[a.parameters for a in episode.attempts] for episode in episodes] for episodes in played]
    assert chosen[0] == chosen[1]


class Trap:
    """Unpickled, it would make a folder."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_no_pickle_is_in_it_and_none_is_read(model, tmp_path):
    with np.load(io.BytesIO(model.content), allow_pickle=False) as archive:
        assert all(isinstance(archive[name], (np.ndarray, bytes)) for name in archive.files)
    harmful = io.BytesIO()
    np.savez(harmful, **{"actor.mean": np.array([Trap(tmp_path / "sprung")], dtype=object)})
    with ZipFile(harmful, "a") as archive:
        archive.writestr("model.json", json.dumps({"format": 1}))
    with pytest.raises(CheckpointError, match="damaged or not a model"):
        Model.of(harmful.getvalue())
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.99])
def test_a_truncated_file_is_refused(model, share):
    with pytest.raises(CheckpointError, match="a name: damaged or not a model"):
        Model.of(model.content[: int(share * len(model.content))], "a name")


def test_a_flipped_bit_is_found(model):
    content = bytearray(model.content)
    content[len(content) // 3] ^= 4
    with pytest.raises(CheckpointError):
        Model.of(bytes(content))


def test_another_format_and_missing_parts_are_refused(model):
    with pytest.raises(CheckpointError, match="model format 99, this version reads 1"):
        Model.of(rewritten(model.content, format=99))
    with pytest.raises(CheckpointError, match="damaged or not a model"):
        Model.of(rewritten(model.content, config={"seed": -1}))


@pytest.mark.parametrize(("place", "value"), [(6, 1), (8, 99)])
def test_an_encrypted_or_otherwise_compressed_file_is_refused(model, place, value):
    content = bytearray(model.content)
    content[content.index(b"PK\x01\x02") + 2 + place] = value  # flags, method of the first entry in the directory
    with pytest.raises(CheckpointError, match="damaged or not a model"):
        Model.of(bytes(content))


def test_weights_that_do_not_fit_the_library_are_refused(model):
    narrow = dataclasses.replace(model.actor, first_weight=model.actor.first_weight[:, :-1])
    with pytest.raises(CheckpointError, match="a name: damaged: its weights do not fit its library"):
        Model.of(dataclasses.replace(model, actor=narrow).content, "a name")


def test_either_kind_of_file_is_read(model, start, tmp_path):
    assert read_model(model.save(tmp_path / "a.model")).digest == model.digest
    assert read_model(start.save(tmp_path / "a.pt")).library == model.library
    for read in (read_model, Model.load):
        with pytest.raises(MissingCheckpointError, match=r"gone\.model: no such"):
            read(tmp_path / "gone.model")
        with pytest.raises(CheckpointError):
            read(tmp_path)


def test_who_uses_it_waits_for_no_framework(model, tmp_path):
    """Neither torch nor what comes with it is imported, nor Prefect, MLflow or a library of statistics."""
    path = model.save(tmp_path / "a.model")
    code = (
        "import sys; from pathlib import Path; from rlcore import vectorize\n"
        "from rlcore.learning.agent import read_model\n"
        f"read_model(Path({str(path)!r}))\n"
        "heavy = {'torch', 'stable_baselines3', 'gymnasium', 'prefect', 'mlflow', 'pandas', 'scipy', 'sklearn',"
        " 'matplotlib', 'optuna'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
