"""`rag collections`, `rag documents`, --collection and --where, as they are printed."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from rag.cli import library
from rag.cli.program import app
from rag.cli.terminal import Terminal
from rag.collections import Collections
from rag.errors import CollectionMissing, SourceMissing
from rag.index import Index
from rag.types import Document
from tests.index_fakes import build

DOCUMENTS = [
    Document("a", "One line.\nAnother.", "First", "notes/a.txt", {"author": "Ann", "date": "2020"}),
    Document("b", "Bob's line.", "", "notes/b.txt", {"author": "Bob"}),
]


@pytest.fixture
def terminal() -> Terminal:
    return Terminal(io.StringIO(), io.StringIO())


def printed(terminal: Terminal) -> list[str]:
    assert isinstance(terminal.out, io.StringIO)
    return [" ".join(line.split()) for line in terminal.out.getvalue().splitlines()]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RAG_INDEX__COLLECTIONS", str(tmp_path / "root"))
    monkeypatch.setenv("COLUMNS", "200")
    build(tmp_path / "root" / "notes", DOCUMENTS)
    return tmp_path / "root"


def run(*arguments: str, input: str | None = None) -> tuple[int, list[str]]:
    done = CliRunner().invoke(app, list(arguments), prog_name="rag", input=input)
    return done.exit_code, [" ".join(line.split()) for line in done.output.splitlines()]


def test_collections_are_listed(root: Path) -> None:
    build(root / "damaged", DOCUMENTS)
    (root / "damaged" / "index.sqlite").write_bytes(b"no database" * 1000)
    code, lines = run("collections")
    size = sum(path.stat().st_size for path in (root / "notes").iterdir()) / 1e6
    assert code == 0
    assert lines[0] == "name documents passages size"
    assert lines[2].startswith("damaged the index in ")
    assert lines[3] == f"notes 2 3 {size:.1f} MB"


def test_no_collections(tmp_path: Path, terminal: Terminal) -> None:
    library.list_collections(terminal, Collections(tmp_path / "none"))
    assert printed(terminal) == [library.NONE]


def test_a_collection_is_deleted_when_it_is_meant(root: Path) -> None:
    code, lines = run("collections", "delete", "notes", input="n\n")
    assert (code, lines[-1]) == (0, "nothing was deleted")
    assert Collections(root).names() == ("notes",)
    assert run("collections", "delete", "notes", input="")[0] != 0  # nobody there to ask
    assert Collections(root).names() == ("notes",)
    assert run("collections", "delete", "notes", input="y\n")[1][-1] == "deleted notes"
    assert Collections(root).names() == ()
    build(root / "notes", DOCUMENTS)
    assert run("collections", "delete", "notes", "--yes") == (0, ["deleted notes"])
    code, lines = run("collections", "delete", "notes", "--yes")
    assert (code, lines[0]) == (1, "error: there is no collection 'notes'")
    code, lines = run("collections", "delete", "../notes", "--yes")
    assert (code, lines[0]) == (1, "error: '../notes' is no name for a collection")


def test_documents_are_listed_and_filtered(root: Path) -> None:
    code, lines = run("documents", "--collection", "notes")
    assert code == 0
    assert lines[0] == "id title passages source metadata"
    assert lines[2:] == ["a First 2 notes/a.txt author=Ann, date=2020",
                         "b 1 notes/b.txt author=Bob"]  # fmt: skip
    assert run("documents", "--index", str(root / "notes"))[1] == lines
    _, lines = run("documents", "--collection", "notes", "--where", "author=Bob")
    assert lines[2:] == ["b 1 notes/b.txt author=Bob"]
    _, lines = run("documents", "--collection", "notes", "--where", "author=Bob",
                   "--where", "date=2020")  # fmt: skip
    assert lines == ["there is no such document"]
    _, lines = run("documents", "--collection", "notes", "--json")
    assert [json.loads(line) for line in lines] == [
        {
            "id": document.id,
            "title": document.title,
            "source": document.source,
            "passages": 2 if document.id == "a" else 1,
            "metadata": document.metadata,
        }
        for document in DOCUMENTS
    ]


@pytest.mark.parametrize("first", [True, False], ids=["option first", "option last"])
def test_documents_are_removed(root: Path, first: bool) -> None:
    option = ("--collection", "notes")

    def remove(*ids: str) -> tuple[int, list[str]]:
        if first:
            return run("documents", *option, "remove", *ids)
        return run("documents", "remove", *ids, *option)

    code, lines = remove("a", "x")
    assert code == 1
    assert lines[0].startswith("error: there is no document 'x' in ")
    assert remove("a") == (0, ["removed 1 document"])
    with Index.open(root / "notes") as index:
        assert index.documents() == (DOCUMENTS[1],)
    assert remove("b") == (0, ["removed 1 document"])
    assert run("documents", *option)[1] == ["there is no such document"]


def test_a_document_that_is_not_there(root: Path, terminal: Terminal) -> None:
    with pytest.raises(SourceMissing):
        library.remove_documents(terminal, root / "notes", ["nope"])


@pytest.mark.parametrize("command", [("ask", "Why?"), ("chat",), ("serve",), ("documents",)])
def test_a_collection_must_be_there(root: Path, command: tuple[str, ...]) -> None:
    code, lines = run(*command, "--collection", "other")
    assert code == 1
    assert lines[0] == "error: there is no collection 'other'"
    assert lines[1] == "hint: run `rag index PATH... --collection other`; known: notes"
    assert run(*command, "--collection", "notes", "--index", "x")[0] == 2


def test_conditions() -> None:
    assert library.conditions(["a=1", "b=x=y", "c="]) == {"a": "1", "b": "x=y", "c": ""}
    for wrong in (["a"], ["=1"], ["a=1", "a=2"], [""]):
        with pytest.raises(typer.BadParameter):
            library.conditions(wrong)
    assert run("ask", "Why?", "--where", "nothing")[0] == 2


def test_missing_is_an_error_of_its_own(root: Path) -> None:
    with pytest.raises(CollectionMissing):
        Collections(root).existing("none")
