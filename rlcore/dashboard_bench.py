"""What viewers cost: a real training, by itself and watched by many WebSocket clients, in turns."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from functools import partial
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Any

import websockets

from rlcore.bench import bench_config, bench_subjects, policy_of
from rlcore.conversion.evaluator import Evaluator
from rlcore.episode import Subject
from rlcore.events import SCHEMA_VERSION
from rlcore.learning.agent import Checkpoint
from rlcore.learning.plan import Segment
from rlcore.learning.training import train_segment
from rlcore.parameters import PLAIN
from rlcore.run_folder import RunFolder, write_rollout

ROUNDS = 4
EPISODES = 150
ROLLOUT_EPISODES = 25
"""An update of the viewers after every so many: a run has one after 125."""

NAME = "watched"
START_SECONDS = 60.0


def run_dashboard_bench(images: str, logos: int, workers: int, clients: int) -> dict[str, Any]:
    """Trains ``ROUNDS`` times unwatched and as often with ``clients`` viewers, on as many logos of a source.

    Raises:
        DataError: the source has no logo that can be used.
    """
    config = bench_config(images, workers)
    ppo = config.ppo.model_copy(update={"rollout_episodes": ROLLOUT_EPISODES})
    config = config.model_copy(update={"target_episodes": EPISODES, "ppo": ppo})
    subjects = bench_subjects(config, logos)
    policy = policy_of(config, subjects)
    alone: list[float] = []
    watched: list[float] = []
    delays: list[float] = []
    for turn in range(ROUNDS):
        for with_clients in (False, True) if turn % 2 == 0 else (True, False):
            with TemporaryDirectory() as store:
                seconds, found = _round(Path(store), policy, subjects, clients if with_clients else 0)
            (watched if with_clients else alone).append(seconds)
            delays += found
    ratios = [w / a - 1 for w, a in zip(watched, alone, strict=True)]
    return {
        "clients": clients,
        "training_slowdown": sum(watched) / sum(alone) - 1,
        "training_slowdown_of_each_pair": [round(ratio, 4) for ratio in ratios],
        "updates_received": len(delays),
        "updates_sent": ROUNDS * clients * (EPISODES // ROLLOUT_EPISODES),
        "update_delay_mean_seconds": fmean(delays) if delays else None,
        "update_delay_max_seconds": max(delays, default=None),
    }


def _round(store: Path, policy: Checkpoint, subjects: list[Subject], clients: int) -> tuple[float, list[float]]:
    """Seconds of a training, and by how much each client heard of each rollout after it was written down."""
    folder, config = RunFolder(store / "stage1" / NAME), policy.config
    folder.write_config(config)
    folder.journal.write(
        "started", name=NAME, schema_version=SCHEMA_VERSION, target_episodes=EPISODES, chunks=config.chunk_count
    )
    processes = _viewers(store, clients) if clients else []
    try:
        with Evaluator(config.workers) as evaluator:
            evaluator.traces([(subject.logo, PLAIN) for subject in subjects])  # workers are up
            start = time.perf_counter()
            write = partial(write_rollout, folder.journal, rollbacks=0)
            train_segment(policy, Segment(0, 0, EPISODES), subjects, evaluator, write)
            seconds = time.perf_counter() - start
        return seconds, _delays(folder, processes[1]) if processes else []
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _viewers(store: Path, clients: int) -> list[subprocess.Popen[str]]:
    """The server as a run starts it, and one process with all clients, once they are all connected."""
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    server = subprocess.Popen(
        [sys.executable, "-m", "rlcore.dashboard", str(store), NAME, "0", str(os.getpid())], **pipes
    )
    assert server.stdout is not None
    url = server.stdout.readline().strip()
    viewers = subprocess.Popen([sys.executable, "-m", "rlcore.dashboard_bench", url, str(clients)], **pipes)
    assert viewers.stdout is not None
    if viewers.stdout.readline().strip() != "connected":
        raise RuntimeError("the clients did not connect")
    return [server, viewers]


def _delays(folder: RunFolder, viewers: subprocess.Popen[str]) -> list[float]:
    time.sleep(2)  # what takes longer than the promised second is counted too
    told, _ = viewers.communicate("stop\n", timeout=START_SECONDS)
    written = {entry["rollout"]["episode"]: entry["time"] for entry in folder.journal.read("rollout")}
    heard: dict[str, list[float]] = json.loads(told)
    return [moment - written[int(episode)] for episode, moments in heard.items() for moment in moments]


async def _listen(url: str, count: int) -> dict[int, list[float]]:
    """When each client heard of each rollout, by its episode; until a line comes on standard input."""
    heard: dict[int, list[float]] = defaultdict(list)
    address = url.replace("http:", "ws:").replace("/?", "/ws?")

    async def client(connected: asyncio.Semaphore) -> None:
        async with websockets.connect(address, compression=None, max_size=None) as socket:
            await socket.recv()
            connected.release()
            async for message in socket:
                now = time.time()
                if b'"metrics_update"' in (message if isinstance(message, bytes) else message.encode())[:40]:
                    heard[int(json.loads(message)["points"]["rollout/gain"][0])].append(now)

    connected = asyncio.Semaphore(0)
    tasks = [asyncio.create_task(client(connected)) for _ in range(count)]
    for _ in range(count):
        await connected.acquire()
    sys.stdout.write("connected\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.readline)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return heard


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(_listen(sys.argv[1], int(sys.argv[2])))) + "\n")
