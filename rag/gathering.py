"""Choose which evidence an answer rests on when one sentence is not enough.

The best evidence always counts. Beside it stands what speaks of a name that the best one's passage
does not know (a question over two passages, or about two things), of the other side of a
comparison, and, where several things are asked for, what comes near the best. This module reads
the question's words only; how evidence is scored is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rag import words
from rag.questions import analyse
from rag.types import Evidence

NEAR = 8  # pieces of evidence looked at
MOST = 3  # gathered, the best included
LIST_SHARE = 0.6  # of the best one's score, for another item of a list
SIDE_WORDS = 2  # of the other side of a comparison

_COMPARES = re.compile(
    r"\b(?:compare[ds]?|comparison|differ(?:s|ed|ent|ence)?|versus|vs|both|than|rather|"
    r"(?:more|less|fewer|older|younger|first|earlier|later|bigger|larger|longer|higher)\b.*\bor)\b",
    re.IGNORECASE,
)
_LISTS = re.compile(
    r"^\W*(?:name|list|enumerate|give)\b|\bwho (?:are|were)\b|\b(?:what|which) are\b"
    r"|\b(?:which|what) (?:\w+ ){0,2}\w+s (?:are|were|do|did|have)\b"
    r"|\b(?:all|several|two|three|four|five) (?:of )?\w+s\b",
    re.IGNORECASE,
)


def compares(question: str) -> bool:
    """Tell whether a question sets two things beside each other."""
    return _COMPARES.search(question) is not None


def asks_for_several(question: str) -> bool:
    """Tell whether a question asks for more than one thing of a kind."""
    return _LISTS.search(question) is not None


def gather(question: str, evidence: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """Return the evidence to answer from, the best first; empty for none."""
    if not evidence:
        return ()
    best, asked = evidence[0], analyse(question)
    chosen = [best]
    lacking = _unmet(asked.names, _around(best))
    sides = _unmet(asked.content, words.stems(best.quote)) if compares(question) else []
    several = asks_for_several(question)
    for other in evidence[1:NEAR]:
        if len(chosen) == MOST:
            break
        said = words.stems(other.quote)
        names = [name for name in lacking if words.near(name, said)]
        side = [word for word in sides if words.near(word, said)]
        item = (
            several
            and other.score >= LIST_SHARE * best.score
            and not any(overlap(other, one) for one in chosen)
        )
        if names or len(side) >= SIDE_WORDS or item:
            chosen.append(other)
            lacking = [name for name in lacking if name not in names]
            sides = [word for word in sides if word not in side]
    return tuple(chosen)


def _around(evidence: Evidence) -> frozenset[str]:
    return words.stems(f"{evidence.passage.context} {evidence.passage.text}")


def _unmet(wanted: Iterable[str], by: frozenset[str]) -> list[str]:
    return [word for word in wanted if not words.near(word, by)]


def overlap(one: Evidence, other: Evidence) -> bool:
    """Tell whether two pieces of evidence share characters of a document."""
    return one.document == other.document and one.start < other.end and other.start < one.end
