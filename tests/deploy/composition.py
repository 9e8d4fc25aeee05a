"""``deploy/compose.yaml`` as docker compose reads it, and the environment of its image."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import mlflow.environment_variables
import prefect.settings
import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE = DEPLOY / "compose.yaml"
DOCKERFILE = DEPLOY / "Dockerfile"
EXAMPLE = DEPLOY / ".env.example"

VARIABLE = re.compile(r"\$\{(\w+):([?-])([^}]*)\}")
"""``${NAME:?why it is needed}`` or ``${NAME:-what it is else}``; others are not used."""

OTHERS = {"PATH", "HOME", "MPLCONFIGDIR", "PYTHONUNBUFFERED", "DO_NOT_TRACK", "MLFLOW_BACKEND_STORE_URI"}
"""Nobody here has a list of these; MLflow's is an option of its command line, and in no module of variables."""


class RefusedError(Exception):
    """A variable that has to be there is not, or is empty."""


def composition(values: dict[str, str]) -> dict[str, Any]:
    """The compose file with the values of an env file."""

    def value(match: re.Match[str]) -> str:
        name, kind, word = match.groups()
        if not values.get(name) and kind == "?":
            raise RefusedError(f"{name}: {word}")
        return values.get(name) or word

    content: dict[str, Any] = yaml.safe_load(VARIABLE.sub(value, COMPOSE.read_text()))
    return content


def needed() -> set[str]:
    """Variables that it refuses to start without."""
    return {name for name, kind, _ in VARIABLE.findall(COMPOSE.read_text()) if kind == "?"}


def optional() -> dict[str, str]:
    """The others, with what they are when they are not given."""
    return {name: word for name, kind, word in VARIABLE.findall(COMPOSE.read_text()) if kind == "-"}


def secrets() -> dict[str, str]:
    """Values for a test: each another."""
    return {name: f"{name.lower().replace('_', '-')}-of-a-test" for name in sorted(needed())}


def instructions() -> list[tuple[str, str]]:
    """Of the Dockerfile, in order; lines that go on are joined."""
    text = re.sub(r"\\\n\s*", "", DOCKERFILE.read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines)]


def image_environment() -> dict[str, str]:
    """What the last stage sets."""
    last = max(number for number, (name, _) in enumerate(instructions()) if name == "FROM")
    words = [word for name, rest in instructions()[last:] if name == "ENV" for word in rest.split()]
    return dict(word.split("=", 1) for word in words)


def is_known(name: str) -> bool:
    """Whether somebody reads an environment variable of that name."""
    if name.startswith("STAGE1_"):
        sources = (file.read_text() for room in ("flows", "tasks") for file in (ROOT / room).rglob("*.py"))
        return any(f'"{name}"' in source for source in sources)
    if name.startswith("PG"):
        return name in ("PGHOST", "PGPORT", "PGDATABASE", "PGUSER", "PGPASSWORD")  # libpq's
    modules = {"PREFECT": prefect.settings, "MLFLOW": mlflow.environment_variables}
    return name in OTHERS or hasattr(modules.get(name.split("_")[0]), name)
