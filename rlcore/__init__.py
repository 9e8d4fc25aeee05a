"""The whole craft: tracing, env, agent, validation, QA and report. Knows neither Prefect nor MLflow.

``from rlcore import vectorize`` is all that a user of the trained agent needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rlcore.vectorizing import Failure, Vectorized, vectorize, vectorize_many

__all__ = ["Failure", "Vectorized", "vectorize", "vectorize_many"]


def __getattr__(name: str) -> Any:
    # every module of rlcore is imported through here: what only some need waits until it is asked for
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from rlcore import vectorizing

    return getattr(vectorizing, name)
