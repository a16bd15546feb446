"""Files to documents: `load` for one, `read` for many.

Which format a file has is decided by its content, then its name. Each format family is a module
with a `Loader`; `FORMATS` lists them, the most particular first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from rag.documents import jsonlines
from rag.documents.delimited import Delimited
from rag.documents.encoding import SAMPLE, binary
from rag.documents.epub import EPUB
from rag.documents.folders import walk
from rag.documents.jsonlines import JSONLines, Row
from rag.documents.loader import Loader, content_id
from rag.documents.message import Message
from rag.documents.pdf import PDF
from rag.documents.plain import PlainText
from rag.documents.slides import Slides
from rag.documents.webpage import WebPage
from rag.documents.word import Word
from rag.documents.workbook import Workbook
from rag.errors import FormatUnknown, RagError, SourceError, SourceMissing
from rag.types import Document, Skipped

__all__ = ["FORMATS", "Loader", "load", "read"]

MAX_FILE = 512 * 1024 * 1024  # bytes of a file that is read as a whole


def attached(data: bytes, name: str) -> Document:
    """Read a file that came inside another one, as one document.

    Raises `FormatUnknown` when no loader takes it, and `SourceError` when it cannot be read.
    """
    found = _loaded(_chosen(data[:SAMPLE], name, name), data, name)
    if len(found) != 1:
        raise SourceError(f"{name} holds {len(found)} documents.")
    return found[0]


FORMATS: tuple[Loader, ...] = (
    PDF(),
    Word(),
    Slides(),
    Workbook(),
    EPUB(),
    JSONLines(),
    WebPage(),
    Message(attached),
    Delimited(),
    PlainText(),
)


def load(path: str | Path) -> Document:
    """Read one file as one document.

    Raises `SourceMissing` when there is nothing at `path`, `FormatUnknown` when no loader takes
    its content, `SourceEmpty` when it has no words, and `SourceError` when it holds several
    documents or cannot be opened.
    """
    found = _load(_existing(path), str(path))
    if len(found) > 1:
        raise SourceError(
            f"{path} holds {len(found)} documents.",
            hint="Read them all with rag.documents.read([path]).",
        )
    return found[0]


def read(sources: Sequence[str | Path]) -> Iterator[Document | Skipped]:
    """Read files, folders and JSON-lines files, in the order given.

    A folder gives all files under it, in the order of their paths. What cannot be taken is yielded
    as `Skipped`, and reading goes on: a bad file, a bad row, a text that came before, an id that
    came before with another text. Raises `SourceMissing` at once when a source does not exist.
    """
    named = [sources] if isinstance(sources, str | Path) else list(sources)
    return _unique(_read([(_existing(source), str(source)) for source in named]))


def _existing(path: str | Path) -> Path:
    """Return `path` as a Path, or raise `SourceMissing`."""
    found = Path(path)
    if not found.exists():
        raise SourceMissing(f"There is no file or folder {path}.", hint="Check the path.")
    return found


def _read(sources: Sequence[tuple[Path, str]]) -> Iterator[Row]:
    """Yield where each thing in the sources stands, and what became of it, in order."""
    for path, source in sources:
        if not path.is_dir():
            yield from _file(path, source)
            continue
        for found in walk(path):
            if isinstance(found, Skipped):
                yield found.source, found
            else:
                yield from _file(found, str(Path(source) / found.relative_to(path)))


def _file(path: Path, source: str) -> Iterator[Row]:
    """Yield the documents of one file; whatever goes wrong with it becomes a `Skipped`."""
    try:
        loader = _loader(path, source)
        if isinstance(loader, JSONLines):
            yield from jsonlines.stream(path, source)
        else:
            yield from ((source, document) for document in _whole(loader, path, source))
    except SourceError as error:
        yield source, Skipped(source, error.message)
    except Exception as error:  # a format's library may raise anything on a damaged file
        yield source, Skipped(source, f"cannot be read ({type(error).__name__}: {error})")


def _load(path: Path, source: str) -> list[Document]:
    """Return the documents of one file, at least one."""
    return _whole(_loader(path, source), path, source)


def _loader(path: Path, source: str) -> Loader:
    """Return the loader that takes the file at `path`, by its first bytes and its name."""
    if not path.is_file():
        folder = path.is_dir()
        raise SourceError(
            f"{source} is {'a folder' if folder else 'not a file'}.",
            hint="Read a folder with rag.documents.read([path])." if folder else "",
        )
    try:
        with path.open("rb") as file:
            head = file.read(SAMPLE)
    except OSError as error:
        raise SourceError(f"{source} cannot be opened ({error.strerror}).") from error
    return _chosen(head, path.name, source)


def _chosen(head: bytes, name: str, source: str) -> Loader:
    """Return the first loader that takes a file with these first bytes and this name."""
    for loader in FORMATS:
        if loader.accepts(head, name):
            return loader
    kind = binary(head) or "XML"
    raise FormatUnknown(
        f"{source} looks like {kind}, which no loader reads.",
        hint="docs/formats.md lists the formats that are read.",
    )


def _whole(loader: Loader, path: Path, source: str) -> list[Document]:
    """Read a file as a whole and load it."""
    if path.stat().st_size > MAX_FILE:
        raise SourceError(f"{source} is larger than {MAX_FILE >> 20} MB.", hint="Split the file.")
    return _loaded(loader, path.read_bytes(), source)


def _loaded(loader: Loader, data: bytes, source: str) -> list[Document]:
    """Load a file's bytes; whatever its library raises on damage becomes `SourceError`."""
    try:
        return loader.load(data, source)
    except RagError:
        raise
    except Exception as error:  # a format's library may raise anything on a damaged file
        what = f"{type(error).__name__}: {error}".rstrip(": ")
        raise SourceError(f"{source} cannot be read ({what}).") from error


def _unique(found: Iterator[Row]) -> Iterator[Document | Skipped]:
    """Pass on each id once; keep only ids and hashes, never the texts."""
    seen: dict[str, tuple[str, str]] = {}
    for place, item in found:
        if isinstance(item, Skipped):
            yield item
            continue
        mine = (content_id(item.text), place)
        first = seen.setdefault(item.id, mine)
        if first is mine:
            yield item
        elif first[0] == mine[0]:
            yield Skipped(place, f"same text as {first[1]}")
        else:
            yield Skipped(place, f"the id {item.id!r} belongs to another text ({first[1]})")
