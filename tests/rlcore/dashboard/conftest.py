"""A run, a page and a command that draws: made ones, for all tests of the dashboard's server."""

import sys

import pytest

from tests.rlcore.dashboard.made_run import MadeRun, before

DRAWING = """
import sys, time
from pathlib import Path
folder, once = Path(sys.argv[1]), sys.argv[2]
assert once == "--once"
with (folder / "drawn").open("a") as file:
    file.write("x")
{wait}
pictures = folder / "pictures"
pictures.mkdir(exist_ok=True)
made = pictures / "dashboard_000125.png"
made.write_bytes(b"a picture")
print("a word before")
print(made)
"""


@pytest.fixture
def run(tmp_path):
    """A run in the middle of its first training."""
    return MadeRun(tmp_path).write(before("rollout"))


@pytest.fixture
def page(tmp_path):
    folder = tmp_path / "page"
    (folder / "parts").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>é</title>", encoding="utf-8")
    (folder / "main.js").write_text("export {};")
    (folder / "style.css").write_text("body {}")
    (folder / "parts" / "one.js").write_text("export {};")
    (folder / "secret.txt").write_text("secret")
    (tmp_path / "outside.js").write_text("outside")
    return folder


@pytest.fixture
def drawing(tmp_path):
    """A stand-in for the command that draws."""

    def make(wait: str = "", content: str = DRAWING) -> tuple[str, ...]:
        script = tmp_path / "draw.py"
        script.write_text(content.format(wait=wait))
        return (sys.executable, str(script))

    return make
