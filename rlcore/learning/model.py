"""A trained model as others get it: what the agent needs to act, in a small file that holds no code and no pickle."""

from __future__ import annotations

import hashlib
import io
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile, ZipInfo

import numpy as np
from numpy.typing import NDArray

from rlcore.config import Stage1Config
from rlcore.errors import CheckpointError, MissingCheckpointError
from rlcore.files import write_bytes
from rlcore.learning.actor import Actor
from rlcore.learning.experience import Experience
from rlcore.learning.library import Library
from rlcore.learning.observation import observation_size

FORMAT = 1
MAGIC = b"PK\x03\x04"
"""A model file is a zip, as numpy writes its ``.npz``."""

_ABOUT = "model.json"

_DAMAGE = (BadZipFile, zlib.error, OSError, EOFError, KeyError, ValueError, TypeError, AttributeError, RuntimeError)
"""What reading damaged content raises; RuntimeError: encrypted, compressed otherwise, nested too deep."""


@dataclass(frozen=True)
class Model:
    """All that the agent needs to act; ``Checkpoint.model`` makes it, for training needs more than this.

    The file is a zip of arrays (``.npy``) and ``model.json``. The same model gives the same bytes; one that was read
    keeps those that were read.

    Attributes:
        config: of the run that trained it.
        library: what it chooses from.
        experience: recorded traces of the library on the training logos.
        actor: the policy's weights.
        episode: training episodes behind it.
        about: where it comes from and how good it is, as JSON can hold it (``stage1 export`` fills it in).
    """

    config: Stage1Config
    library: Library
    experience: Experience
    actor: Actor
    episode: int
    about: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def content(self) -> bytes:
        """The file's bytes."""
        experience = self.experience.as_dict()
        about = {
            "format": FORMAT,
            "about": self.about,
            "episode": self.episode,
            "config": self.config.model_dump(mode="json"),
            "library": self.library.as_dict(),
            "digests": experience.pop("digests"),
        }
        buffer = io.BytesIO()
        arrays = _flat({"actor": self.actor.as_dict(), "experience": experience})
        np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
        with ZipFile(buffer, "a") as archive:
            # dated like numpy's entries: when zip files begin
            archive.writestr(ZipInfo(_ABOUT), json.dumps(about, indent=1, allow_nan=False), ZIP_DEFLATED)
        return buffer.getvalue()

    @property
    def digest(self) -> str:
        """SHA-256 of the file."""
        return hashlib.sha256(self.content).hexdigest()

    def save(self, path: Path) -> Path:
        """Writes it beside and renames."""
        return write_bytes(path, self.content)

    @classmethod
    def load(cls, path: Path) -> Model:
        """What ``save`` wrote.

        Raises:
            CheckpointError: it is missing, damaged, or of another format.
        """
        try:
            content = path.read_bytes()
        except FileNotFoundError as error:
            raise MissingCheckpointError(f"{path}: no such model") from error
        except OSError as error:
            raise CheckpointError(f"{path} can't be read: {error.strerror}") from error
        return cls.of(content, str(path))

    @classmethod
    def of(cls, content: bytes, name: str = "model") -> Model:
        """The model of a file's bytes; ``name`` is what an error calls it.

        Raises:
            CheckpointError: they are damaged, or of another format.
        """
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as archive:
                about = json.loads(archive[_ABOUT])
                arrays = _nested({entry: archive[entry] for entry in archive.files if entry != _ABOUT})
            if about["format"] != FORMAT:
                raise CheckpointError(f"{name}: model format {about['format']}, this version reads {FORMAT}")
            model = cls(
                Stage1Config.model_validate_json(json.dumps(about["config"])),
                Library.from_dict(about["library"]),
                Experience.from_dict({**arrays["experience"], "digests": about["digests"]}),
                Actor(**arrays["actor"]),
                about["episode"],
                about["about"],
            )
            config, library = model.config, model.library
            size = observation_size(library, config.action_space, config.steps_per_episode)
            if not model.actor.fits(size - library.size, library.size):
                raise CheckpointError(f"{name}: damaged: its weights do not fit its library")
            # the digest is that of the file, also where an earlier version wrote it, with fewer settings in its config
            model.__dict__["content"] = content
            return model
        except _DAMAGE as error:
            raise CheckpointError(f"{name}: damaged or not a model: {error}") from error


def _flat(content: Mapping[str, Any], prefix: str = "") -> dict[str, NDArray[Any]]:
    """Arrays in nested mappings by dotted names."""
    found: dict[str, NDArray[Any]] = {}
    for name, value in content.items():
        found |= _flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {prefix + name: value}
    return found


def _nested(flat: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """What ``_flat`` was given."""
    found: dict[str, Any] = {}
    for name, value in flat.items():
        *path, last = name.split(".")
        inner = found
        for part in path:
            inner = inner.setdefault(part, {})
        inner[last] = value
    return found
