"""Questions made of claims that people wrote, by leaving out what stands last in them.

"Telemundo is a network owned by NBC." asks "What is Telemundo a network owned by?", and a premise
that supports the claim answers it with the name. `training.claim_questions` leaves the subject
out, so these ask the same claims for something else. Of a false claim, or one that its premise
leaves open, the premise has what was left out too; what else the claim says is what it has not. A
false claim whose every other word its premise has is left alone: there it may be just what was
left out that is false.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random
from typing import Any

from rag import words
from training.claim_questions import parsed
from training.data import WELL_TYPED, Example, Group, Recipe, edits
from training.edited import Asked, Vocabulary
from training.stating import FINITE, IRREGULAR, REGULAR, past
from training.typed import manner

LONGEST_OBJECT = 5  # words
BARE = re.compile(r"^(?:the|a|an|his|her|their|its) ", re.IGNORECASE)
DENIED = re.compile(r"\b(?:not|never|no|nothing|none|only|without)\b|n't", re.IGNORECASE)
YEAR = re.compile(r"1\d{3}|20\d\d")
PERSON = re.compile(r"[A-Z][\w’'-]+(?: [A-Z]\.)? [A-Z][\w’'-]+")
PREPOSITIONS = frozenset(
    "in at on by from to with for of as during after into against near".split()
)
INSIDE = PREPOSITIONS - {"of"} | {"and", "or", "that", "which", "who", "but", "than", "is", "was"}
JOINED = frozenset("and or but that which who because while when if than so he she it".split())
PLACED = ("in", "at", "near")
AUXILIARY = FINITE - {"do", "does", "did"}
BE = frozenset("is are was were".split())
PLAIN = {past(verb): verb for verb in (*REGULAR, *IRREGULAR)}


def object_group(
    row: dict[str, Any],
    random: Random,
    recipe: Recipe = WELL_TYPED,
    vocabulary: Vocabulary | None = None,
) -> Group:
    """Write a claim and its premise as a group of one question; empty where they make none.

    As `training.claim_questions.claim_group`, which says what the titles and edits are.
    """
    stated = parsed(row)
    if stated is None or DENIED.search(stated.rest):
        return ()
    subject, label, premise = stated.subject, row["label"], row["premise"]
    ended = last(stated.rest, premise)
    if ended is None:
        return ()
    head, thing = ended
    asked = question(lowered(subject, premise), head, thing)
    if asked is None:
        return ()
    if label != "supported" and not missing(f"{subject} {head}", subject, premise):
        return ()
    premise, _ = stated.titled(premise, random)
    typed, source = manner(recipe.typed, random), f"{row['source']}/object"
    if label != "supported":
        return (Example(typed(asked), premise, None, 0.0, None, True, source=source),)
    span = place(thing, f"{subject}{stated.rest}", premise)
    group = [Example(typed(asked), premise, None, 1.0, span, source=source)]
    if vocabulary:
        group += edits(Asked(asked, premise, span), vocabulary, recipe, typed, source, random)
    return tuple(group)


def last(rest: str, premise: str) -> tuple[str, str] | None:
    """Part what is said of a subject before the thing that it ends with; None without one.

    The premise has the thing word for word, but for its article.
    """
    said = rest.split()
    for count in range(min(LONGEST_OBJECT, len(said) - 1), 0, -1):
        head, thing = said[:-count], said[-count:]
        if head[-1] not in PREPOSITIONS and len(head) > 1:
            continue
        if head[-1] in BE or any(word.casefold() in INSIDE for word in thing):
            continue
        if not simple(head) or (head[-1] == "to" and not nominal(thing)):
            continue
        text = " ".join(thing)
        if words.content(text) and spans(text, premise):
            return " ".join(head), text
    return None


def nominal(thing: Sequence[str]) -> bool:
    """Tell a thing behind "to" from a verb."""
    return thing[0][0].isupper() or bool(BARE.match(" ".join(thing)))


def simple(head: Sequence[str]) -> bool:
    """Tell whether what is said of a subject is one clause, as far as its words show."""
    later = [word.casefold() for word in head[2:]]
    return JOINED.isdisjoint(later) and FINITE.isdisjoint(later) and "," not in " ".join(head)


def spans(thing: str, premise: str) -> list[tuple[int, int]]:
    """Return where a premise has a thing's words, its article left away."""
    bare = BARE.sub("", thing)
    found = re.finditer(rf"(?<!\w){re.escape(bare)}(?!\w)", premise, re.IGNORECASE)
    return [match.span() for match in found]


def place(thing: str, claim: str, premise: str) -> tuple[int, int]:
    """Return the thing's place among most of the claim's words."""
    wanted = words.stems(claim)

    def near(span: tuple[int, int]) -> int:
        around = premise[max(0, span[0] - 100) : span[1] + 100]
        return len(wanted & words.stems(around))

    return max(spans(thing, premise), key=near)


def missing(said: str, subject: str, premise: str) -> bool:
    """Tell whether a premise lacks a content word of what is said, the subject's own aside."""
    there = words.stems(f"{subject} {premise}")
    return any(not words.near(word, there) for word in words.content(said))


def question(subject: str, head: str, thing: str) -> str | None:
    """Ask for what stood behind what is said of a subject; None if the verb is not known."""
    first, *others = head.split()
    wh = "Who" if PERSON.fullmatch(thing) else "What"
    if first in AUXILIARY:
        verb = first
    elif first in PLAIN:
        verb, others = "did", [PLAIN[first], *others]
    elif first.removesuffix("s") in REGULAR | IRREGULAR.keys():
        verb, others = "does", [first.removesuffix("s"), *others]
    else:
        return None
    if verb in ("has", "have", "had") and not (others and others[0].endswith(("ed", "en"))):
        return None
    if others and others[-1] == "in" and YEAR.fullmatch(thing):
        wh, others = "When", others[:-1]
    elif others and others[-1] in PLACED and thing[0].isupper() and wh == "What":
        wh, others = "Where", others[:-1]
    return " ".join([wh, verb, subject, *others]) + "?"


def lowered(subject: str, premise: str) -> str:
    """Write a subject with a small first letter where that is not a name's."""
    first = subject.split()[0]
    small = first.casefold()
    common = small in words.STOP_WORDS or re.search(rf"(?<!\w){re.escape(small)}(?!\w)", premise)
    return small + subject[len(first) :] if common and first.istitle() else subject
