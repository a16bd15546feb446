"""Find the evidence in the retrieved passages, and judge whether it answers the question.

`Reader` is the seam. `SentenceReader` is the reader that needs no training of a network: every
sentence of every hit is described by a dozen numbers (cosine, words shared, names and numbers met,
the kind of answer offered), a logistic model turns them into a probability, and two more judge
the best sentence: is the question answerable here, and is this its answer? The coefficients
are fitted by `training/evidence.py` and kept in `weights/evidence.json`. This module does not know
how passages were found or what is written from the evidence.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import resources
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rag import words
from rag.embedder import Embedder
from rag.questions import Question, analyse, defines, offers, spells_out
from rag.settings import ReaderSettings
from rag.types import Evidence, Hit, Passage, Reading, Span

SENTENCE_FEATURES = (
    "cosine",
    "cosine_passage",
    "covered",
    "covered_window",
    "covered_passage",
    "names_covered",
    "numbers_covered",
    "offers",
    "offers_not",
    "retrieval",
    "first_hit",
    "pairs",
    "novel",
    "defines",
)
VERDICT_FEATURES = (
    "best",
    "second",
    "cosine",
    "covered",
    "covered_passage",
    "covered_hits",
    "names_missing",
    "names_missing_sentence",
    "numbers_missing",
    "offers_not",
    "unknown",
    "dense_first",
    "short",
)


LONGEST_UNIT = 600  # characters
DEFINITION_BONUS = 4.0  # log-odds: "the guild (CJNG)" is what "what does CJNG stand for" asks
CREDIT_WORDS = "photo, photograph or picture taken by the photographer, image credit, caption"
CREDIT_STEMS = words.stems(CREDIT_WORDS)  # what a line of names and agencies leaves unsaid


class Reader(Protocol):
    """Anything that finds evidence in hits."""

    def read(self, question: str, hits: Sequence[Hit]) -> Reading:
        """Return the hits re-ranked, the evidence best first, and how answerable it is.

        No hits: no evidence, and an answerability of 0.
        """
        ...


class Statistics(Protocol):
    """How common words are among the passages searched; an index is one."""

    def document_frequency(self, terms: Sequence[str]) -> dict[str, int]:
        """Return for each term in how many passages it occurs."""
        ...

    def __len__(self) -> int:
        """Return the number of passages."""
        ...


@dataclass(frozen=True, slots=True)
class Logistic:
    """A logistic model: probability = 1 / (1 + exp(-(weights . features + bias)))."""

    weights: NDArray[np.float64]  # (f,)
    bias: float

    def logits(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log-odds (n,) for features (n, f)."""
        scores: NDArray[np.float64] = features @ self.weights + self.bias
        return scores

    def probability(self, features: NDArray[np.float64]) -> float:
        """Return the probability in [0, 1] for one row of features (f,)."""
        return _sigmoid(float(self.logits(features[None, :])[0]))


@dataclass(frozen=True, slots=True)
class Calibration:
    """The fitted coefficients of `SentenceReader`."""

    sentence: Logistic
    answerable: Logistic
    confidence: Logistic

    @classmethod
    def load(cls) -> Calibration:
        """Read the coefficients shipped with the package."""
        file = resources.files("rag") / "weights" / "evidence.json"
        data = json.loads(file.read_text(encoding="utf-8"))
        return cls(
            sentence=_logistic(data["sentence"], SENTENCE_FEATURES),
            answerable=_logistic(data["answerable"], VERDICT_FEATURES),
            confidence=_logistic(data["confidence"], VERDICT_FEATURES),
        )


