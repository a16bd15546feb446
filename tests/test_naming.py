"""Documents named by their title or the name of their file."""

from __future__ import annotations

import pytest

from rag.naming import named
from rag.types import Document

LEASE = Document("a", "x", "Residential lease, 14 Harbour Lane, flat 3B", "docs/lease.md")
BEES = Document("b", "x", "Urban honeybee colonies", "docs/field_notes-2023.txt")
OTHER = Document("c", "x", "Lease of the mill", "docs/mill.md")


@pytest.mark.parametrize(
    ("phrase", "found"),
    [
        ("the lease", (LEASE, OTHER)),  # a file's whole name, half of a title
        ("the lease document", (LEASE, OTHER)),
        ("the mill lease", (OTHER,)),
        ("the harbour", ()),  # one word of a long title
        ("harbour lane flat 3b", (LEASE,)),
        ("the honeybee report", ()),  # a third of a title
        ("honeybee colonies", (BEES,)),
        ("field notes 2023", (BEES,)),
        ("the article", ()),
        ("it", ()),
        ("the lease of Ana", ()),
    ],
)
def test_what_a_phrase_names(phrase: str, found: tuple[Document, ...]) -> None:
    assert named(phrase, (LEASE, BEES, OTHER)) == found
