"""A question as a full-text query that is safe whatever the question holds.

The database folds and stems (`porter unicode61 remove_diacritics 2`), so this module only finds
the words, leaves out those without content, and quotes the rest. It knows nothing of tables.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

TITLE_WEIGHT, TEXT_WEIGHT = 1.0, 1.0
"""Factors on the term frequencies of BM25; a title belongs to all passages of its document."""

MAX_TERMS = 64  # distinct words of a question that are searched; the first ones count
_WORD = re.compile(r"[^\W_][^\W_\u0300-\u036f]*(?:[\u0300-\u036f]+[^\W_]*)*")
_UNSAFE = re.compile("[\x00\ud800-\udfff]")  # what SQLite cannot take

STOP_WORDS = frozenset(
    """a about all also am an and any are as at be been being but by can could did do does doing
    for from had has have having he her here hers him his how i if in into is it its itself just
    me my no nor not of off on or our out she should so some such than that the their them then
    there these they this those to too was we were what when where which while who whom whose why
    will with would you your s t d ll m re ve don didn doesn isn wasn weren""".split()
)


def words(text: str) -> list[str]:
    """Return a text's words in lower case, each once, in order: letters, digits, accents."""
    return list(dict.fromkeys(match.group().lower() for match in _WORD.finditer(text)))


def search_terms(question: str) -> list[str]:
    """Return the words worth searching: no stop words, unless there is nothing else."""
    found = words(question)
    return ([word for word in found if word not in STOP_WORDS] or found)[:MAX_TERMS]


def phrase(term: str) -> str:
    """Quote a term for FTS5; a term of several words becomes a phrase."""
    return '"' + _UNSAFE.sub(" ", term).replace('"', '""') + '"'


def any_of(terms: Iterable[str]) -> str:
    """Return the FTS5 query that matches where at least one term occurs."""
    return " OR ".join(phrase(term) for term in terms)
