"""A folder of questions with known answers, read and checked; it knows no pipeline.

corpus.jsonl      {"doc_id", "title", "text"} a line: the documents
questions.jsonl   {"id", "question", "answers": [...], "gold_doc_ids": [...], "answerable"}
queries.jsonl     {"id", "query", "qrels": {doc_id: grade}}: ranking only, instead of questions
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rag.errors import FormatUnknown, SourceEmpty, SourceMissing

SHAPE = "a dataset is a folder with corpus.jsonl and questions.jsonl (or queries.jsonl)"


@dataclass(frozen=True, slots=True)
class Item:
    """One question. `gold` grades (> 0) the documents that answer it.

    `answers` are the wordings that count as right, none for a question that the documents do not
    answer. `answerable` is None where the dataset judges documents only.
    """

    id: str
    question: str
    gold: Mapping[str, int] = field(default_factory=dict)
    answers: tuple[str, ...] = ()
    answerable: bool | None = None


@dataclass(frozen=True, slots=True)
class Dataset:
    """A corpus and its questions; `digest` is the SHA-256 of the corpus file's bytes."""

    name: str
    corpus: Path
    items: tuple[Item, ...]
    digest: str

    @classmethod
    def open(cls, folder: str | Path) -> Dataset:
        """Read a dataset's questions.

        Raise SourceMissing without the files, FormatUnknown for a line of another shape (named by
        its number) and SourceEmpty without a question.
        """
        folder = Path(folder)
        corpus = folder / "corpus.jsonl"
        found = [folder / name for name in ("questions.jsonl", "queries.jsonl")]
        questions = next((path for path in found if path.is_file()), None)
        if questions is None or not corpus.is_file():
            raise SourceMissing(f"no dataset in {folder}", hint=SHAPE)
        items = tuple(_item(row, where) for row, where in _rows(questions))
        if not items:
            raise SourceEmpty(f"no question in {questions}", hint=SHAPE)
        return cls(folder.resolve().name, corpus, items, _sha256(corpus))

    @property
    def judges_answers(self) -> bool:
        """Whether the questions come with answers, not with judged documents only."""
        return any(item.answerable is not None for item in self.items)

    def sample(self, size: int, seed: int = 0) -> Dataset:
        """Return the same dataset with `size` of its questions, in their order, drawn by `seed`."""
        if size >= len(self.items):
            return self
        picked = sorted(random.Random(seed).sample(range(len(self.items)), size))
        return replace(self, items=tuple(self.items[i] for i in picked))


def _rows(path: Path) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Yield each line's object with its place (`questions.jsonl:3`); blank lines are passed."""
    with path.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                where = f"{path.name}:{number}"
                try:
                    row = json.loads(line)
                except ValueError as error:
                    raise FormatUnknown(f"{where} is not JSON: {error}", hint=SHAPE) from None
                if not isinstance(row, dict):
                    raise FormatUnknown(f"{where} is not an object", hint=SHAPE)
                yield row, where


def _item(row: Mapping[str, Any], where: str) -> Item:
    try:
        if "qrels" in row:
            gold = {str(id): int(grade) for id, grade in row["qrels"].items() if int(grade) > 0}
            return Item(str(row["id"]), str(row["query"]), gold)
        answers = tuple(str(answer) for answer in row.get("answers", ()))
        return Item(
            id=str(row["id"]),
            question=str(row["question"]),
            gold={str(id): 1 for id in row.get("gold_doc_ids", ())},
            answers=answers,
            answerable=bool(row.get("answerable", bool(answers))),
        )
    except KeyError as error:
        raise FormatUnknown(f"{where} has no {error}", hint=SHAPE) from None
    except (AttributeError, TypeError, ValueError) as error:
        raise FormatUnknown(f"{where}: {error}", hint=SHAPE) from None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
