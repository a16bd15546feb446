"""What a question got, and what a run of them measures, in five groups of figures.

It sees answers and documents as values and knows neither who made them nor how they are printed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag import metrics
from rag.dataset import Item
from rag.metrics import Measure
from rag.support import Judged
from rag.types import Answer

MARKER = re.compile(r"\[(\d+)\]")
_NOTHING = Answer("", "", abstained=True, confidence=0.0)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one question got: the ranked documents, the seconds, and the answer if one was asked.

    `exact` counts citations whose quote is the document's text at its offsets, and `dangling`
    markers in the text that no citation resolves. `judged` are the answer's sentences as a judge
    of support saw them, None where none was asked.
    """

    item: Item
    ranked: tuple[str, ...]
    seconds: float
    answer: Answer | None = None
    exact: int = 0
    dangling: int = 0
    judged: tuple[Judged, ...] | None = None

    @property
    def spoken(self) -> str:
        """The answer's text without markers; empty for an abstention."""
        if self.answer is None or self.answer.abstained:
            return ""
        return MARKER.sub("", self.answer.text)

    @property
    def short(self) -> str:
        """The words the reader points at, whether it answered or not; empty if none was asked."""
        return (self.answer or _NOTHING).short

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

    `right` counts a rightful abstention too. From `contains` to `token F1` they are over answerable
    questions, where an abstention scores 0. The `short` ones compare the few words that the reader
    points at, over the same questions and as if it had to answer. `overall F1` is over all and
    counts abstentions (SQuAD 2.0; Rajpurkar et al., "Know What You Don't Know", 2018).
    """
    able = [one for one in asked if one.item.answerable]

    def over(
        name: str, formula: Callable[[str, Sequence[str]], float], *, short: bool = False
    ) -> Measure:
        said = [one.short if short else one.spoken for one in able]
        values = [formula(text, one.item.answers) for text, one in zip(said, able, strict=True)]
        return metrics.mean(name, values, seed=seed)

    well = [one.right and (not one.item.answerable or one.cites_gold) for one in asked]
    return (
        metrics.mean("right", _right(asked), seed=seed),
        metrics.mean("right and cited", well, seed=seed),
        over("contains", metrics.contains),
        over("exact match", metrics.exact_match),
        over("token F1", metrics.token_f1),
        over("short exact match", metrics.exact_match, short=True),
        over("short F1", metrics.token_f1, short=True),
        metrics.mean("overall F1", [_overall(one) for one in asked], seed=seed),
    )


def abstaining(asked: Sequence[Outcome], *, seed: int = 0) -> tuple[Measure, ...]:
    """Measure when it spoke and when it did not, and whether its confidence knew.

    `answerable AUROC` sets answerable against unanswerable questions by the confidence that there
    is an answer (of an abstention: 1 - its own). `right AUROC`, `AURC` and `ECE` are over the
    answers given, `ECE all` over the abstentions too.
    """
    able = [one for one in asked if one.item.answerable]
    unable = [one for one in asked if not one.item.answerable]
    given = [one for one in asked if not _abstained(one)]
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


def risk_curve(asked: Sequence[Outcome]) -> tuple[tuple[float, float], ...]:
    """Return (coverage, risk) over the answers given, most confident first."""
    given = [one for one in asked if not _abstained(one)]
    return metrics.risk_coverage(_confidence(given), _right(given))


def citing(asked: Sequence[Outcome], *, seed: int = 0) -> tuple[Measure, ...]:
    """Measure the citations: exact spans, markers that resolve, gold documents, gold answers."""
    given = [one for one in asked if not _abstained(one)]
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


def supporting(asked: Sequence[Outcome], *, seed: int = 0) -> tuple[Measure, ...]:
    """Measure what a judge of support made of the answers given; nothing where none was asked.

    `citation recall` is the share of sentences that their spans support, `citation precision` the
    share of citations that are needed and supporting (`rag.support`). `reworded` leaves out the
    sentences that stand word for word in a span they cite, which no judge has to see.
    """
    if not any(one.judged is not None for one in asked):
        return ()
    every = [sentence for one in asked for sentence in one.judged or ()]
    measures: list[Measure] = []
    for suffix, these in (
        ("", every),
        (", reworded", [sentence for sentence in every if not sentence.verbatim]),
    ):
        supported = [sentence.supported for sentence in these]
        precise = [one for sentence in these for one in sentence.precise]
        measures.append(metrics.mean(f"citation recall{suffix}", supported, seed=seed))
        measures.append(metrics.mean(f"citation precision{suffix}", precise, seed=seed))
    return tuple(measures)


def _overall(one: Outcome) -> float:
    """Return SQuAD 2.0's F1 of one question: an abstention is right or wrong, nothing between."""
    if not one.item.answerable or _abstained(one):
        return float(not one.item.answerable and _abstained(one))
    return metrics.token_f1(one.short, one.item.answers)


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
