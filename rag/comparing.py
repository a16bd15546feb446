"""Questions that set two things beside each other, made into one question about each.

"Did more people die in the fire or in the flood?" asks how many died in each; "which came first,
the fire or the flood?" when each was; "how does Ana's account differ from Bo's?" what each says.
Rules on the question's words; what the documents say of the sides is `rag.contrast`'s.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from rag import words
from rag.mentions import AUXILIARIES

Kind = Literal["number", "order", "difference"]

_LONGEST = 160  # characters of a side: unbounded, long rows of words are searched again and again
_A, _B = rf"(?P<left>.{{2,{_LONGEST}}}?)", rf"(?P<right>.{{2,{_LONGEST}}}?)"
_ONE = r"(?:thing|event|one|of (?:the|these|those) (?:two|events|things|both))"
_HAPPENED = r"(?:happened|came|occurred|took place|started|began|was|is|comes|happens)"
_FIRST, _LAST = r"(?:first|earlier|sooner)", r"(?:last|later|second)"
_ORDER = re.compile(
    rf"(?:which|what)(?: {_ONE})? {_HAPPENED} (?:the )?(?:(?P<first>{_FIRST})|{_LAST})"
    rf"(?: in time)?[,:;–-]*\s+{_A},? or {_B}",
    re.I,
)
_BEFORE_OR_AFTER = re.compile(
    rf"(?:did|was|were|is) {_A}(?: (?:happen|come|occur|take place|start|begin))? "
    rf"(?:before or after|after or before) {_B}",
    re.I,
)
_DIFFERENCES = tuple(
    re.compile(form, re.I)
    for form in (
        rf"(?:how|in what ways?|in which ways?) (?:does|do|did|is|are|was|were) {_A} "
        rf"(?:differ|(?:any )?different|compared?) (?:from|to|with) {_B}",
        rf"how (?:does|do|did) {_A} and {_B} (?:differ|compare)(?: from each other)?",
        rf"how (?:is|are|was|were) {_A} and {_B} different(?: from each other)?",
        rf"what(?:[’']s| is| are| was| were) the (?:\w+ )?differences? between {_A} and {_B}",
        rf"(?:please )?(?:compare|contrast) {_A} (?:and|with|to|versus|vs\.?|against) {_B}",
    )
)
_PLACING = "in|at|on|during|by|from|of|for|after|before|to|with"
_BE = "is|are|was|were"
_MORE = re.compile(
    rf"(?P<aux>{_BE}|did|do|does|has|have|had) (?:there )?(?P<more>more|fewer|less) "
    rf"(?P<said>(?:(?!(?:{_PLACING}) )[^\s,]+ ){{1,6}}?)"
    rf"(?P<left>(?P<place>{_PLACING}) .{{2,{_LONGEST}}}?),? or {_B}",
    re.I,
)
_WHICH_MORE = re.compile(
    rf"(?:which|what)(?: {_ONE})? (?P<verb>[a-z]+) (?P<more>more|fewer|less) "
    rf"(?P<noun>[^\s,]+(?: [^\s,]+)?)[,:;–-]+\s+{_A},? or {_B}",
    re.I,
)
_STANDS = re.compile(r"(?P<place>(?:\w+ )?)(?:the one|the ones|that|those)(?= )", re.I)
_OWNED = re.compile(
    r".+?(?:[’']s|s[’']) (?P<noun>[\w-]+(?: [\w-]+)??)(?P<rest> (?:of|for|about|on) .+)?"
)
_HEAD = re.compile(
    r"(?:(?:the|a|an) )?(?P<noun>[\w-]+(?: [\w-]+)??)(?P<rest> (?:of|for|about|on|in|at|by) .+)"
)
_NOUN = re.compile(r"(?P<noun>[\w-]+) (?:of|on|in|at|by|for|to|from|about|against)\b")
_PLURAL = re.compile(r"[^ ]*(?:[^su]s|people|men|children)\b(?! )", re.I)
_FREE = re.compile(r"(?:what|how) (?P<rest>.+)", re.I)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two sides as the question words them, and what is asked of each.

    `most` says of a number or an order whether it is the greater, or the earlier, that is asked
    for; `more` is the question's word for it.
    """

    kind: Kind
    sides: tuple[str, str]
    questions: tuple[str, str]
    most: bool = True
    more: str = ""


