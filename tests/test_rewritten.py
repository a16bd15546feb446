"""Texts in other words: what answers, what leaves the answer out, what is not sure."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from training.data import Group, held_out
from training.derived import place
from training.mining import Neighbours
from training.rewritten import Known, known, rewritten, rewritten_groups, telling
from training.unanswerable import Changes

OWN = "In 1905 the sailmaker Ann Keller of Arta opened a school for the blind."
TEXT = "Keller, who made sails in Arta, taught people without sight. Her school was free."
QUESTION = "Who founded the school for the blind?"
ANSWERS, LEAVES_OUT = "squad-flan-x/partial", "squad-flan-x/partial-abstain"


def groups(
    source: str,
    answer: str,
    text: str = TEXT,
    short: str = "Ann Keller",
    near: Neighbours | None = None,
    seed: int = 0,
) -> list[Group]:
    row = {"source": source, "question": QUESTION, "passages": [text], "answer": answer}
    answers = {QUESTION: Known(short, OWN)} if short else {}
    random = Random(seed)
    return rewritten_groups(row, answers, near or Neighbours.none(), random, Changes(), 0.0)


def test_a_text_that_says_the_short_answer_has_its_span() -> None:
    [group] = groups(ANSWERS, "The school was founded by Keller of Arta.", short="Keller")
    right = group[0]
    assert (right.relevance, right.answerable, right.null) == (1.0, 1.0, False)
    assert right.span is not None
    assert TEXT[slice(*right.span)] == "Keller"
    assert all(e.answerable == 0.0 and e.null and e.relevance is None for e in group[1:])


def test_where_only_a_sentence_tells_it_is_the_region() -> None:
    [(right,)] = groups(ANSWERS, "Keller of Arta, who made sails.")
    assert right.span is None
    assert right.region is not None
    assert TEXT[slice(*right.region)].startswith("Keller, who made sails")


def test_where_no_sentence_tells_it_is_only_known_that_the_text_answers() -> None:
    [(right,)] = groups(ANSWERS, "A woman from a harbour town opened its doors.")
    assert (right.answerable, right.span, right.region) == (1.0, None, None)


def test_a_near_passage_stands_beside_it() -> None:
    near = Neighbours(("Ann Keller sailed.", "The guild of Lemnos sold rope."), {QUESTION: (0, 1)})
    [(right, wrong)] = groups(ANSWERS, "A woman of the town.", near=near)
    assert right.passage == TEXT
    assert (wrong.passage, wrong.relevance, wrong.answerable, wrong.null) == (
        "The guild of Lemnos sold rope.",
        0.0,
        0.0,
        True,
    )


def test_a_text_that_leaves_the_answer_out_stands_beside_the_passage_that_has_it() -> None:
    text = "A school for the blind was opened in Arta in 1905."
    [(right, wrong)] = groups(LEAVES_OUT, "The context does not say who.", text)
    assert (right.passage, right.answerable) == (OWN, 1.0)
    assert right.span is not None
    assert OWN[slice(*right.span)] == "Ann Keller"
    assert (wrong.passage, wrong.answerable, wrong.null) == (text, 0.0, True)
    [alone] = groups(LEAVES_OUT, "The context does not say who.", text, short="")
    assert [e.answerable for e in alone] == [0.0]


@pytest.mark.parametrize(
    "answer",
    ["It was likely Keller.", "This is not specified.", "The passage implies that Keller did."],
)
def test_guesses_are_left_out(answer: str) -> None:
    assert groups(ANSWERS, answer) == []


def test_other_sources_are_left_out() -> None:
    assert groups("squad-flan-x/full", "Ann Keller founded it.") == []
    row = {"source": ANSWERS, "question": "q", "passages": ["a", "b"], "answer": "c"}
    assert rewritten_groups(row, {}, Neighbours.none(), Random(0), Changes(), 0.0) == []


def test_an_answer_has_a_place_only_where_it_stands_once() -> None:
    assert place("five", "Five boats.") == (0, 4)
    assert place("five", "Five or five.") is None
    assert place("five", "fiveteen") is None
    assert place("", "Five boats.") is None
    assert place("x" * 61, "x" * 61) is None


def test_the_telling_sentence_has_what_the_answer_adds() -> None:
    text = "The mill burned. The miller sold rope."
    assert telling("What burned?", "The mill burned.", text) == (0, 16)
    assert telling("What did he sell?", "He sold some boats and a clock.", text) is None
    assert telling("Did the mill burn?", "The mill burned.", text) is None


def test_short_answers_are_known_by_their_question() -> None:
    rows: list[dict[str, Any]] = [
        {"question": "q", "passage": "p has a", "answer": "a", "answer_start": 6},
        {"question": "r", "passage": "p", "answer": "", "answer_start": -1},
    ]
    assert known(rows) == {"q": Known("a", "p has a")}


def test_what_is_held_out_is_not_trained_on(tmp_path: Path) -> None:
    unseen = next(text for i in range(1_000) if held_out(text := f"Text {i}."))
    seen = next(text for i in range(1_000) if not held_out(text := f"Text {i}."))
    rows = [
        {"source": source, "question": question, "passages": [text], "answer": "a"}
        for source, question, text in (
            (ANSWERS, "Kept aside?", seen),
            (ANSWERS, "Of a held-out text?", seen),
            ("squad-flan-x/full", "of a held-out text?", unseen),
            (LEAVES_OUT, "Seen?", seen),
        )
    ]
    path = tmp_path / "generative.jsonl.gz"
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    aside = {"kept aside?"}
    assert [r["question"] for r in rewritten(path, aside, kept=False)] == ["Seen?"]
    assert [r["question"] for r in rewritten(path, aside, kept=True)] == ["Kept aside?"]
