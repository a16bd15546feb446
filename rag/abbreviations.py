"""Give a question the short form of a name, where a passage says which it is.

A document writes "the Central Bus Authority (CBA)" once and "the CBA" ever after: who asks about
the Central Bus Authority asks for sentences that do not name it. The first letters of the name's
words have to be those of the short form, in any order, since a translated name keeps the short
form of the original. Pure functions of text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from rag import words

LONGEST = 10  # words of a name
_ASKED = re.compile(
    r"\b(?:abbreviat\w+|acronyms?|initials|short(?:ened|er)?|called|known as|stands? for)\b", re.I
)
_SHORT = re.compile(r"\s\((?P<short>[A-Z][A-Z.&-]{1,15})\)")
_WORD = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*\.?")


def abbreviated(question: str, texts: Iterable[str]) -> str:
    """Return the question with short forms in brackets behind the names that texts define so.

    Unchanged where it has the short form or asks for one, or where no text defines one for a name
    in it.
    """
    if _ASKED.search(question):
        return question
    for text in texts:
        for defined in _SHORT.finditer(text):
            short = defined["short"]
            if short in question:
                continue
            for name in _names(text[: defined.start()], short):
                found = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", question, re.IGNORECASE)
                if found:
                    end = found.end()
                    question = f"{question[:end]} ({short}){question[end:]}"
                    break
    return question


def _names(before: str, short: str) -> list[str]:
    """Return the ends of a text that a short form behind it may stand for, the longest first."""
    letters = sorted(filter(str.isalpha, words.fold(short)))
    found = []
    for word in list(_WORD.finditer(before))[: -LONGEST - 1 : -1]:
        name = before[word.start() :]
        own = [w for w in _WORD.findall(name) if words.fold(w) not in words.STOP_WORDS]
        if len(own) > 1 and sorted(words.fold(w)[:1] for w in own) == letters:
            found.append(name)
    return found[::-1]
