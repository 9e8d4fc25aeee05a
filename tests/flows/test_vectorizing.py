"""``stage1 vectorize`` as a user calls it: files, exit codes, what is printed where."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image
from rich.console import Console

from flows.cli import main
from flows.vectorizing import Told, find_model
from rlcore.data.generated import generate_logos
from rlcore.pretrained import pretrained
from rlcore.vectorizing import vectorize
from tests.rlcore.pictures import disk, noise
from tests.rlcore.vectorizing.conftest import check_svg

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """A folder of its own, without a registry."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STAGE1_MLRUNS", str(tmp_path / "mlruns"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def save(name, rgba=None):
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(disk(32) if rgba is None else rgba).save(name)
    return name


def run(*arguments):
    """The exit code."""
    with pytest.raises(SystemExit) as caught:
        main(["vectorize", *arguments, *(() if "--workers" in arguments else ("--workers", "1"))])
    return caught.value.code


def test_a_logo_becomes_an_svg_beside_it_and_the_gain_is_told(capsys):
    assert run(save("logo.png"), "--budget", "2") == 0
    svg = Path("logo.svg").read_bytes()
    check_svg(svg, 32, 32)
    told = capsys.readouterr()
    expected = vectorize(Path("logo.png"), budget=2)
    assert svg == expected.svg
    plain = expected.baseline
    assert told.out == (
        f"logo.png -> logo.svg: SSIM {plain.ssim:.4f} → {expected.ssim:.4f},"
        f" {plain.size_bytes:,} → {expected.size_bytes:,} bytes, 2 traces\n"
    )
    assert told.err == "model    pretrained\n"
    assert not Path("mlruns").exists()


def test_options_reach_the_tracing(capsys):
    save("logo.png", disk(64))
    options = {
        ("--objective", "small"): {"objective": "small"},
        ("--objective", "0.3"): {"objective": 0.3},
        ("--mode", "spline"): {"mode": "spline"},
        ("--background", "#fae614"): {"background": "#fae614"},
        ("--working-size", "24"): {"working_size": 24},
        ("--optimize",): {"optimize": True},
        ("--keep-transparency",): {},
    }
    for arguments, settings in options.items():
        assert run("logo.png", "--budget", "2", *arguments) == 0
        assert Path("logo.svg").read_bytes() == vectorize(Path("logo.png"), budget=2, **settings).svg
    capsys.readouterr()


def test_a_folder_is_mirrored_and_one_failure_is_named_beside_the_others(capsys):
    for number, logo in enumerate(generate_logos(3, 2, 48)):
        save(f"logos/{'deep/' * (number % 2)}{number}.png", logo.rgba)
    Path("logos/broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert run("logos", "gone.png", "--output-dir", "out", "--budget", "1", "--workers", "2", "--report", "r.html") == 1
    assert sorted(p.relative_to("out").as_posix() for p in Path("out").rglob("*.svg")) == [
        *("logos/0.svg", "logos/2.svg", "logos/deep/1.svg")
    ]
    told = capsys.readouterr()
    assert len(told.out.splitlines()) == 3
    assert "stage1: logos/broken.png: damaged" in told.err or "stage1: logos/broken.png: not an image" in told.err
    assert "stage1: gone.png: no such file" in told.err
    assert "3 of 5 pictures vectorized" in told.err
    page = Path("r.html").read_text()
    assert "3 of 5 pictures vectorized" in page
    assert "gone.png" in page


def test_json_is_all_that_is_printed(capsys):
    save("a.png")
    Path("b.png").write_bytes(b"no picture")
    assert run("a.png", "b.png", "--json", "--budget", "1") == 1
    told = json.loads(capsys.readouterr().out)
    assert told["model"] == {"name": "pretrained", "sha256": pretrained().digest, "episode": pretrained().episode}
    [result], [failure] = told["results"], told["failures"]
    assert (result["name"], result["output"], result["traces"]) == ("a.png", "a.svg", 1)
    assert result["size_bytes"] == Path("a.svg").stat().st_size
    assert failure == {"name": "b.png", "reason": "not an image, whatever its name says"}


def test_stdin_to_stdout():
    buffer = io.BytesIO()
    Image.fromarray(disk(32)).save(buffer, "PNG")
    command = [sys.executable, "-m", "flows.cli", "vectorize", "-", "--budget", "1"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, input=buffer.getvalue(), capture_output=True, timeout=60, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout == vectorize(disk(32), budget=1).svg
    assert b"stdin -> stdout: SSIM" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["logo.png", "--budget", "0"], "budget"),
        (["logo.png", "--objective", "tiny"], "objective = 'tiny'"),
        (["logo.png", "--mode", "pixel"], "pixel"),
        (["logo.png", "--working-size", "huge"], "working_size = 'huge': allowed are 16 to 2048, and auto"),
        (["logo.png", "--working-size", "-5"], "working_size = -5: allowed are 16 to 2048, and auto"),
        (["logo.png", "--report", "logo.png"], "--report would take the place of the picture logo.png"),
        (["logo.png", "-o", "."], "--output . is a folder"),
        (["logo.png", "--background", "blurple"], "background = 'blurple'"),
        (["logo.png", "--background", "red", "--keep-transparency"], "give one of them"),
        (["logo.png", "--model", "gone.model"], "gone.model: no such checkpoint"),
        (["logo.png", "--model", "logo.png"], "damaged or not a checkpoint"),
        (["logo.png", "-o", "-", "--json"], "can't both go to stdout"),
        (["logo.png", "logo.png"], "another picture's SVG"),
        (["folder"], "give --output-dir"),
        ([], "Missing argument"),
    ],
)
def test_wrong_usage_is_told_and_nothing_is_written(capsys, arguments, told):
    save("logo.png")
    save("folder/logo.png")
    assert run(*arguments) == 2
    assert told in " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert not list(Path().rglob("*.svg"))


