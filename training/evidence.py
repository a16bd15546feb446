"""Fit the coefficients of `rag.reader.SentenceReader` on question-answering data.

    python -m training.evidence --data ../shared/train --reader rag/weights/reader.safetensors

Every question is asked of all training passages, as the product would ask it: of those passages;
of the same without the ones that hold its answer; and with a name, number or word changed, so that
the passage is there and its answer is to another question. Only questions are taken whose passages
the trained reader never saw; yes-or-no questions, whose passage is known and no more, are among
them. Four logistic models are fitted: which sentence holds the answer, which passage does, whether
any does, and whether the best sentence is right. The bias of "is it answerable" is moved so that
one half is the threshold where answering and abstaining are right most often when two thirds of the
questions have an answer. The figures are of questions left out of fitting, in four folds by
passage; nothing here reads evaluation data.

The confidence is fitted where half of the questions have no answer and nearly all of those are
changed ones: people's near misses are harder to tell than ours, and a program that is too sure does
more harm than one that is not sure enough.
"""

from __future__ import annotations

import argparse
import json
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from rag import words
from rag.calibration import Calibration, Logistic
from rag.cross_encoder import CrossEncoder
from rag.embedder import Embedder, SentenceEmbedder
from rag.features import Candidate, Features, Judge
from rag.metrics import calibration_error, contains, token_f1
from rag.models import locate
from rag.passages import split
from rag.questions import Question, analyse
from rag.settings import ModelSettings, PassageSettings, RetrieverSettings
from rag.types import Document, EmbedderIdentity, Hit, Judgement, Passage
from training.data import held_out, rows
from training.mining import bm25_top, dense_top, embed, words_alike
from training.reader import base_folder
from training.unanswerable import change

OUTPUT = Path(__file__).parents[1] / "rag" / "weights" / "evidence.json"
DEPTH, TOP = 50, 10
SHARES = {"answerable": 0.5, "removed": 0.15, "changed": 0.35}  # what each kind weighs in fitting
NEAR_MISSES = {"answerable": 0.5, "removed": 0.05, "changed": 0.45}  # and for the confidence
ASKED = {"answerable": 2 / 3, "removed": 1 / 6, "changed": 1 / 6}  # and in choosing the threshold
YES_OR_NO = 60  # questions, of which it is only known which passage answers them
FAIRY_TALES = 40  # questions; they are many, and like little that people ask of documents
FOLDS = 4
AGAINST = ("names_missing", "names_missing_sentence", "numbers_missing", "unknown", "offers_not")
"""Features that speak against an answer. They are rare among these questions, whose changed names
are of the passage itself, so that chance can turn their sign: it is not believed."""
FLAT = 0.005  # of questions: less than this sets no two thresholds apart
THRESHOLDS = (0.1, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8)


class Remembering:
    """An embedder that embeds the same text once: corpora share their passages."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._known: dict[str, NDArray[np.float32]] = {}

    @property
    def identity(self) -> EmbedderIdentity:
        """The identity of the embedder within."""
        return self._embedder.identity

    def passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit rows (n, d)."""
        if not texts:
            return self._embedder.passages(texts)
        new = [t for t in dict.fromkeys(texts) if t not in self._known]
        self._known.update(zip(new, self._embedder.passages(new), strict=True))
        return np.stack([self._known[t] for t in texts])

    def query(self, text: str) -> NDArray[np.float32]:
        """Return a unit vector (d,)."""
        if "?" + text not in self._known:
            self._known["?" + text] = self._embedder.query(text)
        return self._known["?" + text]


