"""The measures of a retriever and of an answerer: pure functions from plain values to numbers.

Nothing here knows a pipeline, an index or a file. Every function names the paper its formula comes
from and says what it returns for nothing at all.
"""

from __future__ import annotations

import math
import re
import string
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


# --- ranking: `ranked` are distinct document ids, best first; `gold` maps an id to its grade > 0


def recall_at(ranked: Sequence[str], gold: Mapping[str, int], k: int) -> float:
    """Return the share of the gold documents among the first `k`, in [0, 1]; 0 without gold."""
    if not gold:
        return 0.0
    return len(gold.keys() & set(ranked[:k])) / len(gold)


def complete_at(ranked: Sequence[str], gold: Mapping[str, int], k: int) -> float:
    """Return 1 when every gold document is among the first `k`, else 0; 0 without gold."""
    return float(bool(gold) and gold.keys() <= set(ranked[:k]))


def reciprocal_rank_at(ranked: Sequence[str], gold: Mapping[str, int], k: int) -> float:
    """Return 1 / rank of the first gold document within `k`, else 0.

    Its mean over questions is MRR (Voorhees, "The TREC-8 Question Answering Track Report", 1999).
    """
    return next((1 / rank for rank, id in enumerate(ranked[:k], 1) if id in gold), 0.0)


def ndcg_at(ranked: Sequence[str], gold: Mapping[str, int], k: int) -> float:
    """Return the discounted cumulative gain within `k` over the best possible one, in [0, 1].

    Gain is the grade itself and the discount log2(rank + 1) (Järvelin and Kekäläinen, "Cumulated
    gain-based evaluation of IR techniques", 2002), as trec_eval and BEIR have it.
    """
    gains = [gold.get(id, 0) for id in ranked[:k]]
    ideal = _discounted(sorted(gold.values(), reverse=True)[:k])
    return _discounted(gains) / ideal if ideal else 0.0


def _discounted(gains: Sequence[int]) -> float:
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, 1))


# --- answers


