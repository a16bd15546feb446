"""`rag index`: read, account for every file, and with --watch follow the folders."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Protocol

from rag import documents
from rag.choosing import open_embedder
from rag.cli import accounts, rows
from rag.cli.terminal import Terminal, inert
from rag.embedder import Embedder
from rag.errors import IndexBusy, RagError
from rag.ingest import build
from rag.settings import Settings
from rag.types import FileOutcome, IndexReport
from rag.watching import changes

PATIENCE = 1.0  # seconds until an index that another process writes is tried again


class Update(Protocol):
    """One update of the index."""

    def __call__(self, *, empty: bool) -> IndexReport:
        """Return what it did; `empty` allows that nothing is left."""
        ...


def run(
    terminal: Terminal,
    settings: Settings,
    paths: list[str],
    folder: Path,
    *,
    report: str = "",
    watch: bool = False,
    embedder: Embedder | None = None,
) -> None:
    """Bring the index up to date with exactly these paths, and print what became of each file."""
    documents.files(paths)  # a path that is not there is told before a model is loaded
    embedder = embedder or open_embedder(settings.models)

    def update(*, empty: bool) -> IndexReport:
        with terminal.progress() as progress:
            done, _ = build(
                paths, folder, settings, embedder=embedder, progress=progress, empty=empty
            )
        if report:
            with rows.written(report) as file:
                file.writelines(rows.dump(accounts.row(one)) + "\n" for one in done.files)
        return done

    if watch:
        _watch(terminal, paths, folder, update)
    else:
        terminal.print(accounts.indexed(str(folder), update(empty=False)))


def _watch(terminal: Terminal, paths: list[str], folder: Path, update: Update) -> None:
    """Update whenever something changed, until Ctrl-C; say what changed."""
    known: frozenset[FileOutcome] = frozenset()
    try:
        for number, _ in enumerate(changes(paths, folder)):
            done = _updated(terminal, update)
            if done is None:
                continue
            news = [one for one in done.files if one.state != "unchanged" and one not in known]
            known = frozenset(one for one in done.files if one.state == "skipped")
            if not number:
                terminal.print(accounts.indexed(str(folder), done))
                terminal.note("watching for changes; Ctrl-C stops")
            elif news:
                terminal.print(f"\n{time.strftime('%H:%M:%S')}\n{accounts.files(news)}")
    except KeyboardInterrupt:
        terminal.note("stopped")


def _updated(terminal: Terminal, update: Update) -> IndexReport | None:
    """Update, waiting for another writer; an error is said, and the next change tries again."""
    while True:
        try:
            return update(empty=True)
        except IndexBusy:
            time.sleep(PATIENCE)
        except RagError as error:
            terminal.note(inert(f"error: {error.message}"))
            return None
