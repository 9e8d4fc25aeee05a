"""The registry's champion is what ``stage1 vectorize`` uses, where there is one."""

import mlflow
import pytest
from PIL import Image

from flows.cli import main
from rlcore.learning.agent import read_model
from rlcore.vectorizing import vectorize
from tasks import registry
from tests.rlcore.pictures import disk


@pytest.fixture
def champion(run, no_champion):
    """The tiny run's model."""
    version = registry.version_of_run(run.mlflow_run.info.run_id)
    mlflow.MlflowClient().set_registered_model_alias(registry.MODEL, registry.CHAMPION, version.number)
    return read_model(run.folder.best_model)


CHAMPION = "models:/stage1-agent@champion"


@pytest.mark.parametrize(("arguments", "told"), [([], CHAMPION), (["--model", "pretrained"], "pretrained")])
def test_the_champion_is_preferred_to_the_pretrained_model(champion, tmp_path, capsys, arguments, told):
    path = tmp_path / "logo.png"
    Image.fromarray(disk(48)).save(path)
    with pytest.raises(SystemExit) as caught:
        main(["vectorize", str(path), "--budget", "2", "--workers", "1", *arguments])
    assert caught.value.code == 0
    assert f"model    {told}" in capsys.readouterr().err
    expected = vectorize(path, model=None if arguments else champion, budget=2)
    assert (tmp_path / "logo.svg").read_bytes() == expected.svg
