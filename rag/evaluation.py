"""Ask a dataset's questions and turn what comes back into measures.

It takes a `retrieve` or an `ask` function and knows neither how they work nor how a report is
printed. A report is a value; the same answers and seed give the same report.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag import metrics
from rag.dataset import Dataset, Item
from rag.metrics import Measure
from rag.types import Answer, Document, Hit

Progress = Callable[[int, int], None]
_MARKER = re.compile(r"\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one question got: the ranked documents, the seconds, and the answer if one was asked.

    `exact` counts citations whose quote is the document's text at its offsets, and `dangling`
    markers in the text that no citation resolves.
    """

    item: Item
    ranked: tuple[str, ...]
    seconds: float
    answer: Answer | None = None
    exact: int = 0
    dangling: int = 0

    @property
    def spoken(self) -> str:
        """The answer's text without markers; empty for an abstention."""
        if self.answer is None or self.answer.abstained:
            return ""
        return _MARKER.sub("", self.answer.text)

    @property
    def right(self) -> bool:
        """Whether it holds a gold answer, or abstains where the documents do not say."""
        if not self.item.answerable:
            return self.answer is not None and self.answer.abstained
        return bool(metrics.contains(self.spoken, self.item.answers))

    @property
    def cites_gold(self) -> bool:
        """Whether a gold document is among those cited."""
        return any(c.document in self.item.gold for c in (self.answer or _NOTHING).citations)


_NOTHING = Answer("", "", abstained=True, confidence=0.0)


@dataclass(frozen=True, slots=True)
class Report:
    """The measures of one run; `curve` is (coverage, risk), most confident answers first."""

    dataset: str
    questions: int
    seed: int
    measures: tuple[Measure, ...]
    curve: tuple[tuple[float, float], ...] = ()

    def __getitem__(self, name: str) -> Measure:
        """Return the measure of that name; KeyError when there is none."""
        for one in self.measures:
            if one.name == name:
                return one
        raise KeyError(name)

    def row(self) -> dict[str, Any]:
        """Return the report as JSON can hold it: NaN becomes None, the curve has 21 points."""
        places = np.linspace(0, len(self.curve) - 1, 21) if self.curve else np.empty(0)
        return {
            "dataset": self.dataset,
            "questions": self.questions,
            "seed": self.seed,
            "measures": {one.name: _finite(asdict(one)) for one in self.measures},
            "risk_coverage": [list(self.curve[i]) for i in np.unique(places.astype(int))],
        }


def _finite(row: dict[str, Any]) -> dict[str, Any]:
    row.pop("name")
    return {
        key: None if isinstance(value, float) and math.isnan(value) else value
        for key, value in row.items()
    }


# --- asking


def rank(
    dataset: Dataset,
    retrieve: Callable[[str], Sequence[Hit]],
    progress: Progress | None = None,
) -> tuple[Outcome, ...]:
    """Retrieve for every question; a document ranks where its best passage does."""
    outcomes = []
    for done, item in enumerate(dataset.items, 1):
        began = time.perf_counter()
        hits = retrieve(item.question)
        outcomes.append(Outcome(item, documents_of(hits), time.perf_counter() - began))
        if progress:
            progress(done, len(dataset.items))
    return tuple(outcomes)


def answer(
    dataset: Dataset,
    ask: Callable[[str], Answer],
    document: Callable[[str], Document],
    progress: Progress | None = None,
) -> tuple[Outcome, ...]:
    """Ask every question and check every citation against the document it names."""
    outcomes = []
    for done, item in enumerate(dataset.items, 1):
        began = time.perf_counter()
        got = ask(item.question)
        seconds = time.perf_counter() - began
        markers = {citation.marker for citation in got.citations}
        outcomes.append(
            Outcome(
                item,
                documents_of(got.passages),
                seconds,
                got,
                exact=sum(
                    document(c.document).text[c.start : c.end] == c.quote for c in got.citations
                ),
                dangling=sum(int(m) not in markers for m in _MARKER.findall(got.text)),
            )
        )
        if progress:
            progress(done, len(dataset.items))
    return tuple(outcomes)


def documents_of(hits: Sequence[Hit]) -> tuple[str, ...]:
    """Return the distinct documents of the hits, in order of their first passage."""
    return tuple(dict.fromkeys(hit.document for hit in hits))


# --- measuring


def report(dataset: Dataset, outcomes: Sequence[Outcome], *, seed: int = 0) -> Report:
    """Return every measure that the outcomes allow, with 95 % bootstrap intervals."""
    asked = [one for one in outcomes if one.answer is not None]
    answered = [one for one in asked if one.answer and not one.answer.abstained]
    measures = ranking(outcomes, seed=seed)
    curve: tuple[tuple[float, float], ...] = ()
    if asked:
        measures += answering(asked, seed=seed) + abstaining(asked, seed=seed)
        measures += citing(asked, seed=seed)
        curve = metrics.risk_coverage(_confidence(answered), _right(answered))
    measures += (
        metrics.quantile("seconds median", [one.seconds for one in outcomes], 0.5, seed=seed),
        metrics.quantile("seconds p95", [one.seconds for one in outcomes], 0.95, seed=seed),
    )
    return Report(dataset.name, len(outcomes), seed, measures, curve)


