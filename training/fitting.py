"""Fit the four logistic models on described cases, and say how they do on cases left out.

They say which sentence holds the answer, which passage does, whether any does, and whether the best
sentence is right. The bias of "is it answerable" is moved so that one half is the threshold: of
those where answering and abstaining are right most often when two thirds of the questions have an
answer, the lowest at which no more than a quarter of the answers is wrong, if there is one. The
figures are of questions left out of fitting, in four folds by passage, divided anew several times.

The confidence, that the answer is right, is the mean of the log-odds that there is an answer and
that the best sentence is one, scaled, since most wrong answers are to questions that have none. It
is fitted where half of the questions are near misses: they are harder to tell than others, and a
program that is too sure does more harm than one that is not sure enough.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize  # type: ignore[import-untyped]
from scipy.special import log_softmax, logsumexp, softmax  # type: ignore[import-untyped]
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]
from sklearn.metrics import roc_auc_score  # type: ignore[import-untyped]

from rag.calibration import Calibration, Logistic
from rag.metrics import calibration_error, contains, token_f1
from rag.rereading import reconsider
from training.described import Described

SHARES = {
    "answerable": 0.5,
    "removed": 0.12,
    "changed": 0.05,
    "written": 0.09,
    "otherwise": 0.09,
    "left_out": 0.15,
}
"""What each kind weighs in fitting."""
NEAR_MISSES = {
    "answerable": 0.5,
    "removed": 0.0,
    "changed": 0.25,
    "written": 0.0,
    "otherwise": 0.25,
    "left_out": 0.0,
}
"""And for the confidence: near misses, but none by a writer that the networks learned from."""
ASKED = {
    "answerable": 2 / 3,
    "removed": 1 / 9,
    "changed": 1 / 27,
    "written": 1 / 27,
    "otherwise": 1 / 27,
    "left_out": 1 / 9,
}
"""And in choosing the threshold."""
UNANSWERABLE = ("removed", "changed", "written", "otherwise", "left_out")
AGAINST = ("names_missing", "names_missing_sentence", "numbers_missing", "unknown", "offers_not")
"""Features that speak against an answer. They are rare among these questions, whose changed names
are of the passage itself, so that chance can turn their sign: it is not believed."""
ORDERED = 0.1  # inverse strength of the regularisation where an order is fitted
FOLDS = 4
DIVISIONS = 8  # into folds, over which figures are averaged
FLAT = 0.005  # of questions: less than this sets no two thresholds apart
RISK = 0.25  # share of the answers given that may be wrong
THRESHOLDS = (0.1, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8)


def fit(
    features: NDArray[np.float64],
    labels: NDArray[np.int64],
    weights: NDArray[np.float64] | None = None,
) -> Logistic:
    """Fit a logistic model, regularised on standardised features."""
    centre, scale = features.mean(axis=0), features.std(axis=0) + 1e-9
    model = LogisticRegression(C=0.1, max_iter=2_000)
    model.fit((features - centre) / scale, labels, sample_weight=weights)
    coefficients = model.coef_[0] / scale
    return Logistic(coefficients, float(model.intercept_[0] - coefficients @ centre))


def fit_order(groups: Sequence[tuple[NDArray[np.float64], NDArray[np.int64]]]) -> Logistic:
    """Fit what puts the right ones of each group first: features (n, f) and labels (n,).

    The conditional logit of McFadden (1974), "Conditional logit analysis of qualitative choice
    behavior": what tells one group from another does not count, as it does in `fit`. The log-odds
    are then scaled and shifted so that they fit the labels.
    """
    features = np.concatenate([rows for rows, _ in groups])
    labels = np.concatenate([right for _, right in groups])
    scale = features.std(axis=0) + 1e-9
    telling = [(rows / scale, right == 1) for rows, right in groups if right.sum() > 0]

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        total, slope = weights @ weights / (2 * ORDERED), weights / ORDERED
        for rows, right in telling:
            logits = rows @ weights
            total -= logsumexp(log_softmax(logits)[right])
            slope = slope + softmax(logits) @ rows - softmax(logits[right]) @ rows[right]
        return float(total), slope

    weights = minimize(loss, np.zeros(len(scale)), jac=True, method="L-BFGS-B").x / scale
    return scaled(Logistic(weights, 0.0), features, labels)


@dataclass(frozen=True)
class Judged:
    """A case read with a sentence model: what the other models are fitted on, and its outcome.

    `passages` (n, f) with `gold` (n,), the verdict's features (f,), whether the case is answerable
    and whether its best sentence is right, the F1 of its short answer.
    """

    passages: NDArray[np.float64]
    gold: NDArray[np.int64]
    verdict: NDArray[np.float64]
    able: int
    right: int
    f1: float


def judge(sentence: Logistic, one: Described) -> Judged:
    """Read a case with a sentence model. A best sentence that says the answer too is right.

    Where the answer's words are not known, any sentence of the right passage is.
    """
    candidates, logits = one.candidates, sentence.logits(one.rows)
    again: Mapping[str, float] | None = None
    if one.rereading:
        seen = reconsider(one.rereading, candidates, logits)
        candidates, logits, again = seen.candidates, seen.logits, seen.verdict
    best = candidates[int(np.argsort(-logits, kind="stable")[0])]
    able = one.case.gold is not None
    right = able and bool(
        contains(best.text, [one.case.answer])
        if one.case.answer
        else best.hit.document == one.case.document
    )
    short = ""
    if best.answer is not None:
        start = best.hit.start
        short = best.hit.text[best.answer.start - start : best.answer.end - start]
    return Judged(
        one.features.of_passages(candidates, logits, one.case.hits),
        np.array([int(hit.document == one.case.document) for hit in one.case.hits]),
        one.features.of_verdict(one.question, candidates, logits, one.case.hits, again),
        int(able),
        int(right),
        token_f1(short, [one.case.answer]) if able and one.case.answer else 0.0,
    )


def fit_sentence(every: Sequence[Described]) -> Logistic:
    """Fit the model of which sentence is right, on the cases whose answer's place is known."""
    with_answer = [one for one in every if one.case.gold and one.case.answer]
    return fit(
        np.concatenate([one.rows for one in with_answer]),
        np.concatenate([one.right for one in with_answer]),
    )


