"""Questions with a text and the words of it that answer, or that none do: what a generator rereads.

The rows are the reader's own (`training.data`), so their hard negatives are too, put into the form
in which the product shows a text (`rag.rereading`): a passage, and in some rows a sentence of
another one below it. Knows nothing of tokens or models.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from random import Random

from rag import words
from rag.prompts import NONE
from rag.rereading import AROUND, BESIDE, titled
from rag.types import Passage, Span
from training.data import Example, Recipe
from training.mining import Neighbours
from training.phrasing import taken
from training.plan import plan
from training.unanswerable import Changes

RECIPE = Recipe(
    reader=(
        ("squad", 1.0),
        ("qed-nq", 1.0),
        ("quoref", 0.7),
        ("covid-qa", 0.4),
        ("bioasq", 1.0),
        ("fairytaleqa", 0.1),
        ("clapnq", 1.0),
    ),
    generative=(
        ("squad-flan", 1.0),
        ("narrativeqa-flan", 0.7),
        ("halueval", 2.0),
        ("fairytale-flan", 0.4),
    ),
    rewritten=(("squad-flan", 2.0), ("narrativeqa-flan", 1.5), ("fairytale-flan", 0.8)),
    sentences=(("squad-train-sentences", 1.0), ("selqa", 0.5)),
    rerank=(),
    nli=(),
    asked=(("fever", 0.7), ("fool-me-twice", 1.0), ("mnli", 1.0)),
    claims=(),
    documents=3.0,
    beside=0,
    stated=0.0,
    titled=1500,
    near=0.2,
    changed=0.5,
    withheld=0.15,
    edited=0.9,
    varied=0.5,
)
ANSWERED = 0.5  # of the rows at least have an answer
SECOND = 0.4  # of the rows show a sentence of another passage below
SWAPPED = 0.15  # of those with an answer show it there


@dataclass(frozen=True, slots=True)
class ShortAnswer:
    """A question, the text shown with it, and the words to say: the answer's, or `NONE`.

    `answer` is empty where there is one and its words are not known. Those of one `group` are of
    one question, its changes among them.
    """

    question: str
    text: str
    answer: str
    source: str
    group: int = 0


def short_answers(
    folder: Path,
    near: Neighbours,
    changes: Changes,
    seed: int,
    *,
    kept: bool = False,
    share: float = 1.0,
) -> list[ShortAnswer]:
    """Return the rows of a run in shuffled order; with `kept`, those that are never trained on.

    The former are of a `share` of the texts. The same arguments give the same rows.
    """
    random = Random(f"{seed}/{kept}/short")
    groups = plan(folder, near, RECIPE, seed, kept=kept, changes=changes, share=share)
    every = [(example, number) for number, group in enumerate(groups) for example in group]
    answered = [one for one in every if one[0].answerable == 1]
    unanswered = [one for one in every if one[0].null]
    size = min(len(unanswered), round(len(answered) * (1 - ANSWERED) / ANSWERED))
    chosen = answered + random.sample(unanswered, size)
    random.shuffle(chosen)
    found = [short_answer(example, near, random, number) for example, number in chosen]
    return [one for one in found if one]


def short_answer(
    example: Example, near: Neighbours, random: Random, group: int = 0
) -> ShortAnswer | None:
    """Write an example in the form in which the product shows a text.

    None where the answer does not stand in one sentence.
    """
    passage = taken(example.passage)
    at = place(example, passage)
    if at is None:
        return None
    answer = NONE if example.null else ""
    if example.span is not None:
        start, end = example.span
        answer = " ".join(example.passage[start:end].split())
    parts = [titled(passage, at, AROUND)]
    if random.random() < SECOND:
        avoid = [example.passage, "" if example.null else answer]
        other = near.passage(example.question, avoid, random)
        if other:
            beside = taken(other)
            span = likeliest(example.question, beside)
            parts.append(titled(beside, span, BESIDE))
            if not example.null and random.random() < SWAPPED:
                parts = [titled(beside, span, AROUND), titled(passage, at, BESIDE)]
    return ShortAnswer(example.question, "\n".join(parts), answer, example.source, group)


def place(example: Example, passage: Passage) -> Span | None:
    """Return the sentence of the answer, or in which it would be; else the likest the question."""
    if within := example.span or example.region:
        start, end = within
        around = [s for s in passage.sentences if s.start <= start and end <= s.end]
        if around or example.span:
            return around[0] if around else None
    return likeliest(example.question, passage) if passage.sentences else None


def likeliest(question: str, passage: Passage) -> Span:
    """Return the sentence that has most of the question's words."""
    asked = words.stems(question)
    return max(
        passage.sentences, key=lambda s: len(asked & set(words.content(passage.sentence(s))))
    )
