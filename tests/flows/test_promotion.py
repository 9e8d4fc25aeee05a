"""The registry and the promotion gate, on a real MLflow store and the tests' Prefect."""

import shutil
from dataclasses import replace

import mlflow
import pytest

from rlcore.errors import CheckpointError, RegistryError
from rlcore.files import read_json
from rlcore.journal import Journal
from rlcore.learning.agent import Checkpoint
from rlcore.parameters import Parameters
from tasks import registry
from tasks.by_hand import promote_by_hand, roll_back_by_hand
from tasks.models import load_model
from tasks.opening import open_run
from tasks.promotion import decide_promotion, judge_challenger
from tasks.registration import register_model


@pytest.fixture
def bad(run):
    """A model that can only choose settings which make everything coarse."""
    best = Checkpoint.load(run.folder.best_model)
    coarse = [Parameters(mode="polygon", filter_speckle=10, color_precision=2, layer_difference=64 - n)
              for n in range(len(best.library.settings))]  # fmt: skip
    portfolios = {weight: tuple(places) for weight, places in best.library.portfolios.items()}
    return replace(best, library=replace(best.library, settings=tuple(coarse), portfolios=portfolios))


NEEDS_NOTHING, NEEDS_ALL = 0.01, 1.0
"""Success rates."""


def promoted(folder, config, then=lambda run: None):
    """Registers and decides, as the flow does at its end; gives the version and the answer."""
    with open_run(config, folder.name) as run:
        version = register_model.fn(run)
        judge_challenger.fn(run)
        then(run)
        answer = decide_promotion.fn(run)
    return version, answer


def champion():
    found = registry.with_alias(registry.CHAMPION)
    return found and found.number


def tags_of(folder):
    return mlflow.get_run(folder.identity()["mlflow_run_id"]).data.tags


def test_a_finished_run_has_registered_its_best_model(run):
    [told] = run.folder.journal.read("registered")
    version = registry.version_of_run(run.mlflow_run.info.run_id)
    assert version.number == told["version"]
    assert told["episode"] == run.folder.validation("test").episode
    model = mlflow.get_logged_model(told["model_id"])
    assert model.name == f"ppo-ep{told['episode']:05d}"
    assert run.folder.journal.read("promotion") == []  # its settings leave that out


def test_the_version_says_what_it_is(run):
    version = registry.version_of_run(run.mlflow_run.info.run_id)
    report = read_json(run.folder.path / "stage1_final_report.json")
    for field in ("success", "gain", "ssim_improvement", "bytes_ratio"):
        found = report["intervals"][field]
        expected = f"{found['mean']:.4f} [{found['low']:.4f}, {found['high']:.4f}]"
        assert version.tags[f"stage1.{field}"] == expected
    single = next(c for c in report["comparisons"] if c["searcher"] == "best single setting")["gain"]
    expected = f"{single['mean']:+.4f} [{single['low']:+.4f}, {single['high']:+.4f}]"
    assert version.tags["stage1.ahead_of_best_single_setting"] == expected
    for name in ("data_hash", "config_hash"):
        assert len(version.tags[f"stage1.{name}"]) == 64
    assert version.tags["stage1.run"] == "tiny"
    assert len(version.tags["stage1.code_version"].removesuffix("-dirty")) == 40


def test_the_model_has_signature_and_example(run):
    version = registry.version_of_run(run.mlflow_run.info.run_id)
    info = mlflow.models.get_model_info(f"models:/{registry.MODEL}/{version.number}")
    assert info.signature.inputs.input_names() == ["image"]
    assert info.saved_input_example_info is not None
    loaded = mlflow.pyfunc.load_model(info.model_uri)
    assert loaded.input_example["image"].tolist() == ["logo.png"]


def test_the_cards_figures_are_the_reports(run):
    card = run.folder.model_card.read_text()
    version = registry.version_of_run(run.mlflow_run.info.run_id)
    assert version.description == card
    report = read_json(run.folder.path / "stage1_final_report.json")
    for sentence in report["conclusions"]:
        assert sentence in card
    for searcher in ("agent", "plain VTracer", "cleaned plain", "best single setting", "portfolio"):
        assert f"| {searcher} |" in card
    gain = report["intervals"]["gain"]
    assert f"| gain | {gain['mean']:.3f} | [{gain['low']:.3f}, {gain['high']:.3f}] |" in card
    success = report["intervals"]["success"]
    assert f"| success rate | {100 * success['mean']:.1f}\u00a0% |" in card
    assert version.tags["stage1.data_hash"] in card
    client, run_id = mlflow.MlflowClient(), run.mlflow_run.info.run_id
    assert "model_card.md" in {item.path for item in client.list_artifacts(run_id)}


