"""``stage1 export``: the best model of a finished run with its record, the same bytes each time."""

import dataclasses
import json

import pytest

from flows.cli import main
from rlcore.config import load_config
from rlcore.files import read_json
from rlcore.learning.agent import Checkpoint
from rlcore.learning.model import Model
from tasks.exporting import command_of


def export(*arguments):
    with pytest.raises(SystemExit) as caught:
        main(["export", *map(str, arguments)])
    return caught.value.code


def test_a_finished_runs_model_is_exported_with_its_record(run, tmp_path, capsys):
    target = tmp_path / "deep" / "own.model"
    assert export(run.folder.best_model, "-o", target, "--code-version", "abc123") == 0
    assert target.name in capsys.readouterr().out
    model, best = Model.load(target), Checkpoint.load(run.folder.best_model)
    assert (model.library, model.episode) == (best.library, best.episode)
    facts = model.about["facts"]
    assert (facts["run"], facts["seed"], facts["code version"]) == ("tiny", "0", "abc123")
    assert len(facts["data hash"]) == len(facts["config hash"]) == 64
    assert model.about["versions"] == dict(best.versions)
    report = read_json(run.folder.path / "stage1_final_report.json")
    assert json.loads(json.dumps(model.about["figures"]["means"])) == report["intervals"]
    card = (tmp_path / "deep" / "model_card.md").read_text()
    assert f"- command: `{facts['command']}`" in card
    again = tmp_path / "again.model"
    assert export(run.folder.best_model, "-o", again, "--code-version", "abc123") == 0
    assert again.read_bytes() == target.read_bytes()


def test_a_run_that_registered_knows_its_code_version(run, tmp_path):
    export(run.folder.best_model, "-o", tmp_path / "own.model")
    told = Model.load(tmp_path / "own.model").about["facts"]["code version"]
    assert f"- code version: `{told}`" in run.folder.model_card.read_text()


def test_what_has_no_evidence_is_not_exported(run, tmp_path, capsys):
    alone = tmp_path / "best_model.pt"
    alone.write_bytes(run.folder.best_model.read_bytes())
    assert export(alone, "-o", tmp_path / "own.model") == 2
    assert "not in the folder of a finished run" in capsys.readouterr().err
    assert not (tmp_path / "own.model").exists()


def test_another_checkpoint_than_the_tested_one_is_refused(copied, tmp_path, capsys):
    folder, _ = copied("exported")
    other = Checkpoint.load(folder.best_model)
    dataclasses.replace(other, episode=other.episode + 1).save(folder.best_model)
    assert export(folder.best_model, "-o", tmp_path / "own.model") == 2
    assert "the run was tested with that of" in capsys.readouterr().err


def test_the_command_names_what_is_not_the_default():
    assert command_of(load_config(None, {})) == "stage1 run --seed 0"
    given = {"seed": 3, "target_episodes": 9, "workers": 1, "fixed": {"hierarchical": "cutout"}, "ppo": {"epochs": 2}}
    assert command_of(load_config(None, given)) == (
        "stage1 run --seed 3 --episodes 9 --fixed hierarchical=cutout --ppo-epochs 2"
    )
