"""Questions made of claims that people wrote, so that their near misses are people's too.

"Charles Manson is a former cult leader." without its subject asks "Who is a former cult leader?",
and a premise that supports the claim and names him answers it. Of a refuted claim the premise names
him too, but does not answer: what people change in a claim to make it false (a role, a date, an
opposite, something the premise does not speak of) they change in a question to make it a near miss.
"""

from __future__ import annotations

import re
from typing import Any

from rag import words
from training.data import Example, Group
from training.stating import FINITE, PAST
from training.unanswerable import NAME

SOURCES = ("fever", "fool-me-twice")
SUBJECT = re.compile(
    r"(?P<subject>(?:The |A |An )?[A-Z][\w'’.&-]*"
    r"(?: (?:of|the|and|de|von|van|in|for|[A-Z0-9&][\w'’.&-]*))*(?: \([^)]*\))?) "
    r"(?P<rest>(?P<verb>[a-z]+) .+)"
)
PERSON = re.compile(
    r"\b(?:he|she|his|her|him|born|actor|actress|singer|player|politician|director|writer|author|"
    r"musician|rapper|president|king|queen)\b",
    re.IGNORECASE,
)
LONGEST = 25  # words of a claim


def claim_group(row: dict[str, Any]) -> Group:
    """Write a claim and its premise as a group of one question; empty where they make none."""
    if not row["source"].startswith(SOURCES) or row["label"] not in ("supported", "refuted"):
        return ()
    claim, premise = " ".join(row["hypothesis"].split()), row["premise"]
    found = SUBJECT.fullmatch(claim.rstrip(" ."))
    if not found or len(claim.split()) > LONGEST or found["subject"].endswith(("'s", "’s")):
        return ()
    span = named(found["subject"], premise)
    if span is None or not finite(found["verb"]):
        return ()
    person = PERSON.search(premise) or PERSON.search(found["rest"])
    question = f"{'Who' if person else 'What'} {found['rest']}?"
    source = f"{row['source']}/asked"
    if row["label"] == "supported":
        return (Example(question, premise, None, 1.0, span, source=source),)
    return (Example(question, premise, None, 0.0, None, True, source=source),)


def finite(verb: str) -> bool:
    """Tell whether a word that follows a name is its verb, as far as its form shows."""
    return verb in FINITE or verb in PAST or verb.endswith(("ed", "s"))


def named(subject: str, premise: str) -> tuple[int, int] | None:
    """Return the characters of the name in a premise that shares most with a subject.

    None where no name shares half of the subject's content words.
    """
    wanted = set(words.content(subject))
    shared = {m.span(): len(wanted & set(words.content(m.group()))) for m in NAME.finditer(premise)}
    best = max(shared, key=lambda span: shared[span], default=None)
    return best if best and shared[best] >= max(1, len(wanted) / 2) else None
