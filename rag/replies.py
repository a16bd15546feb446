"""The sentences that the program itself says: abstentions and what goes with them.

Fixed strings and exact quotes only, so nothing here can be wrong about the documents.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag import words
from rag.citations import Claim, quoted
from rag.types import Evidence, Reading

NOT_FOUND = "The documents don't say."
UNMENTIONED = "They do not mention"
NEAREST = "The nearest they come:"
SEVERAL = 3  # passages quoted for a question about a topic
QUOTE_CHARS = 300  # a longer nearest sentence is not shown inside the reply
_OWN = re.compile(
    rf"(?:To “.*”: )?(?i:{re.escape(NOT_FOUND)})|{UNMENTIONED} “.*|(?:Yes|No)\."
    r"|(?:First|Later|More|Fewer|Less): .*\."
)


def abstention(missing: Sequence[str], cited: str) -> str:
    """Return what an abstention says: what is not mentioned, and the nearest quote if any."""
    parts = [NOT_FOUND]
    if missing:
        parts.append(f"{UNMENTIONED} {_listed(missing)}.")
    if cited:
        parts.append(f"{NEAREST} {cited}")
    return " ".join(parts)


def declined(question: str, text: str) -> str:
    """Return an abstention's text so that it says to which part of a question it is the reply."""
    return f"To “{question}”: {text[:1].lower()}{text[1:]}"


def claimed(sentence: str) -> str:
    """Return what a sentence of an answer says of the documents, "" for what only we say.

    That a part of the question is not answered is no claim which a span could support; nor is a
    "Yes." or "First: the fire." without its question, and what it rests on is said after it.
    """
    return "" if _OWN.fullmatch(sentence) else sentence.removeprefix(NEAREST).strip()


def nearest(reading: Reading) -> tuple[Claim, ...]:
    """Return the best evidence as one quoted claim; none when nothing was retrieved."""
    for evidence in reading.evidence[:3]:
        words = quoted(evidence)
        if len(words) <= QUOTE_CHARS:
            spoken = any(mark in words for mark in '“”"')
            return (Claim(words if spoken else f"“{words}”", (evidence,)),)
    return ()


def several(topic: str, evidence: Sequence[Evidence]) -> tuple[Claim, ...]:
    """Return the best evidence of up to `SEVERAL` passages as quotes, in document order.

    For "what do the documents say about X": no one sentence is the answer. Each has most of the
    topic's words; none where the documents do not speak of it, or there is no topic.
    """
    wanted = words.content(topic)
    first: dict[str, Evidence] = {}
    for found in evidence if wanted else ():
        if words.coverage(wanted, words.stems(found.quote)) > 0.5:
            first.setdefault(found.passage.id, found)
    chosen = sorted(list(first.values())[:SEVERAL], key=lambda e: (e.document, e.start))
    return tuple(Claim(quoted(found), (found,)) for found in chosen)


def _listed(names: Sequence[str]) -> str:
    quoted_names = [f"“{name}”" for name in names[:3]]
    if len(quoted_names) == 1:
        return quoted_names[0]
    return ", ".join(quoted_names[:-1]) + " or " + quoted_names[-1]
