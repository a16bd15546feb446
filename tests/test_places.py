"""Where characters stand, and what passages make of a document's marks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.citations import Claim, cite
from rag.documents.plain import PlainText
from rag.layout import layout
from rag.passages import split
from rag.places import Places, known, spoken, structured
from rag.settings import PassageSettings
from rag.types import Document, Evidence, Mark, Passage, Place

GUIDE = """# Guide

Before you start.

## Orders

### Returns

Send it back within 30 days.

## Visits

Open daily.
"""


def guide() -> Document:
    return PlainText().load(GUIDE.encode(), "guide.md")[0]


def test_markdown_headings_are_marks_at_their_lines() -> None:
    found = [(m.kind, GUIDE[m.start : m.end], m.label, m.level) for m in guide().marks]
    assert found == [
        ("heading", "# Guide", "Guide", 1),
        ("heading", "## Orders", "Orders", 2),
        ("heading", "### Returns", "Returns", 3),
        ("heading", "## Visits", "Visits", 2),
    ]
    under = PlainText().load(b"Top\n===\n\nText.\n\nLower\n-----\n\nMore.\n", "a.md")[0]
    assert [(m.label, m.level) for m in under.marks] == [("Top", 1), ("Lower", 2)]
    assert under.text == "Top\n===\n\nText.\n\nLower\n-----\n\nMore.\n"


@pytest.mark.parametrize(
    ("words", "headings"),
    [
        ("Before you", ("Guide",)),
        ("Send it", ("Guide", "Orders", "Returns")),
        ("## Orders\n\n### Returns\n\nSend", ("Guide", "Orders", "Returns")),
        ("Open", ("Guide", "Visits")),
        ("## Visits\n\nOpen", ("Guide", "Visits")),
    ],
)
def test_headings_govern_up_to_the_next_of_their_rank(
    words: str, headings: tuple[str, ...]
) -> None:
    start = GUIDE.index(words)
    assert Places(guide().marks).of(start, start + len(words)) == Place(headings)


def test_pages_and_tables_are_found_by_their_edges() -> None:
    places = Places(
        (
            Mark("page", 0, 10, "iv"),
            Mark("table", 4, 12, "Sales"),
            Mark("page", 10, 20, "5"),
            Mark("page", 20, 30, "6"),
        )
    )
    assert places.of(0, 5) == Place(page="iv", table="Sales")
    assert places.of(0, 4) == Place(page="iv")
    assert places.of(4, 10) == Place(page="iv", table="Sales")
    assert places.of(9, 11) == Place(page="iv-5", table="Sales")
    assert places.of(12, 13) == Place(page="5")
    assert places.of(2, 25) == Place(page="iv-6", table="Sales")
    assert Places(()).of(0, 5) == Place()


def test_a_passage_knows_its_place_and_context() -> None:
    passages = split(guide(), PassageSettings(min_chars=1))
    found = {p.text.split("\n")[-1]: (p.place.headings, p.context) for p in passages}
    assert found["Send it back within 30 days."] == (
        ("Guide", "Orders", "Returns"),
        "Guide > Orders > Returns",
    )
    assert found["# Guide"] == (("Guide",), "Guide")
    assert found["Open daily."] == (("Guide", "Visits"), "Guide > Visits")
    plain = Passage("p", "d", 0, 1, "x", title="A title")
    assert plain.context == "A title"


def test_marked_lines_become_headings_and_rows_sentences() -> None:
    rows = [f"Item: lamp no. {i}; Price: {i} €." for i in range(40)]
    table = "\n".join(rows)
    text = f"Prices\n\nThese hold since May.\n{table}\nAsk for others."
    start, end = text.index(rows[0]), text.index(table) + len(table)
    marks = (Mark("heading", 0, 6, "Prices", 1), Mark("table", start, end, "Lamps"))
    passages = split(Document("d", text, marks=marks))
    assert passages[0].text == "Prices\n\nThese hold since May."
    cut = [p for p in passages if p.place.table == "Lamps"]
    assert [p.sentence(s) for p in cut for s in p.sentences] == rows
    assert all(p.place == Place(("Prices",), table="Lamps") for p in cut)
    assert passages[-1].text == "Ask for others."


TEXT = "One two.\n\nThree four five.\nSix\n\n# Seven\n\nEight nine ten."
EDGES = st.integers(0, len(TEXT))


@given(st.lists(st.tuples(st.sampled_from(["heading", "table", "page", "row"]), EDGES, EDGES)))
def test_marks_lose_no_word_and_repeat_none(edges: list[tuple[str, int, int]]) -> None:
    marks = [Mark(k, min(a, b), max(a, b), "x", 1) for k, a, b in edges]  # type: ignore[arg-type]
    marks.sort(key=lambda mark: mark.start)
    pieces = structured(TEXT, layout(TEXT), marks)
    words = "".join(TEXT[p.start : p.end] for p in pieces)
    assert "".join(words.split()) == "".join(TEXT.split())
    passages = split(Document("d", TEXT, marks=tuple(marks)), PassageSettings(min_chars=1))
    assert "".join("".join(p.text.split()) for p in passages) == "".join(TEXT.split())


@pytest.mark.parametrize(
    ("place", "words", "row"),
    [
        (Place(), "", {}),
        (Place(page="14"), "p. 14", {"page": "14"}),
        (Place(page="14-15"), "pp. 14-15", {"page": "14-15"}),
        (Place(page="A-3"), "p. A-3", {"page": "A-3"}),
        (
            Place(("Report", "Sales"), "3", "By region"),
            "p. 3, Sales › By region",
            {"page": "3", "headings": ["Report", "Sales"], "table": "By region"},
        ),
        (Place(("Report",)), "", {"headings": ["Report"]}),
    ],
)
def test_places_are_said_for_people_and_programs(
    place: Place, words: str, row: dict[str, object]
) -> None:
    assert spoken(place, "Report") == words
    assert known(place) == row


def test_a_citation_says_where_its_quotation_stands() -> None:
    passage = Passage("p", "d", 0, 8, "One two.", place=Place(page="1-2"))
    claim = Claim("One.", (Evidence(passage, 0, 3, 0.9),))
    assert cite([claim])[1][0].place == Place(page="1-2")
    assert cite([claim], lambda e: Place(page=f"{e.start}-{e.end}"))[1][0].place.page == "0-3"
