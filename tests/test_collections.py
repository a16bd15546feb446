from __future__ import annotations

from pathlib import Path

import pytest

from rag.collections import Collections
from rag.errors import CollectionMissing, CollectionNameError, IndexBusy
from rag.index import Index
from rag.index.database import FILE
from rag.index.transaction import locked
from tests.index_fakes import build, corpus


@pytest.fixture
def collections(tmp_path: Path) -> Collections:
    found = Collections(tmp_path / "root")
    for name in ("notes", "2024_reports"):
        build(found.folder(name), corpus("One line.", "Another line."))
    (tmp_path / "root" / "empty").mkdir()
    build(tmp_path / "root" / "Not a name", corpus("One line."))
    return found


def test_collections_are_the_indexes_with_a_name(collections: Collections, tmp_path: Path) -> None:
    assert collections.names() == ("2024_reports", "notes")
    assert Collections(tmp_path / "none").names() == ()
    assert not (tmp_path / "none").exists()
    with Index.open(collections.existing("notes")) as index:
        assert len(index) == 2
    held = [path.stat().st_size for path in (tmp_path / "root" / "notes").iterdir()]
    assert collections.size("notes") == sum(held) > 10_000


@pytest.mark.parametrize(
    "name", ["", "..", "../x", "a/b", "A", ".a", "-a", "a" * 65, "a\n", "ä", "a b", "/tmp", "a\x00"]
)
def test_what_is_no_name(collections: Collections, name: str) -> None:
    for attempt in (collections.folder, collections.existing, collections.delete):
        with pytest.raises(CollectionNameError):
            attempt(name)
    assert collections.names() == ("2024_reports", "notes")


@pytest.mark.parametrize("name", ["a", "0", "a" * 64, "my-notes_2"])
def test_what_is_a_name(collections: Collections, name: str) -> None:
    assert collections.folder(name) == collections.root / name
    with pytest.raises(CollectionMissing, match=name):
        collections.delete(name)


def test_deleting_removes_one_collection(collections: Collections) -> None:
    collections.delete("notes")
    assert collections.names() == ("2024_reports",)
    assert not (collections.root / "notes").exists()
    with pytest.raises(CollectionMissing) as caught:
        collections.existing("notes")
    assert "rag index PATH... --collection notes" in caught.value.hint
    build(collections.folder("notes"), corpus("It is back."))
    assert collections.names() == ("2024_reports", "notes")


def test_one_that_is_being_written_is_not_deleted(collections: Collections) -> None:
    with locked(collections.folder("notes")), pytest.raises(IndexBusy):
        collections.delete("notes")
    assert (collections.folder("notes") / FILE).is_file()
