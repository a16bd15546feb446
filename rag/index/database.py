"""The SQLite file: its schema, how it is opened, and what its errors mean to a caller.

This module knows tables and digests. It knows nothing of FAISS, of embedders at work, or of how a
passage is cut. The format is specified in `index/README.md`; a change here changes `SCHEMA` and
that page.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from rag.errors import IndexBusy, IndexDamaged, IndexMissing, RagError, SourceError
from rag.types import EmbedderIdentity

FILE = "index.sqlite"
SCHEMA = 2  # PRAGMA user_version; another number is another format
APPLICATION = 0x52414749  # PRAGMA application_id: "RAGI"; 0 is a file never finished
BUSY_SECONDS = 5.0  # how long to wait for another connection's short locks
CACHE_KIB = 32_768
GARBLED = UnicodeDecodeError  # what `sqlite3` raises where an error's own message is damaged

TABLES = """
CREATE TABLE commits (
    only INTEGER PRIMARY KEY CHECK (only = 1), number INTEGER NOT NULL,
    embedder TEXT NOT NULL, revision TEXT NOT NULL,
    dimension INTEGER NOT NULL, normalised INTEGER NOT NULL, recipe TEXT NOT NULL,
    passages INTEGER NOT NULL,
    content TEXT NOT NULL, vectors TEXT NOT NULL, postings TEXT NOT NULL,
    cache TEXT NOT NULL, cache_sha256 TEXT NOT NULL
);
CREATE TABLE documents (
    key INTEGER PRIMARY KEY, id TEXT NOT NULL, position INTEGER NOT NULL,
    text TEXT NOT NULL, title TEXT NOT NULL, source TEXT NOT NULL, metadata TEXT NOT NULL,
    marks TEXT NOT NULL, fingerprint TEXT NOT NULL
);
CREATE TABLE passages (
    key INTEGER PRIMARY KEY, document INTEGER NOT NULL REFERENCES documents (key),
    ordinal INTEGER NOT NULL, id TEXT NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL,
    kind TEXT NOT NULL, title TEXT NOT NULL, text TEXT NOT NULL, sentences TEXT NOT NULL,
    place TEXT NOT NULL, context TEXT NOT NULL, checksum BLOB NOT NULL
);
CREATE TABLE files (
    path TEXT PRIMARY KEY, source TEXT NOT NULL, size INTEGER NOT NULL, modified INTEGER NOT NULL,
    sha256 TEXT NOT NULL, loaders TEXT NOT NULL, found TEXT NOT NULL
);
CREATE INDEX documents_order ON documents (position, id, fingerprint);
CREATE INDEX passages_order ON passages (document, ordinal, checksum);
CREATE TABLE vectors (passage INTEGER PRIMARY KEY, vector BLOB NOT NULL);
CREATE VIRTUAL TABLE terms USING fts5 (
    context, text, content = 'passages', content_rowid = 'key',
    tokenize = 'porter unicode61 remove_diacritics 2'
);
CREATE TRIGGER passages_added AFTER INSERT ON passages BEGIN
    INSERT INTO terms (rowid, context, text) VALUES (new.key, new.context, new.text);
END;
CREATE TRIGGER passages_removed AFTER DELETE ON passages BEGIN
    INSERT INTO terms (terms, rowid, context, text)
    VALUES ('delete', old.key, old.context, old.text);
    DELETE FROM vectors WHERE passage = old.key;
END;
"""

VOCABULARY = """
CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab ('main', 'terms', 'row')
"""  # a reader's view of the stems in `terms`; it lives in memory, the file holds nothing of it


@dataclass(frozen=True, slots=True)
class Commit:
    """The one row that says what the rest of the database holds.

    `number` counts the commits. `content`, `vectors` and `postings` are SHA-256 digests of the
    documents and passages in order, of the vectors in order, and of the BM25 tables; `cache` and
    `cache_sha256` name the one FAISS file that belongs to this commit. `recipe` says how documents
    were cut into passages.
    """

    number: int
    embedder: str
    revision: str
    dimension: int
    normalised: bool
    recipe: str
    passages: int
    content: str
    vectors: str
    postings: str
    cache: str
    cache_sha256: str

    @property
    def identity(self) -> EmbedderIdentity:
        """The embedder the vectors came from."""
        return EmbedderIdentity(self.embedder, self.revision, self.dimension, self.normalised)


def how_to_build(folder: Path) -> str:
    """Name the command that makes the index of a folder."""
    return f"run `rag index SOURCES... --index {folder}`"


def how_to_rebuild(folder: Path) -> str:
    """Name what makes a damaged index good again."""
    return f"delete {folder / FILE} and {how_to_build(folder)}"


@contextlib.contextmanager
def explained(folder: Path, *others: type[Exception]) -> Iterator[None]:
    """Turn SQLite's errors, and the `others`, into the ones a caller of `rag` knows."""
    kinds: tuple[type[Exception], ...] = (sqlite3.Error, *others)
    try:
        yield
    except kinds as error:
        name = getattr(error, "sqlite_errorname", "") or ""
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            raise busy(folder) from error
        if name.startswith(("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_CANTOPEN")):
            message = f"the index in {folder} cannot be read or written: {error}"
            raise IndexDamaged(message, hint="check the folder's rights and free space") from error
        raise damaged(folder, str(error)) from error


