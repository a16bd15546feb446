"""Which row of a table a question means, and which cell; and what may be said of it."""

from __future__ import annotations

import pytest

from rag import words
from rag.citations import wrong_cell
from rag.tabular import BEHIND, asked_cell, cells, holds, is_row, ordered, standing_out
from rag.types import Evidence, Passage, Place, Span

ROWS = (
    "Country: Portugal; Breakfast: 8 €; Dinner: 27 €.",
    "Country: Norway; Breakfast: 14 €; Dinner: 46 €.",
    "Country: Japan; Breakfast: 11 €; Dinner: 38 €.",
)
TEXT = "Meals are paid by the day.\n" + "\n".join(ROWS)


def table(label: str = "Allowances") -> Passage:
    spans = []
    for line in TEXT.split("\n"):
        start = TEXT.index(line)
        spans.append(Span(start, start + len(line)))
    return Passage("p", "d", 0, len(TEXT), TEXT, tuple(spans), place=Place(table=label))


def units(passage: Passage) -> list[tuple[Passage, Span]]:
    return [(passage, span) for span in passage.sentences]


def test_rows_are_told_from_prose_by_place_and_form() -> None:
    assert [is_row(*unit) for unit in units(table())] == [False, True, True, True]
    assert not any(is_row(*unit) for unit in units(table("")))
    assert not is_row(table(), Span(0, len(TEXT)))  # several lines


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("How much is paid for dinner in Norway?", [0, -1, 1, -1]),
        ("Is dinner in Norway or in Japan dearer?", [0, -1, 0, 0]),
        ("How much is paid for dinner?", [0, 0, 0, 0]),  # in every row
        ("How much is paid for dinner in Peru?", [0, 0, 0, 0]),  # in none
        ("Where does dinner cost 38?", [0, -1, -1, 1]),
    ],
)
def test_the_row_that_is_meant_stands_out(question: str, expected: list[float]) -> None:
    assert standing_out(words.content(question), units(table())) == expected


def test_rows_of_other_tables_do_not_count() -> None:
    both = [*units(table()), *units(table("Other"))[1:2]]
    assert standing_out(["norwai"], both)[-1] == 0


@pytest.mark.parametrize(
    ("question", "row", "cell"),
    [
        ("How much is paid for dinner in Norway?", ROWS[1], "46 €"),
        (
            "How many bittern nests were there in 2020?",
            "Species: Bittern; Nests 2019: 3; Nests 2020: 5.",
            "5",
        ),
        ("Which country pays 46 for dinner?", ROWS[1], "Norway"),
        ("What are breakfast and dinner in Norway?", ROWS[1], None),
        ("Where is it dearest?", ROWS[1], None),
        ("What is the phone number?", "Phone: 555-0142.", "555-0142"),
        ("What is this?", "just words.", None),
    ],
)
def test_the_cell_asked_for_is_that_of_its_column(
    question: str, row: str, cell: str | None
) -> None:
    assert asked_cell(question, row) == cell


def test_a_row_has_cells_with_and_without_names() -> None:
    assert list(cells("North; 2019: 1; Note: a: b.")) == [
        ("", "North"),
        ("2019", "1"),
        ("Note", "a: b"),
    ]


@pytest.mark.parametrize(
    ("sentence", "right"),
    [
        ("Dinner in Norway is 46 €.", True),
        ("Dinner in Norway is 14 €.", False),
        (ROWS[1], True),
    ],
)
def test_a_sentence_must_hold_the_cell_asked_for(sentence: str, right: bool) -> None:
    passage = table()
    span = passage.sentences[2]
    evidence = Evidence(passage, span.start, span.end, 0.9)
    found = wrong_cell("How much is paid for dinner in Norway?", sentence, evidence)
    assert (found == ()) is right
    prose = Evidence(passage, 0, passage.sentences[0].end, 0.9)
    assert wrong_cell("Who pays?", "Anything.", prose) == ()
    if not right:
        assert found == ("46 €",)
    assert wrong_cell("Where?", "Dinner is 46 €.", evidence) == ("no one column is asked for",)


@pytest.mark.parametrize(
    ("question", "names", "held"),
    [
        ("At which desk does Tomas Ferrel sit?", ("toma", "ferrel"), True),
        ("At which desk does Nora Ferrel sit?", ("nora", "ferrel"), False),
        ("What does Tomas Ferrel earn?", ("toma", "ferrel"), False),
    ],
)
def test_a_row_answers_with_all_names_and_a_column_asked_for(
    question: str, names: tuple[str, ...], held: bool
) -> None:
    row = "Name: Tomas Ferrel; Role: Bookkeeper; Grade: C2; Desk: Annex 3."
    assert holds(question, names, row) is held


def test_no_row_is_before_one_that_stands_out_by_all() -> None:
    here, scores = units(table()), [5.0, 3.0, 1.0, -2.0]
    # prose stays, Portugal falls behind Norway, Japan is behind already
    assert ordered(here, [0, -1, 1, -1], scores) == [5.0, 1.0 - BEHIND, 1.0, -2.0]
    assert ordered(here, [0, 0, 1, 0], scores) == [5.0, 1.0 - BEHIND, 1.0, -2.0]  # half of it
    assert ordered(here, [0, 0, 0, 0], scores) == scores  # two are compared
    other = [*here[:3], (table("Others"), here[3][1])]
    assert ordered(other, [0, -1, -1, 1], scores) == scores  # of another table
