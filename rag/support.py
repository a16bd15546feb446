"""Whether the citations of an answer support its sentences, as ALCE counts it.

Citation recall and precision of Gao et al., "Enabling Large Language Models to Generate Text with
Citations" (EMNLP 2023), section 3.3, with the sentences and not the answers as what is counted. A
pure function of an answer and a judge; it knows no network and no document.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rag.passages import sentences
from rag.replies import claimed
from rag.types import Answer, Citation

LIKELY = 0.5
_MARKER = re.compile(r"\s*\[(\d+)\]")
_STOP = re.compile(r"[.!?…][\"”’»)\]]*$")
_START = re.compile(r"\s+[\"“‘«(]*[A-ZÀ-Þ]")
_QUOTES = " “”\"'‘’«»"


class Judge(Protocol):
    """Says how likely a premise supports a claim."""

    def supports(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float64]:
        """Return a probability in [0, 1] for each (premise, claim): (n,)."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence of an answer, without markers, and the citations it rests on in marker order."""

    text: str
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """What was made of a sentence.

    `verbatim`: it stands word for word in a span it cites. `supported`: its spans together support
    it. `precise` has, for each of its citations, whether it is needed and supporting.
    """

    text: str
    verbatim: bool
    supported: bool
    precise: tuple[bool, ...]


def statements(answer: Answer) -> tuple[Statement, ...]:
    """Cut an answer's text into sentences, each with its citations.

    A sentence has the markers inside it and right after it. One without any, as in a quotation of
    several sentences with a marker at its end, has those of the next sentence that has some.
    Markers that no citation resolves count for nothing, and what the program says itself of a part
    that it declines is left out (`rag.replies.claimed`).
    """
    known = {citation.marker: citation for citation in answer.citations}
    plain, marks = _unmarked(answer.text)
    edges = sorted({0, len(plain), *(at for at, _ in marks if _ends(plain, at))})
    spans = [span for edge in pairwise(edges) for span in sentences(plain, *edge)]
    found: list[Statement] = []
    end, following = len(plain), tuple[int, ...]()
    for span in reversed(spans):
        own = tuple(marker for at, marker in marks if span.start < at <= end)
        following, end = own or following, span.start
        cited = tuple(known[marker] for marker in sorted({*following} & known.keys()))
        if text := claimed(" ".join(plain[span.start : span.end].split())):
            found.append(Statement(text, cited))
    return tuple(reversed(found))


def _unmarked(text: str) -> tuple[str, list[tuple[int, int]]]:
    """Return a text without its markers, and each marker with its place in that."""
    plain, at = "", 0
    marks: list[tuple[int, int]] = []
    for match in _MARKER.finditer(text):
        plain += text[at : match.start()]
        marks.append((len(plain), int(match[1])))
        at = match.end()
    return plain + text[at:], marks


def _ends(plain: str, at: int) -> bool:
    """Say whether a marker's place is where a sentence ends: after its stop, or before a capital.

    Said here since a closing quote without a space after it, or a quoted heading, hides the end
    of a sentence from what looks for it.
    """
    return bool(_STOP.search(plain[:at]) or _START.match(plain, at))


def judged(answer: Answer, judge: Judge) -> tuple[Judged, ...]:
    """Judge every sentence of an answer; none for an abstention."""
    if answer.abstained:
        return ()
    return tuple(_judged(statement, judge) for statement in statements(answer))


def _judged(one: Statement, judge: Judge) -> Judged:
    """Judge a sentence, then each citation of a supported one.

    A citation of an unsupported sentence is not precise. One of a supported sentence is, unless it
    does not support the sentence alone and the others do without it.
    """
    verbatim = any(stands(one.text, citation.quote) for citation in one.citations)
    supported = _supported(one.text, one.citations, judge)
    precise = [
        supported
        and (
            _supported(one.text, (citation,), judge)
            or not _supported(one.text, tuple(c for c in one.citations if c != citation), judge)
        )
        for citation in one.citations
    ]
    return Judged(one.text, verbatim, supported, tuple(precise))


def _supported(text: str, citations: Sequence[Citation], judge: Judge) -> bool:
    """Say whether spans together support a sentence; without asking the judge where one has it."""
    if not citations:
        return False
    if any(stands(text, citation.quote) for citation in citations):
        return True
    premise = " ".join(" ".join(citation.quote.split()) for citation in citations)
    return bool(judge.supports([(premise, text)])[0] >= LIKELY)


def stands(sentence: str, quote: str) -> bool:
    """Say whether a sentence is in a quote word for word, but for white space and outer quotes."""
    said = " ".join(sentence.split()).strip(_QUOTES)
    there = " ".join(quote.split())
    return bool(said) and re.search(rf"(?<!\w){re.escape(said)}(?!\w)", there) is not None