def comparison(question: str) -> Comparison | None:
    """Take a comparison apart; None where a question is none that is known here."""
    plain = " ".join(question.split()).rstrip("?!. ")
    if found := _ORDER.fullmatch(plain) or _BEFORE_OR_AFTER.fullmatch(plain):
        sides = (found["left"], _filled(found["left"], found["right"]))
        first = found.re is _BEFORE_OR_AFTER or found["first"] is not None
        left, right = (f"When was {side}?" for side in sides)
        return Comparison("order", sides, (left, right), first)
    if found := _MORE.fullmatch(plain):
        right = found["right"]
        if not right.casefold().startswith(f"{found['place'].casefold()} "):
            right = f"{found['place']} {right}"
        sides = (found["left"], _filled(found["left"], right))
        said = _told(found["aux"].lower(), found["said"].split())
        left, right = (f"How many {said} {side}?" for side in sides)
        return Comparison("number", sides, (left, right), _greater(found), found["more"].lower())
    if found := _WHICH_MORE.fullmatch(plain):
        sides = (found["left"], _filled(found["left"], found["right"]))
        left, right = (_how_many(found["noun"], found["verb"].lower(), side) for side in sides)
        return Comparison("number", sides, (left, right), _greater(found), found["more"].lower())
    for form in _DIFFERENCES:
        if found := form.fullmatch(plain):
            sides = (found["left"], _filled(found["left"], found["right"]))
            return Comparison("difference", sides, (_what(sides[0], ""), _what(sides[1], sides[0])))
    return None


def _greater(found: re.Match[str]) -> bool:
    return found["more"].casefold() == "more"


def _told(auxiliary: str, said: list[str]) -> str:
    """Return what is said in a question without inversion: ("did", "boys fall") -> "boys fell"."""
    *before, last = said
    if auxiliary in _BE.split("|"):
        return " ".join([*before, auxiliary, last] if before else [last, auxiliary])
    return " ".join([*before, words.past(last) if before and auxiliary == "did" else last])


def _how_many(noun: str, verb: str, side: str) -> str:
    """Return the question for one side's number: "How many people killed in the fire?"."""
    does = {"have": "do", "has": "does", "had": "did"}.get(verb)
    said = f"{does} {side} have" if does else f"{verb} in {side}"
    return f"How many {noun} {said}?"


def _filled(left: str, right: str) -> str:
    """Return the second side with what "the one" or "that" stands for, a noun of the first."""
    stands = _STANDS.match(right)
    noun = _OWNED.fullmatch(left) or _NOUN.search(left)
    if stands is None or noun is None:
        return right
    return f"{stands['place']}the {noun['noun']}{right[stands.end() :]}"


def _inverted(said: list[str]) -> str:
    """Return the question of a clause: "many locals believe" -> "What do many locals believe".

    One in the past, or with an auxiliary, is left as it is.
    """
    *before, verb = said
    past = verb.endswith("ed") or words.past(words.stem(verb)) == verb
    if not before or past or not AUXILIARIES.isdisjoint(map(words.fold, said)):
        return f"What {' '.join(said)}"
    if verb.endswith("s") and not verb.endswith("ss"):
        base = re.sub(r"ie$", "y", re.sub(r"(?<=ss)e$|(?<=x)e$|(?<=[cs]h)e$", "", verb[:-1]))
        return f"What does {' '.join(before)} {base}"
    return f"What do {' '.join(said)}"


def _what(side: str, other: str) -> str:
    """Return the question for what a side is, or says; of what the other side is about."""
    free = _FREE.fullmatch(side)
    head = side.partition(" of ")[0].split()[-1]
    be = "are" if _PLURAL.fullmatch(head) else "is"
    said = _inverted(free["rest"].split()) if free else f"What {be} {side}"
    about = _OWNED.fullmatch(other) or _HEAD.fullmatch(other)
    if free and about and about["rest"]:
        topic = about["rest"].split(" ", 2)[2]
        if not set(words.content(topic)) & words.stems(side):
            said = f"{said} about {topic}"
    return f"{said}?"
