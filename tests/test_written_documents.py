"""Documents written for training: the file, the passages they are cut into, and their groups."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from rag.passages import split
from rag.types import Document
from training import plan as planning
from training.data import Recipe
from training.documents import (
    DOCUMENTS,
    beside_groups,
    documents,
    held_out_document,
    over_passages,
)
from training.mining import Neighbours
from training.plan import plan
from training.written import Question

BRIDGE = (
    "The bridge at Arta opened on Monday, two years late. Ana Ruiz, who drew it, was not asked to "
    "speak. The mayor, Tom Berg, said that the town had paid for every stone of it and that he "
    "would not share the ribbon with anybody, least of all with the county."
)
FERRY = (
    "The ferry stays until the spring. Its captain, Lena Voss, has carried the school's children "
    "for eleven years and told this newspaper that the county owes her two winters' wages, which "
    "the county's clerk, Per Holm, called a misunderstanding about a form."
)
ROW = {
    "register": "local news",
    "title": "A bridge, late",
    "paragraphs": [BRIDGE, FERRY],
    "questions": [
        {"paragraph": 0, "question": "Whose design is the crossing?", "answer": "Ana Ruiz"},
        {"paragraph": 1, "question": "Who waits for money?", "answer": "Lena Voss"},
        {"paragraph": 1, "question": "What did the mayor say about the ferry?", "answer": None},
    ],
}


def test_questions_are_over_the_passages_that_an_index_would_have() -> None:
    found = over_passages(ROW)
    document = Document("d", f"A bridge, late\n\n{BRIDGE}\n\n{FERRY}", "A bridge, late")
    title, *others = [passage.text for passage in split(document)]
    assert [*found] == [f"{title}\n\n{text}" for text in others]
    assert len(found) == 2
    said = {
        one.text: text[slice(*one.span)] if one.span else None
        for text, some in found.items()
        for one in some
    }
    assert said == {asked["question"]: asked["answer"] for asked in ROW["questions"]}


def test_a_document_is_held_out_as_a_whole(tmp_path: Path) -> None:
    file = tmp_path / "documents.jsonl.gz"
    with gzip.open(file, "wt", encoding="utf-8") as lines:
        for n in range(100):
            print(json.dumps(ROW | {"title": f"A bridge, {n} years late"}), file=lines)
    trained, kept = (documents(file, kept=kept) for kept in (False, True))
    assert (len(trained) + len(kept), bool(kept)) == (200, True)
    for these, aside in ((trained, False), (kept, True)):
        assert {held_out_document(text.partition("\n")[0]) for text in these} == {aside}


def test_without_a_file_there_are_none(tmp_path: Path) -> None:
    assert documents(tmp_path / "none.jsonl.gz", kept=False) == {}


def test_an_answered_question_stands_over_another_passage_of_its_document_too() -> None:
    title = "A bridge at last"
    drawn, paid, again, other = (
        f"{title}\n\nAna Ruiz drew the bridge.",
        f"{title}\n\nThe town paid 40 million.",
        f"{title}\n\nIt was Ana Ruiz who opened it.",
        "A ferry\n\nIt sank.",
    )
    start = len(title) + 2
    who, much = (
        Question("Who drew it?", (start, start + 8)),
        Question("How much was paid?", (start + 14, start + 24)),
    )
    missed = Question("Who drew the ferry?", None)
    known = {drawn: (who, missed), paid: (much,), again: (), other: ()}
    seen = set()
    for seed in range(20):
        for right, wrong in beside_groups(known, 0.0, Random(seed)):
            seen.add((right.question, right.passage, wrong.passage))
            assert (right.relevance, right.answerable, right.null) == (1.0, 1.0, False)
            assert (wrong.relevance, wrong.answerable, wrong.null) == (0.0, 0.0, True)
            assert (wrong.question, wrong.span) == (right.question, None)
    assert seen == {
        ("Who drew it?", drawn, paid),  # what else names Ana Ruiz might answer
        ("How much was paid?", paid, drawn),
        ("How much was paid?", paid, again),
    }
    assert beside_groups({other: (Question("What sank?", (9, 11)),)}, 0.0, Random(0)) == []


def test_a_run_learns_from_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("reader", "rerank", "nli"):
        with gzip.open(tmp_path / f"{name}.jsonl.gz", "wt"):
            pass
    some = {BRIDGE: (Question("Who drew it?", (53, 61)), Question("Who drew the ferry?", None))}
    monkeypatch.setattr(planning, "documents", lambda kept: {} if kept else some)
    recipe = Recipe(stated=0, titled=0, documents=1.0)
    assert plan(tmp_path, Neighbours.none(), recipe, 1, kept=True) == []
    assert len(plan(tmp_path, Neighbours.none(), replace(recipe, documents=3.0), 1)) == 3
    assert plan(tmp_path, Neighbours.none(), replace(recipe, documents=0.0), 1) == []
    ((first, second),) = plan(tmp_path, Neighbours.none(), recipe, 1)
    assert (first.answerable, first.source) == (1.0, "documents")
    assert first.span is not None
    assert first.passage[slice(*first.span)] == "Ana Ruiz"
    assert (second.answerable, second.null, second.span) == (0.0, True, None)


def test_the_shipped_file_has_answers_and_near_misses_alike_in_length() -> None:
    every = [
        (passage, one)
        for kept in (False, True)
        for passage, some in documents(kept=kept).items()
        for one in some
    ]
    assert len(every) > 1_000
    answered = [len(one.text) for _, one in every if one.span is not None]
    missed = [len(one.text) for _, one in every if one.span is None]
    assert 0.4 < len(answered) / len(every) < 0.75
    assert abs(sum(answered) / len(answered) - sum(missed) / len(missed)) < 10
    for passage, one in every:
        if one.span is not None:
            assert passage[slice(*one.span)].strip() == passage[slice(*one.span)] != ""
    assert DOCUMENTS.stat().st_size < 1_000_000
