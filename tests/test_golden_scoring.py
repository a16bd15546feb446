"""The rules that golden answers are scored by, on answers made by hand, and the questions' data."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rag import words
from rag.documents import load
from rag.sentences import sentences
from rag.types import Answer, Citation, Document, Hit, Passage, Span
from tests.golden.scoring import Golden, by_kind, questions, recall, score, share

SEEDS = Path(__file__).parents[1] / "seeds"
TEXT = (
    "Ana Ruiz founded the mill in 1902. It burned down in May. Her son Leo rebuilt it in stone. "
    "The council paid nothing."
)
DOCUMENT = Document("d", TEXT)
FOUNDED, BURNED = "Ana Ruiz founded the mill in 1902.", "It burned down in May."
REBUILT, PAID = "Her son Leo rebuilt it in stone.", "The council paid nothing."


def golden(*answers: tuple[str, ...], evidence: tuple[str, ...] = (), kind: str = "who") -> Golden:
    return Golden("q", kind, "?", True, answers, evidence)


def said(text: str, *quotes: str, document: Document = DOCUMENT) -> Answer:
    starts = [document.text.index(quote) for quote in quotes]
    citations = tuple(
        Citation(n, document.id, at, at + len(quote), quote)
        for n, (at, quote) in enumerate(zip(starts, quotes, strict=True), start=1)
    )
    return Answer("?", text, abstained=False, confidence=0.5, citations=citations)


def verdict(asked: Golden, answer: Answer, document: Document = DOCUMENT) -> str:
    return score(asked, answer, document).verdict


ABSTAINED = Answer("?", "The documents don't say.", abstained=True, confidence=0.1)
WHO = golden(("Ruiz",), evidence=("Ana Ruiz founded",))


# --- questions that the article answers


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (said("Ana RUIZ did. [1]", FOUNDED), "right"),
        (said("Ana Ruiz did. [1]", "founded the mill"), "right"),
        (said("Her son Leo did. [1]", FOUNDED), "wrong"),
        (said("Ana Ruiz did. [1]", BURNED), "uncited"),
        (said("Ana Ruiz did. [1]", " the mill in 1902."), "uncited"),
        (said("Ana Ruiz did."), "uncited"),
        (said("Ana Ruiz did. [1]", FOUNDED, document=Document("other", TEXT)), "uncited"),
        (ABSTAINED, "abstained"),
    ],
)
def test_an_answer_is_said_and_cites_an_overlapping_span(answer: Answer, expected: str) -> None:
    assert verdict(WHO, answer) == expected


def test_an_abstention_is_wrong_even_where_its_text_names_the_answer() -> None:
    assert verdict(WHO, replace(said("Ana Ruiz. [1]", FOUNDED), abstained=True)) == "abstained"


def test_every_item_of_a_list_must_be_named() -> None:
    asked = golden(("Ruiz",), ("Leo", "her son"), evidence=(FOUNDED, REBUILT), kind="list")
    assert verdict(asked, said("Ruiz and her son. [1]", REBUILT)) == "right"
    assert verdict(asked, said("Ruiz, Ruiz and Ana. [1]", FOUNDED)) == "wrong"


def test_a_quote_of_the_evidence_that_is_not_in_the_document_is_an_error() -> None:
    with pytest.raises(ValueError, match="substring"):
        score(golden(("Ruiz",), evidence=("Ana Diaz",)), ABSTAINED, DOCUMENT)


# --- overviews, and questions that need two passages


def test_an_overview_needs_enough_of_its_groups_and_a_central_citation() -> None:
    points = (("founded",), ("burned",), ("stone", "rebuilt"))
    asked = replace(golden(*points, evidence=(FOUNDED, REBUILT), kind="overview"), enough=2)
    assert verdict(asked, said("It burned and was rebuilt. [1]", REBUILT)) == "right"
    assert verdict(asked, said("Leo rebuilt it in stone. [1]", REBUILT)) == "wrong"
    assert verdict(asked, said("It burned and was rebuilt. [1]", PAID)) == "uncited"
    assert verdict(asked, ABSTAINED) == "abstained"


def test_two_places_must_both_be_cited() -> None:
    asked = golden(("1902",), ("Leo",), evidence=(FOUNDED, REBUILT), kind="hard")
    asked = replace(asked, places=2)
    assert verdict(asked, said("In 1902; by Leo. [1][2]", FOUNDED, REBUILT)) == "right"
    assert verdict(asked, said("In 1902; by Leo. [1]", TEXT)) == "right"
    assert verdict(asked, said("In 1902; by Leo. [1][2]", FOUNDED, "in May. ")) == "uncited"
    assert verdict(asked, said("In 1902. [1][2]", FOUNDED, REBUILT)) == "wrong"


# --- yes or no


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("No: the council paid nothing. [1]", "right"),
        ("The council paid nothing. [1]", "right"),
        ("Yes, the council paid nothing. [1]", "wrong"),
        ("No. [1]", "wrong"),
    ],
)
def test_the_deciding_fact_is_said_and_the_other_word_does_not_open(
    text: str, expected: str
) -> None:
    asked = replace(golden(("nothing",), evidence=(PAID,), kind="yes-no"), yes=False)
    assert verdict(asked, said(text, PAID)) == expected


def test_a_denial_of_what_is_true_is_wrong() -> None:
    asked = replace(golden(("burned",), evidence=(BURNED,), kind="yes-no"), yes=True)
    assert verdict(asked, said("Yes, it burned down. [1]", BURNED)) == "right"
    assert verdict(asked, said("No, it burned down. [1]", BURNED)) == "wrong"
    assert verdict(asked, said("Nothing but the mill burned. [1]", BURNED)) == "right"
    assert verdict(asked, said("It burned down. [1]", REBUILT)) == "uncited"


# --- small talk, and what has no answer


def test_small_talk_neither_abstains_nor_cites() -> None:
    hello = golden(kind="small-talk")
    assert verdict(hello, said("Hello.")) == "right"
    assert verdict(hello, said("Ana Ruiz founded the mill. [1]", FOUNDED)) == "answered"
    assert verdict(hello, ABSTAINED) == "abstained"
    assert not hello.sought
    assert verdict(golden(("mill",), kind="small-talk"), said("Hello.")) == "wrong"


def test_what_has_no_answer_must_be_abstained_from() -> None:
    absent = Golden("q", "absent", "?", False, (), ())
    assert verdict(absent, ABSTAINED) == "right"
    assert verdict(absent, said("Ana Ruiz. [1]", FOUNDED)) == "answered"
    assert verdict(absent, said("The documents don't say.")) == "answered"


# --- the table


def test_shares_recall_and_kinds() -> None:
    at = TEXT.index(FOUNDED)
    hit = Hit(Passage("p", "d", at, at + len(FOUNDED), FOUNDED), 1.0)
    other = Hit(Passage("o", "d", TEXT.index(PAID), len(TEXT), PAID), 1.0)
    right = said("Ana Ruiz. [1]", FOUNDED)
    scores = [
        score(WHO, replace(right, passages=(other, hit)), DOCUMENT),
        score(WHO, replace(right, passages=(other,) * 5 + (hit,)), DOCUMENT),
        score(replace(WHO, kind="list"), ABSTAINED, DOCUMENT),
        score(replace(WHO, kind="overview"), right, DOCUMENT),
        score(golden(kind="small-talk"), said("Hello."), DOCUMENT),
        score(Golden("q", "absent", "?", False, (), ()), ABSTAINED, DOCUMENT),
    ]
    assert share(scores) == 5 / 6
    assert recall(scores) == 1 / 3
    assert by_kind(scores) == {
        "who": (2, 2),
        "list": (0, 1),
        "overview": (1, 1),
        "small-talk": (1, 1),
        "absent": (1, 1),
    }
    assert list(by_kind(scores)) == ["who", "list", "overview", "small-talk", "absent"]


# --- the questions themselves


@pytest.fixture(scope="module")
def article() -> Document:
    return load(next(SEEDS.glob("*.txt")))


@pytest.fixture(scope="module")
def told(article: Document) -> list[Span]:
    return sentences(article.text)


@pytest.mark.parametrize("asked", [g for g in questions() if g.sought], ids=lambda g: g.id)
def test_quoting_the_sentences_of_the_evidence_is_right(
    asked: Golden, article: Document, told: list[Span]
) -> None:
    assert all(article.text.count(quote) == 1 for quote in asked.evidence)
    spans = [(at := article.text.index(quote), at + len(quote)) for quote in asked.evidence]
    gold = [s for s in told if any(s.start < end and start < s.end for start, end in spans)]
    quotes = [article.text[s.start : s.end] for s in gold]
    assert verdict(asked, said(" ".join(quotes), *quotes, document=article), article) == "right"


def test_rules_fit_the_groups_and_quotes_they_speak_of() -> None:
    for g in questions():
        assert 1 <= g.places <= max(1, len(g.evidence)), g.id
        assert g.enough is None or 1 <= g.enough <= len(g.answers), g.id
        assert (g.yes is not None) == (g.kind == "yes-no"), g.id
        assert bool(g.evidence) == g.sought, g.id
        assert g.answers or not g.sought, g.id
        assert all(words.flat(one) for group in g.answers for one in group), g.id
        assert g.question.strip(), g.id


def test_earlier_turns_look_as_the_page_shows_them() -> None:
    turns = [turn for g in questions() for turn in g.history]
    assert all(question and answer.endswith("[1]") for question, answer in turns)
