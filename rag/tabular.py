"""Rows of tables: which one a question is about, and which of its cells.

Every row repeats the names of the columns, so "dinner in Norway" matches them all by "dinner" and
one by "Norway". A reader trained on prose sees little difference; counted, it is plain. Knows rows
only by their place and their words, `name: value; name: value.`
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from rag import words
from rag.types import Passage, Span

BEHIND = 0.01  # log-odds that a row without is behind one with all


def is_row(passage: Passage, span: Span) -> bool:
    """Tell whether a unit of a passage is a row of a table: a line of cells, `name: value`."""
    if not passage.place.table:
        return False
    text = passage.sentence(span)
    return "\n" not in text and ("; " in text or ": " in text)


def standing_out(asked: Sequence[str], units: Sequence[tuple[Passage, Span]]) -> list[float]:
    """Return for each unit, in [-1, 1], how much of what tells a table's rows apart it has.

    What tells them apart are those of the question's stems that some rows of a table hold and
    others do not: 1 for a row with all of them, -1 for one with none, and 0 where there are none
    or the unit is no row.
    """
    wanted = set(asked)
    tables: dict[tuple[str, str], list[int]] = defaultdict(list)
    for at, (passage, span) in enumerate(units):
        if is_row(passage, span):
            tables[passage.document, passage.place.table].append(at)
    found = [0.0] * len(units)
    for rows in tables.values():
        held = [wanted & words.stems(units[at][0].sentence(units[at][1])) for at in rows]
        telling = held[0].union(*held) - held[0].intersection(*held)
        for at, mine in zip(rows, held, strict=True):
            if telling:
                found[at] = 2 * len(telling & mine) / len(telling) - 1
    return found


def ordered(
    units: Sequence[tuple[Passage, Span]], standing: Sequence[float], scores: Sequence[float]
) -> list[float]:
    """Return the scores, so that no row is before one of its table that stands out by all.

    Whatever a reader of prose makes of it: the row without is about something else. `standing` is
    what `standing_out` returns for the units.
    """
    best: dict[tuple[str, str], float] = {}
    for (passage, _), stands, score in zip(units, standing, scores, strict=True):
        if stands == 1:
            table = passage.document, passage.place.table
            best[table] = max(score, best.get(table, score))
    found = list(scores)
    for at, ((passage, span), stands) in enumerate(zip(units, standing, strict=True)):
        most = best.get((passage.document, passage.place.table))
        if most is not None and stands < 1 and is_row(passage, span):
            found[at] = min(scores[at], most - BEHIND)
    return found


def holds(question: str, names: Sequence[str], row: str) -> bool:
    """Tell whether a row has every name of a question, as stems, and one cell that it asks for."""
    has = words.stems(row)
    return asked_cell(question, row) is not None and all(words.near(name, has) for name in names)


def cells(row: str) -> Iterator[tuple[str, str]]:
    """Yield the cells of a row as (name of the column, value)."""
    for cell in row.strip().removesuffix(".").split("; "):
        name, colon, value = cell.partition(": ")
        yield (name, value) if colon else ("", cell)


def asked_cell(question: str, row: str) -> str | None:
    """Return the value of the one cell that a question asks for; None where that is not plain.

    It is the cell whose column's name shares most with the question. A cell whose value stands in
    the question says which row is meant, and is not what is asked for.
    """
    asked = words.stems(question) - words.STOP_WORDS
    shared: list[tuple[int, str]] = []
    for name, value in cells(row):
        own = set(words.content(value))
        if name and value and not (own and own <= asked):
            shared.append((len(asked & words.stems(name)), value))
    most = max((count for count, _ in shared), default=0)
    best = [value for count, value in shared if count == most]
    return best[0] if most and len(best) == 1 else None
