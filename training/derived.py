"""Groups for the reader from rows that were not written for it.

Free-form answers that stand word for word in their passage become spans; answers that say the
passage does not tell become unanswerable rows; a question with its sentence among others of the
same article becomes a made-up passage, in which only the answer's sentence is known; a short answer
that can be put into a sentence becomes a claim.
"""

from __future__ import annotations

import re
from random import Random
from typing import Any

from training.data import SUPPORT, WELL_TYPED, Example, Group, Recipe, edits
from training.edited import Asked, Vocabulary
from training.stating import stated
from training.typed import manner
from training.unanswerable import change, names

SHORT = 60  # characters of an answer that may be looked up in its passage
MADE_UP = 900  # characters of a made-up passage
SPAN_SOURCES = ("narrativeqa", "halueval-qa")
ANSWERS, LEAVES_OUT = "/partial", "/partial-abstain"  # how sources of rewritten texts end


def found_row(row: dict[str, Any]) -> dict[str, Any] | None:
    """Turn a free-form row into a reader row; None where neither a span nor its lack is sure.

    An answer of at most `SHORT` characters that occurs once in the only passage is a span. A row
    whose source says "abstain" or "unanswerable" has none. Texts in other words are left to
    `training.rewritten`.
    """
    source, passages = row["source"], row["passages"]
    if len(passages) != 1:
        return None
    made = {"question": row["question"], "passage": passages[0], "source": source}
    if source.endswith((ANSWERS, LEAVES_OUT)):
        return None
    if source.endswith("abstain"):
        return made | {"answer": "", "answer_start": -1}
    answer = row["answer"].strip().rstrip(".").strip()
    if not source.startswith(SPAN_SOURCES) or len(answer) < 2:
        return None
    if (span := place(answer, passages[0])) is None:
        return None
    return made | {"answer": passages[0][slice(*span)], "answer_start": span[0]}


def place(answer: str, text: str) -> tuple[int, int] | None:
    """Return the characters of a text where it says a short answer; None unless just once."""
    if not 0 < len(answer) <= SHORT:
        return None
    found = list(re.finditer(rf"(?<!\w){re.escape(answer)}(?!\w)", text, re.IGNORECASE))
    return found[0].span() if len(found) == 1 else None


def made_up(sentences: list[str]) -> str:
    """Join sentences, as many as fit a passage."""
    text = ""
    for sentence in sentences:
        if text and len(text) + len(sentence) > MADE_UP:
            break
        text = f"{text} {sentence}".strip()
    return text


def sentence_group(
    row: dict[str, Any],
    random: Random,
    recipe: Recipe = WELL_TYPED,
    vocabulary: Vocabulary | None = None,
) -> Group:
    """Write a question with ranked sentences as two made-up passages: with its answer, without.

    The right sentence takes a random place among others. Where in it the answer lies is not
    known: the group's `region` is the whole sentence. With a `vocabulary` a changed question and
    edits stand beside it, as `recipe` says: they touch what question and sentence share, which is
    not the answer.
    """
    typed, source = manner(recipe.typed, random), row["source"]
    question = typed(row["question"])
    right = random.choice(row["positives"])
    others = [s for s in row["negatives"] if s != right and right not in s]
    random.shuffle(others)
    half = random.randint(1, max(1, len(others) - 1))
    around = others[:half]
    while around and made_up([*around, right]) != " ".join([*around, right]):
        around.pop()
    place = random.randint(0, len(around))
    text = made_up([*around[:place], right, *around[place:]])
    start = text.index(right)
    group = [Example(question, text, 1.0, 1.0, region=(start, start + len(right)), source=source)]
    if without := made_up(others[half:]):
        group.append(Example(question, without, 0.0, 0.0, null=True, source=source))
    if vocabulary:
        asked = Asked(row["question"], text, (start, start))
        if random.random() < recipe.changed and (
            changed := change(asked.question, text, "", random)
        ):
            group.append(Example(typed(changed), text, None, 0.0, None, True, source=source))
        group += edits(asked, vocabulary, recipe, typed, source, random)
    return tuple(group)


def stated_group(row: dict[str, Any], random: Random) -> Group:
    """Write an answer as a claim over its passage, and beside it up to two claims that are wrong.

    One has a number, a name or an opposite changed, or two names exchanged; the other says another
    name of the passage for the answer. Empty where the answer cannot be put into a sentence.
    """
    claim, passage = stated(row["question"], row["answer"]), row["passage"]
    if claim is None:
        return ()
    wrong = [change(claim, passage, "", random)]
    said = set(claim.casefold().split())
    others = [name for name in names(passage) if said.isdisjoint(name.casefold().split())]
    if others and row["answer"] in claim and row["answer"][0].isupper():
        wrong.append(claim.replace(row["answer"], random.choice(others), 1))
    source = f"{row['source']}/stated"
    return (
        Example(claim, passage, support=SUPPORT.index("supported"), source=source),
        *(
            Example(text, passage, support=SUPPORT.index("refuted"), source=source)
            for text in wrong
            if text is not None
        ),
    )