def fit_models(every: Sequence[Described]) -> Calibration:
    """Fit the four models on these cases, each kind weighing its share."""
    sentence = fit_sentence(every)
    judged = [judge(sentence, one) for one in every]
    able = [one for one in judged if one.able]
    verdicts = np.stack([one.verdict for one in judged])
    able_at_all = np.array([one.able for one in judged])
    right = np.array([one.right for one in judged])
    near_misses = weigh(every, NEAR_MISSES)
    answerable = fit(verdicts, able_at_all, weigh(every, SHARES))
    confidence = mean(answerable, fit(verdicts, right, near_misses))
    return Calibration(
        sentence=sentence,
        passage=fit_order([(one.passages, one.gold) for one in able]),
        answerable=answerable,
        confidence=scaled(confidence, verdicts, right, near_misses),
    )


def mean(one: Logistic, other: Logistic) -> Logistic:
    """Return the model whose log-odds are the mean of two models'."""
    return Logistic((one.weights + other.weights) / 2, (one.bias + other.bias) / 2)


def scaled(
    model: Logistic,
    features: NDArray[np.float64],
    labels: NDArray[np.int64],
    weights: NDArray[np.float64] | None = None,
) -> Logistic:
    """Return the model with its log-odds scaled and shifted so that they fit the labels.

    After Platt (1999), "Probabilistic outputs for support vector machines".
    """
    scale = LogisticRegression(C=1e6)
    scale.fit(model.logits(features)[:, None], labels, sample_weight=weights)
    factor, shift = float(scale.coef_[0, 0]), float(scale.intercept_[0])
    return Logistic(factor * model.weights, factor * model.bias + shift)


def weigh(every: Sequence[Described], shares: Mapping[str, float]) -> NDArray[np.float64]:
    """Return a weight a case (n,), with a mean of one, so that each kind has its share."""
    kinds = [one.case.kind for one in every]
    found = {kind: shares[kind] / kinds.count(kind) for kind in set(kinds)}
    whole = sum(shares[kind] for kind in set(kinds))  # of the kinds that are there
    return np.array([found[kind] * len(kinds) / whole for kind in kinds])


def fit_all(every: Sequence[Described]) -> tuple[dict[str, object], dict[str, float]]:
    """Fit the models on all cases; return coefficients, and figures from folds left out.

    The figures are means over `DIVISIONS` divisions into folds: by which cases fall together the
    share that is right moves as much as between neighbouring thresholds.
    """
    divisions = [left_out(every, division) for division in range(DIVISIONS)]
    found = average([figures_of(every, one) for one in divisions])
    best = found["threshold"] = within_risk(found)
    found |= average([answered(every, one, best) for one in divisions])
    models = fit_models(every)
    features = every[0].features
    coefficients: dict[str, object] = {
        "sentence": named(models.sentence, features.sentence),
        "passage": named(models.passage, features.passage),
        "answerable": named(shifted(models.answerable, best), features.verdict),
        "confidence": named(models.confidence, features.verdict),
    }
    return coefficients, found


@dataclass(frozen=True)
class LeftOut:
    """What models say of every case that they were not fitted on.

    `able` and `sure` (n,) are the probabilities that there is an answer and that the best sentence
    is one; `ranks` are those of the right passages, from 1.
    """

    able: NDArray[np.float64]
    sure: NDArray[np.float64]
    judged: Sequence[Judged]
    ranks: Sequence[int]


def fold_of(home: int, division: int) -> int:
    """Return in which fold of a division a passage's cases are, in [0, `FOLDS`)."""
    digest = hashlib.sha256(f"{division}/{home}".encode()).digest()
    return int.from_bytes(digest) % FOLDS


