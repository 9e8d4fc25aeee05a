"""A store that was moved or copied to another folder: MLflow's database names everything by the old one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from rlcore.errors import StoreError
from tasks.tracking import EXPERIMENT, place_of


@dataclass(frozen=True, slots=True)
class Relocated:
    """Where the store was, where it is, and how many entries were changed."""

    before: Path
    after: Path
    entries: int


def relocate(mlruns: Path) -> Relocated:
    """Makes MLflow's database name the folder that it lies in; in one transaction, and once more changes nothing.

    Any text that begins with the old folder, as a path or as a ``file:`` address, begins with the new one then:
    artifacts of runs and models, sources of versions, the folders of runs.

    Raises:
        StoreError: there is no database in ``mlruns``, or no training was kept in it.
    """
    database = mlruns / "mlflow.db"
    if not database.exists():
        raise StoreError(f"there is no {database}: nothing to relocate")
    with (
        FileLock(mlruns / ".mlflow.lock"),
        closing(sqlite3.connect(database, timeout=60)) as connection,
        connection,
    ):
        before = _place(connection, database)
        names = {before.as_uri(): mlruns.as_uri(), str(before): str(mlruns)}
        changed = 0
        if before != mlruns:
            for table, column in _texts(connection):
                changed += sum(_renamed(connection, table, column, old, new) for old, new in names.items())
    return Relocated(before, mlruns, changed)


def _place(connection: sqlite3.Connection, database: Path) -> Path:
    found = connection.execute("SELECT artifact_location FROM experiments WHERE name = ?", [EXPERIMENT]).fetchone()
    place = place_of(str(found[0])) if found else None
    if place is None:
        raise StoreError(f"{database} has no experiment {EXPERIMENT!r} with artifacts in a folder: nothing to relocate")
    return place


def _texts(connection: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    """All columns that hold text, so that this does not depend on MLflow's schema."""
    tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for table in tables:
        for _, column, kind, *_ in connection.execute(f'PRAGMA table_info("{table}")').fetchall():
            if "CHAR" in kind.upper() or "TEXT" in kind.upper():
                yield table, column


def _renamed(connection: sqlite3.Connection, table: str, column: str, old: str, new: str) -> int:
    """How many values begin with ``old`` or below it, and begin with ``new`` now."""
    command = (
        f'UPDATE "{table}" SET "{column}" = ? || substr("{column}", ?)'
        f' WHERE "{column}" = ? OR substr("{column}", 1, ?) = ?'
    )
    return connection.execute(command, [new, len(old) + 1, old, len(old) + 1, f"{old}/"]).rowcount
