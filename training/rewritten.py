"""Questions over a text that says the same in other words, and over one that leaves the answer out.

Some sources give a question with its passage and, beside it, with a shorter text that was written
from the passage. That text answers in words that are neither the passage's nor the question's, or
it tells of the same matter and leaves out just what is asked. So neither shared words nor their
lack give away whether a text answers. Knows nothing of tokens or networks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from rag import words
from rag.passages import sentences
from training.data import Example, Group, held_out, rows
from training.derived import ANSWERS, LEAVES_OUT, place
from training.mining import Neighbours
from training.typed import manner
from training.unanswerable import Changes, withhold

WITHHELD = 0.3  # of the texts that answer stand beside themselves without the answer
TOLD = 0.75  # of what an answer adds to its question is in the one sentence that holds it
GUESSES = re.compile(
    r"\b(?:likely|probably|perhaps|presumably|suggest\w*|impl(?:y|ies|ied|ying)|infer\w*|assum\w*"
    r"|appears?|seems?|may|might|could have|context|passage|specif(?:y|ied|ies)|mention\w*"
    r"|stated|unclear|exact|exactly|details?)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Known:
    """The answer of a question in few words, and the passage of its own that says them."""

    answer: str
    passage: str


def rewritten(path: Path, aside: Set[str], kept: bool) -> list[dict[str, Any]]:
    """Return the free-form rows over rewritten texts that may be trained on; or those kept aside.

    `aside` are the reader's questions, in small letters, that are held out: their rows are kept.
    Not trained on either is a question any of whose texts is held out by its hash.
    """
    every = list(rows(path))
    unseen = {
        row["question"].casefold()
        for row in every
        if any(held_out(passage) for passage in row["passages"])
    }
    these = [row for row in every if row["source"].endswith((ANSWERS, LEAVES_OUT))]
    if kept:
        return [row for row in these if row["question"].casefold() in aside]
    barred = unseen.union(aside)
    return [row for row in these if row["question"].casefold() not in barred]


def known(found: Sequence[dict[str, Any]]) -> dict[str, Known]:
    """Return what is known of the questions of a reader's rows that have an answer."""
    return {
        row["question"]: Known(row["answer"], row["passage"])
        for row in found
        if row["answer_start"] >= 0
    }


def rewritten_groups(
    row: dict[str, Any],
    answers: Mapping[str, Known],
    near: Neighbours,
    random: Random,
    changes: Changes,
    typed: float,
) -> list[Group]:
    """Write a free-form row over a rewritten text as a group; none where it is not sure.

    A text that answers stands beside a near passage and, where the answer's place in it is known,
    beside a changed question and beside itself without the answer. One that leaves the answer out
    stands beside the passage that has it.
    """
    source, question, passages = row["source"], row["question"], row["passages"]
    if len(passages) != 1:
        return []
    text, own = passages[0], answers.get(question)
    asked = manner(typed, random)
    said = asked(question)
    if source.endswith(LEAVES_OUT):
        group = [Example(said, text, None, 0.0, None, True, None, source)]
        if own and (span := place(own.answer, own.passage)):
            group.insert(0, Example(said, own.passage, 1.0, 1.0, span, False, None, source))
        return [tuple(group)]
    if not source.endswith(ANSWERS) or GUESSES.search(row["answer"]):
        return []
    short = said_in(text, row["answer"], own)
    span = place(short, text)
    region = None if span else telling(question, row["answer"], text)
    group = [Example(said, text, 1.0, 1.0, span, False, None, source, region)]
    if wrong := near.passage(question, [text, *([own.answer] if own else [])], random):
        group.append(Example(said, wrong, 0.0, 0.0, None, True, None, source))
    if span:
        if changed := changes.draw(question, text, short, random):
            group.append(Example(asked(changed), text, None, 0.0, None, True, None, source))
        if random.random() < WITHHELD and (cut := withhold(text, short)):
            group.append(Example(said, cut, None, 0.0, None, True, None, source))
    return [tuple(group)]


def said_in(text: str, answer: str, own: Known | None) -> str:
    """Return the answer in the words in which the text has it; empty where it has neither form."""
    forms = (own.answer if own else "", answer.strip().rstrip(".").strip())
    return next((form for form in forms if place(form, text)), "")


def telling(question: str, answer: str, text: str) -> tuple[int, int] | None:
    """Return the sentence that has nearly all of what an answer adds to its question."""
    wanted = set(words.content(answer)) - words.stems(question)
    spans = sentences(text)
    if not wanted or not spans:
        return None
    shares = [words.coverage(wanted, words.stems(text[s.start : s.end])) for s in spans]
    best = max(range(len(spans)), key=shares.__getitem__)
    return (spans[best].start, spans[best].end) if shares[best] >= TOLD else None
