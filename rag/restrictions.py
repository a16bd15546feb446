"""Exceptions and conditions of a text that a sentence about it must keep.

"Pets are not allowed, except for fish" does not say that fish are not allowed, nor "she may come
only if she is asked" that she may come, though every word of these stands there.
"""

from __future__ import annotations

import re

from rag import words

_EXCEPTION = re.compile(
    r"\b(?:except(?:ing)?(?: for)?|excluding|apart from|aside from|other than|save for|but not|"
    r"with the exception of)\b",
    re.IGNORECASE,
)
_CONDITION = re.compile(
    r"\b(?:only (?:if|when|after|with)|unless|provided(?: that)?(?= (?:he|she|it|they|you|the|"
    r"an?)\b)|(?:as|so) long as|on condition)\b",
    re.IGNORECASE,
)
_END = re.compile(r"[;:.()]")
_PAUSE = re.compile(r"[,;:.()]")


def unrestricted(sentence: str, span: str) -> tuple[str, ...]:
    """Return what a sentence leaves away of what its span excepts or makes a condition.

    Each is `exception: word`, a stem that stands only where the span excepts it, while the
    sentence excepts nothing, or `condition: words`, how the span begins a condition that the
    sentence does not have.
    """
    found = []
    if not _EXCEPTION.search(sentence):
        excepted, rest = _excepted(span)
        taken = set(words.content(sentence)) & (excepted - rest)
        found += [f"exception: {word}" for word in sorted(taken)]
    condition = _CONDITION.search(span)
    if condition and not _CONDITION.search(sentence):
        found.append(f"condition: {condition[0].casefold()}")
    return tuple(found)


def _excepted(span: str) -> tuple[set[str], set[str]]:
    """Return the stems of what a span excepts, and those of the rest.

    What is excepted goes on to the end of its clause; to its first comma where it comes first.
    """
    excepted, rest, at = set[str](), set[str](), 0
    for found in _EXCEPTION.finditer(span):
        if found.start() < at:
            continue
        opens = not span[at : found.start()].strip(" ,“\"'")
        end = (_PAUSE if opens else _END).search(span, found.end())
        until = end.start() if end else len(span)
        rest.update(words.content(span[at : found.start()]))
        excepted.update(words.content(span[found.end() : until]))
        at = until
    return excepted, rest | set(words.content(span[at:]))
