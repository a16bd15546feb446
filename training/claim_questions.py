"""Questions made of claims that people wrote, so that their near misses are people's too.

"Charles Manson is a former cult leader." without its subject asks "Who is a former cult leader?",
and a premise that supports the claim and names him answers it. Of a refuted claim the premise names
him too, but does not answer: what people change in a claim to make it false (a role, a date, an
opposite, something the premise does not speak of) they change in a question to make it a near miss.
Claims about an encyclopedia's articles are of both kinds; those about other texts (MultiNLI's) also
say what is likely and not told.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import Random
from typing import Any

from rag import words
from training.data import WELL_TYPED, Example, Group, Recipe, edits
from training.edited import Asked, Vocabulary
from training.stating import FINITE, PAST
from training.typed import manner
from training.unanswerable import NAME

ENCYCLOPEDIA = ("fever", "fool-me-twice")
ELSEWHERE = ("mnli",)
NAMED = r"(?:[A-Z0-9&][\w'’.&!:–-]*)"
SUBJECT = re.compile(
    rf"(?P<subject>(?:The |A |An )?{NAMED}"
    rf"(?:,? (?:of|the|and|de|von|van|in|for|on|at|{NAMED}))*(?: \([^)]*\))?)(?P<rest> .+)"
)
VERB = re.compile(r" (?:(?:only|also|once|never|has|had) )?(?P<verb>[a-z]+(?:n't)?) .+")
OPENING = re.compile(r"(?P<opening>(?:In|On|At|By|During|After|Since) [^,]+), (?P<claim>.+)")
BARE = re.compile(r"^(?:The|A|An|Some|Many|All|His|Her|Their|Its) ", re.IGNORECASE)
VAGUE = frozenset("he she it they there this that these those you we i one who what".split())
PRONOUN = re.compile(r"\b(?:he|she|it|they|his|her|its|their)\b", re.IGNORECASE)
PERSON = re.compile(
    r"\b(?:he|she|his|her|him|born|actor|actress|singer|player|politician|director|writer|author|"
    r"musician|rapper|president|king|queen|man|woman|men|women|people)\b",
    re.IGNORECASE,
)
LONGEST = 25  # words of a claim
SHORTEST = 5  # words of a claim whose subject is no name
LONGEST_SUBJECT = 7  # words
TITLED = 0.25  # of the premises that name the subject stand below its name too


@dataclass(frozen=True, slots=True)
class Claim:
    """What a claim says of its subject, and where its premise names that: None if only by "he"."""

    subject: str
    rest: str
    named: tuple[int, int] | None
    known: bool  # of an encyclopedia's article

    def titled(self, premise: str, random: Random) -> tuple[str, tuple[int, int]]:
        """Return the premise and where it names the subject.

        One that says only "he", and some others, stand below its name, as below a heading.
        """
        if self.named is not None and not (self.known and random.random() < TITLED):
            return premise, self.named
        head = f"{self.subject}\n"
        start, end = (0, len(self.subject)) if self.named is None else self.named
        by = 0 if self.named is None else len(head)
        return head + premise, (start + by, end + by)


def parsed(row: dict[str, Any]) -> Claim | None:
    """Return a row's claim in parts; None where no person wrote it, or it has no subject."""
    known = row["source"].startswith(ENCYCLOPEDIA)
    if not known and not row["source"].startswith(ELSEWHERE):
        return None
    if known and row["label"] == "unrelated":  # drawn by chance, not written
        return None
    claim = turned(" ".join(row["hypothesis"].split()).rstrip(" ."))
    if len(claim.split()) > LONGEST:
        return None
    found = (parted if known else literally)(claim, row["premise"])
    return Claim(*found, known) if found else None


def claim_group(
    row: dict[str, Any],
    random: Random,
    recipe: Recipe = WELL_TYPED,
    vocabulary: Vocabulary | None = None,
) -> Group:
    """Write a claim and its premise as a group of one question; empty where they make none.

    A premise that only says "he" or "it" of the subject stands below its name, as below a heading.
    With a `vocabulary` one that answers stands beside itself with edits, as `recipe` says.
    """
    stated = parsed(row)
    if stated is None:
        return ()
    rest, label = stated.rest, row["label"]
    premise, span = stated.titled(row["premise"], random)
    person = PERSON.search(row["premise"]) or PERSON.search(rest)
    asked = f"{'Who' if person else 'What'}{rest}?"
    typed, source = manner(recipe.typed, random), f"{row['source']}/asked"
    question = typed(asked)
    if label != "supported":
        return (Example(question, premise, None, 0.0, None, True, source=source),)
    group = [Example(question, premise, None, 1.0, span, source=source)]
    if vocabulary:
        one = Asked(asked, premise, span)
        group += edits(one, vocabulary, recipe, typed, source, random)
    return tuple(group)


def turned(claim: str) -> str:
    """Move what a claim opens with ("In 2004, ...") behind it."""
    found = OPENING.fullmatch(claim)
    if not found:
        return claim
    opening = found["opening"]
    return f"{found['claim']} {opening[0].lower()}{opening[1:]}"


def parted(claim: str, premise: str) -> tuple[str, str, tuple[int, int] | None] | None:
    """Return the subject of a claim that begins with a name, what is said of it, and its place.

    The place is None where the premise says only "he" or "it" of it. None without subject or place.
    """
    found = SUBJECT.fullmatch(claim)
    if not found or found["subject"].endswith(("'s", "’s")) or not finite(found["rest"]):
        return literally(claim, premise)
    subject = found["subject"]
    if subject.casefold() in VAGUE or not words.content(subject):
        return None
    span = named(subject, premise)
    if span is None and not PRONOUN.search(premise):
        return None
    return subject, found["rest"], span


def literally(claim: str, premise: str) -> tuple[str, str, tuple[int, int]] | None:
    """Return a claim's subject that the premise has word for word, the rest, and its place."""
    said = claim.split()
    if len(said) < SHORTEST or said[0].casefold() in VAGUE:
        return None
    for count in range(1, min(LONGEST_SUBJECT, len(said) - 2) + 1):
        subject, rest = " ".join(said[:count]), " " + " ".join(said[count:])
        if not finite(rest):
            continue
        bare = BARE.sub("", subject)
        place = re.search(rf"(?<!\w){re.escape(bare)}(?!\w)", premise, re.IGNORECASE)
        return (subject, rest, place.span()) if place and words.content(bare) else None
    return None


def finite(rest: str) -> bool:
    """Tell whether what follows a subject begins with a verb, as far as its form shows."""
    found = VERB.fullmatch(rest)
    if not found:
        return False
    verb = found["verb"].removesuffix("n't")
    if verb in FINITE or verb in PAST:
        return True
    return verb.endswith(("ed", "s")) and rest.split()[1] not in FINITE  # "crabs are"


def named(subject: str, premise: str) -> tuple[int, int] | None:
    """Return the characters of the name in a premise that shares most with a subject.

    None where no name shares half of the subject's content words.
    """
    wanted = set(words.content(subject))
    shared = {m.span(): len(wanted & set(words.content(m.group()))) for m in NAME.finditer(premise)}
    best = max(shared, key=lambda span: shared[span], default=None)
    return best if best and shared[best] >= max(1, len(wanted) / 2) else None
