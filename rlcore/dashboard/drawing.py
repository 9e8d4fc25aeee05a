"""Pictures of the whole dashboard on request: drawn by a process of their own, one at a time for a run."""

from __future__ import annotations

import asyncio
import re
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rlcore.dashboard.protocol import MessageError, encode
from rlcore.dashboard.values import run_url
from rlcore.run_folder import RunFolder

DRAW_COMMAND = (sys.executable, "-m", "rlcore.dashboard.draw")
"""Given a run's folder and ``--once``, it says the path of the picture that it drew."""

DRAWING_SECONDS = 120.0
"""A drawing that takes longer is ended."""

_PICTURE = re.compile(r"dashboard_([0-9]{1,12})\.png")
_SHOWN = 300


@dataclass(frozen=True)
class DrawnPicture:
    """A picture of a run's dashboard, as it was after so many episodes."""

    path: Path
    url: str
    episode: int

    def as_message(self) -> str:
        """``dashboard_generated``, as text."""
        return encode("dashboard_generated", path=str(self.path), url=self.url, episode=self.episode)


class Drawings:
    """Has pictures drawn. Belongs to one event loop, and never blocks it."""

    def __init__(self, command: Sequence[str] = DRAW_COMMAND, time_limit_seconds: float = DRAWING_SECONDS) -> None:
        self._command = command
        self._time_limit_seconds = time_limit_seconds
        self._running: dict[str, asyncio.Task[DrawnPicture]] = {}

    async def draw(self, folder: RunFolder) -> DrawnPicture:
        """A picture; who asks while one is being drawn gets that one.

        Raises:
            MessageError: ``picture_failed``, with the reason.
        """
        task = self._running.get(folder.name)
        if task is None:
            task = self._running[folder.name] = asyncio.create_task(self._drawn(folder))
            task.add_done_callback(lambda _: self._running.pop(folder.name, None))
        # one who goes away takes nothing from the others
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Ends what is being drawn."""
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _drawn(self, folder: RunFolder) -> DrawnPicture:
        try:
            status, told, complaint = await self._run(folder)
        except asyncio.TimeoutError as error:  # an OSError in later versions of Python
            raise _failure(f"took longer than {self._time_limit_seconds:g} s") from error
        except OSError as error:
            raise _failure(f"can't be drawn: {error}") from error
        path = Path(_last_line(told))
        found = _PICTURE.fullmatch(path.name)
        if status != 0 or found is None or not (folder.path / "pictures" / path.name).is_file():
            raise _failure(_last_line(complaint) or f"no picture, and exit status {status}")
        return DrawnPicture(path, run_url(folder, f"pictures/{path.name}"), int(found[1]))

    async def _run(self, folder: RunFolder) -> tuple[int | None, bytes, bytes]:
        """Exit status, standard output and standard error."""
        process = await asyncio.create_subprocess_exec(
            *self._command, str(folder.path), "--once", stdin=DEVNULL, stdout=PIPE, stderr=PIPE
        )
        try:
            told, complaint = await asyncio.wait_for(process.communicate(), self._time_limit_seconds)
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        return process.returncode, told, complaint


def _last_line(content: bytes) -> str:
    lines = content.decode(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _failure(reason: str) -> MessageError:
    return MessageError("picture_failed", reason[:_SHOWN])
