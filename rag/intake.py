"""One reading of files into an index: which are known, which are read, and what became of each.

It takes an index that is being written and the paths; it knows nothing of models.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence, Set
from pathlib import Path
from typing import Literal

from rag import documents
from rag.documents.loader import content_id
from rag.errors import SourceError
from rag.index.files import FileRecord, Found
from rag.index.writer import State, Writer
from rag.types import Document, FileOutcome, Skipped

Progress = Callable[[str, int, int], None]
"""Called with a stage's name, and how many of how many of its steps are done."""

YOUNG = 2_000_000_000  # nanoseconds: a file changed twice within them may show one time


class Intake:
    """One reading of files into an index that is being written."""

    def __init__(self, change: Writer) -> None:
        self.outcomes: list[FileOutcome] = []
        self._change = change
        self._seen: dict[str, tuple[str, str]] = {}  # id -> (content id, place)
        self._files: dict[str, str] = {}  # path -> source, of what was read
        self._given: dict[str, set[str]] = {}  # source -> ids, as stored before
        for id, stored in change.stored.items():
            self._given.setdefault(stored.source, set()).add(id)
        self._holders: dict[str, set[str]] = {}  # id -> paths of the files that hold it
        for record in change.records.values():
            self._hold(record)

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """What was left out, and why."""
        return tuple(Skipped(o.source, o.reason) for o in self.outcomes if o.state == "skipped")

    def take(
        self, found: Sequence[tuple[Path, str] | Skipped], progress: Progress | None = None
    ) -> None:
        """Read the files, each once, and account for each; then for those that are gone."""
        queue, done = deque(found), 0
        while queue:
            item = queue.popleft()
            if isinstance(item, Skipped):
                self._skip(item)
            else:
                queue.extend(self._file(*item))
            done += 1
            if progress:
                progress("read", done, done + len(queue))
        if self._change.exactly:
            self._account_for_gone()

    def _file(self, path: Path, source: str) -> list[tuple[Path, str]]:
        """Take one file; return others that must be read because of it."""
        place = str(path.absolute())
        if place in self._files:
            return []
        if not _is_text(place + source):
            self._skip(Skipped(source, "its name is not Unicode text"))
            return []
        self._files[place] = source
        before, look = self._change.records.get(place), _look(path)
        then = before.ids if before else frozenset(self._given.get(source, ()))
        known = before if before and self._knows(before, path, source, look) else None
        staged = None if known else self._staged(path, source, look)
        rows: Iterator[tuple[str, Document | Found | Skipped]]
        if known:
            rows = _again(known)
        else:
            rows = _taken_up(*staged) if staged else documents.rows(path, source)
        found, states = [], Counter[str]()
        sources = {source, before.source} if before else {source}
        for where, item in (_storable(*row) for row in rows):
            result = self._settle(where, item, sources)
            found.append(_found(where, item))
            if isinstance(result, Skipped):
                self._skip(result)
            states["skipped" if isinstance(result, Skipped) else result] += 1
        mark = known.sha256 if known else staged[0].sha256 if staged else ""
        self._remember(path, source, look, tuple(found), mark)
        now = frozenset(one.id for one in found if not one.reason)
        given = any(not self._given.get(name, set()).isdisjoint(then) for name in sources)
        self._account(source, states, given=given, same=then == now)
        return [] if self._change.exactly else self._drop(then - now, sources, place)

    def _knows(
        self, record: FileRecord, path: Path, source: str, look: tuple[int, int] | None
    ) -> bool:
        """Tell whether a file is as it was recorded, and its documents are all here."""
        if not _same(record, path, look):
            return False
        given = self._given.get(source, set())
        return all(one.reason or one.id in self._seen or one.id in given for one in record.found)

    def _staged(
        self, path: Path, source: str, look: tuple[int, int] | None
    ) -> tuple[FileRecord, dict[str, Document]] | None:
        """Return what a run that was cut short had read of a file, if the file is as it was."""
        staged = self._change.staging.file(str(path.absolute()))
        if staged and staged[0].source == source and _same(staged[0], path, look):
            return staged
        return None

    def _settle(
        self, place: str, item: Document | Found | Skipped, sources: set[str]
    ) -> State | Skipped:
        """Put or keep one document; return what that did, or why it is not taken."""
        if isinstance(item, Skipped):
            return item
        first = self._seen.get(item.id) or self._elsewhere(item.id, sources)
        text = item.text if isinstance(item, Found) else content_id(item.text)
        if first and first[0] == text:
            return Skipped(place, f"same text as {first[1]}")
        if first:
            return Skipped(place, f"the id {item.id!r} belongs to another text ({first[1]})")
        self._seen[item.id] = (text, place)
        try:
            if isinstance(item, Document):
                return self._change.put(item)
            self._change.keep(item.id)
            return "unchanged"
        except SourceError as error:
            del self._seen[item.id]
            return Skipped(place, error.message)

    def _elsewhere(self, id: str, sources: set[str]) -> tuple[str, str] | None:
        """Return a stored document's content id and source, where it stays and is another's."""
        stored = self._change.stored.get(id)
        if self._change.exactly or stored is None or stored.source in sources:
            return None
        return content_id(self._change.document(id).text), stored.source

    def _remember(
        self,
        path: Path,
        source: str,
        look: tuple[int, int] | None,
        found: tuple[Found, ...],
        mark: str,
    ) -> None:
        """Record how the file looks, unless it changed while it was read.

        `mark` is its SHA-256 where that is known.
        """
        place = str(path.absolute())
        mark = mark or _sha256(path)
        if look is None or not mark or _look(path) != look:
            self._change.forget(place)
            return
        size, modified = look
        young = time.time_ns() - modified < YOUNG
        record = FileRecord(
            *(place, source, size, -1 if young else modified, mark, documents.version(), found)
        )
        self._hold(record)
        if record != self._change.records.get(place):
            self._change.remember(record)

    def _hold(self, record: FileRecord) -> None:
        for id in record.ids:
            self._holders.setdefault(id, set()).add(record.path)

    def _account(self, source: str, states: Counter[str], *, given: bool, same: bool) -> None:
        """Say what became of a file: `given` if it had given documents, `same` if these ones."""
        taken = states["added"] + states["updated"] + states["unchanged"]
        if taken:
            changed = states["added"] + states["updated"] or not same
            state: Literal["indexed", "updated", "unchanged"] = (
                "indexed" if not given else "updated" if changed else "unchanged"
            )
            self.outcomes.append(FileOutcome(source, state, documents=taken))
        elif not (self.outcomes and self.outcomes[-1].source == source):
            rows = "none of its rows was taken" if states else "it holds nothing"
            self._skip(Skipped(source, rows))

    def _skip(self, item: Skipped) -> None:
        reason = item.reason.removeprefix(f"{item.source} ")  # it stands beside its source
        self.outcomes.append(FileOutcome(item.source, "skipped", reason))

    def _drop(self, ids: Set[str], sources: set[str], place: str) -> list[tuple[Path, str]]:
        """Drop what a file no longer holds; return other files that hold it, to be read again."""
        others: set[str] = set()
        for id in ids:
            stored = self._change.stored.get(id)
            self._holders.get(id, set()).discard(place)
            if stored and stored.source in sources and id not in self._seen:
                self._change.drop(id)
                others |= self._holders.get(id, set())
        again = []
        for path in sorted(others):
            if record := self._change.records.get(path):
                self._files.pop(path, None)
                self.outcomes = [o for o in self.outcomes if o.source != record.source]
                again.append((Path(path), record.source))
        return [(path, source) for path, source in again if path.is_file()]

    def _account_for_gone(self) -> None:
        """Account for the files of which nothing was read this time."""
        stored, lost = self._change.stored, Counter[str]()
        for record in list(self._change.records.values()):
            if record.path not in self._files:
                self._change.forget(record.path)
                given = self._given.get(record.source, set())
                lost[record.source] += len(record.ids & given)
        known = {*lost, *self._files.values()}
        for id, one in stored.items():
            if id not in self._seen and one.source not in known:
                lost[one.source] += 1
        for source, count in lost.items():
            if count:
                self.outcomes.append(FileOutcome(source, "removed", documents=count))


