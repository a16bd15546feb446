"""Electronic books (`.epub`): the chapters in reading order, with their headings."""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any
from urllib.parse import unquote

from rag.documents import archive
from rag.documents.facts import iso_date
from rag.documents.manuscript import Manuscript
from rag.documents.markup import write
from rag.documents.webpage import decoded
from rag.errors import SourceError
from rag.types import Document

_CONTAINER = "META-INF/container.xml"
_DC = "{http://purl.org/dc/elements/1.1/}"


class EPUB:
    """Load a book as one document."""

    def accepts(self, data: bytes, name: str) -> bool:
        """Accept an archive that says it is a book, and any archive named `.epub`."""
        found = archive.kind(data)
        named = PurePath(name).suffix.lower() == ".epub" and data.startswith(b"PK")
        return found == "epub" or (not found and named)

    def load(self, data: bytes, source: str) -> list[Document]:
        """Return the text of all chapters, with the book's title, author and date."""
        with archive.opened(data, source) as book:
            try:
                path, package = _package(book)
                chapters = list(_spine(path, package))
            except (KeyError, ValueError, StopIteration) as error:
                raise SourceError(f"{source} is no book that can be read.") from error
            manuscript = Manuscript()
            missing = []
            for name in chapters:
                try:
                    write(decoded(book.read(name))[0], manuscript)
                except (KeyError, zipfile.BadZipFile):
                    missing.append(name)
        facts = {
            "author": ", ".join(_said(package, "creator")),
            "date": iso_date(next(iter(_said(package, "date")), "")[:10]),
            "missing": ", ".join(missing),
        }
        return [manuscript.document(source, next(iter(_said(package, "title")), ""), facts)]


def _package(book: zipfile.ZipFile) -> tuple[str, Any]:
    """Return the path and the root of the file that lists what is in the book."""
    container = archive.xml(book.read(_CONTAINER))
    path = next(one.get("full-path") for one in container.iter("{*}rootfile"))
    return path, archive.xml(book.read(path))


def _spine(path: str, package: Any) -> Iterator[str]:
    """Yield the chapters' paths in reading order, without the table of contents."""
    items = {item.get("id"): item for item in package.iter("{*}item")}
    for reference in package.iter("{*}itemref"):
        item = items.get(reference.get("idref"))
        if item is not None and "nav" not in (item.get("properties") or "").split():
            inside = posixpath.join(posixpath.dirname(path), unquote(item.get("href") or ""))
            yield posixpath.normpath(inside.split("#")[0])


def _said(package: Any, key: str) -> list[str]:
    """Return what the book's metadata says under a Dublin Core name."""
    found = [" ".join("".join(one.itertext()).split()) for one in package.iter(f"{_DC}{key}")]
    return [words for words in found if words]
