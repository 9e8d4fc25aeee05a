"""Command-line options made from the fields of ``Stage1Config``: one field, one option, the same sentence."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, get_origin, get_type_hints

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from rlcore.config import NESTED_SETTINGS, Stage1Config, allowed_values
from rlcore.errors import ConfigError

SHORT_NAMES = {"target_episodes": "--episodes"}
"""Options that have a shorter name beside their field's."""


def with_config_options(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command that takes ``**options`` an option for every field of ``Stage1Config`` that it does not have."""
    hints = get_type_hints(command, include_extras=True)
    given = inspect.signature(command).parameters.values()
    own = [p.replace(annotation=hints[p.name]) for p in given if p.kind is not p.VAR_KEYWORD]
    fields = [
        _parameter(name, field)
        for name, field in Stage1Config.model_fields.items()
        if name not in (*NESTED_SETTINGS, *hints)
    ]
    nested = [
        _parameter(name, field, group)
        for group, settings in NESTED_SETTINGS.items()
        for name, field in settings.model_fields.items()
    ]
    parameters = [*own, *fields, *nested]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return command


def _parameter(name: str, field: FieldInfo, group: str = "") -> inspect.Parameter:
    full = f"{group}_{name}" if group else name
    flag = "--" + full.replace("_", "-")
    kind = _kind(field)
    text = " ".join(filter(None, [field.description, _range_note(f"{group}.{name}" if group else name, field)]))
    names = [SHORT_NAMES[name], flag] if not group and name in SHORT_NAMES else [flag]
    panel = group.upper() or "Settings"
    if kind is bool:
        option = typer.Option(None, f"{flag}/--no-{full.replace('_', '-')}", help=text, rich_help_panel=panel)
        return _keyword(full, bool | None, option)
    if kind in (tuple, dict):
        metavar = "NAME=VALUE" if kind is dict else "NAME"
        return _keyword(
            full, list[str] | None, typer.Option(None, *names, help=text, metavar=metavar, rich_help_panel=panel)
        )
    metavar = {int: "NUMBER", float: "NUMBER"}.get(kind, "TEXT")
    # text whatever the type: the config is what checks values, and its message names the range
    return _keyword(full, str | None, typer.Option(None, *names, help=text, metavar=metavar, rich_help_panel=panel))


def _keyword(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _kind(field: FieldInfo) -> type:
    kind = get_origin(field.annotation) or field.annotation
    return kind if isinstance(kind, type) else str


def _range_note(path: str, field: FieldInfo) -> str:
    default = field.get_default(call_default_factory=True, validated_data={})
    shown = "" if isinstance(default, (tuple, dict, BaseModel)) else f"default {default}"
    allowed = "" if isinstance(default, bool) else allowed_values(path)
    inside = "; ".join(filter(None, [allowed, shown]))
    return f"({inside})" if inside else ""


def overrides(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given, as ``load_config`` takes them.

    Raises:
        ConfigError: a ``--fixed`` without ``=``.
    """
    given: dict[str, Any] = {}
    for name, value in options.items():
        if value is None or value == []:
            continue
        if name in Stage1Config.model_fields:
            given[name] = _typed(value, _kind(Stage1Config.model_fields[name]))
        else:
            group, _, field = name.partition("_")
            kind = _kind(NESTED_SETTINGS[group].model_fields[field])
            given.setdefault(group, {})[field] = _typed(value, kind)
    return given


def _typed(value: Any, kind: type) -> Any:
    if kind is dict:
        return dict(_pair(item) for item in value)
    return _number(value) if kind in (int, float) else value


def _pair(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ConfigError(f"fixed = {text!r}: write NAME=VALUE")
    return name, _number(value)


def _number(text: str) -> Any:
    """A number where the text is one; else the text, for the config to refuse by name."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
