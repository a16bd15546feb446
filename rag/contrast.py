"""What the documents say of the two sides of a comparison, beside each other.

Each side's own question is read by itself, and the best that is found for each is quoted. Which is
more is said where both give a number, which was first where both give a year or one says that it
was "a few days later". Nothing is said where the documents do not speak of one of the sides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from rag import words
from rag.choices import YEAR
from rag.comparing import Comparison
from rag.deciding import Decided
from rag.gathering import overlap
from rag.types import Evidence, Reading

SMALL = 1e-9  # instead of nothing, by which a score of nothing would be divided
SPOKEN = 0.5  # of a side's content words that its evidence has
BEST = 0.3  # score that a side's evidence has at least where its question is answered
FOUND = 0.05  # and where it is not, but half of the side's words are there
NEAR = 5  # pieces of evidence looked at
Ask = Callable[[str], Reading]
"""Searches and reads for a question."""

_UNIT = r"(?:minutes?|hours?|days?|weeks?|months?|years?|decades?)"
_SINCE = re.compile(
    rf"\b{_UNIT} (?:later|afterwards?|after that)\b|\bthe (?:next|following) (?:\w+ )?{_UNIT}\b"
    r"|\b(?:afterwards|thereafter|subsequently|after that)\b",
    re.I,
)
_UNTIL = re.compile(rf"\b{_UNIT} (?:earlier|before that|previously)\b|\bbefore that\b", re.I)
_COUNTS = re.compile(r"(?:[\w-]+ [\w-]+,? )+and [\w-]+ [\w-]+")


def contrasted(compared: Comparison, ask: Ask, least: float) -> Decided | None:
    """Return what is found for both sides; None where one is not spoken of.

    A side is, where the evidence has its names, and its question is answered with a probability of
    `least` or the evidence has half of its words, too. One of them at least is answered, or it is
    said which is first or more.
    """
    found: list[Evidence] = []
    sure: list[float] = []
    answered = False
    for side, question in zip(compared.sides, compared.questions, strict=True):
        reading = ask(question)
        able = reading.answerable >= least
        score, share = (BEST, 0.0) if able else (FOUND, SPOKEN)
        evidence = [
            one for one in left(reading.evidence[:NEAR], found) if _counts(compared, one, score)
        ]
        spoken = next((one for one in evidence if speaks_of(side, one, share)), None)
        if spoken is None:
            return None
        found.append(spoken)
        sure.append(reading.confidence if able else spoken.score)
        answered = answered or able
    first = _first(compared, *found)
    if first is None:
        return Decided("", tuple(found), min(sure), found[0].answer_text) if answered else None
    return Decided(f"{_word(compared)}: {first}.", tuple(found), min(sure), first)


def left(evidence: Sequence[Evidence], taken: Sequence[Evidence]) -> list[Evidence]:
    """Return the evidence that is not the other side's, with the scores that it then has.

    Where one is known not to be the answer, the others are as likely as before among what is left.
    """
    rest = [one for one in evidence if not any(overlap(one, other) for other in taken)]
    gone = sum(one.score for one in evidence) - sum(one.score for one in rest)
    return [replace(one, score=one.score / max(1 - gone, one.score, SMALL)) for one in rest]


def _counts(compared: Comparison, one: Evidence, least: float) -> bool:
    """Tell whether evidence is good enough, and says a number where numbers are compared."""
    return one.score >= least and (compared.kind != "number" or bool(words.numbers(one.quote)))


def speaks_of(side: str, one: Evidence, share: float) -> bool:
    """Tell whether evidence has all names of a side, and a share of its content words."""
    said = words.stems(f"{one.passage.context} {one.quote}")
    wanted = words.content(side)
    names = [words.stem(name) for name in words.names(f"it {side}")]
    met = sum(words.near(word, said) for word in wanted)
    return met >= share * len(wanted) and all(words.near(name, said) for name in names)


def _word(compared: Comparison) -> str:
    """Return what a side is that is named first: "More", "First"."""
    if compared.kind == "number":
        return compared.more.capitalize()
    return "First" if compared.most else "Later"


def _first(compared: Comparison, left: Evidence, right: Evidence) -> str | None:
    """Return the side that is asked for, None where the evidence does not say which it is."""
    if compared.kind == "number":
        one, other = _count(left), _count(right)
        known = one is not None and other is not None and one != other
        greater = one > other if known else None  # type: ignore[operator]
    elif compared.kind == "order":
        greater = _before(left, right)
    else:
        return None
    return None if greater is None else compared.sides[int(greater != compared.most)]


def _before(left: Evidence, right: Evidence) -> bool | None:
    """Tell whether what the first speaks of was earlier; None where that is not said."""
    years = [YEAR.findall(one.quote) for one in (left, right)]
    if all(years) and years[0][0] != years[1][0]:
        return int(years[0][0]) < int(years[1][0])
    if left.document != right.document:
        return None
    for one, other, early in ((left, right, False), (right, left, True)):
        if other.start < one.start and _SINCE.search(one.quote):
            return early
        if other.start < one.start and _UNTIL.search(one.quote):
            return not early
    return None


def _count(evidence: Evidence) -> int | None:
    """Return the number that answers, "three women and six children" added up; None for no one."""
    answer = evidence.answer_text
    for match in _COUNTS.finditer(evidence.quote):
        inside = evidence.answer is not None and answer and answer in match[0]
        several = [words.number(token) for token in words.tokens(match[0])]
        counts = [n for n in several if n is not None]
        if inside and len(counts) > 1 and all(n.isdigit() for n in counts):
            return sum(map(int, counts))
    numbers = [n for token in words.tokens(answer) if (n := words.number(token)) is not None]
    return int(numbers[0]) if len(numbers) == 1 and numbers[0].isdigit() else None
