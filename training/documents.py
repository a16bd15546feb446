"""Documents written for this project, as people have them, with questions over them.

Public question-answering data is of encyclopedias, tales and abstracts; news, reports, minutes,
manuals and notices are hardly among it, and what learned from it is unsure about them. These are
invented, every name in them too, with questions that they answer and some that they just miss
(`docs/training.md` says by whom). A document is cut into passages as an index would cut it; one in
`KEPT` is held out as a whole, since its passages tell of each other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from rag import words
from rag.passages import split
from rag.types import Document
from training.data import Example, Group, rows
from training.typed import manner
from training.written import Question

DOCUMENTS = Path(__file__).with_name("documents.jsonl.gz")
SOURCE = "documents"
KEPT = 8  # one document in so many is never trained on


def documents(path: Path = DOCUMENTS, *, kept: bool) -> dict[str, tuple[Question, ...]]:
    """Return the questions over each passage, which stands below its document's title.

    Of the documents that are held out with `kept`, else of the others; none where there is no file.
    """
    found: dict[str, tuple[Question, ...]] = {}
    if path.exists():
        for row in rows(path):
            if held_out_document(row["title"]) == kept:
                found |= over_passages(row)
    return found


def held_out_document(title: str) -> bool:
    """Say whether a document is held out: decided by the hash of its title."""
    return int.from_bytes(hashlib.sha256(title.encode()).digest()[:8]) % KEPT == 0


def over_passages(row: Mapping[str, Any]) -> dict[str, tuple[Question, ...]]:
    """Return the questions of a document by the passage they are over; an answer is cut by none."""
    title, paragraphs = row["title"], row["paragraphs"]
    text = "\n\n".join([title, *paragraphs])
    starts = [len(title) + 2]
    for paragraph in paragraphs:
        starts.append(starts[-1] + len(paragraph) + 2)
    found: dict[str, list[Question]] = {}
    passages = split(Document("d", text, title))
    for asked in row["questions"]:
        start = starts[asked["paragraph"]]
        answer = asked["answer"]
        if answer is not None:
            start += paragraphs[asked["paragraph"]].index(answer)
        end = start + len(answer or "")
        home = next((p for p in passages if p.start <= start and end <= p.end), None)
        if home is None:
            continue
        at = len(title) + 2 - home.start
        span = None if answer is None else (start + at, end + at)
        found.setdefault(f"{title}\n\n{home.text}", []).append(Question(asked["question"], span))
    return {passage: tuple(some) for passage, some in found.items()}


def beside_groups(
    known: Mapping[str, Sequence[Question]], typed: float, random: Random
) -> list[Group]:
    """Write each answered question over its passage and over another one of the same document.

    Where the other has the answer's words, too, the question is left out.
    """
    together: dict[str, list[str]] = {}
    for passage in known:
        together.setdefault(passage.partition("\n\n")[0], []).append(passage)
    groups = []
    for passage, some in known.items():
        others = [text for text in together[passage.partition("\n\n")[0]] if text != passage]
        for one in some:
            if one.span is None or not others:
                continue
            other = random.choice(others)
            if words.flat(passage[slice(*one.span)]) in words.flat(other):
                continue
            asked = manner(typed, random)(one.text)
            right = Example(asked, passage, 1.0, 1.0, one.span, source=SOURCE)
            wrong = Example(asked, other, 0.0, 0.0, None, True, source=SOURCE)
            groups.append((right, wrong))
    return groups
