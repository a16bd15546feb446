"""Make a follow-up question stand alone, from the turns before it.

A rule, not a model: where a question points back ("he", "it", "that") or has hardly any words of
its own, what the last question was about is put in front of it. A question that stands alone is
returned as it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag import words
from rag.questions import analyse

_POINTS_BACK = re.compile(
    r"\b(?:he|she|it|they|him|her|them|his|hers|its|their|theirs|that|those|this|these|there|"
    r"one|ones|same|another|others?)\b|^(?:and|but|so|also|what about|how about|why|when|where|"
    r"who|how)\b[^?]{0,12}\??$",
    re.IGNORECASE,
)


def standalone(question: str, history: Sequence[tuple[str, str]]) -> str:
    """Return the question with what it points back to; unchanged when it stands alone."""
    if not history or not needs_context(question):
        return question
    earlier = history[-1][0]
    topic = " ".join(dict.fromkeys(words.names(earlier))) or _about(earlier)
    return f"{topic}: {question}" if topic else question


def needs_context(question: str) -> bool:
    """Tell whether a question leans on the turn before it."""
    analysed = analyse(question)
    if analysed.names:
        return False
    return len(analysed.content) < 2 or _POINTS_BACK.search(question) is not None


def _about(question: str) -> str:
    return " ".join(t for t in words.tokens(question) if words.fold(t) not in words.STOP_WORDS)
