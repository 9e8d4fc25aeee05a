"""The agent: a trained policy with the library that it chooses from, as a searcher.

Whoever only acts needs no torch: it is imported where a checkpoint is read or written.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rlcore.config import Stage1Config
from rlcore.episode import Episode
from rlcore.errors import CheckpointError, DamagedCheckpointError, MissingCheckpointError
from rlcore.files import write_bytes
from rlcore.learning.actor import Actor
from rlcore.learning.experience import Experience
from rlcore.learning.library import Library
from rlcore.learning.model import MAGIC, Model
from rlcore.learning.observation import observe
from rlcore.parameters import Parameters

if TYPE_CHECKING:
    import torch

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
        import torch

        buffer = io.BytesIO()
        torch.save(
            {
                "config": self.config.model_dump_json(),
                "library": json.dumps(self.library.as_dict()),
                "experience": _tensors(self.experience.as_dict()),
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
        import torch

        try:
            content = torch.load(io.BytesIO(_checked(path)), map_location="cpu", weights_only=True)
            return cls(
                Stage1Config.model_validate_json(content["config"]),
                Library.from_dict(json.loads(content["library"])),
                Experience.from_dict(_arrays(content["experience"])),
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

    @cached_property
    def model(self) -> Model:
        """What acts, without what only training needs."""
        return Model(self.config, self.library, self.experience, Actor.of(self.policy), self.episode)


def read_model(path: Path) -> Model:
    """The model in a file, which is one (``stage1 export``) or a checkpoint.

    Raises:
        CheckpointError: it is missing, damaged, or of another format.
    """
    try:
        with path.open("rb") as file:
            is_model = file.read(len(MAGIC)) == MAGIC
    except OSError:
        is_model = False  # why it can't be read is said below
    return Model.load(path) if is_model else Checkpoint.load(path).model


def _tensors(content: Mapping[str, Any]) -> dict[str, Any]:
    """The arrays of nested mappings as tensors, since ``torch.load`` takes no others without pickle."""
    import torch

    def tensor(value: Any) -> Any:
        if isinstance(value, Mapping):
            return _tensors(value)
        return torch.from_numpy(value) if isinstance(value, np.ndarray) else value

    return {name: tensor(value) for name, value in content.items()}


def _arrays(content: Mapping[str, Any]) -> dict[str, Any]:
    """What ``_tensors`` was given."""
    import torch

    def array(value: Any) -> Any:
        if isinstance(value, Mapping):
            return _arrays(value)
        return value.numpy() if isinstance(value, torch.Tensor) else value

    return {name: array(value) for name, value in content.items()}


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

    def __init__(
        self, trained: Checkpoint | Model, config: Stage1Config | None = None, mode: str | None = None
    ) -> None:
        """Acts as ``trained`` learned to.

        Args:
            trained: the model, or a checkpoint of it.
            config: the run that it is to act in (default: its own).
            mode: the only mode that is proposed; every option is then taken in that mode. None: as they are.

        Raises:
            CheckpointError: that config has another action space or number of traces.
        """
        model = trained.model if isinstance(trained, Checkpoint) else trained
        own = model.config
        check_fits(own, config or own)
        self._model = model
        self._space = own.action_space
        self._mode = mode

    def propose(self, episodes: Sequence[Episode]) -> list[Parameters]:
        """The next parameters of each episode, each as if it were alone: company changes no rounding."""
        return [self._proposal(episode) for episode in episodes]

    def _proposal(self, episode: Episode) -> Parameters:
        model = self._model
        logits = model.actor.logits(
            observe(episode, model.library, model.experience, self._space), model.config.ppo.sharpness
        )
        options = model.library.options(episode)
        if self._mode is None:
            return options[int(np.argmax(logits))]
        # another mode makes others of the options, and some of them alike
        tried = {attempt.parameters for attempt in episode.attempts}
        ranked = [options[int(index)] for index in np.argsort(-logits, kind="stable")]
        own_mode = [dataclasses.replace(option, mode=self._mode).canonical() for option in ranked]
        return next((option for option in own_mode if option not in tried), own_mode[0])