def _logistic(data: dict[str, float], names: Sequence[str]) -> Logistic:
    return Logistic(np.array([data[name] for name in names], dtype=np.float64), data["bias"])


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence up for evidence, and its features (f,) in `SENTENCE_FEATURES` order."""

    hit: Hit
    span: Span
    text: str
    features: NDArray[np.float64]


class SentenceReader:
    """Score every sentence of the hits by what it shares with the question."""

    def __init__(
        self,
        embedder: Embedder,
        statistics: Statistics,
        settings: ReaderSettings,
        calibration: Calibration,
    ) -> None:
        self._embedder = embedder
        self._statistics = statistics
        self._settings = settings
        self._calibration = calibration
        self._vectors: dict[str, NDArray[np.float32]] = {}  # passage id -> (sentences, d)

    def read(self, question: str, hits: Sequence[Hit]) -> Reading:
        """See `Reader.read`."""
        asked = analyse(question)
        rarity = self.rarity(asked)
        candidates = self.candidates(asked, hits, rarity)
        if not candidates:
            return Reading(tuple(hits), (), answerable=0.0, confidence=0.0)
        logits = self._calibration.sentence.logits(np.stack([c.features for c in candidates]))
        logits = logits + DEFINITION_BONUS * np.array(
            [spells_out(question, c.text) for c in candidates], dtype=np.float64
        )
        order = np.argsort(-logits, kind="stable")
        verdict = self.verdict_features(asked, candidates, logits, order, hits, rarity)
        evidence = tuple(
            Evidence(
                candidates[i].hit.passage,
                candidates[i].span.start,
                candidates[i].span.end,
                score=_sigmoid(float(logits[i])),
            )
            for i in order
        )
        evidence = joined(evidence, self._settings.min_share)
        return Reading(
            hits=_rerank(hits, evidence),
            evidence=evidence,
            answerable=self._calibration.answerable.probability(verdict),
            confidence=self._calibration.confidence.probability(verdict),
            missing=missing(asked, hits),
        )

    def rarity(self, question: Question) -> dict[str, float]:
        """Return for each content stem how rare it is among all passages, in [0, 1].

        log((n + 1) / (df + 0.5)) over its greatest value: Robertson's inverse document frequency
        without the odds, so that it stays positive for common words.
        """
        count = len(self._statistics)
        frequency = self._statistics.document_frequency(question.content)
        top = math.log((count + 1) / 0.5)
        return {
            term: max(0.05, math.log((count + 1) / (frequency.get(term, 0) + 0.5)) / top)
            for term in question.content
        }

    def candidates(
        self, question: Question, hits: Sequence[Hit], rarity: dict[str, float]
    ) -> list[Candidate]:
        """Return every sentence of the hits with its features, in hit order."""
        if not hits:
            return []
        asked = self._embedder.query(question.text)
        vectors = self._sentence_vectors([hit.passage for hit in hits])
        top = max(hit.score for hit in hits) or 1.0
        found = []
        for rank, hit in enumerate(hits):
            passage = hit.passage
            whole = _bag(passage, f"{passage.title} {passage.text}")
            spans = units(passage)
            bags = [_bag(passage, passage.sentence(span)) for span in spans]
            dense = hit.dense if hit.dense is not None else 0.0
            for i, span in enumerate(spans):
                text = passage.sentence(span)
                window = frozenset().union(*bags[max(0, i - 1) : i + 2])
                bag = bags[i] | _meant(passage, spans, i)
                offered = offers(question, text)
                features = [
                    float(vectors[passage.id][i] @ asked),
                    dense,
                    _covered(question.content, bag, rarity),
                    _covered(question.content, window, rarity),
                    _covered(question.content, whole, rarity),
                    words.coverage(question.names, bag) if question.names else 0.5,
                    float(question.numbers <= words.numbers(text)) if question.numbers else 0.5,
                    float(offered and question.expected != "other"),
                    float(not offered),
                    hit.score / top,
                    1.0 / (1 + rank),
                    _pairs(question.content, words.content(text)),
                    min(1.0, len(bags[i] - set(question.content) - words.STOP_WORDS) / 10),
                    float(defines(question, text)),
                ]
                found.append(Candidate(hit, span, text, np.array(features, dtype=np.float64)))
        return found

    def verdict_features(
        self,
        question: Question,
        candidates: Sequence[Candidate],
        logits: NDArray[np.float64],
        order: NDArray[np.intp],
        hits: Sequence[Hit],
        rarity: dict[str, float],
    ) -> NDArray[np.float64]:
        """Return what tells an answerable question, in `VERDICT_FEATURES` order."""
        best = candidates[int(order[0])]
        f = dict(zip(SENTENCE_FEATURES, best.features, strict=True))
        around = _bag(best.hit.passage, f"{best.hit.passage.title} {best.hit.text}")
        everything = frozenset().union(
            *(_bag(hit.passage, f"{hit.passage.title} {hit.text}") for hit in hits)
        )
        numbers = frozenset().union(*(words.numbers(hit.text) for hit in hits))
        unknown = [t for t in question.content if not words.near(t, everything)]
        second = float(logits[order[1]]) if len(order) > 1 else -5.0
        return np.array(
            [
                float(logits[order[0]]),
                second,
                f["cosine"],
                f["covered"],
                f["covered_passage"],
                _covered(question.content, everything, rarity),
                _absent(question.names, everything),
                _absent(question.names, around),
                float(bool(question.numbers - numbers)),
                f["offers_not"],
                sum(rarity[t] for t in unknown) / max(1e-9, sum(rarity.values())),
                max((hit.dense for hit in hits if hit.dense is not None), default=0.0),
                float(len(question.content) <= 2),
            ],
            dtype=np.float64,
        )

    def _sentence_vectors(self, passages: Sequence[Passage]) -> dict[str, NDArray[np.float32]]:
        """Return unit vectors (sentences, d) a passage, embedding only what is new."""
        if len(self._vectors) > 2_000:
            self._vectors = {}
        new = [p for p in {p.id: p for p in passages}.values() if p.id not in self._vectors]
        cut = [units(passage) for passage in new]
        rows = self._embedder.passages(
            [
                f"{CREDIT_WORDS}: {p.sentence(span)}" if p.kind == "credit" else p.sentence(span)
                for p, spans in zip(new, cut, strict=True)
                for span in spans
            ]
        )
        at = 0
        for passage, spans in zip(new, cut, strict=True):
            self._vectors[passage.id] = rows[at : at + len(spans)]
            at += len(spans)
        return {p.id: self._vectors[p.id] for p in passages}


def joined(evidence: tuple[Evidence, ...], share: float) -> tuple[Evidence, ...]:
    """Join the two best into one when they are neighbours and the second is nearly as good.

    One sentence names the thing and the next says of "it" what was asked: which of the two scores
    higher is chance. Nearly as good: at least `share` of the best score.
    """
    if len(evidence) < 2:
        return evidence
    best, second, *rest = evidence
    gap = max(best.start, second.start) - min(best.end, second.end)
    length = max(best.end, second.end) - min(best.start, second.start)
    if (
        best.passage.id != second.passage.id
        or gap > 2
        or length > LONGEST_UNIT
        or second.score < share * best.score
    ):
        return evidence
    both = replace(best, start=min(best.start, second.start), end=max(best.end, second.end))
    return (both, *rest)


def units(passage: Passage) -> tuple[Span, ...]:
    """Return the passage's sentences, those inside one quotation joined.

    A quotation of several sentences names its speaker once, often at its end: cut apart, its
    sentences would say who spoke of none. Joined up to `LONGEST_UNIT` characters.
    """
    joined: list[Span] = []
    open_since: int | None = None
    for span in passage.sentences:
        if open_since is not None and span.end - open_since <= LONGEST_UNIT:
            joined[-1] = Span(open_since, span.end)
        else:
            joined.append(span)
        text = passage.sentence(joined[-1])
        straight = text.count('"') % 2 == 1
        open_since = joined[-1].start if text.count("“") > text.count("”") or straight else None
    return tuple(joined)


def _bag(passage: Passage, text: str) -> frozenset[str]:
    """Return the stems of a text; a credit's also hold what such lines leave unsaid."""
    found = words.stems(text)
    return found | CREDIT_STEMS if passage.kind == "credit" else found


