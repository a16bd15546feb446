"""Questions that offer two things to choose from: "Who was born first, Ada Byron or Karl Marx?".

The answer is one of the two, by its whole name. Where the question is about an order in time, the
years that the evidence gives for each decide. Rules on words; nothing here scores evidence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from rag import words
from rag.types import Evidence, Span

Order = Literal["first", "last", ""]

# Names of at most ten words: unbounded, a long row of capitals is searched from each of its words.
_ONE = r"[^\W_a-z][\w.'’&-]*(?: [^\W_a-z][\w.'’&-]*){0,9}"
_NAME = (
    r"[^\W_a-z][\w.'’&-]*"
    r"(?:,? (?:(?:of|the|de|del|van|von|and|for) ){0,3}[^\W_a-z][\w.'’&-]*){0,9}"
)
_OFFERED = re.compile(rf"(?P<left>{_NAME})\s?,? or (?:the )?(?P<right>{_NAME})")
_BETWEEN = re.compile(
    rf"^\W*(?:between|out of|of)\b[^,?]*?(?P<left>(?-i:{_ONE})) and (?P<right>(?-i:{_ONE})),", re.I
)
_BE = "is|are|was|were|do|does|did|has|have|had|can|could|will|would|should"
_CHOOSES = re.compile(rf"\b(?:who|whom|whose|which|what (?!(?:{_BE})\b))\b|^\W*(?:{_BE})\b", re.I)
_FIRST = re.compile(r"\b(?:first|earlier|earliest|older|oldest)\W*$", re.I)
_LAST = re.compile(
    r"\b(?:later|latest|last|second|younger|youngest|newer|newest|more recent(?:ly)?)\W*$", re.I
)
YEAR = re.compile(r"\b1\d{3}\b|\b20\d\d\b")
_ASKING = frozenset(
    "who whom whose which what when where why how is are was were did does do has".split()
)


@dataclass(frozen=True, slots=True)
class Choice:
    """Two names that a question offers, and which in time it asks for, if any."""

    options: tuple[str, str]
    order: Order


def choice(question: str) -> Choice | None:
    """Return what a question offers; None where it offers no two names, or asks for neither.

    "When did Ada Byron or Karl Marx die?" asks for a date. Only an order that the question ends on
    is one: "the first book" is not.
    """
    found = _OFFERED.search(question) or _BETWEEN.search(question)
    if found is None or not _CHOOSES.search(question):
        return None
    left = found["left"].rpartition(", ")[2].split()
    while left and left[0].casefold() in _ASKING:
        left = left[1:]
    if not left:
        return None
    rest = question.replace(found.group(), " ")
    order: Order = "first" if _FIRST.search(rest) else "last" if _LAST.search(rest) else ""
    return Choice((" ".join(left), found["right"].rstrip(".'’")), order)


def chosen(question: str, evidence: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
    """Return the evidence with that of the chosen name first, and the name as its answer.

    As it was where the question offers nothing, or where the evidence does not decide: two names
    in the best piece, or the same year for both.
    """
    offered = choice(question)
    if offered is None or not evidence:
        return evidence
    if offered.order and (ordered := _by_time(offered, evidence)):
        return ordered
    best = evidence[0]
    for text in (best.answer_text, best.quote, best.passage.context):
        named = [option for option in offered.options if _speaks(text, option)]
        if len(named) == 1:
            return _answered(named[0], evidence)
    return evidence


def _by_time(offered: Choice, evidence: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
    """Put first what gives the chosen name's year, then what gives the other's; () if undecided."""
    dated: list[tuple[int, str, Evidence]] = []
    for option in offered.options:
        for one in evidence:
            years = YEAR.findall(one.quote)
            text = f"{one.passage.context} {one.quote}"
            if years and [o for o in offered.options if _speaks(text, o)] == [option]:
                dated.append((int(years[0]), option, one))
                break
    if len(dated) < 2 or dated[0][0] == dated[1][0]:
        return ()
    dated.sort(key=lambda one: one[0], reverse=offered.order == "last")
    first, second = dated[0][2], dated[1][2]
    rest = tuple(one for one in evidence if one is not first and one is not second)
    return _answered(dated[0][1], (first, second, *rest))


def _answered(option: str, evidence: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
    """Let the option's name be the answer: of the first evidence of the best passage that has it.

    As it was where only the passage's title names the option.
    """
    for i, one in enumerate(evidence):
        span = mention(one.quote, option) if one.passage.id == evidence[0].passage.id else None
        if span is not None:
            named = replace(one, answer=Span(one.start + span.start, one.start + span.end))
            return (named, *evidence[:i], *evidence[i + 1 :])
    return evidence


def mention(text: str, name: str) -> Span | None:
    """Return where a text names something: its whole name, or from the first word to the last.

    "Ada King Byron" and ‘Augusta "Ada" Byron’ name Ada Byron. None where the first or the last word
    is missing, or they are more than a few words apart.
    """
    parts = [re.escape(word) for word in name.split()]
    whole = re.search(r"\b" + r"\s+".join(parts) + r"\b", text)
    if whole is None and len(parts) > 1:
        called = rf"(?:\b[^\W_a-z]\w+ [“\"‘'])?\b{parts[0]}\W{{1,2}}(?:\S+\s){{0,2}}?{parts[-1]}\b"
        whole = re.search(called, text)
    return Span(*whole.span()) if whole else None


def _speaks(text: str, option: str) -> bool:
    """Tell whether a text holds most of an option's words, or its last one."""
    said = words.stems(text)
    asked = [words.stem(word) for word in words.tokens(option)]
    asked = [stem for stem in asked if stem not in words.STOP_WORDS]
    return bool(asked) and (asked[-1] in said or sum(a in said for a in asked) * 2 > len(asked))
