"""Cases with the features of their candidates, as the product's own code makes them.

Knows nothing of coefficients but that a sentence model, where a language model reads again, chooses
what is shown to it.
"""

from __future__ import annotations

import itertools
import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rag.calibration import Logistic
from rag.candidate import Candidate
from rag.cross_encoder import CrossEncoder
from rag.embedder import SentenceEmbedder
from rag.features import Features, Judge
from rag.models import locate
from rag.questions import Question, analyse, asks_yes_or_no
from rag.rereading import Rereader, reread
from rag.settings import ModelSettings
from rag.types import Rereading
from training.cases import Case, Remembering, RememberingJudge

THREADS = 2  # that reread


@dataclass(frozen=True)
class Described:
    """A case with the features of its candidates, and which of them are right (n,).

    `rereading` is what the language model made of the best, where it was asked.
    """

    case: Case
    features: Features
    candidates: Sequence[Candidate]
    right: NDArray[np.int64]
    rereading: Rereading | None = None

    @property
    def question(self) -> Question:
        """The question's analysis."""
        return analyse(self.case.question)

    @property
    def rows(self) -> NDArray[np.float64]:
        """The candidates' features (n, f)."""
        return np.stack([c.features for c in self.candidates])


def rightness(case: Case, candidates: Sequence[Candidate]) -> NDArray[np.int64]:
    """Return for each candidate (n,) whether it overlaps the case's answer."""
    right = [
        case.gold is not None
        and c.hit.document == case.document
        and c.span.start < case.gold[1]
        and case.gold[0] < c.span.end
        for c in candidates
    ]
    return np.array(right, dtype=np.int64)


class Describer:
    """The models that describe cases; one in each process."""

    def __init__(self, reader: Path | None) -> None:
        settings = ModelSettings(threads=1)
        self.embedder = Remembering(SentenceEmbedder.open(settings))
        self.judge: Judge | None = None
        if reader:
            base = locate(settings.embedder, settings)
            self.judge = RememberingJudge(CrossEncoder.open(base, reader, settings.threads))

    def features(self, case: Case) -> Features:
        """Return what describes a case."""
        return Features(self.embedder, case.statistics, self.judge)

    def candidates(self, cases: Sequence[Case]) -> list[list[Candidate]]:
        """Return the candidates of each case with their features."""
        return [self.features(case).candidates(analyse(case.question), case.hits) for case in cases]


_DESCRIBER: list[Describer] = []  # of a helping process


def _begin(reader: Path | None) -> None:
    _DESCRIBER.append(Describer(reader))


def _candidates(cases: Sequence[Case]) -> list[list[Candidate]]:
    return _DESCRIBER[0].candidates(cases)


def described(cases: Sequence[Case], reader: Path | None, processes: int) -> list[Described]:
    """Return all cases with their features; new processes of one thread do the reading."""
    by_question = itertools.groupby(cases, key=lambda case: (case.document, case.answer))
    chunks = [list(these) for _, these in by_question]
    found: list[list[Candidate]] = []
    with ProcessPoolExecutor(
        processes, multiprocessing.get_context("spawn"), _begin, (reader,)
    ) as pool:
        for n, part in enumerate(pool.map(_candidates, chunks)):
            found += part
            if n % 25 == 0:
                print(f"described {n} of {len(chunks)} questions", flush=True)
    here = Describer(reader)
    return [
        Described(case, here.features(case), candidates, rightness(case, candidates))
        for case, candidates in zip(cases, found, strict=True)
    ]


def unread(one: Described) -> Described:
    """Return a case as it is described without a reader: that leaves out the last features."""
    features = Features(one.features.embedder, one.case.statistics)
    count = len(features.sentence)
    return replace(
        one,
        features=features,
        candidates=[replace(c, features=c.features[:count]) for c in one.candidates],
    )


class RememberingRereader:
    """A rereader that reads the same once: of few and of all passages the best are often alike."""

    def __init__(self, rereader: Rereader) -> None:
        self._rereader = rereader
        self._known: dict[tuple[str, str, str], Rereading] = {}

    def reread(self, question: str, text: str, answer: str) -> Rereading:
        """See `rag.rereading.Rereader`."""
        key = (question, text, answer)
        if key not in self._known:
            self._known[key] = self._rereader.reread(question, text, answer)
        return self._known[key]


def read_again(
    every: Sequence[Described], rereader: Rereader, sentence: Logistic
) -> list[Described]:
    """Return the cases with what a language model makes of the best sentence of each.

    As in the product it is not asked where "yes" or "no" would answer: no words of a text do.
    It is asked once, by the `sentence` model of all cases: asking anew by that of every fold takes
    five times as long, and hardly changes what is shown.
    """
    remembering = RememberingRereader(rereader)

    def again(one: Described) -> Described:
        if asks_yes_or_no(one.case.question):
            return replace(one, features=one.features.rereading())
        logits = sentence.logits(one.rows)
        found = reread(remembering, one.case.question, one.candidates, logits)
        return replace(one, rereading=found, features=one.features.rereading())

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(again, every))
