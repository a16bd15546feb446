"""Rows of short answers: what is shown, what is said, and how many say nothing."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from random import Random

import pytest

from rag.prompts import NONE
from training import short_answers
from training.data import Example
from training.mining import Neighbours
from training.short_answers import short_answer
from training.unanswerable import Changes

PASSAGE = "The bridge at Arta is old. Ana Ruiz built it in 1931. It cost a fortune."
OTHER = "The harbour is old. Boats sank near the bridge at Arta."
QUESTION = "Who built the bridge at Arta?"
NEAR = Neighbours([OTHER, f"{PASSAGE} Twice."], {QUESTION: (1, 0)})
AT = PASSAGE.index("Ana")
ANSWERED = Example(QUESTION, PASSAGE, span=(AT, AT + 8), source="squad")


def made(example: Example) -> list[tuple[str, str]]:
    rows = [short_answer(example, NEAR, Random(seed)) for seed in range(60)]
    return [(row.text, row.answer) for row in rows if row]


def test_an_answer_is_said_whichever_passage_comes_first() -> None:
    rows = made(ANSWERED)
    assert len(rows) == 60
    assert {answer for _, answer in rows} == {"Ana Ruiz"}
    beside = f"{PASSAGE}\n{OTHER}"
    assert {text for text, _ in rows} == {PASSAGE, beside, f"{OTHER}\n{PASSAGE}"}


def test_without_an_answer_none_is_said_of_passages_in_their_order() -> None:
    rows = made(Example("Who sold the bridge at Arta?", PASSAGE, null=True))
    assert set(rows) == {(PASSAGE, NONE)}  # nothing is near that question
    changed = made(Example(QUESTION, OTHER, null=True))
    assert {answer for _, answer in changed} == {NONE}
    assert {text for text, _ in changed} == {OTHER, f"{OTHER}\n{PASSAGE} Twice."}


def test_an_answer_over_two_sentences_is_left_out() -> None:
    across = (PASSAGE.index("old"), PASSAGE.index("Ruiz"))
    assert short_answer(Example(QUESTION, PASSAGE, span=across), NEAR, Random(0)) is None
    assert short_answer(Example(QUESTION, "", null=True), NEAR, Random(0)) is None


def test_an_answer_whose_words_are_not_known_is_shown_with_its_sentence() -> None:
    long = "Rest is rest. " * 80
    region = (len(long), len(long) + 26)
    found = made(
        Example("Who?", f"{long}Ana Ruiz built it in 1931. {long}", None, 1.0, region=region)
    )
    assert {answer for _, answer in found} == {""}
    assert all("Ana Ruiz built it in 1931." in text for text, _ in found)


def test_what_is_made_of_one_question_is_one_group(folder: Path) -> None:
    rows = short_answers.short_answers(folder, Neighbours.none(), Changes(), 3)
    numbers: dict[int, set[str]] = {}
    for row in rows:
        bridge = re.search(r"number (\d+)", row.text)
        if bridge:
            numbers.setdefault(row.group, set()).add(bridge[1])
    assert len(numbers) > 200
    assert sum(len(some) == 1 for some in numbers.values()) > 0.8 * len(numbers)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [
        {
            "question": f"When was bridge {i} opened in 1931?",
            "passage": f"It has number {i}. The bridge was opened in May {1500 + i}. "
            + "Rest. " * 40,
            "answer": f"May {1500 + i}",
            "answer_start": len(f"It has number {i}. The bridge was opened in "),
            "source": "squad",
        }
        for i in range(300)
    ]
    for name, some in (("reader", rows), ("rerank", []), ("nli", [])):
        with gzip.open(tmp_path / f"{name}.jsonl.gz", "wt") as file:
            file.writelines(json.dumps(row) + "\n" for row in some)
    return tmp_path


@pytest.mark.usefixtures("no_documents")
def test_half_of_the_rows_say_none_and_a_slice_is_kept_aside(folder: Path) -> None:
    rows = short_answers.short_answers(folder, Neighbours.none(), Changes(), 3)
    assert rows == short_answers.short_answers(folder, Neighbours.none(), Changes(), 3)
    said = [row.answer for row in rows]
    assert said.count(NONE) == len(said) - said.count(NONE)
    kept = short_answers.short_answers(folder, Neighbours.none(), Changes(), 3, kept=True)
    assert 0 < len(kept) < 40
    assert not {row.text for row in rows} & {row.text for row in kept}


@pytest.mark.usefixtures("no_documents")
@pytest.mark.parametrize("kept", [False, True])
def test_a_share_is_of_the_texts_that_are_trained_on(folder: Path, kept: bool) -> None:
    every, some = (
        short_answers.short_answers(folder, Neighbours.none(), Changes(), 3, kept=kept, share=share)
        for share in (1.0, 0.2)
    )
    if kept:
        assert some == every
    else:
        assert 0.1 * len(every) < len(some) < 0.3 * len(every)
        texts = [set(re.findall(r"number \d+", str(rows))) for rows in (every, some)]
        assert 0.1 * len(texts[0]) < len(texts[1]) < 0.3 * len(texts[0])
