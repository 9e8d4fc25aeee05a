"""A training beside an event loop: it goes on, and a cancelled call leaves nothing behind."""

import asyncio
import threading
import time

import pytest

from flows.classic import CurriculumTrainingPipeline, create_stage1_executor
from flows.classic.training import blocking, in_thread, kept_in
from rlcore.errors import ConfigError, DataError, StoppedError
from tasks.stopping import stop_asked, stop_if_asked, stoppable
from tasks.store import mlruns_folder


def training(told, begins_after=0.0):
    """What a flow does: after a while it can be stopped, and then it asks now and then."""
    time.sleep(begins_after)
    with stoppable(1.0, lambda by: None):
        for _ in range(500):
            stop_if_asked()
            time.sleep(0.01)
    told.append("came to its end")


def test_the_event_loop_goes_on_meanwhile():
    async def both():
        ticks = 0
        work = asyncio.ensure_future(in_thread(lambda: time.sleep(0.2) or "done"))
        while not work.done():
            ticks += 1
            await asyncio.sleep(0.01)
        return ticks, await work

    ticks, result = asyncio.run(both())
    assert ticks > 5
    assert result == "done"


@pytest.mark.parametrize("begins_after", [0.0, 0.3])
def test_a_cancelled_call_has_the_training_stop_and_waits_for_it(tmp_path, begins_after):
    told = []

    def work():
        with kept_in(tmp_path):
            training(told, begins_after)

    async def cancelled():
        call = asyncio.ensure_future(in_thread(work))
        await asyncio.sleep(0.1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    asyncio.run(cancelled())
    assert told == []
    assert not stop_asked()
    with kept_in(tmp_path):  # the store is free again
        assert mlruns_folder() == tmp_path


def test_what_is_asked_to_stop_says_so_by_an_error_that_a_loop_survives(tmp_path):
    async def stopped():
        def work():
            with kept_in(tmp_path):
                raise KeyboardInterrupt("asked to stop by SIGTERM")

        with pytest.raises(StoppedError, match=r"asked to stop by SIGTERM.*the same call goes on with it"):
            await in_thread(work)

    asyncio.run(stopped())


def test_in_a_running_loop_a_blocking_call_has_a_thread_without_one():
    async def in_loop():
        return blocking(threading.current_thread), blocking(lambda: asyncio._get_running_loop())

    thread, loop = asyncio.run(in_loop())
    assert thread is not threading.main_thread()
    assert loop is None
    assert blocking(threading.current_thread) is threading.current_thread()


def test_errors_come_through(tmp_path):
    async def failing():
        await in_thread(lambda: (_ for _ in ()).throw(DataError("too few")))

    with pytest.raises(DataError, match="too few"):
        asyncio.run(failing())
    with pytest.raises(DataError, match=r"nowhere\.png' can't be read"):
        create_stage1_executor(["nowhere.png"], save_dir=tmp_path)
    with pytest.raises(DataError, match="a list of images is empty"):
        create_stage1_executor([], save_dir=tmp_path)


def test_without_a_list_the_configs_source_is_trained_on(tmp_path):
    assert create_stage1_executor(save_dir=tmp_path).config.images == "default"


@pytest.fixture
def images(tmp_path):
    paths = []
    for number in range(4):
        paths.append(tmp_path / f"{number}.png")
        paths[-1].write_bytes(b"%d" % number)
    return paths


def test_lists_become_folders_with_their_splits(images, tmp_path):
    whole = create_stage1_executor(images, save_dir=tmp_path / "one").config
    assert (whole.splits, whole.category) == ("content", "simple")
    held = create_stage1_executor(images[:2], images[2:], tmp_path / "two").config
    assert held.splits == "folders"
    assert held.images.startswith(str(tmp_path / "two" / "images"))


def test_a_pipelines_stages_are_those_that_it_has_images_for(images, tmp_path):
    pipeline = CurriculumTrainingPipeline({"text": images[:2], "simple": images[2:]}, save_dir=tmp_path / "models")
    assert [(stage.name, stage.episodes) for stage in pipeline.curriculum_stages] == [("simple", 5000), ("text", 8000)]
    configs = [pipeline.plan.attempt_config(index, 1, "") for index in (0, 1)]
    assert {config.category for config in configs} == {"all"}
    assert len({config.images for config in configs}) == 2
    whole = CurriculumTrainingPipeline(save_dir=tmp_path / "models")
    assert [stage.success_rate_threshold for stage in whole.curriculum_stages] == [0.80, 0.75, 0.70, 0.65]


def test_a_pipelines_held_out_images_are_of_the_same_stages(images, tmp_path):
    held = {"simple": images[2:]}
    pipeline = CurriculumTrainingPipeline({"simple": images[:2]}, held, tmp_path / "models")
    assert pipeline.plan.attempt_config(0, 1, "").splits == "folders"
    with pytest.raises(ConfigError, match="validation_images are of text, training_images of simple"):
        CurriculumTrainingPipeline({"simple": images[:2]}, {"text": images[2:]}, tmp_path / "models")
    with pytest.raises(ConfigError, match=r"stages\.0 = 'simpel'"):
        CurriculumTrainingPipeline(stages=["simpel"], save_dir=tmp_path / "models")