def _again(record: FileRecord) -> Iterator[tuple[str, Document | Found | Skipped]]:
    """Yield what was found in a file when it was read."""
    for one in record.found:
        yield one.place, Skipped(one.place, one.reason) if one.reason else one


def _taken_up(
    record: FileRecord, read: dict[str, Document]
) -> Iterator[tuple[str, Document | Found | Skipped]]:
    """Yield what was found in a file by a run that was cut short."""
    for one in record.found:
        yield one.place, Skipped(one.place, one.reason) if one.reason else read[one.id]


def _found(place: str, item: Document | Found | Skipped) -> Found:
    if isinstance(item, Found):
        return item
    if isinstance(item, Skipped):
        return Found(item.source, reason=item.reason)
    return Found(place, item.id, content_id(item.text))


def _storable(
    place: str, item: Document | Found | Skipped
) -> tuple[str, Document | Found | Skipped]:
    """Return a document whose text is no Unicode as left out, and anything else as it is."""
    if isinstance(item, Document) and not _is_text(item.id + item.text):
        return place, Skipped(place, "half a surrogate pair, which is not Unicode text")
    return place, item


def _look(path: Path) -> tuple[int, int] | None:
    """Return a file's size and time in nanoseconds; None where it cannot be told."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _same(record: FileRecord, path: Path, look: tuple[int, int] | None) -> bool:
    """Tell whether a file, and what reads it, are as they were recorded."""
    if look is None or (record.loaders, record.size) != (documents.version(), look[0]):
        return False
    return record.modified == look[1] or record.sha256 == _sha256(path)


def _sha256(path: Path) -> str:
    """Return the digest of a file: 64 hex digits, "" where it cannot be opened."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _is_text(words: str) -> bool:
    """Tell whether words can be stored: a file's name in another encoding than UTF-8 cannot."""
    try:
        words.encode()
    except UnicodeEncodeError:
        return False
    return True