def ranking(outcomes: Sequence[Outcome], *, seed: int = 0) -> tuple[Measure, ...]:
    """Measure the order of documents, over the questions that some document answers."""
    judged = [one for one in outcomes if one.item.gold and one.item.answerable is not False]

    def over(name: str, formula: Callable[..., float], k: int) -> Measure:
        values = [formula(one.ranked, one.item.gold, k) for one in judged]
        return metrics.mean(f"{name}@{k}", values, seed=seed)

    measures = [over("recall", metrics.recall_at, k) for k in (1, 5, 10)]
    if any(len(one.item.gold) > 1 for one in judged):
        measures.append(over("all gold", metrics.complete_at, 5))
    measures.append(over("MRR", metrics.reciprocal_rank_at, 10))
    measures.append(over("nDCG", metrics.ndcg_at, 10))
    return tuple(measures)


def answering(asked: Sequence[Outcome], *, seed: int = 0) -> tuple[Measure, ...]:
    """Measure the words of the answers.

    `right` counts a rightful abstention too; the three below it are over answerable questions,
    where an abstention scores 0.
    """
    able = [one for one in asked if one.item.answerable]

    def over(name: str, formula: Callable[[str, Sequence[str]], float]) -> Measure:
        values = [formula(one.spoken, one.item.answers) for one in able]
        return metrics.mean(name, values, seed=seed)

    well = [one.right and (not one.item.answerable or one.cites_gold) for one in asked]
    return (
        metrics.mean("right", _right(asked), seed=seed),
        metrics.mean("right and cited", well, seed=seed),
        over("contains", metrics.contains),
        over("exact match", metrics.exact_match),
        over("token F1", metrics.token_f1),
    )


def abstaining(asked: Sequence[Outcome], *, seed: int = 0) -> tuple[Measure, ...]:
    """Measure when it spoke and when it did not, and whether its confidence knew.

    `answerable AUROC` sets answerable against unanswerable questions by the confidence that there
    is an answer (of an abstention: 1 - its own). `right AUROC`, `AURC` and `ECE` are over the
    answers given, `ECE all` over the abstentions too.
    """
    able = [one for one in asked if one.item.answerable]
    unable = [one for one in asked if not one.item.answerable]
    given = [one for one in asked if one.answer and not one.answer.abstained]
    right = _right(given)
    return (
        metrics.mean("wrong abstentions", [_abstained(one) for one in able], seed=seed),
        metrics.mean("wrong answers", [not _abstained(one) for one in unable], seed=seed),
        _paired("answerable AUROC", metrics.auroc, _answerable(asked), _able(asked), seed),
        _paired("right AUROC", metrics.auroc, _confidence(given), right, seed),
        _paired("AURC", metrics.area_under_risk, _confidence(given), right, seed),
        _paired("ECE", metrics.calibration_error, _confidence(given), right, seed),
        _paired("ECE all", metrics.calibration_error, _confidence(asked), _right(asked), seed),
    )


def citing(asked: Sequence[Outcome], *, seed: int = 0) -> tuple[Measure, ...]:
    """Measure the citations: exact spans, markers that resolve, gold documents, gold answers."""
    given = [one for one in asked if one.answer and not one.answer.abstained]
    able = [one for one in given if one.item.answerable]
    cited = [(one.exact, len(one.answer.citations)) for one in asked if one.answer]
    exact = [float(i < exact) for exact, total in cited for i in range(total)]
    holds = [_quotes_answer(one) for one in able]
    return (
        metrics.mean("citations exact", exact, seed=seed),
        metrics.mean("dangling markers", [one.dangling for one in asked], seed=seed),
        metrics.mean("evidence hit", [one.cites_gold for one in able], seed=seed),
        metrics.mean("answer in quote", holds, seed=seed),
    )


def _abstained(one: Outcome) -> bool:
    return one.answer is None or one.answer.abstained


def _confidence(outcomes: Sequence[Outcome]) -> list[float]:
    return [(one.answer or _NOTHING).confidence for one in outcomes]


def _answerable(outcomes: Sequence[Outcome]) -> list[float]:
    given = _confidence(outcomes)
    return [1 - c if _abstained(one) else c for one, c in zip(outcomes, given, strict=True)]


def _right(outcomes: Sequence[Outcome]) -> list[bool]:
    return [one.right for one in outcomes]


def _able(outcomes: Sequence[Outcome]) -> list[bool]:
    return [bool(one.item.answerable) for one in outcomes]


def _quotes_answer(one: Outcome) -> float:
    quotes = [c.quote for c in (one.answer or _NOTHING).citations]
    return max((metrics.contains(quote, one.item.answers) for quote in quotes), default=0.0)


def _paired(
    name: str,
    formula: Callable[[Sequence[float], Sequence[bool]], float],
    confidence: Sequence[float],
    truth: Sequence[bool],
    seed: int,
) -> Measure:
    scores, right = np.asarray(confidence, dtype=float), np.asarray(truth, dtype=bool)

    def statistic(pick: NDArray[np.intp]) -> float:
        return formula(scores[pick].tolist(), right[pick].tolist())

    return metrics.measure(name, len(scores), statistic, seed=seed, rounds=200)
