"""The examples of docstrings, README and docs are run as they stand."""

import doctest
import importlib
import io
import pkgutil
import re
import shlex
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

import rlcore.vectorizing
from flows.cli import main
from tests.rlcore.pictures import disk

ROOT = Path(__file__).parent.parent
MODULES = sorted(f"rlcore.vectorizing.{found.name}" for found in pkgutil.iter_modules(rlcore.vectorizing.__path__))
PAGES = ["README.md", "docs/vectorize.md"]
PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)
COMMANDS = re.compile(r"^(?:\.venv/bin/)?stage1 (vectorize .*?)(?:  +#.*)?$", re.MULTILINE)


def blocks(page):
    return PYTHON.findall((ROOT / page).read_text(encoding="utf-8"))


@pytest.fixture
def logos(tmp_path, monkeypatch):
    """What the examples name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STAGE1_MLRUNS", str(tmp_path / "mlruns"))
    for name in ("logo.png", "other.png", "logos/a.png", "logos/deep/b.png"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(disk(32)).save(name)
    return tmp_path


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_docstrings_come_out_as_they_say(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_there_are_such_examples():
    found = [doctest.DocTestFinder().find(importlib.import_module(name)) for name in MODULES]
    assert sum(bool(test.examples) for tests in found for test in tests) >= 4


@pytest.mark.parametrize("page", PAGES)
def test_the_python_of_a_page_runs(page, logos):
    assert blocks(page)
    for block in blocks(page):
        exec(compile(block, page, "exec"), {})


@pytest.mark.parametrize("page", PAGES)
def test_the_vectorize_commands_of_a_page_run(page, logos, monkeypatch, capsys):
    commands = COMMANDS.findall((ROOT / page).read_text(encoding="utf-8"))
    assert commands
    for command in commands:
        arguments = shlex.split(command.partition(" < ")[0].partition(" > ")[0])
        if any("models:/" in argument or "best_model" in argument or argument == "LOGO..." for argument in arguments):
            continue
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(Path("logo.png").read_bytes())))
        with pytest.raises(SystemExit) as caught:
            main([*arguments, "--workers", "1"])
        assert caught.value.code == 0, (command, capsys.readouterr().err)
