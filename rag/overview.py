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
from rag.types import Document, Evidence, Passage, Span

SENTENCES = 4  # of a summary
PASSAGES = 60  # of a document that are looked at, spread evenly
SHORTEST, LONGEST = 40, 350  # characters of a sentence that can stand in a summary
NOVELTY = 0.5  # weight of being unlike what was chosen before

_BEFORE = re.compile(
    r"(?:can you|could you|would you|will you|please|just|give|provide|write|show|tell|list|name|"
    r"make|me|us|i want|i need|i would like|to know|in short|briefly|quickly|so) "
)
_AFTER = re.compile(
    r" (?:for me|please|in short|briefly|quickly|here|exactly|then|in (?:a |one |two |three |four |"
    r"five |\d+ )?(?:few |short |brief |simple )?(?:words?|sentences?|lines?|paragraphs?|terms))$"
)
_IT = re.compile(
    r"\b(?:all of )?(?:(?:the|this|that|these|those|your|all|whole|entire) )*"
    r"(?:articles?|documents?|texts?|story|stories|files?|pages?|papers?|reports?)\b|\b(?:this|that|these|them|they|everything)\b"
)
_SMALL = re.compile(r"\b(?:a|an|the|brief|short|quick|good|main|key|central|most important|major) ")
_OVERVIEWS = frozenset(
    " ".join(phrase.split())
    for phrase in """
    tldr, tldr of it, summarise, summarise it, summarise it up, sum up, sum it up, sum up it,
    summary, summary of it, overview, overview of it, gist, gist of it, outline, outline of it,
    outline it, synopsis, synopsis of it, recap, recap of it, recap it, explain it, describe it,
    what is gist, what is gist of it, what is it about, what is it all about, what it is about,
    what is it, what does it say, what does it discuss, what does it cover, what does it describe,
    what does it talk about, what does it deal with, what do it say, what do it discuss,
    what do it cover, what are it about, what is summary, what is in it, what is it saying,
    what happens in it, what happened in it, what is topic, what is topic of it, what is subject,
    what is subject of it, what is content of it, what are contents of it, what is story about
    """.split(",")
)
_POINTS = re.compile(
    r"(?:what (?:is|are|were) )?(?:points?|ideas?|topics?|themes?|messages?|arguments?|"
    r"take ?aways?|findings?|conclusions?|facts)(?: of it| in it| from it)?"
)
_MARKED = re.compile(r"\b(?:main|key|central|most important|major) ")
_SUMS = r"(?:tldr|summary|overview|gist|outline|synopsis|recap|main points|key points|main ideas)"
_OF = re.compile(
    rf"what (?:is|was|are) (?P<about>(?!the (?:point|idea|problem)\b).+?) (?:all )?about"
    rf"|(?:summarise|sum up|recap|outline) (?P<summed>.+)"
    rf"|(?:what (?:is|are) )?(?:an? |the )?(?:brief |short |quick )?{_SUMS} (?:of|for) (?P<sum>.+)"
    rf"|what does (?P<deals>.+?) (?:discuss|cover|deal with|talk about)"
)
_FIRST = frozenset({"what happened", "what is going on", "what is happening"})


class Library(Protocol):
    """What is summed up; an index is one."""

    def documents(self) -> tuple[Document, ...]:
        """Return the documents."""
        ...

    def passages(self, document: str | None = None) -> tuple[Passage, ...]:
        """Return a document's passages in order."""
        ...


def asks_for_overview(question: str, *, first: bool = True) -> bool:
    """Tell whether a question asks what the documents are about, as a whole.

    "What is the main point about the police?" is about something in them: it does not. With
    `first` no question came before: a bare "what happened?" means the documents.
    """
    said = _bare(question)
    short = _SMALL.sub("", _SMALL.sub("", _IT.sub("it", said)))
    points = _MARKED.search(said) is not None and _POINTS.fullmatch(short) is not None
    return points or short in _OVERVIEWS or (first and said in _FIRST)


def overview_of(question: str) -> str:
    """Return what a question wants summed up ("summarise the lease": "the lease"), else ""."""
    found = _OF.fullmatch(_bare(question))
    return next((said for said in found.groups() if said), "") if found else ""


def _bare(question: str) -> str:
    """Return a question in small letters, without marks and what is said around a request."""
    said = re.sub(r"[’']s\b", " is", question.casefold()).replace("tl;dr", "tldr")
    said = " ".join(re.sub(r"[^\w\s]", " ", said).split()).replace("summarize", "summarise")
    while found := _BEFORE.match(said):
        said = said[found.end() :]
    while found := _AFTER.search(said):
        said = said[: found.start()]
    return said


class Overview:
    """Sums documents up."""

    def __init__(self, library: Library, embedder: Embedder) -> None:
        self._library = library
        self._embedder = embedder

    def evidence(self, documents: Sequence[Document] | None = None) -> tuple[Evidence, ...]:
        """Return the sentences that sum documents up, the library's if None, in document order.

        One document: `SENTENCES` of it. Several: the most central one of each of the first
        `SENTENCES` documents. No sentence comes twice. Their score is the cosine with the
        centroid, cut to [0, 1].
        """
        documents = self._library.documents() if documents is None else documents
        each = SENTENCES if len(documents) == 1 else 1
        found: list[Evidence] = []
        for document in documents[:SENTENCES]:
            said = {words.flat(evidence.quote) for evidence in found}
            found += self._central(self._library.passages(document.id), each, said)
        return tuple(found)

    def _central(self, passages: Sequence[Passage], count: int, said: set[str]) -> list[Evidence]:
        body = [p for p in passages if p.kind in ("body", "lead")] or list(passages)
        step = max(1, -(-len(body) // PASSAGES))
        sample = body[::step]
        rows = self._embedder.passages([p.text for p in sample])  # (n, d)
        centroid = rows.mean(axis=0)
        order = np.argsort(-(rows @ centroid), kind="stable")[: 3 * count]
        distinct: dict[str, tuple[Passage, Span]] = {}
        for passage in (sample[i] for i in order):
            for span in units(passage):
                sentence = passage.sentence(span)
                if SHORTEST <= len(sentence) <= LONGEST and _stands_alone(sentence):
                    distinct.setdefault(words.flat(sentence), (passage, span))
        sentences = [where for text, where in distinct.items() if text not in said]
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