class RememberingJudge:
    """A judge that reads the same question and passage once."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._known: dict[tuple[str, str], Judgement] = {}

    def judge(
        self,
        question: str,
        passages: Sequence[str],
        titles: Sequence[str] = (),
        parts: Sequence[Sequence[tuple[int, int]]] = (),
    ) -> list[Judgement]:
        """See `rag.features.Judge`."""
        new = [i for i, text in enumerate(passages) if (question, text) not in self._known]
        judged = self._judge.judge(
            question,
            [passages[i] for i in new],
            [titles[i] for i in new],
            [parts[i] for i in new],
        )
        for i, judgement in zip(new, judged, strict=True):
            self._known[question, passages[i]] = judgement
        return [self._known[question, text] for text in passages]


@dataclass(frozen=True)
class Corpus:
    """All training passages, searched by vectors (n, d) and by words."""

    texts: Sequence[str]
    documents: Sequence[Sequence[Passage]]  # the passages that each text is cut into
    frequency: dict[str, int]

    @classmethod
    def of(cls, texts: Sequence[str]) -> Corpus:
        """Cut every text as an index would, and count its words."""
        settings = PassageSettings()
        documents = [split(Document(f"d{i}", text), settings) for i, text in enumerate(texts)]
        frequency: dict[str, int] = {}
        for text in texts:
            for stem in words.stems(text):
                frequency[stem] = frequency.get(stem, 0) + 1
        return cls(texts, documents, frequency)

    def document_frequency(self, terms: Sequence[str]) -> dict[str, int]:
        """Return in how many texts each term occurs."""
        return {term: self.frequency.get(term, 0) for term in terms}

    def __len__(self) -> int:
        """Return the number of texts."""
        return len(self.texts)


@dataclass(frozen=True)
class Case:
    """A question and what was found for it; `gold` is the answer's span in its document, or None.

    `answer` is empty where its place in the passage is not known: `gold` is the whole text then.
    `kind` is a key of `SHARES`.
    """

    question: str
    hits: tuple[Hit, ...]
    document: str
    gold: tuple[int, int] | None
    answer: str
    kind: str
    fold: int


def sample(data: Path, seed: int) -> list[dict[str, object]]:
    """Return the answerable rows whose passages were never trained on, in a seeded order."""
    found = [
        row
        for row in rows(data / "reader.jsonl.gz")
        if row["answer_start"] >= 0 and held_out(row["passage"])
    ]
    random.Random(seed).shuffle(found)
    tales = [row for row in found if row["source"].startswith("fairytaleqa")]
    left_out = {id(row) for row in tales[FAIRY_TALES:]}
    return [row for row in found if id(row) not in left_out]


def yes_or_no(data: Path, seed: int) -> list[dict[str, object]]:
    """Return yes/no search questions over titled passages that were never trained on."""
    found = {
        row["premise"]: row
        for row in rows(data / "nli.jsonl.gz")
        if row["source"].startswith("boolq") and " -- " in row["premise"]
    }
    kept = [row for premise, row in sorted(found.items()) if held_out(premise)]
    random.Random(seed).shuffle(kept)
    return [
        {
            "question": row["hypothesis"],
            "passage": row["premise"].replace(" -- ", "\n\n", 1),
            "answer": "",
            "answer_start": 0,
        }
        for row in kept[:YES_OR_NO]
    ]


def cases(
    data: Path,
    cache: Path,
    corpus: Corpus,
    asked_of: Sequence[dict[str, object]],
    seed: int,
) -> list[Case]:
    """Return every question as answerable, with its answer's passages removed, and changed."""
    rng = random.Random(seed)
    alike = words_alike([r["question"] for r in rows(data / "reader.jsonl.gz")], base_folder())
    place = {text: i for i, text in enumerate(corpus.texts)}
    asked: list[tuple[dict[str, object], str, str]] = []
    for row in asked_of:
        question, answer = str(row["question"]), str(row["answer"])
        asked.append((row, question, "answerable"))
        asked.append((row, question, "removed"))
        changed = change(question, str(row["passage"]), answer, rng, alike)
        if changed is not None:
            asked.append((row, changed, "changed"))
    found = search(list(dict.fromkeys(q for _, q, _ in asked)), corpus, cache)
    made = []
    for row, question, kind in asked:
        home, answer = place[str(row["passage"])], str(row["answer"])
        ranked = found[question]
        if kind == "removed":
            folded = words.flat(answer)
            ranked = [
                (i, *scores)
                for i, *scores in ranked
                if i != home and not (folded and folded in words.flat(corpus.texts[i]))
            ]
        elif home not in [i for i, *_ in ranked[:TOP]]:
            continue
        hits = tuple(
            Hit(passage, fused, dense, None)
            for i, fused, dense in ranked[:TOP]
            for passage in corpus.documents[i]
        )
        start = int(str(row["answer_start"]))
        end = start + len(answer) if answer else len(str(row["passage"]))
        gold = (start, end) if kind == "answerable" else None
        made.append(Case(question, hits, f"d{home}", gold, answer, kind, home % FOLDS))
    return made


