"""Every error a user can meet, one line each on when it is raised."""

from typing import Any


class Stage1Error(Exception):
    """Base of all errors below: the command line prints its message without a traceback."""


class ConfigError(Stage1Error):
    """A setting has an unknown name, a wrong type or a value outside its range."""


class UsageError(Stage1Error):
    """Options of a command do not fit together."""


class UnusableFileError(Stage1Error):
    """A file can't serve as a logo; the message is the reason that the manifest gives."""


class DataError(Stage1Error):
    """A data source has fewer usable logos than the split needs, or does not exist."""


class ParameterError(Stage1Error):
    """A parameter is unknown, or its value lies outside what VTracer answers sensibly to."""


class RenderError(Stage1Error):
    """Skia could not read an SVG."""


class PathError(Stage1Error):
    """An SVG is not written the way VTracer writes them."""


class CheckpointError(Stage1Error):
    """A checkpoint is missing, damaged, or belongs to another action or observation space."""


class DamagedCheckpointError(CheckpointError):
    """A checkpoint's content does not fit its checksum, or is no checkpoint at all."""


class MissingCheckpointError(CheckpointError):
    """There is no such checkpoint."""


class ConstraintError(Stage1Error):
    """Nothing that was found is as small or as close to the picture as was asked for."""


class NonFiniteError(Stage1Error):
    """A loss or a weight became NaN or infinite while training; ``checkpoint`` is the broken one, to look at."""

    checkpoint: Any = None


class JournalError(Stage1Error):
    """An event is not in the journal's schema: a field is missing, unknown, or of another version."""


class StoppedError(Stage1Error):
    """A training was asked to stop and has stopped; all that it did is kept, and it can be gone on with."""


class DeliveryError(Stage1Error):
    """A run is done, but MLflow or Prefect did not take what it has to tell; nothing of it is lost."""


class DashboardError(Stage1Error):
    """The dashboard can't be served: the port, the host or the run asked for."""


class ServiceError(Stage1Error):
    """A server of the service did not start, or ended by itself."""


class ReproductionError(Stage1Error):
    """A logo of a validation is missing, or tracing it again did not give what was recorded."""


class StoreError(Stage1Error):
    """MLflow's store in ``mlruns`` is missing, or was moved and knows itself by another folder still."""


class AutomationError(Stage1Error):
    """There is no Prefect server for automations: none is named, it can't be reached, or it refuses."""


class NotificationError(Stage1Error):
    """Notifications can't be set up, or a message did not arrive; the message never has a secret in it."""


class RegistryError(Stage1Error):
    """The model registry has no such version, no champion, or no champion before this one."""


def is_rust_panic(error: BaseException) -> bool:
    """Whether a library in Rust panicked: pyo3's PanicException is a BaseException that no module exports."""
    return type(error).__name__ == "PanicException"