def left_out(every: Sequence[Described], division: int) -> LeftOut:
    """Judge each case by models fitted on the other folds of a division."""
    folds = [fold_of(one.case.home, division) for one in every]
    able, sure = np.zeros(len(every)), np.zeros(len(every))
    outcomes: dict[int, Judged] = {}
    ranks: list[int] = []
    for fold in range(FOLDS):
        models = fit_models([one for one, own in zip(every, folds, strict=True) if own != fold])
        for i in (i for i, own in enumerate(folds) if own == fold):
            outcomes[i] = judged = judge(models.sentence, every[i])
            able[i] = models.answerable.probability(judged.verdict)
            sure[i] = models.confidence.probability(judged.verdict)
            if judged.able:
                order = np.argsort(-models.passage.logits(judged.passages), kind="stable")
                ranks.append(1 + int(np.flatnonzero(judged.gold[order])[0]))
    return LeftOut(able, sure, [outcomes[i] for i in range(len(every))], ranks)


def figures_of(every: Sequence[Described], out: LeftOut) -> dict[str, float]:
    """Return the figures of a division."""
    able = np.array([one.able for one in out.judged])
    right = np.array([one.right for one in out.judged])
    found = figures(out.able, out.sure, able, right, weigh(every, ASKED))
    found["passage_first"] = float(np.mean(np.array(out.ranks) == 1))
    found["passage_mrr"] = float(np.mean(1 / np.array(out.ranks)))
    placed = zip(every, out.judged, strict=True)
    short = [judged.f1 for one, judged in placed if judged.able and one.case.answer]
    found["short_f1"] = float(np.mean(short))
    for kind, few in itertools.product(UNANSWERABLE, (False, True)):
        these = of_kinds(every, ("answerable", kind), few)
        if not all(able[these]):
            auroc = roc_auc_score(able[these], out.able[these])
            found[f"{kind}{'_few' if few else ''}_auroc"] = float(auroc)
    return found


def answered(every: Sequence[Described], out: LeftOut, threshold: float) -> dict[str, float]:
    """Return what share of each kind is answered, and the calibration error over near misses."""
    kept = out.able >= threshold
    right = np.array([one.right for one in out.judged])
    weights = weigh(every, NEAR_MISSES)[kept]
    found = {"confidence_ece": calibration_error(out.sure[kept], right[kept], weights=weights)}
    for kind, few in itertools.product(SHARES, (False, True)):
        if these := of_kinds(every, (kind,), few):
            name = f"{kind}{'_few' if few else ''}_answered"
            found[name] = float(np.mean(kept[these]))
    return found


def of_kinds(every: Sequence[Described], kinds: Sequence[str], few: bool) -> list[int]:
    """Return which cases are of some kinds, searched among few passages or among all."""
    return [i for i, one in enumerate(every) if one.case.kind in kinds and one.case.few == few]


def average(every: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the mean of each figure, to four places."""
    return {name: round(float(np.mean([one[name] for one in every])), 4) for name in every[0]}


def within_risk(found: Mapping[str, float]) -> float:
    """Return the lowest good threshold at which at most `RISK` of the answers are wrong.

    Good are those that are right as often as the best: the optimum is flat. Where none of them errs
    so little it is the strictest of them: of two that are right as often, the one that errs less.
    """
    most = max(found[f"right_at_{t}"] for t in THRESHOLDS)
    good = [t for t in THRESHOLDS if found[f"right_at_{t}"] >= most - FLAT]
    return next((t for t in good if found[f"risk_at_{t}"] <= RISK), good[-1])


def shifted(model: Logistic, threshold: float) -> Logistic:
    """Return the model with its bias moved so that what was `threshold` is one half."""
    return Logistic(model.weights, model.bias + math.log((1 - threshold) / threshold))


def figures(
    p: NDArray[np.float64],
    q: NDArray[np.float64],
    a: NDArray[np.int64],
    c: NDArray[np.int64],
    w: NDArray[np.float64],
) -> dict[str, float]:
    """Return figures from probabilities (n,), labels (n,) answerable and correct, weights (n,).

    `right_at_t` counts right answers and right abstentions, each kind with its share; `risk_at_t`
    is the share of wrong ones among the answers given, likewise.
    """
    has = a == 1
    found = {
        "questions": float(len(a)),
        "right_sentence_first": float(c[has].mean()),
        "answerable_auroc": float(roc_auc_score(a, p, sample_weight=w)),
        "confidence_auroc": float(roc_auc_score(c, q, sample_weight=w)),
    }
    for t in THRESHOLDS:
        kept = p >= t
        rightly = np.where(kept, c == 1, ~has)
        found[f"right_at_{t}"] = float(np.average(rightly, weights=w))
        found[f"risk_at_{t}"] = (
            1 - float(np.average(c[kept], weights=w[kept])) if kept.any() else 0.0
        )
        found[f"answered_at_{t}"] = float(kept[has].mean())
        found[f"abstained_at_{t}"] = float(np.average(~kept[~has], weights=w[~has]))
    return {name: round(value, 4) for name, value in found.items()}


def named(model: Logistic, names: Sequence[str]) -> dict[str, float]:
    """Return a model's coefficients by name, and its bias; those `AGAINST` are never positive."""
    weights = zip(names, model.weights, strict=True)
    found = {name: min(float(w), 0.0) if name in AGAINST else float(w) for name, w in weights}
    return {name: round(w, 4) for name, w in {**found, "bias": model.bias}.items()}
