"""The best passage read a second time, by the language model: which words answer, or do none.

The reader and the language model learned from different beginnings and err on different questions.
What the model would say raises the sentence that holds it, and its doubts are a number for the
verdict. How the model is asked is not known here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rag.candidate import Candidate
from rag.types import Evidence, Passage, Rereading, Span

AROUND = 800  # characters of the best passage that are shown
BESIDE = 300  # characters of another passage beside it, since some questions need two
TITLE = 100  # characters of what stands above a passage
BONUS = 2.0  # log-odds for a sentence with the words that the model is sure of
MARGIN = 1.0  # of mean log-probability, by which its own words must beat the reader's
UNSAID = -6.0  # stands for a lower log-probability, and for that of no words
REFUSED = 8.0  # log-odds of a refusal that no other passes, either way
REREAD = ("refusal", "given")
"""What a second reading adds to the verdict: its doubts, and how likely the first's words are."""


class Rereader(Protocol):
    """A language model that was trained to say a text's answer, or that there is none."""

    def reread(self, question: str, text: str, answer: str) -> Rereading:
        """Return what it makes of a text, and of the words in it that may be the answer."""
        ...


@dataclass(frozen=True, slots=True)
class Reconsidered:
    """Candidates with their answers and log-odds (n,) after a second reading.

    `refusal` are the log-odds that none of what was shown answers, `given` is the mean
    log-probability of a token of the first reading's answer.
    """

    candidates: tuple[Candidate, ...]
    logits: NDArray[np.float64]
    refusal: float
    given: float

    @property
    def verdict(self) -> dict[str, float]:
        """What it adds to the verdict, by the names `REREAD`."""
        return dict(zip(REREAD, (self.refusal, self.given), strict=True))


def reread(
    rereader: Rereader, question: str, candidates: Sequence[Candidate], logits: NDArray[np.float64]
) -> Rereading:
    """Read the passage of the best candidate again, by log-odds (n,), and what stands beside it."""
    evidence = best_first(candidates, logits)
    return rereader.reread(question, shown(evidence), evidence[0].answer_text)


def reconsider(
    found: Rereading, candidates: Sequence[Candidate], logits: NDArray[np.float64]
) -> Reconsidered:
    """Weigh the candidates anew after the second reading of the best."""
    evidence = best_first(candidates, logits)
    best = evidence[0]
    own = max(UNSAID, found.own)
    given = UNSAID if found.given is None else max(UNSAID, found.given)
    refusal = min(REFUSED, max(-REFUSED, found.refusal))
    weighed, after = list(candidates), logits.copy()
    read = {passage.id for passage in passages(evidence)}
    for i, candidate in enumerate(candidates):
        place = within(candidate, found.words) if candidate.hit.passage.id in read else None
        if place is None:
            continue
        after[i] += BONUS * math.exp(own)
        first = (candidate.hit.passage.id, candidate.span.start) == (best.passage.id, best.start)
        if not first or best.answer is None or own > given + MARGIN:
            weighed[i] = replace(candidate, answer=place)
    return Reconsidered(tuple(weighed), after, refusal, given)


def best_first(candidates: Sequence[Candidate], logits: NDArray[np.float64]) -> list[Evidence]:
    """Return candidates as evidence in the order of their log-odds (n,)."""
    return [candidates[int(i)].evidence(0.0) for i in np.argsort(-logits, kind="stable")]


def within(candidate: Candidate, said: str) -> Span | None:
    """Return where a candidate says some words, as characters of the document; None if nowhere."""
    if not said:
        return None
    pattern = r"\s+".join(re.escape(word) for word in said.split())
    match = re.search(rf"(?<!\w){pattern}(?!\w)", candidate.text, re.IGNORECASE)
    start = candidate.span.start
    return Span(start + match.start(), start + match.end()) if match else None


def passages(evidence: Sequence[Evidence]) -> list[Passage]:
    """Return the passages that are shown for evidence, best first: two at most."""
    best = evidence[0].passage
    other = next((e.passage for e in evidence if e.passage.id != best.id), None)
    return [best] if other is None else [best, other]


def shown(evidence: Sequence[Evidence]) -> str:
    """Return the text to be read for evidence, best first: two paragraphs at most."""
    text = []
    for passage, room in zip(passages(evidence), (AROUND, BESIDE), strict=False):
        best = next(e for e in evidence if e.passage.id == passage.id)
        text.append(titled(passage, Span(best.start, best.end), room))
    return "\n".join(text)


def titled(passage: Passage, span: Span, room: int) -> str:
    """Return a passage's title, if it has one, and the window around a span."""
    text = " ".join(window(passage, span, room).split())
    return f"{passage.context[:TITLE]}: {text}" if passage.context else text


def window(passage: Passage, span: Span, room: int) -> str:
    """Return the span with whole sentences around it, in turn behind it and before, up to `room`.

    The span itself is kept whole, however long it is.
    """
    start, end = span.start, span.end
    before = [s for s in passage.sentences if s.start < start]
    behind = [s for s in reversed(passage.sentences) if s.end > end]
    while before or behind:
        grown = False
        if behind and behind[-1].end - start <= room:
            end, grown = max(end, behind.pop().end), True
        if before and end - before[-1].start <= room:
            start, grown = min(start, before.pop().start), True
        if not grown:
            break
    return passage.text[start - passage.start : end - passage.start]