def search(
    questions: Sequence[str], corpus: Corpus, cache: Path
) -> dict[str, list[tuple[int, float, float]]]:
    """Return (text, fused score, cosine) for each question, best first.

    Cosine and BM25, fused by reciprocal rank as `rag.retriever` does.
    """
    vectors = embed(corpus.texts, base_folder(), cache, 160)
    asked = embed(questions, base_folder(), cache, 40)
    dense = dense_top(asked, vectors, DEPTH)
    lexical = bm25_top(questions, corpus.texts, DEPTH)
    k = RetrieverSettings().rrf_k
    found = {}
    for n, question in enumerate(questions):
        scores: dict[int, float] = {}
        for ranking in (dense[n], lexical[n]):
            for rank, i in enumerate(ranking.tolist(), start=1):
                scores[i] = scores.get(i, 0.0) + (k + 1) / 2 / (k + rank)
        best = sorted(scores.items(), key=lambda item: -item[1])[: 2 * TOP]
        found[question] = [(i, score, float(vectors[i] @ asked[n])) for i, score in best]
    return found


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


@dataclass(frozen=True)
class Described:
    """A case with the features of its candidates, and which of them are right (n,)."""

    case: Case
    question: Question
    features: Features
    candidates: Sequence[Candidate]
    right: NDArray[np.int64]

    @property
    def rows(self) -> NDArray[np.float64]:
        """The candidates' features (n, f)."""
        return np.stack([c.features for c in self.candidates])


def describe(case: Case, features: Features) -> Described:
    """Return a case with its features."""
    question = analyse(case.question)
    candidates = features.candidates(question, case.hits)
    right = [
        case.gold is not None
        and c.hit.document == case.document
        and c.span.start < case.gold[1]
        and case.gold[0] < c.span.end
        for c in candidates
    ]
    return Described(case, question, features, candidates, np.array(right, dtype=np.int64))


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
    logits = sentence.logits(one.rows)
    best = one.candidates[int(np.argsort(-logits, kind="stable")[0])]
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
        one.features.of_passages(one.candidates, logits, one.case.hits),
        np.array([int(hit.document == one.case.document) for hit in one.case.hits]),
        one.features.of_verdict(one.question, one.candidates, logits, one.case.hits),
        int(able),
        int(right),
        token_f1(short, [one.case.answer]) if able and one.case.answer else 0.0,
    )


def fit_models(every: Sequence[Described]) -> Calibration:
    """Fit the four models on these cases, each kind weighing its share."""
    with_answer = [one for one in every if one.case.gold and one.case.answer]
    sentence = fit(
        np.concatenate([one.rows for one in with_answer]),
        np.concatenate([one.right for one in with_answer]),
    )
    judged = [judge(sentence, one) for one in every]
    able = [one for one in judged if one.able]
    verdicts = np.stack([one.verdict for one in judged])
    weights = weigh(every, SHARES)
    return Calibration(
        sentence=sentence,
        passage=fit(
            np.concatenate([one.passages for one in able]),
            np.concatenate([one.gold for one in able]),
        ),
        answerable=fit(verdicts, np.array([one.able for one in judged]), weights),
        confidence=fit(
            verdicts, np.array([one.right for one in judged]), weigh(every, NEAR_MISSES)
        ),
    )


def weigh(every: Sequence[Described], shares: Mapping[str, float]) -> NDArray[np.float64]:
    """Return a weight a case (n,), with a mean of one, so that each kind has its share."""
    kinds = [one.case.kind for one in every]
    return np.array([shares[kind] * len(kinds) / kinds.count(kind) for kind in kinds])