def test_constraints_that_nothing_meets_are_a_failure_with_the_nearest(capsys):
    assert run(save("logo.png"), "--budget", "1", "--max-bytes", "20") == 1
    assert "logo.png: no SVG of at most 20 bytes was found; the nearest has SSIM" in capsys.readouterr().err
    assert not Path("logo.svg").exists()


def test_where_the_svg_can_not_be_written_the_others_are_delivered(capsys):
    save("a.png")
    save("b.png")
    Path("out").mkdir()
    Path("out/a.svg").mkdir()
    assert run("a.png", "b.png", "--output-dir", "out", "--budget", "1") == 1
    assert "a.png: out/a.svg can't be written" in capsys.readouterr().err
    assert [p.name for p in Path("out").iterdir() if p.is_file()] == ["b.svg"]


def test_where_the_report_can_not_be_written_the_svg_is_delivered(capsys):
    assert run(save("logo.png"), "--budget", "1", "--report", "logo.png/report.html") == 1
    assert "stage1: logo.png/report.html can't be written: File exists" in capsys.readouterr().err
    assert Path("logo.svg").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["-o", "-"], "stage1: logo.png: stdout can't be written: No space left on device\n"),
        (
            ["--json", "--report", "r.html"],
            "report   r.html\nstage1: stdout can't be written: No space left on device\n",
        ),
    ],
)
def test_a_full_stdout_is_a_failure_with_its_reason(options, told):
    save("logo.png")
    command = [sys.executable, "-m", "flows.cli", "vectorize", "logo.png", "--budget", "1", *options]
    with Path("/dev/full").open("wb") as full:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=100, env=environment)
    assert done.returncode == 1, done.stderr
    assert done.stderr.endswith(told)


def test_a_closed_stdin_is_wrong_usage(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", None)
    assert run("-") == 2
    assert "- is stdin, which is closed" in capsys.readouterr().err


def test_ctrl_c_leaves_whole_files_alone():
    for number in range(40):
        save(f"logos/{number:02d}.png", noise(48, 48, number))
    command = [sys.executable, "-m", "flows.cli", "vectorize", "logos", "--output-dir", "out", "--workers", "1"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as process:
        deadline = time.monotonic() + 60
        while not list(Path("out").glob("*.svg")) and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Traceback" not in errors
    left = list(Path("out").iterdir())
    assert 0 < len(left) < 40
    for path in left:
        check_svg(path.read_bytes(), 48, 48)


def test_a_champion_that_can_not_be_had_is_told_of(monkeypatch, capsys):
    Path("mlruns").mkdir()
    Path("mlruns/mlflow.db").write_bytes(b"no database")
    name, model = find_model("", Told(Console(stderr=True)))
    assert (name, model) == ("pretrained", pretrained())
    assert "the registry's champion is not used: " in capsys.readouterr().err


def test_the_card_of_the_pretrained_model_is_shown(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["models", "card", "pretrained"])
    assert caught.value.code == 0
    told = capsys.readouterr().out
    assert pretrained().about["facts"]["run"] in told
    assert "Limits" in told
