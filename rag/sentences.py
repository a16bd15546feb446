"""A stretch of text to sentences, with exact offsets.

Syntok says where sentences start; its words are not used, only its offsets, so that nothing can
shift. What it misses is repaired here: military and official titles, a closing quote that strayed
into the next sentence, Chinese and Japanese full stops, list items and other lines of their own.
(pysbd was measured too: ten times slower, quadratic on long text, and it keeps a quotation of many
sentences in one piece.)
"""

from __future__ import annotations

import re
from itertools import pairwise

from syntok import segmenter
from syntok.tokenizer import Tokenizer

from rag.types import Span

WINDOW = 5_000  # characters segmented at once: syntok looks for the end of a bracket to the last

_TOKENIZER = Tokenizer(emit_hyphen_or_underscore_sep=True, replace_not_contraction=False)
_STRAY = re.compile(r"[\"”’»)\]]+(?=\s)\s*")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(“\"‘'])(?:Dr|Mr|Mrs|Ms|Prof|Rev|Hon|Gov|Lt|Gen|Maj|Col|Capt|Sgt|Cpl|Pvt|Adm|Cmdr|Cdr"
    r"|Sen|Rep|Pres|Supt|Insp|Det|Dep|Dept|Asst|Amb|Msgr|St|Ste|Mt|Ft|vs|Fig|Eq|cf|viz|Messrs)\.$"
)
_IDEOGRAPHIC = re.compile(r"[。！？｡][」』”’）】》]*(?=[^\s」』”’）】》])")
_NEWLINE = re.compile(r"\r\n|\r|\n")
_ITEM = re.compile(r"\s*(?:[-*+•‣◦|>]\s?\S|\d{1,3}[.)]\s)")
_END = re.compile(r"[.!?…][\"”’)\]]*\s+(?=[^\s\w]?[A-ZÀ-Þ\d])")


def sentences(text: str, start: int = 0, end: int | None = None) -> list[Span]:
    """Return the sentences of `text[start:end]` (by default all of it), in order and trimmed.

    Every character that is not white space is in exactly one of them. Blank stretches have none.
    """
    found: list[Span] = []
    for first, last in _windows(text, start, len(text) if end is None else end):
        new = _window(text, first, last)
        if found and new and _ABBREVIATION.search(text[max(0, found[-1].end - 12) : found[-1].end]):
            new[0] = Span(found.pop().start, new[0].end)
        found.extend(new)
    return found


def _window(text: str, start: int, end: int) -> list[Span]:
    """Segment a stretch short enough to hold as tokens."""
    part = text[start:end]
    starts = {tokens[0].offset for tokens in segmenter.segment(_TOKENIZER.tokenize(part)) if tokens}
    starts.update(match.end() for match in _IDEOGRAPHIC.finditer(part))
    lines = _own_lines(part)
    found: list[Span] = []
    for first, last in _between(part, sorted(starts | lines)):
        words = part[first:last]
        before = part[found[-1].start - start : first].rstrip() if found else ""
        if found and _joins(before, words, own_line=first in lines):
            found[-1] = Span(found[-1].start, start + last)
        else:
            found.append(Span(start + first, start + last))
    return found


def _between(part: str, starts: list[int]) -> list[tuple[int, int]]:
    """Turn starts into trimmed `(start, end)` pairs; stray closing quotes go to the one before."""
    cuts = [0]
    for cut in starts:
        stray = _STRAY.match(part, cut) if cut else None
        cut = stray.end() if stray else cut
        if cuts[-1] < cut < len(part):
            cuts.append(cut)
    pairs = []
    for first, last in pairwise([*cuts, len(part)]):
        words = part[first:last]
        if trimmed := words.strip():
            first += len(words) - len(words.lstrip())
            pairs.append((first, first + len(trimmed)))
    return pairs


def _joins(before: str, words: str, *, own_line: bool) -> bool:
    """Judge whether `words` goes on with the sentence `before` it."""
    if _ABBREVIATION.search(before[-12:]):
        return True
    if not any(map(str.isalnum, words)) or not any(map(str.isalnum, before)):
        return True
    said = before[-1] in '"”’)' and words[0].islower()  # “I'm dying!” he says.
    return said and not own_line


def _own_lines(part: str) -> set[int]:
    """Return where lines start whose break someone meant.

    These are list items, and lines under one that had room for more. A line that was wrapped by
    hand goes on with the sentence above.
    """
    breaks = list(_NEWLINE.finditer(part))
    if not breaks:
        return set()
    edges = [0, *(match.end() for match in breaks), len(part)]
    lines = [part[a:b].rstrip() for a, b in pairwise(edges)]
    width = max(50, *map(len, lines))
    found = set()
    for at in range(1, len(lines)):
        words = lines[at].split(maxsplit=1)
        if not words:
            continue
        room = width - len(lines[at - 1]) - 1 - len(words[0])
        if _ITEM.match(lines[at]) or (room > 10 and not words[0][0].islower()):
            found.add(edges[at] + len(lines[at]) - len(lines[at].lstrip()))
    return found


def _windows(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Cut a very long stretch at sentence ends, else line ends, else white space, else anywhere."""
    found = []
    while end - start > WINDOW:
        limit = start + WINDOW
        half = start + WINDOW // 2
        cut = max((m.end() for m in _END.finditer(text, half, limit)), default=0)
        cut = cut or text.rfind("\n", half, limit) + 1
        if not cut:
            cut = max((m.end() for m in re.finditer(r"\s+", text[half:limit])), default=0)
            cut = half + cut if cut else limit
        found.append((start, cut))
        start = cut
    found.append((start, end))
    return found