def _meant(passage: Passage, spans: Sequence[Span], i: int) -> frozenset[str]:
    """Return the names that the i-th unit's pronouns may stand for: those of the unit before."""
    if i == 0 or words.PRONOUNS.isdisjoint(
        map(words.fold, words.tokens(passage.sentence(spans[i])))
    ):
        return frozenset()
    return frozenset(words.stem(name) for name in words.names(passage.sentence(spans[i - 1])))


def missing(question: Question, hits: Sequence[Hit]) -> tuple[str, ...]:
    """Return the question's names and numbers, as asked, that no hit speaks of."""
    text = " ".join(f"{hit.passage.title} {hit.text}" for hit in hits)
    known, numbers = words.stems(text), words.numbers(text)
    return tuple(
        token
        for token in dict.fromkeys(words.tokens(question.text))
        if (words.stem(token) in question.names and not words.near(words.stem(token), known))
        or (words.number(token) in question.numbers and words.number(token) not in numbers)
    )


def _rerank(hits: Sequence[Hit], evidence: Sequence[Evidence]) -> tuple[Hit, ...]:
    """Order hits by the mean of two reciprocal ranks: retrieval's and their best evidence's."""
    best: dict[str, int] = {}
    for found in evidence:
        best.setdefault(found.passage.id, len(best))
    keys = {
        hit.passage.id: 1 / (2 + rank) + 1 / (2 + best.get(hit.passage.id, len(hits)))
        for rank, hit in enumerate(hits)
    }
    fused = [replace(hit, score=keys[hit.passage.id]) for hit in hits]
    return tuple(sorted(fused, key=lambda hit: -hit.score))


def _covered(content: Sequence[str], by: frozenset[str], rarity: dict[str, float]) -> float:
    """Return the share in [0, 1] of the question's words met, rare ones counting more."""
    total = sum(rarity[t] for t in content)
    met = sum(rarity[t] for t in content if t in by or words.near(t, by))
    return met / total if total else 0.0


def _absent(names: Sequence[str], text: frozenset[str]) -> float:
    return sum(not words.near(n, text) for n in names) / len(names) if names else 0.0


def _pairs(asked: Sequence[str], said: Sequence[str]) -> float:
    """Return the share in [0, 1] of neighbouring question words that are near in the sentence."""
    wanted = list(itertools.pairwise(asked))
    near = {(a, b) for i, a in enumerate(said) for b in said[i + 1 : i + 4]}
    return sum(p in near or p[::-1] in near for p in wanted) / len(wanted) if wanted else 0.0


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-max(-60.0, min(60.0, x))))
