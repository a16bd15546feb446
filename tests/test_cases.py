"""The questions that the coefficients are fitted on, over a handful of passages."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rag.passages import split
from rag.settings import PassageSettings
from rag.types import Document
from training import cases
from training.cases import Corpus, Counted

TOWNS = ("Oslo", "Lund", "Riga", "Turku", "Visby", "Bergen")
TEXTS = [
    f"{town} was founded in {1100 + i} by a bishop. It is old." for i, town in enumerate(TOWNS)
]


@pytest.fixture
def corpus() -> Corpus:
    documents = [split(Document(f"d{i}", text), PassageSettings()) for i, text in enumerate(TEXTS)]
    angles = np.linspace(0, 1, len(TEXTS))
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    stems = [cases.words.stems(text) for text in TEXTS]
    return Corpus(TEXTS, documents, stems, vectors)


def test_a_small_corpus_is_a_text_and_the_nearest(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cases, "FEW", 2)
    assert corpus.near(0).texts == TEXTS[:3]
    assert corpus.near(3).texts == TEXTS[2:5]
    small = corpus.near(5)
    assert [parts[0].document for parts in small.documents] == ["d3", "d4", "d5"]
    assert small.counted("Was Bergen founded by a bishop?") == Counted(
        {"bergen": 1, "found": 3, "bishop": 3}, 3
    )
    assert corpus.counted("Where is Oslo?").document_frequency(["oslo", "lund"]) == {
        "oslo": 1,
        "lund": 0,
    }
    assert len(corpus.counted("")) == 6


def test_rankings_are_fused_best_first(corpus: Corpus) -> None:
    found = cases.fused(corpus, corpus.vectors[0], [np.array([1, 0]), np.array([1, 2])])
    assert [one.text for one in found] == [1, 0, 2]
    assert found[0].score == pytest.approx(1.0)
    assert found[1].cosine == pytest.approx(1.0)


@pytest.fixture
def row() -> dict[str, Any]:
    start = TEXTS[1].index("1101")
    return {"passage": TEXTS[1], "answer": "1101", "answer_start": start}


def ranked(*texts: int) -> list[cases.Found]:
    return [cases.Found(i, 0.5, 0.5) for i in texts]


def test_a_case_knows_where_its_answer_stands(corpus: Corpus, row: dict[str, Any]) -> None:
    (made,) = cases.case(row, "When?", "answerable", 1, corpus, ranked(0, 1), few=False)
    assert (made.document, made.gold, made.few) == ("d1", (20, 24), False)
    assert TEXTS[1][20:24] == "1101"
    assert {hit.document for hit in made.hits} == {"d0", "d1"}
    (changed,) = cases.case(row, "Who?", "changed", 1, corpus, ranked(0, 1), few=True)
    assert (changed.gold, changed.few) == (None, True)


def test_what_was_not_found_is_no_case(corpus: Corpus, row: dict[str, Any]) -> None:
    assert cases.case(row, "When?", "answerable", 1, corpus, ranked(0, 2), few=False) == []


def test_without_its_answer_a_case_has_neither_the_passage_nor_the_words(
    corpus: Corpus, row: dict[str, Any]
) -> None:
    (made,) = cases.case(row, "When?", "removed", 1, corpus, ranked(0, 1, 2), few=False)
    assert {hit.document for hit in made.hits} == {"d0", "d2"}
    bishop = row | {"answer": "a bishop"}
    (none,) = cases.case(bishop, "Who?", "removed", 1, corpus, ranked(0, 1, 2), few=False)
    assert none.hits == ()


def test_an_edited_passage_stands_in_place_of_the_right_one(
    corpus: Corpus, row: dict[str, Any]
) -> None:
    asked = row | {"question": "When was Lund founded?"}
    vocabulary = cases.Vocabulary.of(["The singer Eva Lind was tired.", *TEXTS])
    instead = cases.edit_of(asked, vocabulary, cases.random.Random(0))
    assert instead
    assert "1101" in instead
    (made,) = cases.case(
        asked, asked["question"], "edited", 1, corpus, ranked(0, 1), few=True, instead=instead
    )
    assert (made.gold, made.document) == (None, "d1")
    texts = [hit.text for hit in made.hits if hit.document == "d1"]
    assert texts
    assert all(text in instead for text in texts)
    assert not any(text in TEXTS[1] for text in texts)
    assert {hit.text for hit in made.hits if hit.document == "d0"} == {TEXTS[0]}
    assert cases.edit_of(asked | {"answer": ""}, vocabulary, cases.random.Random(0)) is None
