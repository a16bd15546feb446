"""Questions asked of texts that were written from the right passage, in place of it.

Such a text answers in other words, or tells of the same matter and leaves out just what is asked:
of all near misses at hand those that people and not a program would meet. It is searched among the
passages near the one that it was written from. Only what was never trained on is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from training.base import base_folder
from training.cases import DEPTH, Case, Corpus, case, fused
from training.data import held_out, held_out_questions, rows
from training.mining import Neighbours, bm25_top, dense_top, embed
from training.rewritten import known, rewritten, rewritten_groups
from training.unanswerable import Changes

LEFT_OUT = "left_out"
"""The kind of a case whose text leaves the answer out."""


@dataclass(frozen=True, slots=True)
class Retold:
    """A question, the passage that answers it, a text written from that, and the answer's place.

    `answer` is empty where its place in the text is not known, or where the text leaves it out.
    """

    question: str
    passage: str
    text: str
    answer: str
    start: int
    kind: str


def retold(data: Path) -> list[Retold]:
    """Return the questions over rewritten texts that are held out, in the order of the file."""
    found = list(rows(data / "reader.jsonl.gz"))
    aside = held_out_questions(found)
    answers = known([row for row in found if row["answer_start"] >= 0])
    made: list[Retold] = []
    free = data / "generative.jsonl.gz"
    for row in rewritten(free, aside, kept=True) if free.exists() else ():
        own = answers.get(row["question"])
        if own is None or not held_out(own.passage):
            continue
        groups = rewritten_groups(row, answers, Neighbours.none(), Random(0), Changes(), 0.0)
        for one in (example for group in groups for example in group):
            if one.passage != row["passages"][0]:
                continue
            start, end = one.span or (0, 0)
            kind = "answerable" if one.answerable == 1 else LEFT_OUT
            answer = one.passage[start:end]
            made.append(Retold(one.question, own.passage, one.passage, answer, start, kind))
            break  # what follows are changes of it
    return made


def retold_cases(cache: Path, every: Corpus, these: Sequence[Retold]) -> list[Case]:
    """Return the cases of questions over rewritten texts; `every` corpus holds those texts, too."""
    place = {text: i for i, text in enumerate(every.texts)}
    others = every.among(range(len(every.texts) - len({one.text for one in these})))
    asked = list(dict.fromkeys(one.question for one in these))
    if not asked:
        return []
    vectors = dict(zip(asked, embed(asked, base_folder(), cache, 40), strict=True))
    made: list[Case] = []
    for one in these:
        home, written = place[one.passage], place[one.text]
        beside = [place[text] for text in others.near(home).texts if text != one.passage]
        near = every.among([*beside, written])
        lexical = bm25_top([one.question], near.texts, DEPTH)[0]
        dense = dense_top(vectors[one.question][None], near.vectors, DEPTH)[0]
        ranked = fused(near, vectors[one.question], [dense, lexical])
        row = {"answer": one.answer, "answer_start": one.start, "passage": one.text}
        found = case(row, one.question, one.kind, written, near, ranked, few=True)
        made += [replace(of, home=home) for of in found]
    return made
