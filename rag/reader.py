"""Find the evidence in the retrieved passages, and judge whether it answers the question.

`Reader` is the seam. `SentenceReader` describes every sentence of every hit by a row of numbers
(`rag.features`); a logistic model turns them into a probability, and two more judge the best
sentence: is the question answerable here, and is this its answer? A question is never more
answerable than the share of its names that the passages speak of, and one for an address or a
telephone number not at all where the best passage has none. This module does not know how
passages were found or what is written from the evidence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rag import words
from rag.bridging import bridged
from rag.calibration import Calibration, sigmoid
from rag.candidate import Candidate
from rag.choices import chosen
from rag.embedder import Embedder
from rag.features import LONGEST_UNIT, Features, Judge, Statistics
from rag.lines import names_maker
from rag.pairing import paired
from rag.places import is_heading
from rag.questions import (
    Question,
    about_pictures,
    analyse,
    asks_yes_or_no,
    offers,
    spells_out,
)
from rag.rereading import Rereader, reconsider, reread
from rag.settings import ReaderSettings
from rag.tabular import holds, is_row, ordered, standing_out
from rag.types import Evidence, Hit, Reading, Span

DEFINITION_BONUS = 4.0  # log-odds: "the guild (CJNG)" is what "what does CJNG stand for" asks
HEADING_PENALTY = 2.0  # log-odds: a heading says what is spoken of, not what is said
ROW_WEIGHT = 3.0  # log-odds: for the row that has what tells a table's rows apart, against others


class Reader(Protocol):
    """Anything that finds evidence in hits."""

    def read(self, question: str, hits: Sequence[Hit]) -> Reading:
        """Return the hits re-ranked, the evidence best first, and how answerable it is.

        No hits: no evidence, and an answerability of 0.
        """
        ...


class SentenceReader:
    """Score every sentence of the hits against the question."""

    def __init__(
        self,
        features: Features,
        calibration: Calibration,
        settings: ReaderSettings,
        rereader: Rereader | None = None,
        judge: Judge | None = None,
    ) -> None:
        self._features = features
        self._judge = judge
        self._rereader = rereader
        self._calibration = calibration
        self._settings = settings

    @classmethod
    def open(
        cls,
        embedder: Embedder,
        statistics: Statistics,
        settings: ReaderSettings,
        judge: Judge | None = None,
        rereader: Rereader | None = None,
    ) -> SentenceReader:
        """Join the features with the shipped coefficients that fit them.

        Without a judge nothing is read again.
        """
        rereader = rereader if judge else None
        features = Features(embedder, statistics, judge, rereads=rereader is not None)
        group = ("reread" if rereader else "judged") if judge else "plain"
        calibration = Calibration.load(group, features.sentence, features.passage, features.verdict)
        return cls(features, calibration, settings, rereader, judge)

    def read(self, question: str, hits: Sequence[Hit]) -> Reading:
        """See `Reader.read`."""
        asked = analyse(question)
        candidates: Sequence[Candidate] = self._features.candidates(asked, hits)
        if not candidates:
            return Reading(tuple(hits), (), answerable=0.0, confidence=0.0)
        logits = self._calibration.sentence.logits(np.stack([c.features for c in candidates]))
        logits = logits + DEFINITION_BONUS * np.array(
            [spells_out(question, c.text) for c in candidates], dtype=np.float64
        )
        units = [(c.hit.passage, c.span) for c in candidates]
        standing = np.array(standing_out(asked.content, units))
        headings = np.array([is_heading(*unit) for unit in units])
        logits = logits + ROW_WEIGHT * standing - HEADING_PENALTY * headings
        again: Mapping[str, float] | None = None
        if self._rereader and not asks_yes_or_no(question):
            found = reread(self._rereader, question, candidates, logits)
            seen = reconsider(found, candidates, logits)
            candidates, logits, again = seen.candidates, seen.logits, seen.verdict
        logits = np.array(ordered(units, standing.tolist(), logits.tolist()), dtype=np.float64)
        verdict = self._features.of_verdict(asked, candidates, logits, hits, again)
        passages = self._features.of_passages(candidates, logits, hits)
        order = np.argsort(-logits, kind="stable")
        ranked = tuple(candidates[i].evidence(sigmoid(float(logits[i]))) for i in order)
        evidence = chosen(question, joined(ranked, self._settings.min_share))
        if self._judge:
            evidence = bridged(asked, evidence, hits, self._judge)
        answerable = self._calibration.answerable.probability(verdict)
        first = candidates[int(order[0])]
        row = standing[order[0]] == 1 and holds(question, asked.names, first.text)
        credit = first.hit.passage.kind == "credit" and about_pictures(question)
        if row or (credit and names_maker(first.text)):
            covered = float(first.features[self._features.sentence.index("covered")])
            answerable = max(answerable, covered)
        known = 1 - float(verdict[self._features.verdict.index("names_missing")])
        if asked.expected == "contact" and not offers(asked, evidence[0].passage.text):
            known = 0.0
        best_first = reranked(hits, self._calibration.passage.logits(passages))
        return Reading(
            hits=paired(asked.content, best_first),
            evidence=evidence,
            answerable=min(known, answerable),
            confidence=self._calibration.confidence.probability(verdict),
            missing=missing(asked, hits),
        )


def joined(evidence: tuple[Evidence, ...], share: float) -> tuple[Evidence, ...]:
    """Join the two best into one when they are neighbours and the second is nearly as good.

    One sentence names the thing and the next says of "it" what was asked: which of the two scores
    higher is chance. Nearly as good: at least `share` of the best score. Rows of a table are never
    joined: each says of another thing the same.
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
        or is_row(best.passage, Span(best.start, best.end))
    ):
        return evidence
    both = replace(best, start=min(best.start, second.start), end=max(best.end, second.end))
    return (both, *rest)


def missing(question: Question, hits: Sequence[Hit]) -> tuple[str, ...]:
    """Return the question's names and numbers, as asked, that no hit speaks of.

    Names that follow each other are one: "Boko Haram".
    """
    text = " ".join(f"{hit.passage.context} {hit.text}" for hit in hits)
    known, numbers = words.stems(text), words.numbers(text)
    found: list[str] = []
    for token in words.tokens(question.text):
        stem, number = words.stem(token), words.number(token)
        name = stem in question.names and not words.near(stem, known)
        if not name and not (number in question.numbers and number not in numbers):
            continue
        if name and found and f"{found[-1]} {token}" in question.text:
            found[-1] = f"{found[-1]} {token}"
        else:
            found.append(token)
    return tuple(dict.fromkeys(found))


def reranked(hits: Sequence[Hit], logits: NDArray[np.float64]) -> tuple[Hit, ...]:
    """Order hits by the log-odds (n,) that they hold the answer; the probability is the score."""
    order = np.argsort(-logits, kind="stable")
    return tuple(replace(hits[i], score=sigmoid(float(logits[i]))) for i in order)
