"""The questions that the coefficients are fitted on, over a handful of passages."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from rag.passages import split
from rag.settings import PassageSettings
from rag.types import Document, Judgement
from tests.fakes import PointingJudge
from training import cases
from training.cases import Corpus, Counted
from training.written import Question, key

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
    (missed,) = cases.case(row, "Who?", "written", 1, corpus, ranked(0, 1), few=True)
    assert (missed.gold, missed.few) == (None, True)


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


def test_every_question_is_asked_of_all_and_of_few_with_those_written_over_the_texts(
    corpus: Corpus, row: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def embedded(texts: Sequence[str], *_: object) -> NDArray[np.float32]:
        return np.tile(corpus.vectors[2], (len(texts), 1))

    monkeypatch.setattr(cases, "embed", embedded)
    monkeypatch.setattr(cases, "base_folder", lambda: tmp_path)
    written = {
        key("Another."): [Question("Which king founded Riga?", None)],
        key(TEXTS[3]): [
            Question("Which bishop sold Turku?", None),
            Question("Which town is Turku?", (0, 5)),
            Question("Turku is what?", (9, 11)),
        ],
    }
    asked = row | {"question": "When was Lund founded?"}
    made = cases.cases(tmp_path, corpus, [asked], written)
    assert [(one.question, one.kind, one.few, one.gold) for one in made] == [
        (asked["question"], "answerable", False, (20, 24)),
        (asked["question"], "answerable", True, (20, 24)),
        (asked["question"], "removed", False, None),
        (asked["question"], "removed", True, None),
        ("Which bishop sold Turku?", "written", False, None),
        ("Which bishop sold Turku?", "written", True, None),
        ("Which town is Turku?", "answerable", True, (0, 5)),
        ("Turku is what?", "answerable", False, (9, 11)),
    ]
    assert [one.answer for one in made[6:]] == [TEXTS[3][0:5], TEXTS[3][9:11]]
    assert all(one.document == "d3" and one.home == 3 for one in made[4:])
    assert all("d3" in {hit.document for hit in one.hits} for one in made[4:])
    once = cases.cases(tmp_path, corpus, [], written, "otherwise", twice=False)
    assert [(one.kind, one.few) for one in once] == [
        ("otherwise", False),
        ("answerable", True),
        ("answerable", False),
    ]


def test_a_title_above_a_text_is_no_passage_and_moves_none() -> None:
    title, text = "Minutes of the harbour board", "The crane is to be sold. Nobody was against."
    (passage,) = cases.cut("d7", f"{title}\n\n{text}", below_title=True)
    assert (passage.document, passage.text, passage.title) == ("d7", text, title)
    assert passage.start == len(title) + 2
    (whole,) = cases.cut("d7", f"{title}\n\n{text}", below_title=False)
    assert (whole.text, whole.title) == (f"{title}\n\n{text}", "")


class Liking(PointingJudge):
    """A judge that is the surer of an answer the longer the question is."""

    def judge(self, question: str, *_: object) -> list[Judgement]:  # type: ignore[override]
        return [Judgement(0.0, float(len(question)), 0, 0, 0.0)]


def test_of_a_questions_changes_that_is_kept_which_a_judge_falls_for_most(
    row: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = itertools.cycle(["When was Riga sold?", None, "When was Lund founded anew?", "When?"])
    monkeypatch.setattr(cases, "change", lambda *_: next(changes))
    asked = row | {"question": "When was Lund founded?"}
    judge = Liking("")
    assert cases.changed([asked, asked | {"answer": ""}, asked], judge, random.Random(0)) == [
        (asked, "When was Lund founded anew?", "changed", (False,)),
        (asked, "When was Lund founded anew?", "changed", (True,)),
    ]
    assert cases.changed([asked], None, random.Random(0)) == []
