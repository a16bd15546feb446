"""Questions to begin with, drawn from the passages by rule: no model, same result every time."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from rag.types import Document, Passage

LIMIT = 4

_WORD = r"[A-ZÀ-ÖØ-Þ][\w’'-]*[a-zà-öø-ÿ]"
_NAME = re.compile(rf"(?<![.!?:”’] )(?<![\w“])({_WORD}(?: {_WORD}){{1,5}})\b")
_INTRODUCED = re.compile(rf"\b({_WORD}(?: {_WORD}){{1,5}}), (?:an?|the|who|former|\d)\b")
_HEADING = re.compile(r"^#{1,4}\s+(.{4,60})$", re.MULTILINE)
_LEADING = {"The", "A", "An", "In", "On", "At", "But", "And", "When", "As", "Just", "Before", "Dr"}


def examples(documents: Sequence[Document], passages: Sequence[Passage]) -> tuple[str, ...]:
    """Return at most four questions about people, things and headings the passages name.

    People are names that a text introduces ("X, a senior analyst"); things are other names of
    several words, the commonest first; ties go by first appearance. Empty without passages.
    """
    bodies = [p.text for p in passages if p.kind in ("body", "lead")]
    people = _ranked(_INTRODUCED, bodies)
    things = [
        _with_article(name, bodies)
        for name in _ranked(_NAME, bodies)
        if not any(name in person or person in name for person in people)
    ]
    headings = [h.strip() for text in bodies for h in _HEADING.findall(text)]
    questions = [f"Who is {name}?" for name in people[:2]]
    questions += [f"What do the documents say about {name}?" for name in things[:2]]
    questions += [f"What does the section “{heading}” say?" for heading in headings[:2]]
    questions += [f"What is “{d.title}” about?" for d in documents[:2] if d.title]
    return tuple(dict.fromkeys(questions))[:LIMIT]


def _with_article(name: str, texts: Sequence[str]) -> str:
    """Return the name as the texts use it: "the United States", but "Port Ellery"."""
    return f"the {name}" if any(f" the {name}" in text for text in texts) else name


def _ranked(pattern: re.Pattern[str], texts: Sequence[str]) -> list[str]:
    """Return names of two or three words, the commonest first, then by first appearance."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(name for name in pattern.findall(text) if name.split()[0] not in _LEADING)
    return [name for name, _ in counts.most_common() if len(name.split()) <= 3]
