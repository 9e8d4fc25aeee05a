"""The process that draws the dashboard's pictures while a run goes on."""

from __future__ import annotations

import subprocess
import sys
from types import TracebackType

from rlcore.run_folder import RunFolder
from tasks.stopping import Interrupted

PATIENCE_SECONDS = 60.0
"""So long the end of a run waits for its last picture."""


class PictureDrawing:
    """Draws while it is open, and once more in the end: after that the run's last picture is there."""

    def __init__(self, folder: RunFolder, wanted: bool) -> None:
        self._folder = folder
        self._wanted = wanted
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> PictureDrawing:
        if self._wanted:
            # what goes wrong in it is kept beside the run: it must not tear the progress in the terminal
            with (self._folder.path / "drawing.log").open("ab") as log:
                command = [sys.executable, "-m", "rlcore.dashboard.draw", str(self._folder.path)]
                # in a session of its own: Ctrl-C in a terminal is for the run, whose end is still to be drawn
                self._process = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True
                )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._process is None:
            return
        assert self._process.stdin is not None
        self._process.stdin.close()
        if isinstance(error, KeyboardInterrupt) and not isinstance(error, Interrupted):  # twice: at once
            self._process.kill()
        try:
            self._process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        finally:  # also where a second Ctrl-C comes while this waits
            self._process.kill()
            self._process.wait()
