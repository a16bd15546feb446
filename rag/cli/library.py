"""`rag collections` and `rag documents`: what is indexed, listed and taken away."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import typer

from rag.cli import rows
from rag.cli.shown import count, table
from rag.cli.terminal import Terminal
from rag.collections import Collections
from rag.errors import RagError, SourceMissing
from rag.index import Index

NONE = "there is no collection yet: run `rag index PATH... --collection NAME`"


def conditions(given: Sequence[str]) -> dict[str, str]:
    """Return the `key=value` pairs of --where as a mapping.

    Raises:
        BadParameter: one has no key or no `=`, or a key comes twice.
    """
    found: dict[str, str] = {}
    for pair in given:
        key, equals, value = pair.partition("=")
        if not key or not equals or key in found:
            raise typer.BadParameter(f"--where {pair!r}: write key=value, each key once")
        found[key] = value
    return found


def list_collections(terminal: Terminal, collections: Collections) -> None:
    """Print the collections as a table; a damaged one says so and the others go on."""
    found = [("name", "documents", "passages", "size")]
    for name in collections.names():
        size = f"{collections.size(name) / 1e6:.1f} MB"
        try:
            with Index.open(collections.existing(name)) as index:
                found.append((name, f"{len(index.ids()):,}", f"{len(index):,}", size))
        except RagError as error:
            found.append((name, error.message, "-", size))
    terminal.print(table(found) if len(found) > 1 else NONE)


def delete(
    terminal: Terminal,
    collections: Collections,
    name: str,
    *,
    sure: bool,
    ask: Callable[[str], bool],
) -> None:
    """Delete a collection once the user is sure; print what was done."""
    folder = collections.existing(name)
    if not sure and not ask(f"delete the collection {name!r} in {folder}?"):
        terminal.print("nothing was deleted")
        return
    collections.delete(name)
    terminal.print(f"deleted {name}")


def list_documents(
    terminal: Terminal, folder: Path, where: Mapping[str, str], *, json: bool
) -> None:
    """Print the documents whose metadata match, as a table or as a JSON line each."""
    found = [("id", "title", "passages", "source", "metadata")]
    with Index.open(folder) as index:
        for id in index.matching(where).ids:
            document, passages = index.document(id), index.count(id)
            if json:
                row = {
                    "id": document.id,
                    "title": document.title,
                    "source": document.source,
                    "passages": passages,
                    "metadata": dict(document.metadata),
                }
                terminal.print(rows.dump(row))
                continue
            metadata = ", ".join(f"{key}={value}" for key, value in document.metadata.items())
            found.append((document.id, document.title, str(passages), document.source, metadata))
    if not json:
        terminal.print(table(found) if len(found) > 1 else "there is no such document")


def remove_documents(terminal: Terminal, folder: Path, ids: Sequence[str]) -> None:
    """Take documents out of an index.

    Raises:
        SourceMissing: there is no document with one of these ids; nothing was changed.
    """
    try:
        number = Index.remove(folder, ids)
    except KeyError as error:
        raise SourceMissing(
            f"there is no document {error.args[0]!r} in {folder}",
            hint="`rag documents` lists them; nothing was removed",
        ) from None
    terminal.print(f"removed {count(number, 'document')}")
