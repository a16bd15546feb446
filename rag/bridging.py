"""The last step of a question whose best answer is only what lies between.

"Which town is the author of Salt from?" finds "Ann Keller" in the passage about Salt, which is what
most of the question asks for. Where another passage is about Ann Keller and has words of the
question that the first one lacks, it is read again with her name before the question; what it
answers then takes the first place if it is about as answerable, or if no name could answer at all
("when ...?").
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag import words
from rag.choices import choice
from rag.features import Judge, answer_in
from rag.pairing import bonds
from rag.questions import Question
from rag.types import Evidence, Hit, Passage

MARGIN = 2.0  # log-odds by which the passage of what lies between may be the more answerable
GAIN = 0.1  # share of the question that the next passage must have and the first one lack
LONGEST = 8  # words of what may be a name
_KIND = re.compile(
    r"\b(?:what|which)\s+(?P<noun>(?!(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would)"
    r"\b)(?:[\w’'-]+ ?){1,4})",
    re.I,
)
_UNNAMED = re.compile(
    r"^(?:(?!\b(?:who|whom|whose|what|which|where|why)\b).)*?\b(?:when|how (?:many|much|old|long|"
    r"far|tall|high|big|large|often)|(?:what|which) (?:year|month|day|date|decade|century|time))\b",
    re.I | re.S,
)
_PERSON = words.stems("born he she his her him husband wife")
_PLACE = words.stems(
    "city town village country state province region county capital municipality island river "
    "mountain area community district suburb"
)
_BRACKETS = re.compile(r"\s*\([^)]*\)\s*$")


def bridged(
    question: Question, evidence: tuple[Evidence, ...], hits: Sequence[Hit], judge: Judge
) -> tuple[Evidence, ...]:
    """Return the evidence with the last step's first and what led to it second, if there is one."""
    first = evidence[0] if evidence else None
    if first is None or not first.answer_text or choice(question.text):
        return evidence
    unnamed = _UNNAMED.match(question.text) is not None
    onward = _about(first, question, hits, -1.0 if unnamed else GAIN)
    if onward is None or (not unnamed and is_asked_for(question, onward)):
        return evidence
    parts = [(s.start - onward.start, s.end - onward.start) for s in onward.sentences]
    (before,) = judge.judge(question.text, [first.passage.text], [first.passage.context])
    (after,) = judge.judge(
        f"{first.answer_text}: {question.text}", [onward.text], [onward.context], [parts]
    )
    if not unnamed and after.answerable < before.answerable - MARGIN:
        return evidence
    best = max(range(len(parts)), key=lambda i: after.parts[i][2])
    sentence, answer = onward.sentences[best], answer_in(after, onward, best)
    found = Evidence(onward, sentence.start, sentence.end, first.score, answer)
    if _stems(found.answer_text) <= _stems(first.answer_text):
        return evidence
    rest = (e for e in evidence[1:] if (e.passage.id, e.start) != (onward.id, sentence.start))
    return (found, first, *rest)


def _about(
    first: Evidence, question: Question, hits: Sequence[Hit], least: float
) -> Passage | None:
    """Return the passage about what the best evidence answers that gains most, over `least`."""
    if len(words.tokens(first.answer_text)) > LONGEST:
        return None
    answer = _stems(first.answer_text)
    others = [hit for hit in hits if hit.passage.id != first.passage.id]
    tied = bonds(question.content, [Hit(first.passage, first.score), *others])
    about = [
        (bond.gain, hit.passage)
        for bond, hit in zip(tied, others, strict=True)
        if bond.gain > least and hit.passage.sentences and _titled(hit.passage, answer)
    ]
    return max(about, key=lambda one: one[0])[1] if about else None


def is_asked_for(question: Question, passage: Passage) -> bool:
    """Tell whether what a passage is about may itself be what is asked for, by its first sentence.

    "Hebron Academy is a school" is of the kind that "which school ...?" asks for, and whoever was
    born may answer "who ...?".
    """
    said = words.stems(passage.sentence(passage.sentences[0]))
    kind = _KIND.search(question.text)
    if kind:
        return not said.isdisjoint(words.content(kind["noun"]))
    if question.expected == "person":
        return not words.stems(passage.text).isdisjoint(_PERSON)
    return question.expected != "place" or not said.isdisjoint(_PLACE)


def _titled(passage: Passage, answer: frozenset[str]) -> bool:
    """Tell whether a passage's title or a heading above it is what was answered."""
    names = (_stems(_BRACKETS.sub("", n)) for n in (passage.title, *passage.place.headings))
    return any(name and answer and (name <= answer or answer <= name) for name in names)


def _stems(text: str) -> frozenset[str]:
    return words.stems(text) - words.STOP_WORDS
