"""A disk that fills up in the middle of a run, and one that can't be written: real file systems, mounted for it."""

import os
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from rlcore.run_folder import RunFolder
from tests.flows.processes import figures, prepare, start, toml_of

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="mounting a file system needs Linux and root"
)


@contextmanager
def mounted(folder, size_mib):
    """A file system in memory."""
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={size_mib}m", "tmpfs"]
    made = subprocess.run(["mount", *options, str(folder)], capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"this machine lets nobody mount: {made.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def config_file(run, tmp_path):
    settings = run.config.model_copy(update={"qa": run.config.qa.model_copy(update={"disk_reserve_mib": 0.0})})
    file = tmp_path / "tiny.toml"
    file.write_text(toml_of(settings))
    return file


@pytest.mark.timeout(300)
def test_a_run_that_found_the_disk_full_goes_on_when_there_is_room(prefect, run, config_file, tmp_path):
    with mounted(tmp_path / "disk", 400) as disk:
        folder = RunFolder(disk / "mlruns" / "stage1" / "full")
        prepare(folder, run.folder)
        process = start(disk / "mlruns", "run", "--config", str(config_file), "--name", "full", "--no-dashboard")
        while not folder.journal.read("rollout") and process.poll() is None:
            time.sleep(0.005)
        with (disk / "junk").open("wb") as junk:
            try:
                while True:
                    junk.write(bytes(2**20))
                    junk.flush()
            except OSError:
                pass
        output, _ = process.communicate(timeout=120)
        assert process.returncode == 1, output
        assert "No space left on device" in output
        assert not folder.finished
        (disk / "junk").unlink()
        process = start(disk / "mlruns", "resume", "--no-dashboard")
        output, _ = process.communicate(timeout=120)
        assert process.returncode == 0, output
        assert [figures(rollout) for rollout in folder.rollouts()] == [figures(r) for r in run.folder.rollouts()]
        ours = (folder.path / "validations" / "test.json").read_bytes()
        assert ours == (run.folder.path / "validations" / "test.json").read_bytes()


def test_a_run_that_has_too_little_room_is_refused_before_it_begins(prefect, run, config_file, tmp_path):
    with mounted(tmp_path / "disk", 100) as disk:
        process = start(disk / "mlruns", "run", "--config", str(config_file), "--name", "small", "--no-dashboard")
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "disk" in output.lower()
    assert "Traceback" not in output


def test_a_folder_that_cant_be_written_is_named(prefect, run, config_file, tmp_path):
    with mounted(tmp_path / "disk", 400) as disk:
        (disk / "mlruns").mkdir()
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        process = start(disk / "mlruns", "run", "--config", str(config_file), "--name", "readonly", "--no-dashboard")
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 2, output
    assert "can't be written: Read-only file system" in " ".join(output.split())
    assert "Traceback" not in output
