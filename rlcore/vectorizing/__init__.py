"""From a picture to an SVG with a trained model: the library's front door, ``from rlcore import vectorize``."""

from rlcore.vectorizing.api import vectorize, vectorize_many
from rlcore.vectorizing.options import Options, Settings
from rlcore.vectorizing.result import Failure, Plain, Vectorized

__all__ = ["Failure", "Options", "Plain", "Settings", "Vectorized", "vectorize", "vectorize_many"]
