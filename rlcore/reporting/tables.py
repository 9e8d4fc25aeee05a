"""Tables of text: each column says how a row's cell reads, so that terminal, text and page show the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """One column of a table: its title and how a row's cell reads."""

    title: str
    text: Callable[[Row], str]


def cells(rows: Sequence[Row], columns: Sequence[Column[Row]]) -> list[list[str]]:
    """The table's text, a list per row."""
    return [[column.text(row) for column in columns] for row in rows]
