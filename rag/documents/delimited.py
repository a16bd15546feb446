"""Tables as text (`.csv`, `.tsv`): a line a row, with the names of the columns."""

from __future__ import annotations

import csv
import io
from pathlib import PurePath

from rag.documents import tables
from rag.documents.encoding import binary, decode
from rag.documents.manuscript import Manuscript
from rag.errors import SourceEmpty
from rag.types import Document

_NAMED = (".csv", ".tsv", ".tab")
_DELIMITERS = ",;\t|"
SAMPLE = 64 * 1024  # characters looked at for the delimiter


class Delimited:
    """Load a file of rows as one document."""

    def accepts(self, data: bytes, name: str) -> bool:
        """Accept text named `.csv`, `.tsv` or `.tab`: by content alone, prose has commas too."""
        return PurePath(name).suffix.lower() in _NAMED and not binary(data)

    def load(self, data: bytes, source: str) -> list[Document]:
        """Return the rows as lines, the first row as names where it can be that."""
        text, encoding = decode(data)
        rows = tables.tidy(_rows(text))
        if not rows:
            raise SourceEmpty(f"{source} holds no text.")
        manuscript = Manuscript()
        while len(rows) > 2 and sum(map(bool, rows[0])) == 1 and sum(map(bool, rows[1])) > 1:
            manuscript.paragraph(next(cell for cell in rows.pop(0) if cell))  # a line above it
        first = [cell for cell in rows[0] if cell]
        named = len(set(first)) == len(first) and not any(map(tables.value, first))
        manuscript.table(rows, "", int(named and len(rows) > 1))
        return [manuscript.document(source, "", {"encoding": encoding})]


def _rows(text: str) -> list[list[str]]:
    """Cut the text into cells; where quotes are never closed, they are only characters."""
    sample = text[:SAMPLE]
    try:
        delimiter = csv.Sniffer().sniff(sample, _DELIMITERS).delimiter
    except csv.Error:
        delimiter = max(_DELIMITERS, key=sample.count)
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error:
        lines = io.StringIO(text.replace("\0", ""))
        return list(csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE))