def busy(folder: Path) -> IndexBusy:
    """Say that somebody else is writing."""
    return IndexBusy(
        f"another process is writing the index in {folder}",
        hint="wait for it to finish, then try again",
    )


def damaged(folder: Path, why: str) -> IndexDamaged:
    """Say that the index does not pass its own checks."""
    return IndexDamaged(f"the index in {folder} is damaged: {why}", hint=how_to_rebuild(folder))


def missing(folder: Path, why: str) -> IndexMissing:
    """Say that there is no index to open."""
    return IndexMissing(f"there is no index in {folder}{why}", hint=how_to_build(folder))


def open_for_writing(folder: Path) -> sqlite3.Connection:
    """Open or create the database; the caller begins, commits and closes.

    Raises:
        IndexDamaged: the file belongs to another program, and was not touched.
    """
    connection = sqlite3.connect(folder / FILE, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        format_of(connection, folder)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    except BaseException:
        connection.close()
        raise
    return connection


def open_for_reading(folder: Path) -> sqlite3.Connection:
    """Open the database for readers in any thread, one at a time, as of the last commit.

    The connection stays inside one read transaction, so that everything it reads until it is
    closed belongs to the same commit, whatever a writer does meanwhile. A folder that cannot be
    written (so that WAL's shared memory has no place) is read as an unchanging file.

    Raises:
        IndexMissing: the file is not there.
    """
    path = folder / FILE
    if not path.is_file():
        raise missing(folder, "")
    try:
        return _snapshot(f"{path.resolve().as_uri()}?mode=rw")
    except sqlite3.OperationalError as error:
        name = getattr(error, "sqlite_errorname", "") or ""
        if not name.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY")) or unfinished(path):
            raise
        return _snapshot(f"{path.resolve().as_uri()}?mode=ro&immutable=1")


def unfinished(path: Path) -> bool:
    """Tell whether commits wait in the write-ahead log beside the file."""
    log = path.with_name(path.name + "-wal")
    return log.exists() and log.stat().st_size > 0


def _snapshot(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute(VOCABULARY)
        connection.execute("PRAGMA query_only = ON")
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def create(connection: sqlite3.Connection) -> None:
    """Make every table, inside the caller's transaction."""
    for statement in statements():
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute(f"PRAGMA user_version = {SCHEMA}")


def clear(connection: sqlite3.Connection) -> None:
    """Drop every table of an index in another format, inside the caller's transaction."""
    connection.execute("DROP TABLE IF EXISTS terms")
    for (name,) in connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    ).fetchall():
        connection.execute(f'DROP TABLE IF EXISTS "{name}"')


def statements(only: Sequence[str] = ("",)) -> Iterator[str]:
    """Yield the statements that make the tables; `only` those that create these things.

    One by one, since `executescript` would commit first.
    """
    statement = ""
    for line in TABLES.splitlines():
        statement += line + "\n"
        if sqlite3.complete_statement(statement):
            if any(statement.strip().startswith(f"CREATE {thing}") for thing in only):
                yield statement
            statement = ""


def format_of(connection: sqlite3.Connection, folder: Path) -> int | None:
    """Return the schema version of the file, or None when nothing was ever committed to it.

    Raises:
        IndexDamaged: the file belongs to another program.
    """
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application == APPLICATION:
        return int(version)
    if tables or application or version:
        raise damaged(folder, f"{FILE} was not written by this program")
    return None


def read_commit(connection: sqlite3.Connection, folder: Path) -> Commit:
    """Return what the database says of itself.

    Raises:
        IndexMissing: it was never finished, or is in another version's format.
        IndexDamaged: the row is not there, or holds other things than it should.
    """
    version = format_of(connection, folder)
    if version is None:
        raise missing(folder, ": its first build was never finished")
    if version != SCHEMA:
        raise missing(folder, f" in this version's format ({SCHEMA}); its own is {version}")
    names = [field.name for field in fields(Commit)]
    row = connection.execute(f"SELECT {', '.join(names)} FROM commits").fetchone()
    if row is None:
        raise damaged(folder, "it does not say what it holds")
    values = dict(zip(names, row, strict=True))
    numbers = {"number", "dimension", "normalised", "passages"}
    if any(isinstance(value, int) != (name in numbers) for name, value in values.items()):
        raise damaged(folder, "it does not say what it holds")
    return Commit(**(values | {"normalised": bool(values["normalised"])}))


def write_commit(connection: sqlite3.Connection, commit: Commit) -> None:
    """Replace the one row that says what the database holds."""
    values = asdict(commit)
    marks = ", ".join(f":{name}" for name in values)
    connection.execute(
        f"INSERT OR REPLACE INTO commits (only, {', '.join(values)}) VALUES (1, {marks})", values
    )


def unstorable(document: str, error: UnicodeEncodeError) -> RagError:
    """Say that a document's text is not Unicode that can be stored."""
    return SourceError(
        f"document {document!r} holds half a character at {error.start}",
        hint="save the file as valid UTF-8, or leave it out",
    )