def fit_all(every: Sequence[Described]) -> tuple[dict[str, object], dict[str, float]]:
    """Fit the models on all cases; return coefficients, and figures from folds left out."""
    p, q = np.zeros(len(every)), np.zeros(len(every))
    outcomes: dict[int, Judged] = {}
    ranked: list[float] = []
    for fold in range(FOLDS):
        models = fit_models([one for one in every if one.case.fold != fold])
        for i, one in enumerate(every):
            if one.case.fold != fold:
                continue
            outcomes[i] = judged = judge(models.sentence, one)
            p[i] = models.answerable.probability(judged.verdict)
            q[i] = models.confidence.probability(judged.verdict)
            if judged.able:
                order = np.argsort(-models.passage.logits(judged.passages), kind="stable")
                ranked.append(1 / (1 + int(np.flatnonzero(judged.gold[order])[0])))
    able = np.array([outcomes[i].able for i in range(len(every))])
    right = np.array([outcomes[i].right for i in range(len(every))])
    found = figures(p, q, able, right, weigh(every, ASKED))
    found["passage_first"] = round(float(np.mean(np.array(ranked) == 1)), 4)
    found["passage_mrr"] = round(float(np.mean(ranked)), 4)
    placed = [i for i, one in enumerate(every) if outcomes[i].able and one.case.answer]
    found["short_f1"] = round(float(np.mean([outcomes[i].f1 for i in placed])), 4)
    for kind in ("removed", "changed"):
        these = [i for i, one in enumerate(every) if one.case.kind in ("answerable", kind)]
        found[f"{kind}_auroc"] = round(float(roc_auc_score(able[these], p[these])), 4)
    models = fit_models(every)
    features = every[0].features
    best = found["threshold"] = least_strict(found)
    coefficients: dict[str, object] = {
        "sentence": named(models.sentence, features.sentence),
        "passage": named(models.passage, features.passage),
        "answerable": named(shifted(models.answerable, best), features.verdict),
        "confidence": named(models.confidence, features.verdict),
    }
    return coefficients, found


def least_strict(found: Mapping[str, float]) -> float:
    """Return the lowest threshold that is as good as the best: the optimum is flat."""
    most = max(found[f"right_at_{t}"] for t in THRESHOLDS)
    return next(t for t in THRESHOLDS if found[f"right_at_{t}"] >= most - FLAT)


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
        "confidence_ece": calibration_error(q.tolist(), [bool(x) for x in c]),
    }
    for t in THRESHOLDS:
        kept = p >= t
        rightly = np.where(kept, c == 1, ~has)
        found[f"right_at_{t}"] = float(np.average(rightly, weights=w))
        found[f"risk_at_{t}"] = (
            1 - float(np.average(c[kept], weights=w[kept])) if kept.any() else 0.0
        )
        found[f"answered_at_{t}"] = float(kept[has].mean())
        found[f"abstained_at_{t}"] = float((~kept)[~has].mean())
    return {name: round(value, 4) for name, value in found.items()}


def named(model: Logistic, names: Sequence[str]) -> dict[str, float]:
    """Return a model's coefficients by name, and its bias; those `AGAINST` are never positive."""
    weights = zip(names, model.weights, strict=True)
    found = {name: min(float(w), 0.0) if name in AGAINST else float(w) for name, w in weights}
    return {name: round(w, 4) for name, w in {**found, "bias": model.bias}.items()}


def main() -> None:
    """Fit the coefficients without a reader, and with one if given; print figures, write both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, default=Path("runs/reader"), help="kept vectors")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--limit", type=int, default=0, help="so many questions; 0: all")
    parser.add_argument("--reader", type=Path, help="weights of a trained reader")
    options = parser.parse_args()
    settings = ModelSettings()
    embedder = Remembering(SentenceEmbedder.open(settings))
    groups: dict[str, Judge | None] = {"plain": None}
    if options.reader:
        base = locate(settings.embedder, settings)
        groups["judged"] = RememberingJudge(CrossEncoder.open(base, options.reader))
    taken = sample(options.data, options.seed)[: options.limit or None]
    titled = yes_or_no(options.data, options.seed)
    texts = {str(row["passage"]) for row in (*rows(options.data / "reader.jsonl.gz"), *titled)}
    corpus = Corpus.of(sorted(texts))
    asked = cases(options.data, options.cache, corpus, [*taken, *titled], options.seed)
    for group, reader in groups.items():
        features = Features(embedder, corpus, reader)
        every = []
        for n, case in enumerate(asked):
            every.append(describe(case, features))
            if n % 50 == 0:
                print(f"{group}: described {n}/{len(asked)}", flush=True)
        coefficients, found = fit_all(every)
        print(json.dumps({group: found}, indent=2), flush=True)
        known = json.loads(options.output.read_text()) if options.output.exists() else {}
        known[group] = {**coefficients, "held_out": found}
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
