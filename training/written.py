"""Questions written for this project over training passages: some they answer, some they just miss.

What programs make of a question or passage is odd, and odd in ways of its own; what is hard about
people's near misses is that they are not. So for some passages questions of both kinds were
written with care, in the manner of SQuAD 2.0's: alike in style and length, the unanswerable ones
each with a tempting wrong answer in the passage (`docs/training.md` says by whom). The passages are
not repeated: a row has the hash of one, and where in it the answer stands.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from training.data import Example, Group, rows
from training.typed import manner

WRITTEN = Path(__file__).with_name("written.jsonl.gz")
MANNERS = Path(__file__).with_name("manners.jsonl.gz")
"""Questions over held-out passages in manners that nothing was trained on, to fit what judges."""
SOURCE = "written"


@dataclass(frozen=True, slots=True)
class Question:
    """A question and the characters of the passage that answer it; None where none do."""

    text: str
    span: tuple[int, int] | None


Questions = Mapping[str, Sequence[Question]]
"""By the passage that they are over: its `key`."""


def key(passage: str) -> str:
    """Return what a passage is known by."""
    return hashlib.sha256(passage.encode()).hexdigest()[:16]


def questions(path: Path = WRITTEN) -> Questions:
    """Read all questions; none where there is no file."""
    found: dict[str, list[Question]] = {}
    if path.exists():
        for row in rows(path):
            span = row["answer"]
            asked = Question(row["question"], (span[0], span[1]) if span else None)
            found.setdefault(row["passage"], []).append(asked)
    return found


def written_groups(
    passages: Iterable[str],
    known: Questions,
    typed: float,
    random: Random,
    source: str = SOURCE,
) -> list[Group]:
    """Write the questions over each passage that has any as a group."""
    groups = []
    for passage in dict.fromkeys(passages):
        group = []
        for one in known.get(key(passage), ()):
            text, answered = manner(typed, random)(one.text), float(one.span is not None)
            missed = one.span is None
            group.append(Example(text, passage, None, answered, one.span, missed, source=source))
        if group:
            groups.append(tuple(group))
    return groups
