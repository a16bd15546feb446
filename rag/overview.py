"""Sum a document up in its own words: its most central sentences, cited, in document order.

Central is what is near the mean of all: the cosine with the centroid of the passages' vectors
(Radev et al. 2004, "Centroid-based summarization of multiple documents"), chosen one by one with
a penalty for what was chosen before (maximal marginal relevance, Carbonell & Goldstein 1998).
Nothing is written anew, so nothing can be wrong about the document.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rag import words
from rag.embedder import Embedder
from rag.features import units
from rag.types import Document, Evidence, Passage

SENTENCES = 4  # of a summary
PASSAGES = 60  # of a document that are looked at, spread evenly
SHORTEST, LONGEST = 40, 350  # characters of a sentence that can stand in a summary
NOVELTY = 0.5  # weight of being unlike what was chosen before

_ASKED = re.compile(
    r"""(?:can\ you\ |could\ you\ |please\ |give\ (?:me\ )?)*
    (?:summari[sz]e|sum\ (?:it|this|up)|tl;?dr
    |(?:an?\ )?(?:brief\ |short\ |quick\ )?(?:summary|overview)
    |(?:what(?:'s|\ is|\ are)\ )?the\ (?:main|key|central)\s
      (?:points?|ideas?|topics?|themes?|messages?|arguments?)
    |what(?:'s|\ is|\ are)\s
      (?:this|it|(?:this|the|these|your)\ (?:article|text|story|documents?|files?))\ about
    |what\ does\ (?:this|the)\ (?:article|document|text|story)\ (?:say|discuss|cover)
    )(?P<rest>.*)""",
    re.VERBOSE,
)
_OF = re.compile(
    r"(?:(?:of|the|this|it|in|article|document|text|story|up|for me|please|that|all|your|these|"
    r"documents|files|file|by|is|made|here)\s*)*"
)


class Library(Protocol):
    """What is summed up; an index is one."""

    def documents(self) -> tuple[Document, ...]:
        """Return the documents."""
        ...

    def passages(self, document: str | None = None) -> tuple[Passage, ...]:
        """Return a document's passages in order."""
        ...


def asks_for_overview(question: str) -> bool:
    """Tell whether a question asks what the documents are about, as a whole.

    "What is the main point about the police?" is about something in them: it does not.
    """
    said = " ".join(re.sub(r"[?.!,\"“”]", " ", question.casefold()).split())
    found = _ASKED.fullmatch(said)
    return found is not None and _OF.fullmatch(found["rest"].strip()) is not None


class Overview:
    """Sums documents up."""

    def __init__(self, library: Library, embedder: Embedder) -> None:
        self._library = library
        self._embedder = embedder

    def evidence(self) -> tuple[Evidence, ...]:
        """Return the sentences that sum the library up, in document order.

        One document: `SENTENCES` of it. Several: the most central one of each of the first
        `SENTENCES` documents. Their score is the cosine with the centroid, cut to [0, 1].
        """
        documents = self._library.documents()
        each = SENTENCES if len(documents) == 1 else 1
        found = []
        for document in documents[:SENTENCES]:
            found += self._central(self._library.passages(document.id), each)
        return tuple(found)

    def _central(self, passages: Sequence[Passage], count: int) -> list[Evidence]:
        body = [p for p in passages if p.kind in ("body", "lead")] or list(passages)
        step = max(1, -(-len(body) // PASSAGES))
        sample = body[::step]
        rows = self._embedder.passages([p.text for p in sample])  # (n, d)
        centroid = rows.mean(axis=0)
        order = np.argsort(-(rows @ centroid), kind="stable")[: 3 * count]
        sentences = [
            (p, span)
            for p in (sample[i] for i in order)
            for span in units(p)
            if SHORTEST <= span.end - span.start <= LONGEST and _stands_alone(p.sentence(span))
        ]
        if not sentences:
            return []
        vectors = self._embedder.passages([p.sentence(span) for p, span in sentences])
        chosen = spread(vectors, centroid, count)
        cosines = vectors @ (centroid / max(1e-9, float(np.linalg.norm(centroid))))
        found = []
        for i in chosen:
            passage, span = sentences[i]
            score = float(np.clip(cosines[i], 0, 1))
            found.append(Evidence(passage, span.start, span.end, score))
        return sorted(found, key=lambda e: e.start)


def spread(vectors: NDArray[np.float32], centroid: NDArray[np.float32], count: int) -> list[int]:
    """Choose rows near the centroid (d,) and unlike each other from (n, d), best first."""
    near = vectors @ centroid
    alike = vectors @ vectors.T
    chosen: list[int] = []
    while len(chosen) < min(count, len(vectors)):
        penalty = alike[:, chosen].max(axis=1) if chosen else np.zeros(len(vectors))
        score = near - NOVELTY * penalty * float(near.max())
        score[chosen] = -np.inf
        chosen.append(int(score.argmax()))
    return chosen


def _stands_alone(sentence: str) -> bool:
    """Tell whether a sentence can be read by itself: it opens with no pronoun or connective."""
    first = words.fold(next(iter(words.tokens(sentence)), ""))
    return first not in words.PRONOUNS and first not in {"but", "and", "so", "that", "those"}
