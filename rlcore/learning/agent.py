"""The agent: a trained policy with the library that it chooses from, as a searcher."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from rlcore.config import Stage1Config
from rlcore.episode import Episode
from rlcore.errors import CheckpointError, DamagedCheckpointError, MissingCheckpointError
from rlcore.files import write_bytes
from rlcore.learning.env import spaces
from rlcore.learning.experience import Experience
from rlcore.learning.library import Library
from rlcore.learning.observation import observe
from rlcore.learning.policy import LibraryPolicy
from rlcore.parameters import Parameters

_FORMAT = 5
_MAGIC = b"stage1-checkpoint"

_VERSIONED = ("numpy", "torch", "stable-baselines3", "vtracer", "skia-python", "opencv-python-headless")


def library_versions() -> dict[str, str]:
    """Versions of the libraries that a training's result depends on, by package."""
    return {name: version(name) for name in _VERSIONED}


@dataclass(frozen=True)
class Checkpoint:
    """All that training needs to go on, and all that the agent needs to act; complete in one file.

    The file begins with a line of its own, ``stage1-checkpoint <format> <sha256 of the rest>``.

    Attributes:
        config: of the run.
        library: what the policy chooses from.
        experience: recorded traces of the library on the training logos.
        episode: training episodes behind it.
        policy: the policy's ``state_dict``.
        optimizer: Adam's ``state_dict``.
        rollbacks: how often training went back to an earlier checkpoint; each time halves the learning rate and
            draws another exploration.
        versions: of the libraries that it was made with.
    """

    config: Stage1Config
    library: Library
    experience: Experience
    episode: int
    policy: Mapping[str, torch.Tensor]
    optimizer: Mapping[str, Any]
    rollbacks: int = 0
    versions: Mapping[str, str] = field(default_factory=library_versions)

    def save(self, path: Path) -> Path:
        """Writes it beside and renames; the same checkpoint gives the same bytes. No pickled code is in it."""
        buffer = io.BytesIO()
        torch.save(
            {
                "config": self.config.model_dump_json(),
                "library": json.dumps(self.library.as_dict()),
                "experience": self.experience.as_dict(),
                "episode": self.episode,
                "rollbacks": self.rollbacks,
                "versions": dict(self.versions),
                "policy": dict(self.policy),
                "optimizer": dict(self.optimizer),
            },
            buffer,
        )
        content = buffer.getvalue()
        return write_bytes(path, b"%b %d %b\n%b" % (_MAGIC, _FORMAT, _checksum(content), content))

    @classmethod
    def load(cls, path: Path) -> Checkpoint:
        """What ``save`` wrote.

        Raises:
            CheckpointError: it is missing, damaged, or of another format.
        """
        try:
            content = torch.load(io.BytesIO(_checked(path)), map_location="cpu", weights_only=True)
            return cls(
                Stage1Config.model_validate_json(content["config"]),
                Library.from_dict(json.loads(content["library"])),
                Experience.from_dict(content["experience"]),
                content["episode"],
                content["policy"],
                content["optimizer"],
                content["rollbacks"],
                content["versions"],
            )
        except CheckpointError:
            raise
        except Exception as error:  # whatever torch or the config says of damaged content
            raise CheckpointError(f"{path}: damaged or not a checkpoint: {error}") from error


def _checksum(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()


def _checked(path: Path) -> bytes:
    """What follows the first line, when that fits it.

    Raises:
        CheckpointError: the file is missing, of another format, or damaged.
    """
    try:
        head, _, content = path.read_bytes().partition(b"\n")
    except FileNotFoundError as error:
        raise MissingCheckpointError(f"{path}: no such checkpoint") from error
    except OSError as error:
        raise CheckpointError(f"{path} can't be read: {error.strerror}") from error
    magic, *rest = head.split(b" ")
    if magic != _MAGIC or len(rest) != 2:
        raise DamagedCheckpointError(f"{path}: damaged or not a checkpoint: its first line is not one of a checkpoint")
    if rest[0] != b"%d" % _FORMAT:
        raise CheckpointError(f"{path}: format {rest[0].decode(errors='replace')}, this version reads {_FORMAT}")
    if rest[1] != _checksum(content):
        raise DamagedCheckpointError(f"{path}: damaged: its content does not fit its checksum")
    return content


@contextmanager
def single_thread() -> Iterator[None]:
    """Torch on one thread: sums come out the same on any number of cores, and the traces need the others.

    On cores that are busy already, a second thread made the agent's proposals 40 times slower.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def new_policy(config: Stage1Config, library: Library) -> LibraryPolicy:
    """An untrained policy that follows the preferences of its observations."""
    return LibraryPolicy(*spaces(config, library), lambda _: 0.0, sharpness=config.ppo.sharpness)


def check_fits(own: Stage1Config, wanted: Stage1Config) -> None:
    """Whether a model of ``own`` means the same in a run of ``wanted``.

    Raises:
        CheckpointError: the action space or the number of traces, which its network is made for, is another.
    """
    for name in ("tuned", "fixed", "steps_per_episode"):
        mine, asked = getattr(own, name), getattr(wanted, name)
        if mine != asked:
            raise CheckpointError(f"the model was trained with {name} = {mine!r}, this run has {asked!r}")


class Agent:
    """A trained policy as a searcher: at each step the option with the highest probability.

    What was tried already has none, so every trace of an episode is another one.
    """

    name = "agent"

    def __init__(self, checkpoint: Checkpoint, config: Stage1Config | None = None) -> None:
        """``config``: the run that it is to act in (default: its own).

        Raises:
            CheckpointError: that config has another action space or number of traces.
        """
        own = checkpoint.config
        check_fits(own, config or own)
        self._space = own.action_space
        self._library = checkpoint.library
        self._experience = checkpoint.experience
        with single_thread():
            self._policy = new_policy(own, checkpoint.library)
        self._policy.load_state_dict(dict(checkpoint.policy))
        self._policy.set_training_mode(False)

    def propose(self, episodes: Sequence[Episode]) -> list[Parameters]:
        """The next parameters of each episode, each as if it were alone: company changes no rounding."""
        with single_thread():
            return [self._library.options(episode)[self._option(episode)] for episode in episodes]

    def _option(self, episode: Episode) -> int:
        observation = torch.from_numpy(observe(episode, self._library, self._experience, self._space))[None]
        with torch.no_grad():
            return int(self._policy.get_distribution(observation).mode()[0])
