"""Yes-or-no questions about two named things, made into what each must be for a yes.

"Are Ann Keller and Bo Falk both painters?" makes two statements: "Ann Keller is a painter." and the
like of Bo Falk. "Were they born in the same town?" asks of each in which, to be compared. Rules on
the question's words; what the documents say of the statements is `rag.deciding`'s.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_ONE = {"are": "is", "were": "was", "do": "does", "have": "has"}
_AUXILIARY = re.compile(
    r"^(?P<aux>is|are|was|were|do|does|did|has|have|had|can|could|will|would)\s+(?P<rest>.+)$",
    re.I | re.S,
)
_NAME = (
    r"(?:the |[\"“])?[^\W_a-z][\w.'’&/-]*[\"”]?"
    r"(?: (?:(?:of|the|de|del|di|la|van|von|from|for|in|on|a) ){0,2}"
    r"[\"“(]?[^\W_a-z][\w.'’&/-]*[\"”)]?){0,9}"
)
_KIND = r"(?:(?:the |both )?[a-z]+s,? (?=(?:the |[\"“])?[A-ZÀ-Þ0-9]))?"
_BOTH = re.compile(
    rf"^(?-i:{_KIND})(?P<left>[^?]{{2,80}}?),? and (?P<right>[^?]{{2,80}}?),? both (?P<said>.+)$",
    re.I,
)
_NAMED = re.compile(rf"^{_KIND}(?P<left>{_NAME}),? and (?P<right>{_NAME}),? (?P<said>.+)$")
_PLAIN = re.compile(r"^(?P<left>\S+) and (?P<right>\S+) (?P<said>.+)$")
_SAME = re.compile(r"\b(?:the )?same (?P<noun>[a-z]+(?: (?!as\b|time\b)[a-z]+)?)\b", re.I)
_PHRASE = re.compile(
    r"^(?P<head>[^,]*?)(?P<tail>,.*| (?:in|of|from|by|at|on|for|with|to|who|that|which|about|"
    r"located|based|born|situated|published|written|made|founded|known)\b.*)?$",
    re.S,
)
_PLACE = re.compile(r"\b(?:in|at|on|near|from)$")
_VERBAL = re.compile(
    r"^(?:\w+ly )?(?:born|made|found|held|\w+(?:ed|ing|wn|en))"
    r"(?: (?:in|of|from|by|at|on|for|with|to|as|near|before|after|during)\b|$)",
    re.I,
)
_IRREGULAR = {"people": "person", "men": "man", "women": "woman", "children": "child"}
_NO_PLURAL = ("ss", "us", "is", "ics", "series", "species")
_CHOICE = re.compile(r"\bor\b", re.I)


@dataclass(frozen=True, slots=True)
class Polar:
    """What a yes-or-no question says of two names.

    `statements` has for each name what must hold of it for a yes. Where `shared`, they are
    questions instead, and the answer is yes if their answers agree.
    """

    names: tuple[str, str]
    statements: tuple[str, str]
    shared: bool = False


def polar(question: str) -> Polar | None:
    """Take a yes-or-no question apart; None where that takes more grammar than is known here."""
    found = _AUXILIARY.match(" ".join(question.split()).rstrip("?!. "))
    if found is None or _CHOICE.search(found["rest"]):
        return None
    aux, rest = found["aux"].lower(), found["rest"]
    stated_of_both = rest.lower().startswith("both ")
    rest = rest[5:] if stated_of_both else rest
    two = _BOTH.match(rest)
    if two is None and (stated_of_both or _SAME.search(rest)):
        two = _NAMED.match(rest) or _PLAIN.match(rest)
    if two is None:
        return None
    names = (_bare(two["left"]), _bare(two["right"]))
    singular, said = _ONE.get(aux, aux), two["said"].strip()
    same = _SAME.search(said)
    if same:
        left, right = (_asked(name, singular, said, same) for name in names)
        return Polar(names, (left, right), True)
    if aux in ("are", "were"):
        said = one_of(said)
    left, right = (f"{name} {singular} {said}." for name in names)
    return Polar(names, (left, right))


def one_of(said: str) -> str:
    """Return what is said of several of one: "film directors" -> "a film director"."""
    found = _PHRASE.match(said)
    if found is None or not found["head"] or _VERBAL.match(said):
        return said
    *before, noun = found["head"].split()
    one = _singular(noun)
    if one == noun:
        return said
    phrase = " ".join([*before, one])
    if before[:1] not in (["the"], ["a"], ["an"]):
        phrase = f"{'an' if phrase[0] in 'aeiouAEIO' else 'a'} {phrase}"
    return phrase + (found["tail"] or "")


def _singular(noun: str) -> str:
    """Return the singular of a noun, itself where it looks like none that is a plural."""
    if noun.lower() in _IRREGULAR:
        return _IRREGULAR[noun.lower()]
    if not noun.endswith("s") or noun.endswith(_NO_PLURAL) or len(noun) < 4:
        return noun
    if noun.endswith("ies"):
        return f"{noun[:-3]}y"
    return noun[:-2] if noun.endswith(("ches", "shes", "sses", "xes")) else noun[:-1]


def _asked(name: str, aux: str, said: str, same: re.Match[str]) -> str:
    """Return the question for what is the same: "What province is Nantong situated in?".

    What kind of thing a name is ("cities in the same province") is left out of it.
    """
    noun, before = same["noun"], said[: same.start()].strip()
    behind = said[same.end() :].strip()
    if before in ("of", "from the", ""):
        return f"What is the {noun} of {name}?"
    if aux in ("is", "was"):
        one = one_of(before)
        place = _PLACE.search(before)
        before = place[0] if place and one != before else one
    return " ".join(f"What {noun} {aux} {name} {before} {behind}".split()) + "?"


def _bare(name: str) -> str:
    return re.sub(r"^the ", "", name.strip(' ,"“”'), flags=re.I)
