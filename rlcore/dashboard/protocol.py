"""What clients and the dashboard say to each other: ``docs/dashboard.md`` in code.

Every message is one JSON object with ``type`` and ``timestamp``; what is not a finite number is ``null``.
"""

from __future__ import annotations

import json
import math
import time
from typing import Annotated, Any, Literal, NoReturn

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

Topic = Literal["episodes", "metrics", "system", "validation", "milestones", "alerts", "events", "summary"]
TOPICS: tuple[Topic, ...] = (
    "episodes",
    "metrics",
    "system",
    "validation",
    "milestones",
    "alerts",
    "events",
    "summary",
)
"""What a client can subscribe to; a new one is subscribed to all."""

ErrorCode = Literal["malformed_json", "not_an_object", "unknown_type", "invalid_field", "too_long", "picture_failed"]

LONGEST_MESSAGE_BYTES = 64 * 2**10
"""Of a client's message; a longer one is answered with ``too_long``."""

HISTORY_POINTS = 1000
"""Of each series, where a client names no number."""

_SHOWN = 200
"""Characters of a client's own words that an error repeats."""

SERVER_MESSAGES: dict[str, tuple[str, ...]] = {
    "initial_data": (
        "run",
        "schema_version",
        "summary",
        "config",
        "series",
        "episodes",
        "baselines",
        "validations",
        "leads",
        "milestones",
        "alerts",
        "events",
        "system",
        "health",
        "samples",
        "runs",
        "topics",
    ),
    "episode_metrics": ("episodes",),
    "metrics_update": ("points", "health"),
    "system_metrics": ("system", "points"),
    "validation_result": ("split", "validation", "points", "leads", "baselines", "samples"),
    "milestone_achieved": ("milestone",),
    "qa_alert": ("alert",),
    "training_event": ("event",),
    "training_summary": ("summary", "runs"),
    "metrics_history": ("series",),
    "dashboard_generated": ("path", "url", "episode"),
    "pong": (),
    "error": ("code", "message"),
}
"""The server's messages by type, with their fields beside ``type`` and ``timestamp``."""


class _FromClient(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    timestamp: float | None = Field(None, allow_inf_nan=False, description="The client's clock; not used.")


class Ping(_FromClient):
    """Asks whether the server is there."""

    type: Literal["ping"]


class RequestMetricsHistory(_FromClient):
    """Asks for series, or a part of them, in another resolution."""

    type: Literal["request_metrics_history"]
    metrics: list[Annotated[str, Field(max_length=100)]] | None = Field(
        None, max_length=200, description="Names of series; missing: all."
    )
    first: float | None = Field(None, allow_inf_nan=False, description="Least x, included; missing: open.")
    last: float | None = Field(None, allow_inf_nan=False, description="Greatest x, included; missing: open.")
    points: int = Field(HISTORY_POINTS, ge=4, le=10_000, description="At most so many of each series.")

    @model_validator(mode="after")
    def _rising(self) -> RequestMetricsHistory:
        if self.first is not None and self.last is not None and self.first > self.last:
            raise ValueError(f"first = {self.first:g} is above last = {self.last:g}")
        return self


class RequestDashboard(_FromClient):
    """Asks for a picture of the whole dashboard."""

    type: Literal["request_dashboard"]


class Subscribe(_FromClient):
    """From now on messages of these topics come."""

    type: Literal["subscribe"]
    topics: list[Topic] = Field(max_length=100)


class Unsubscribe(_FromClient):
    """From now on they do not."""

    type: Literal["unsubscribe"]
    topics: list[Topic] = Field(max_length=100)


ClientMessage = Ping | RequestMetricsHistory | RequestDashboard | Subscribe | Unsubscribe
_CLIENT_MESSAGES: TypeAdapter[ClientMessage] = TypeAdapter(Annotated[ClientMessage, Field(discriminator="type")])


class MessageError(Exception):
    """A client's message was not understood, or can't be answered: ``code`` and ``message`` of the ``error`` to it."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code: ErrorCode = code
        self.message = message


def parse(text: str) -> ClientMessage:
    """A client's message.

    Raises:
        MessageError: ``too_long``, ``malformed_json``, ``not_an_object``, ``unknown_type`` or ``invalid_field``, looked
            for in this order.
    """
    size = len(text.encode())
    if size > LONGEST_MESSAGE_BYTES:
        raise MessageError("too_long", f"{size:,} bytes: a message has at most {LONGEST_MESSAGE_BYTES:,}")
    content = _loaded(text)
    if not isinstance(content, dict):
        raise MessageError("not_an_object", f"a message is a JSON object, not {type(content).__name__}")
    try:
        return _CLIENT_MESSAGES.validate_python(content)
    except ValidationError as error:
        raise _refusal(error, content) from error


def _loaded(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise MessageError("malformed_json", "nested too deeply") from error
    except ValueError as error:
        raise MessageError("malformed_json", str(error)[:_SHOWN]) from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _refusal(error: ValidationError, content: dict[str, Any]) -> MessageError:
    first = error.errors()[0]
    if first["type"].startswith("union_tag"):
        known = ", ".join(kind.model_fields["type"].annotation.__args__[0] for kind in ClientMessage.__args__)
        return MessageError("unknown_type", f"type {str(content.get('type'))[:_SHOWN]!r}: known are {known}")
    # the first part of the place is the message's type
    place = ".".join(str(part) for part in first["loc"][1:])
    return MessageError("invalid_field", f"{place[:_SHOWN]}: {first['msg'][:_SHOWN]}".removeprefix(": "))


def encode(kind: str, **fields: Any) -> str:
    """A message of the server as JSON text, in ASCII, with the time of now; NaN and infinities become ``null``.

    Raises:
        ValueError: there is no such type, or its fields are others.
    """
    if set(fields) != set(SERVER_MESSAGES.get(kind, ("no such type",))):
        raise ValueError(f"{kind} has {SERVER_MESSAGES.get(kind)}, not {tuple(fields)}")
    return as_json({"type": kind, "timestamp": round(time.time(), 3), **fields})


def as_json(content: Any) -> str:
    """JSON text in ASCII; NaN and infinities become ``null``."""
    try:
        return _dumped(content)
    except ValueError:  # a gap somewhere; going through all of it takes longer, and most messages have none
        return _dumped(_with_nulls(content))


def _dumped(content: Any) -> str:
    return json.dumps(content, allow_nan=False, separators=(",", ":"))


def _with_nulls(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _with_nulls(item) for key, item in value.items()}
    return [_with_nulls(item) for item in value] if isinstance(value, list | tuple) else value


def error_message(error: MessageError) -> str:
    """The ``error`` that tells a client of it."""
    return encode("error", code=error.code, message=error.message)
