"""Cases over texts that were written from the right passage: in its place, among its neighbours."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from training.base import base_folder
from training.cases import Corpus
from training.data import held_out
from training.retold import LEFT_OUT, Retold, retold, retold_cases

OTHERS = tuple(f"{town} has a harbour and a mill." for town in ("Oslo", "Lund", "Riga", "Turku"))


def unseen(text: str) -> str:
    """Return a text like it whose hash keeps it aside."""
    return next(t for i in range(2_000) if held_out(t := f"{text} Note {i}."))


HOME = unseen("The school at Arta was opened by Ann Keller in 1905.")
SAYS = "In Arta, Ann Keller taught those who could not pay."
SILENT = "The school at Arta was opened long ago."


def write(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    asked = {"Who opened the school?": "Ann Keller", "When was it opened?": "1905"}
    write(
        tmp_path / "reader.jsonl.gz",
        [
            {"question": q, "passage": HOME, "answer": a, "answer_start": HOME.index(a)}
            for q, a in asked.items()
        ],
    )
    told = [
        ("x/partial", "Who opened the school?", SAYS, "Ann Keller"),
        ("x/partial-abstain", "When was it opened?", SILENT, "The text does not say."),
        ("x/partial", "Who sold the mill?", SAYS, "Ann Keller"),  # no known passage
    ]
    write(
        tmp_path / "generative.jsonl.gz",
        [{"source": s, "question": q, "passages": [text], "answer": a} for s, q, text, a in told],
    )
    return tmp_path


def test_a_question_is_kept_with_its_passage_and_what_was_written_from_it(data: Path) -> None:
    assert retold(data) == [
        Retold("Who opened the school?", HOME, SAYS, "Ann Keller", 9, "answerable"),
        Retold("When was it opened?", HOME, SILENT, "", 0, LEFT_OUT),
    ]


def test_without_free_form_rows_there_are_none(data: Path) -> None:
    (data / "generative.jsonl.gz").unlink()
    assert retold(data) == []
    assert retold_cases(data, Corpus.of([OTHERS], data), []) == []


def test_the_text_takes_the_place_of_its_passage(data: Path) -> None:
    base_folder()
    told = retold(data)
    every = Corpus.of([[*OTHERS, HOME], sorted({one.text for one in told})], data)
    says, silent = retold_cases(data, every, told)
    assert (says.kind, silent.kind) == ("answerable", LEFT_OUT)
    assert (says.answer, says.gold) == ("Ann Keller", (9, 19))
    assert (silent.answer, silent.gold) == ("", None)
    for case, text in ((says, SAYS), (silent, SILENT)):
        found = {hit.text for hit in case.hits}
        assert text in found
        assert HOME not in found
        assert not {SAYS, SILENT} - {text} & found
        assert (case.few, case.home) == (True, len(OTHERS))