def test_a_kill_between_registering_and_writing_it_down(copied, monkeypatch):
    folder, config = copied("killed at the registry")
    write = Journal.write_once

    def killed(self, event, key, **fields):
        if event == "registered":
            raise KeyboardInterrupt
        return write(self, event, key, **fields)

    before = {version.number for version in registry.versions()}
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "write_once", killed)
        with pytest.raises(KeyboardInterrupt), open_run(config, folder.name) as run:
            register_model.fn(run)
    assert folder.journal.read("registered") == []
    with open_run(config, folder.name) as run:
        version = register_model.fn(run)
        assert register_model.fn(run) == version
    assert {version.number for version in registry.versions()} - before == {version}
    assert [entry["version"] for entry in folder.journal.read("registered")] == [version]


@pytest.mark.parametrize("verdict", ["failure", "out_of_time"])
def test_rejected_and_unfinished_runs_register_nothing(copied, verdict):
    folder, config = copied(f"ended by {verdict}", verdict=verdict)
    before = len(registry.versions())
    assert promoted(folder, config) == ("", "")
    assert len(registry.versions()) == before
    assert folder.journal.read("registered", "promotion") == []
    assert not folder.model_card.exists()


@pytest.mark.parametrize(("threshold", "answer"), [(NEEDS_NOTHING, "promoted"), (NEEDS_ALL, "kept")])
def test_without_a_champion_the_target_decides(copied, threshold, answer):
    folder, config = copied(f"first with {threshold}", success_rate_threshold=threshold)
    version, answered = promoted(folder, config)
    assert answered == answer
    assert champion() == (version if answer == "promoted" else None)
    challenger = registry.with_alias(registry.CHALLENGER)
    assert (challenger and challenger.number) == (None if answer == "promoted" else version)
    [told] = folder.journal.read("promotion")
    assert (told["answer"], told["version"], told["champion_before"]) == (answer, version, "")
    assert registry.version(version).tags[registry.DECISION_TAG] == f"{answer}: {told['reason']}"
    assert tags_of(folder)["stage1.promotion"] == f"{answer}: {told['reason']}"
    kept = read_json(folder.promotion_file)
    assert (kept["answer"], kept["candidate"]["version"]) == (answer, version)
    run_id = folder.identity()["mlflow_run_id"]
    assert mlflow.artifacts.load_dict(f"runs:/{run_id}/promotion.json") == kept


def test_a_better_challenger_is_promoted_and_a_worse_one_is_not(copied, bad, run):
    weak, config = copied("weak", model=bad, success_rate_threshold=NEEDS_NOTHING)
    first, answer = promoted(weak, config)
    assert answer == "promoted"
    strong, config = copied("strong", success_rate_threshold=NEEDS_ALL)
    second, answer = promoted(strong, config)
    assert (answer, champion()) == ("promoted", second)
    match = read_json(strong.promotion_file)["candidate"]["match"]
    assert match["gain"]["low"] > 0
    assert match["gain"]["pairs"] == len(run.folder.validation("test").of())  # the same data set: its logos once
    played = read_json(strong.path / "matches" / f"champion-{first}.json")
    test = {result["digest"]: result["gain"] for result in played["challenger"]["results"]}
    assert test == {result.digest: result.gain for result in run.folder.validation("test").of()}

    worse, config = copied("weak again", model=bad, success_rate_threshold=NEEDS_NOTHING)
    third, answer = promoted(worse, config)
    assert (answer, champion()) == ("kept", second)
    assert "below the champion's" in worse.journal.read("promotion")[0]["reason"]
    assert registry.with_alias(registry.CHALLENGER).number == third
    same, config = copied("strong again", success_rate_threshold=NEEDS_NOTHING)
    assert promoted(same, config)[1] == "kept"
    assert "not distinguishable" in same.journal.read("promotion")[0]["reason"]

    assert load_model("models:/stage1-agent@champion").library == Checkpoint.load(strong.best_model).library
    assert load_model("models:/stage1-agent@challenger").episode == Checkpoint.load(same.best_model).episode
    change = roll_back_by_hand()
    assert (change.champion.number, champion()) == (first, first)
    assert "rolled back: by hand" in registry.version(second).tags[registry.DECISION_TAG]
    assert "champion again" in tags_of(weak)["stage1.promotion"]
    assert mlflow.MlflowClient().list_artifacts(strong.identity()["mlflow_run_id"], "promotions")
    with pytest.raises(RegistryError, match=f"no champion before version {first}"):
        roll_back_by_hand()