def normalise(text: str) -> str:
    """Return `text` lower-cased, without punctuation, articles and spare blanks.

    The normalisation of SQuAD's scorer (Rajpurkar et al., "SQuAD: 100,000+ Questions for Machine
    Comprehension of Text", 2016).
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(text: str, answers: Sequence[str]) -> float:
    """Return 1 when the normalised text equals one of the normalised answers, else 0 (SQuAD)."""
    return float(any(normalise(text) == normalise(answer) for answer in answers))


def token_f1(text: str, answers: Sequence[str]) -> float:
    """Return the best F1 of shared tokens against any of the answers, in [0, 1] (SQuAD)."""
    return max((_f1(normalise(text).split(), normalise(a).split()) for a in answers), default=0.0)


def _f1(said: Sequence[str], gold: Sequence[str]) -> float:
    if not said or not gold:
        return float(said == gold)
    shared = (Counter(said) & Counter(gold)).total()
    return 2 * shared / (len(said) + len(gold))


def contains(text: str, answers: Sequence[str]) -> float:
    """Return 1 when the normalised text holds one of the answers as whole tokens, else 0.

    An answer that normalises to nothing ("a", "?") never counts.
    """
    padded = f" {normalise(text)} "
    wanted = (normalise(answer) for answer in answers)
    return float(any(answer and f" {answer} " in padded for answer in wanted))


# --- knowing when one is right: `confidence` in [0, 1], `right` the truth, of equal length


def auroc(confidence: Sequence[float], right: Sequence[bool]) -> float:
    """Return the chance that a right one has more confidence than a wrong one; ties count half.

    The area under the ROC curve as Mann and Whitney's statistic (Hanley and McNeil, "The meaning
    and use of the area under a ROC curve", 1982). NaN unless both kinds occur.
    """
    scores, truth = np.asarray(confidence, dtype=float), np.asarray(right, dtype=bool)
    positive, negative = int(truth.sum()), int((~truth).sum())
    if not positive or not negative:
        return math.nan
    _, place, count = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count) - (count - 1) / 2)[place]  # (n,) mid-ranks, from 1
    return float((ranks[truth].sum() - positive * (positive + 1) / 2) / (positive * negative))


def risk_coverage(
    confidence: Sequence[float], right: Sequence[bool]
) -> tuple[tuple[float, float], ...]:
    """Return (coverage, risk) after each distinct confidence, most confident first.

    Coverage is the share answered, risk the share of wrong ones among them (El-Yaniv and Wiener,
    "On the Foundations of Noise-free Selective Classification", 2010). Empty for nothing.
    """
    order = sorted(zip(confidence, right, strict=True), key=lambda pair: -pair[0])
    points: list[tuple[float, float]] = []
    wrong = 0
    for done, (score, good) in enumerate(order, 1):
        wrong += not good
        if done == len(order) or order[done][0] != score:
            points.append((done / len(order), wrong / done))
    return tuple(points)


def area_under_risk(confidence: Sequence[float], right: Sequence[bool]) -> float:
    """Return the mean risk over all coverages (AURC), in [0, 1]; smaller is better, NaN for none.

    Geifman, Uziel and El-Yaniv, "Bias-Reduced Uncertainty Estimation for Deep Neural Classifiers",
    2019; equal confidences are taken in as one step.
    """
    area, before = 0.0, 0.0
    points = risk_coverage(confidence, right)
    for coverage, risk in points:
        area += (coverage - before) * risk
        before = coverage
    return area if points else math.nan


def calibration_error(
    confidence: ArrayLike, right: ArrayLike, bins: int = 10, weights: ArrayLike | None = None
) -> float:
    """Return the expected calibration error over equal-width bins, in [0, 1]; NaN for none.

    `confidence` (n,) in [0, 1], `right` (n,) of 0 and 1, `weights` (n,), one each if not given. The
    mean of |accuracy - confidence| per bin, weighted by its size (Guo et al., "On Calibration of
    Modern Neural Networks", 2017). A bin holds its upper edge; the first one holds 0 too.
    """
    scores, truth = np.asarray(confidence, dtype=float), np.asarray(right, dtype=float)
    if not len(scores):
        return math.nan
    each = np.ones_like(scores) if weights is None else np.asarray(weights, dtype=float)
    place = np.clip(np.ceil(scores * bins).astype(int) - 1, 0, bins - 1)
    gaps = np.bincount(place, weights=each * (truth - scores), minlength=bins)
    return float(np.abs(gaps).sum() / each.sum())


# --- summing up


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure with its 95 % interval: `low <= value <= high` in all but odd cases, over `n`."""

    name: str
    value: float
    low: float
    high: float
    n: int


def measure(
    name: str,
    count: int,
    statistic: Callable[[NDArray[np.intp]], float],
    *,
    seed: int = 0,
    rounds: int = 1_000,
) -> Measure:
    """Return a statistic of `count` items and its percentile bootstrap interval.

    `statistic` takes the indices of the items to use, `(count,)`. Rounds in which it is NaN are
    left out. Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13.
    """
    if not count:
        return Measure(name, math.nan, math.nan, math.nan, 0)
    random = np.random.default_rng(seed)
    draws = [statistic(random.integers(0, count, count)) for _ in range(rounds)]
    kept = [draw for draw in draws if not math.isnan(draw)]
    low, high = np.percentile(kept, [2.5, 97.5]) if kept else (math.nan, math.nan)
    return Measure(name, float(statistic(np.arange(count))), float(low), float(high), count)


def mean(name: str, values: Sequence[float], *, seed: int = 0) -> Measure:
    """Return the mean of `values` with its interval; NaN for none."""
    array = np.asarray(values, dtype=float)
    return measure(name, len(array), lambda pick: float(array[pick].mean()), seed=seed)


def quantile(name: str, values: Sequence[float], q: float, *, seed: int = 0) -> Measure:
    """Return the `q` quantile of `values` (0.5: the median) with its interval; NaN for none."""
    array = np.asarray(values, dtype=float)
    return measure(name, len(array), lambda pick: float(np.quantile(array[pick], q)), seed=seed)
