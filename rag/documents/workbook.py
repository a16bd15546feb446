"""Workbooks (`.xlsx`): every sheet's tables, a line a row, with the names of the columns.

Numbers and dates are written as their cells show them; a formula is what it last came to. Rows
apart by an empty one are tables of their own, and rows of one cell are text around them.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import Any

from rag.documents import archive
from rag.documents.manuscript import Manuscript
from rag.documents.numbers import shown
from rag.errors import SourceError
from rag.types import Document

MAX_ROWS = 200_000  # of a sheet; those after it are left out, and the metadata says so
_UNNAMED = re.compile(r"(?:sheet|tabelle|feuil|hoja|foglio|blad)\s*\d*", re.IGNORECASE)


class Workbook:
    """Load a workbook as one document."""

    def accepts(self, data: bytes, name: str) -> bool:
        """Accept an archive with a workbook in it, and any archive named `.xlsx`."""
        found = archive.kind(data)
        named = PurePath(name).suffix.lower() in (".xlsx", ".xlsm") and data.startswith(b"PK")
        return found == "workbook" or (not found and named)

    def load(self, data: bytes, source: str) -> list[Document]:
        """Return the text of all sheets, in order."""
        import openpyxl

        archive.office(data, source)
        try:
            opened = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        except (KeyError, ValueError, zipfile.BadZipFile) as error:
            raise SourceError(f"{source} is no workbook that can be read.") from error
        manuscript = Manuscript()
        cut = [sheet.title for sheet in opened.worksheets if _sheet(sheet, manuscript)]
        core = opened.properties
        facts = {
            "author": "" if core.creator == "openpyxl" else core.creator or "",
            "date": core.modified.date().isoformat() if core.modified else "",
            "cut_off": ", ".join(cut),
        }
        return [manuscript.document(source, core.title or "", facts)]


def _sheet(sheet: Any, manuscript: Manuscript) -> bool:
    """Write a sheet; tell whether rows were left out."""
    sheet.reset_dimensions()  # what a file says of its own size is often wrong
    rows: list[list[str]] = []
    for row in sheet.iter_rows():
        if len(rows) == MAX_ROWS:
            break
        rows.append([shown(cell.value, cell.number_format or "") for cell in row])
    tables = list(regions(rows))
    called = "" if _UNNAMED.fullmatch(sheet.title) else sheet.title
    if tables:
        manuscript.heading(called, 1)
    for table in tables:
        name = ""
        while len(table) > 1 and _alone(table[0]):
            name = next(cell for cell in table[0] if cell)
            manuscript.paragraph(name)
            table = table[1:]
        notes: list[str] = []
        while len(table) > 2 and _alone(table[-1]):
            notes.insert(0, next(cell for cell in table[-1] if cell))
            table = table[:-1]
        manuscript.table(table, name or called)
        for note in notes:
            manuscript.paragraph(note)
    return len(rows) == MAX_ROWS


def regions(rows: Iterable[list[str]]) -> Iterator[list[list[str]]]:
    """Yield the runs of rows between empty ones."""
    run: list[list[str]] = []
    for row in rows:
        if any(cell.strip() for cell in row):
            run.append(row)
        elif run:
            yield run
            run = []
    if run:
        yield run


def _alone(row: list[str]) -> bool:
    return sum(bool(cell.strip()) for cell in row) == 1
