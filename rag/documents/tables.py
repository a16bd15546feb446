"""Rows of cells to lines of text, `Region: North; Sales: 120.`, that can each be read alone.

Decides whether the first row names the columns. Knows nothing of the files that tables come from.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

Row = Sequence[str]

MAX_NAME = 80  # characters: a longer cell is no name of a column
_VALUE = re.compile(  # a number, an amount, a percentage, a date, a time
    r"[^\w\s]{0,3}\s?[+−–-]?(?:[A-Z]{2,3}\s)?\d[\d.,:/’' -]*(?:[eE][+-]?\d+)?"
    r"\s?(?:%|[^\W\d]{1,3}\.?|[€$£¥])?"
)
_OPEN = re.compile(r"[\w)\]%€$£¥\"'’”°]$")  # what a full stop may follow


def tidy(rows: Sequence[Row]) -> list[list[str]]:
    """Return rows of one length, each cell on one line, without empty rows and columns."""
    cells = [[" ".join(cell.split()) for cell in row] for row in rows]
    width = max(map(len, cells), default=0)
    full = [row + [""] * (width - len(row)) for row in cells if any(row)]
    kept = [i for i in range(width) if any(row[i] for row in full)]
    return [[row[i] for i in kept] for row in full]


def value(cell: str) -> bool:
    """Judge whether a cell holds a number, an amount, a date or a time, and no words."""
    return bool(_VALUE.fullmatch(cell))


def names_columns(rows: Sequence[Row]) -> bool:
    """Judge whether the first of these tidy rows names the columns.

    It does when its cells are short words, each another, with at most one missing. With two
    columns that is not enough, since `Phone | 555` looks alike: there one column must hold values
    under a name that is none.
    """
    if len(rows) < 2 or len(rows[0]) < 2:
        return False
    first = [cell for cell in rows[0] if cell]
    distinct = len({cell.casefold() for cell in first}) == len(first)
    short = all(len(cell) <= MAX_NAME and not value(cell) for cell in first)
    if not (distinct and short and len(first) >= max(2, len(rows[0]) - 1)):
        return False
    return len(rows[0]) > 2 or any(
        any(row[i] for row in rows[1:]) and all(value(row[i]) for row in rows[1:] if row[i])
        for i in range(2)
    )


def lines(rows: Sequence[Row], names: Row = ()) -> list[str]:
    """Return a line for each tidy row, the cells with the names of their columns.

    Without names, two columns read as `first: second`.
    """
    return [_line(row, names) for row in rows]


def _line(row: Row, names: Row) -> str:
    if not names and len(row) == 2 and all(row):
        words = f"{row[0].rstrip(':')}: {row[1]}"
    else:
        heads = [*names, *[""] * len(row)]
        words = "; ".join(
            f"{head.rstrip(':')}: {cell}" if head else cell
            for head, cell in zip(heads, row, strict=False)
            if cell
        )
    return f"{words}." if _OPEN.search(words) else words


def joined_names(rows: Sequence[Row]) -> list[str]:
    """Return one name a column from several rows of names, each word of them once."""
    columns = zip(*rows, strict=True)
    return [" ".join(dict.fromkeys(cell for cell in column if cell)) for column in columns]
