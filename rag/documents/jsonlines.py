"""JSON lines: every row `{"doc_id", "title", "text"}` is one document.

`id` and `_id` stand in for `doc_id`; without any, the id comes from the text. A row's text is kept
exactly as given, line breaks included. Rows are read one at a time, so a file may be larger than
memory.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath
from typing import Any, BinaryIO

from rag.documents.encoding import binary, mark
from rag.documents.facts import facts
from rag.documents.loader import content_id
from rag.errors import SourceEmpty
from rag.types import Document, Skipped

Row = tuple[str, Document | Skipped]
"""Where a row stands (`path:line`), and what became of it."""

SUFFIXES = frozenset({".jsonl", ".ndjson"})
MAX_ROW = 64 * 1024 * 1024  # bytes
_IDS = ("doc_id", "id", "_id")
_KEPT = ("credit", "date", "author", "url")  # keys of a row that become metadata


class JSONLines:
    """Load all rows of a JSON-lines file; `rows` reads them one at a time."""

    def accepts(self, data: bytes, name: str) -> bool:
        """Accept a text file named `.jsonl`, or one whose first line is a row with id and text."""
        if binary(data):
            return False
        return PurePath(name).suffix.lower() in SUFFIXES or _is_row(data)

    def load(self, data: bytes, source: str) -> list[Document]:
        """Return the document of every good row."""
        every = [row for _, row in rows(_lines(io.BytesIO(data), data[:4]), source)]
        found = [row for row in every if isinstance(row, Document)]
        if not found:
            bad = (row for row in every if isinstance(row, Skipped))
            first = next((f" ({row.source}: {row.reason})" for row in bad), "")
            raise SourceEmpty(f"{source} holds no row with a text{first}.")
        return found


def stream(path: Path, source: str) -> Iterator[Row]:
    """Yield the rows of a file in order without holding more than one of them."""
    with path.open("rb") as file:
        start = file.read(4)
        file.seek(0)
        yield from rows(_lines(file, start), source)


def rows(lines: Iterable[bytes | str], source: str) -> Iterator[Row]:
    """Yield a document for every good line and a `Skipped` for every bad one, save blank ones."""
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        row, place = _document(line, source), f"{source}:{number}"
        yield place, (Skipped(place, row) if isinstance(row, str) else row)


def _lines(file: BinaryIO, start: bytes) -> Iterator[bytes | str]:
    """Yield the lines of a file, which end at a line feed and nowhere else."""
    name = mark(start)
    if name and name != "utf-8-sig":
        yield from io.TextIOWrapper(file, name, errors="replace", newline="\n")
        return
    while line := file.readline(MAX_ROW):
        yield line


def _document(line: bytes | str, source: str) -> Document | str:
    """Return the document of a row, or why there is none."""
    try:
        row = json.loads(line.decode("utf-8-sig") if isinstance(line, bytes) else line)
    except UnicodeDecodeError:
        return "not UTF-8"
    except (ValueError, RecursionError) as error:
        return f"not JSON ({error})"
    if not isinstance(row, dict):
        return "not a JSON object"
    text = row.get("text")
    if not isinstance(text, str) or not text.strip():
        return 'no "text"'
    try:
        return _from_row(row, text, source)
    except UnicodeEncodeError:
        return "half a surrogate pair, which is not Unicode text"


def _from_row(row: dict[str, Any], text: str, source: str) -> Document:
    """Build the document of a row that has a text."""
    given = next((row[key] for key in _IDS if _names(row.get(key))), None)
    id = content_id(text) if given is None else str(given)
    title = row.get("title")
    if not isinstance(title, str) or not title.strip():
        title = facts(text).get("title", "")
    metadata = {key: row[key] for key in _KEPT if isinstance(row.get(key), str)}
    "".join([id, title, text, *metadata.values()]).encode()  # a lone surrogate ends here
    return Document(id, text, title, source, metadata)


def _names(value: object) -> bool:
    """Judge whether a value can be an id: words or a whole number."""
    return bool(isinstance(value, str) and value.strip()) or type(value) is int


def _is_row(data: bytes) -> bool:
    """Judge whether the first line is a row, whatever the file is called."""
    head = data.lstrip()[:MAX_ROW]
    if not head.startswith(b"{") or b'"text"' not in head:
        return False
    try:
        row = json.loads(head.split(b"\n", 1)[0])
    except (ValueError, RecursionError):
        return False
    return isinstance(row, dict) and isinstance(row.get("text"), str) and any(map(row.get, _IDS))