def test_without_a_champion_there_is_none_to_load(run, no_champion):
    with pytest.raises(CheckpointError, match="no such model"):
        load_model("models:/stage1-agent@champion")
    with pytest.raises(RegistryError, match="has no champion"):
        roll_back_by_hand()


def test_an_open_alert_blocks(copied):
    folder, config = copied("alarmed", success_rate_threshold=NEEDS_NOTHING)
    folder.journal.write("broken", episode=60, rollbacks=0, reason="loss is nan")
    _, answer = promoted(folder, config)
    assert (answer, champion()) == ("kept", None)
    assert "but an alert is open: critical failure" in folder.journal.read("promotion")[0]["reason"]


def test_a_kill_between_the_registry_and_the_journal(copied, monkeypatch):
    folder, config = copied("killed at the gate", success_rate_threshold=NEEDS_NOTHING)
    rival, rivals_config = copied("came between", success_rate_threshold=NEEDS_NOTHING)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("tasks.promotion._write_down", killed)
        with pytest.raises(KeyboardInterrupt):
            promoted(folder, config)
    assert folder.journal.read("promotion") == []
    version = champion()
    assert version == folder.journal.read("registered")[0]["version"]
    # another one is champion when it goes on: what was decided is not decided again
    with open_run(rivals_config, rival.name) as run:
        promote_by_hand(register_model.fn(run))
    other = champion()
    assert other != version
    registry.record(version, folder.identity()["mlflow_run_id"], "rolled back: by hand")
    assert promoted(folder, config) == (version, "promoted")
    assert champion() == other
    [told] = folder.journal.read("promotion")
    assert (told["answer"], told["champion_before"]) == ("promoted", "")


def test_a_champion_that_came_meanwhile_is_met_too(copied, bad, monkeypatch):
    weak, weak_config = copied("was champion", model=bad, success_rate_threshold=NEEDS_NOTHING)
    first, _ = promoted(weak, weak_config)
    other, other_config = copied("is champion meanwhile", success_rate_threshold=NEEDS_NOTHING)
    late, late_config = copied("late", success_rate_threshold=NEEDS_NOTHING)
    _, answer = promoted(late, late_config, lambda run: promoted(other, other_config))
    assert answer == "kept"
    assert champion() == other.journal.read("registered")[0]["version"]
    assert {file.stem for file in (late.path / "matches").iterdir()} == {f"champion-{first}", f"champion-{champion()}"}


def test_a_champion_whose_run_is_gone_is_met_on_logos_read_anew(copied):
    gone, config = copied("gone", success_rate_threshold=NEEDS_NOTHING)
    promoted(gone, config)
    shutil.rmtree(gone.path)
    folder, config = copied("after it", success_rate_threshold=NEEDS_NOTHING)
    promoted(folder, config)
    match = read_json(folder.promotion_file)["candidate"]["match"]
    assert match["note"] == "the champion's logos were read anew"
    assert match["gain"]["mean"] == 0


def test_versions_are_listed_and_shown(copied, capsys, run):
    from flows.cli import main

    folder, config = copied("listed", success_rate_threshold=NEEDS_NOTHING)
    version, _ = promoted(folder, config)

    def said(*arguments):
        with pytest.raises(SystemExit) as ended:
            main(["models", *arguments])
        return ended.value.code, "".join(capsys.readouterr())

    code, listed = said("list")
    assert code == 0
    assert f"version {version}: promoted: there is no champion" in listed.replace("\n", " ")
    earlier = registry.version_of_run(run.mlflow_run.info.run_id).number
    code, told = said("promote", earlier)
    assert (code, told.strip()) == (0, f"version {earlier} is champion, in place of version {version}")
    assert said("promote", earlier)[0] == 2
    code, told = said("rollback")
    assert (code, told.strip()) == (0, f"version {version} is champion again, version {earlier} is not any more")
    assert "stage1-agent, from run listed" in said("card")[1]
    code, told = said("card", "99999")
    assert code == 2
    assert "has no version '99999'" in told
