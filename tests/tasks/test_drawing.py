"""The process that draws beside a run."""

import os
import time

import pytest
from PIL import Image

from rlcore.dashboard import draw
from rlcore.run_folder import RunFolder
from tasks.drawing import PictureDrawing
from tasks.stopping import Interrupted
from tests.conftest import small_config
from tests.rlcore.made import judged, rollout, validation


@pytest.fixture
def folder(tmp_path):
    made = RunFolder(tmp_path / "a run")
    made.write_config(small_config())
    made.journal.write("started", name="a run", schema_version=1, target_episodes=60, chunks=2)
    made.journal.write("rollout", rollbacks=0, rollout=rollout(1.0, 30).as_dict())
    return made


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def pictures(folder):
    return sorted(path.name for path in (folder.path / "pictures").glob("*.png"))


def test_a_validation_and_the_end_are_drawn_and_told(folder):
    with PictureDrawing(folder, wanted=True):
        folder.journal.write("validation", **judged(validation(1.5, 30)))
        wait_for(lambda: folder.journal.read("picture"))
        [told] = folder.journal.read("picture")
        assert (told["key"], told["episode"]) == ("validation 30", 30)
        folder.journal.write("rollout", rollbacks=0, rollout=rollout(1.0, 60).as_dict())
    assert pictures(folder) == ["dashboard_000030.png", "dashboard_000060.png", "dashboard_latest.png"]
    assert [entry["file"] for entry in folder.journal.read("picture")] == [
        "pictures/dashboard_000030.png",
        "pictures/dashboard_000060.png",
    ]
    latest, last = (folder.path / "pictures" / f"dashboard_{name}.png" for name in ("latest", "000060"))
    assert latest.read_bytes() == last.read_bytes()
    with Image.open(latest) as picture:
        assert min(picture.size) >= 1000
    assert "Traceback" not in (folder.path / "drawing.log").read_text(encoding="utf-8")


def test_without_it_there_is_no_picture(folder):
    with PictureDrawing(folder, wanted=False):
        pass
    assert pictures(folder) == []


def test_a_run_that_was_asked_to_stop_has_its_last_picture(folder):
    with pytest.raises(Interrupted), PictureDrawing(folder, wanted=True):
        raise Interrupted("asked to stop by SIGTERM")
    assert "dashboard_latest.png" in pictures(folder)


def test_one_that_is_to_stop_at_once_does_not_wait(folder):
    drawing = PictureDrawing(folder, wanted=True)
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt), drawing:
        raise KeyboardInterrupt("twice")
    assert time.monotonic() - begun < 1
    assert drawing._process.poll() is not None


def test_it_ends_with_its_parent(folder):
    drawing = PictureDrawing(folder, wanted=True).__enter__()
    drawing._process.stdin.close()  # as the system does when the parent is killed
    assert drawing._process.wait(60) == 0


def test_ctrl_c_in_a_terminal_does_not_reach_it(folder):
    with PictureDrawing(folder, wanted=True) as drawing:
        assert os.getsid(drawing._process.pid) != os.getsid(0)


def test_a_picture_that_can_not_be_written_now_is_drawn_later(folder):
    (folder.path / "pictures").write_text("in the way")
    with PictureDrawing(folder, wanted=True):
        folder.journal.write("validation", **judged(validation(1.5, 30)))
        wait_for(lambda: "no picture" in (folder.path / "drawing.log").read_text(encoding="utf-8"))
        (folder.path / "pictures").unlink()
    assert "dashboard_latest.png" in pictures(folder)


def test_pictures_that_the_journal_refers_to_are_kept_and_the_last_of_the_others(folder, monkeypatch):
    monkeypatch.setattr(draw, "LAST_PICTURES", 2)
    monkeypatch.setattr(draw, "dashboard_picture", lambda *arguments, **options: b"picture")
    drawer = draw.Drawer(folder)
    for episode in (1000, 2000, 3000, 500, 600, 700):  # back to 500 after 3000
        if episode == 500:
            folder.journal.write_once("rollback", "1", number=1, episode=0, reason="broken")
        folder.journal.write("rollout", rollbacks=0, rollout=rollout(1.0, episode).as_dict())
        drawer.look()
        made = drawer.draw()
        assert made.exists()
        if episode == 1000:
            drawer.tell(made, "validation 1000")
        time.sleep(0.02)
    assert pictures(folder) == [f"dashboard_{name}.png" for name in ("000600", "000700", "001000", "latest")]
