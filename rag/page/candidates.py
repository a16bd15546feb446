"""Questions that passages might answer, drawn from them by rule: no model, same result every time.

Whether the documents do answer them is found out elsewhere, before any is shown.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest

from rag.types import Passage

EACH = 12
"""Questions of one kind at most."""

_WORD = r"[A-ZÀ-ÖØ-Þ][\w’'-]*[a-zà-öø-ÿ]"
_NAME = re.compile(rf"(?<![.!?:”’] )(?<![\w“])({_WORD}(?: {_WORD}){{1,5}})\b")
_INTRODUCED = re.compile(rf"\b({_WORD}(?: {_WORD}){{1,5}}), (?:an?|the|who|former|\d)\b")
_SPELT_OUT = re.compile(rf"\b{_WORD}(?: (?:of|and|the|for|{_WORD})){{1,7}} \(([A-Z]{{2,8}})\)")
_DONE = r"\w+ed|built|made|lit|born|founded|begun|written|found|held|sold|sunk|won|lost|set|led"
_HAPPENED = re.compile(
    rf"^((?:The|A|An) [\w’' -]{{3,50}}?|{_WORD}(?: {_WORD}){{0,3}}) (was|were) ({_DONE})\b"
    r"[^.;?!]{0,80}?\b(?:1\d|20)\d\d\b"
)
_QUESTION = re.compile(r"^(?:#{1,4}\s+)?([A-Z][^.?!\n]{8,90}\?)$", re.MULTILINE)
_LEADING = {"The", "A", "An", "In", "On", "At", "But", "And", "When", "As", "Just", "Before", "Dr"}
_VAGUE = {"it", "they", "he", "she", "this", "that", "these", "those", "there", "who", "which"}


def candidates(passages: Sequence[Passage]) -> Iterator[str]:
    """Yield questions, each once, one of each kind in turn.

    Kinds: people whom a text introduces ("X, a senior analyst"); what was done in a year; names
    spelt out ("the Guild (GLD)"); things, which are other names of several words; headings that
    are questions. Within a kind the commonest come first, then by first appearance.
    """
    bodies = [p.text for p in passages if p.kind in ("body", "lead")]
    people = _ranked(_INTRODUCED, bodies)
    things = [
        _with_article(name, bodies)
        for name in _ranked(_NAME, bodies)
        if not any(name in person or person in name for person in people)
    ]
    kinds: list[Iterable[str]] = [
        [f"Who is {name}?" for name in people],
        _dated(passages),
        [f"What does {name} stand for?" for name in _distinct(_SPELT_OUT, bodies)],
        [f"What is {name}?" for name in things],
        _distinct(_QUESTION, bodies),
    ]
    chosen = [list(kind)[:EACH] for kind in kinds]
    seen: set[str] = set()
    for row in zip_longest(*chosen):
        for question in row:
            if question and question not in seen:
                seen.add(question)
                yield question


def _dated(passages: Sequence[Passage]) -> list[str]:
    """Return questions for the year of what sentences say was done in one."""
    found = []
    for passage in passages:
        for span in passage.sentences:
            match = _HAPPENED.match(passage.sentence(span))
            if match is None or match[1].split()[-1].lower() in _VAGUE:
                continue
            article, _, rest = match[1].partition(" ")
            subject = f"{article.lower()} {rest}" if article in ("The", "A", "An") else match[1]
            found.append(f"When {match[2]} {subject} {match[3]}?")
    return list(dict.fromkeys(found))


def _with_article(name: str, texts: Sequence[str]) -> str:
    """Return the name as the texts use it: "the United States", but "Port Ellery"."""
    return f"the {name}" if any(f" the {name}" in text for text in texts) else name


def _distinct(pattern: re.Pattern[str], texts: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(found for text in texts for found in pattern.findall(text)))


def _ranked(pattern: re.Pattern[str], texts: Sequence[str]) -> list[str]:
    """Return names of two or three words, the commonest first, then by first appearance."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(name for name in pattern.findall(text) if name.split()[0] not in _LEADING)
    return [name for name, _ in counts.most_common() if len(name.split()) <= 3]
