"""Fit the coefficients of `rag.reader.SentenceReader` on question-answering data.

    python -m training.evidence --data ../shared/train
    python -m training.evidence --data ../shared/train --reader rag/weights/reader.safetensors

Every question is asked of a small corpus: the passage it was written for among its nearest
neighbours; of the neighbours alone, so that the words fit but the answer is not there; or with a
name, number or word changed, so that the passage is there and its answer is to another question.
Three logistic models are fitted: which sentence holds the answer, whether the passages hold it,
and whether the best sentence is right. The bias of "is it answerable" is moved so that one half is
the threshold where answering and abstaining are right most often. Held-out questions come from
passages never seen in fitting; nothing here reads evaluation data.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from rag import words
from rag.calibration import Logistic
from rag.cross_encoder import CrossEncoder
from rag.embedder import Embedder, SentenceEmbedder
from rag.features import Candidate, Features, Judge
from rag.models import locate
from rag.passages import split
from rag.questions import Question, analyse
from rag.settings import ModelSettings, PassageSettings, RetrieverSettings
from rag.types import Document, EmbedderIdentity, Hit, Passage
from training.data import held_out
from training.unanswerable import change

OUTPUT = Path(__file__).parents[1] / "rag" / "weights" / "evidence.json"
PER_SOURCE = {
    "squad1.1-train-fragment": 250,
    "squad-train-via-flan-response-evaluator": 250,
    "qed-nq-train": 200,
    "quoref-ni-sapt": 200,
    "covid-qa": 50,
    "fairytaleqa/train": 50,
    "bioasq-golden-factoid": 50,
}
NEIGHBOURS = 30
THRESHOLDS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7)


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
        new = [t for t in dict.fromkeys(texts) if t not in self._known]
        self._known.update(zip(new, self._embedder.passages(new), strict=True))
        return np.stack([self._known[t] for t in texts])

    def query(self, text: str) -> NDArray[np.float32]:
        """Return a unit vector (d,)."""
        if "?" + text not in self._known:
            self._known["?" + text] = self._embedder.query(text)
        return self._known["?" + text]


@dataclass(frozen=True)
class Bags:
    """A small corpus's word statistics, the way an index gives them."""

    bags: Sequence[frozenset[str]]

    def document_frequency(self, terms: Sequence[str]) -> dict[str, int]:
        """Return in how many passages each term occurs."""
        return {t: sum(t in bag for bag in self.bags) for t in terms}

    def __len__(self) -> int:
        """Return the number of passages."""
        return len(self.bags)


@dataclass(frozen=True)
class Case:
    """A question asked of a corpus; `gold` is the answer's span in its document, or None."""

    question: str
    hits: tuple[Hit, ...]
    statistics: Bags
    document: str
    gold: tuple[int, int] | None
    held_out: bool


def rows(data: Path, seed: int, apart: bool) -> list[dict[str, object]]:
    """Return a seeded sample of answerable rows, so many of each source.

    `apart` takes only what the trained reader has never seen: its judgement of its own training
    questions would be too good to weigh.
    """
    with gzip.open(data / "reader.jsonl.gz", "rt", encoding="utf-8") as lines:
        every = [json.loads(line) for line in lines]
    random.Random(seed).shuffle(every)
    taken: Counter[str] = Counter()
    kept = []
    for row in every:
        source = row["source"]
        if apart and not held_out(row["passage"]):
            continue
        if row["answer_start"] >= 0 and taken[source] < PER_SOURCE.get(source, 0):
            taken[source] += 1
            kept.append(row)
    return kept


def cases(data: Path, embedder: Embedder, seed: int, apart: bool) -> list[Case]:
    """Return the questions with the hits that a retriever would hand over."""
    rng = random.Random(seed)
    sample = rows(data, seed, apart)
    others = rows(data, seed + 1, apart=False) if apart else []
    documents = {
        row["passage"]: Document(f"d{i}", str(row["passage"]))
        for i, row in enumerate([*sample, *others])
    }
    passages = [p for d in documents.values() for p in split(d, PassageSettings())]
    vectors = embedder.passages([p.text for p in passages])  # (n, d)
    bags = [words.stems(p.text) for p in passages]
    home: dict[str, list[int]] = {}
    for i, passage in enumerate(passages):
        home.setdefault(passage.document, []).append(i)
    found = []
    every = sample * 2 if apart else sample  # few questions are apart: each is asked twice
    for n, row in enumerate(every):
        document = documents[row["passage"]].id
        own = home[document]
        start = int(str(row["answer_start"]))
        gold = (start, start + len(str(row["answer"])))
        centre = vectors[own].mean(axis=0)
        near = [i for i in np.argsort(-(vectors @ centre), kind="stable") if i not in own]
        answerable = rng.random() < 0.72 if not apart else n < len(sample)
        asked, answered = str(row["question"]), str(row["answer"])
        changed = (
            change(asked, str(rng.choice((row, rng.choice(sample)))["passage"]), answered, rng)
            if rng.random() < 0.2
            else None
        )
        answer = words.flat(answered)
        if not answerable:
            near = [i for i in near[: 3 * NEIGHBOURS] if answer not in words.flat(passages[i].text)]
        kept = own if answerable or changed else []
        corpus = near[: rng.choice((10, NEIGHBOURS))] + kept
        rng.shuffle(corpus)
        asked = changed or asked
        hits = search(asked, corpus, passages, vectors, bags, embedder)
        found.append(
            Case(
                question=asked,
                hits=hits,
                statistics=Bags([bags[i] for i in corpus]),
                document=document,
                gold=gold if answerable and not changed else None,
                held_out=int(document[1:]) % 4 == 0,
            )
        )
        if n % 200 == 0:
            print(f"retrieved {n}/{len(every)}", flush=True)
    return found


def search(
    question: str,
    corpus: Sequence[int],
    passages: Sequence[Passage],
    vectors: NDArray[np.float32],
    bags: Sequence[frozenset[str]],
    embedder: Embedder,
    top_k: int = 8,
) -> tuple[Hit, ...]:
    """Rank the corpus by cosine and by rare words met, fused by reciprocal rank."""
    asked = analyse(question).content
    frequency = Bags([bags[i] for i in corpus]).document_frequency(asked)
    dense = vectors[list(corpus)] @ embedder.query(question)
    lexical = np.array(
        [
            sum(np.log(1 + len(corpus) / frequency[t]) for t in asked if t in bags[i])
            / (1 + len(bags[i]) / 200)
            for i in corpus
        ]
    )
    rank_dense = np.argsort(np.argsort(-dense, kind="stable"), kind="stable")
    rank_lexical = np.argsort(np.argsort(-lexical, kind="stable"), kind="stable")
    k = RetrieverSettings().rrf_k
    fused = (k + 1) / 2 * (1 / (k + 1 + rank_dense) + 1 / (k + 1 + rank_lexical))
    return tuple(
        Hit(passages[corpus[i]], float(fused[i]), float(dense[i]), float(lexical[i]))
        for i in np.argsort(-fused, kind="stable")[:top_k]
    )


def fit(features: NDArray[np.float64], labels: NDArray[np.int64]) -> Logistic:
    """Fit a logistic model, regularised on standardised features."""
    centre, scale = features.mean(axis=0), features.std(axis=0) + 1e-9
    model = LogisticRegression(C=0.1, max_iter=2_000)
    model.fit((features - centre) / scale, labels)
    weights = model.coef_[0] / scale
    return Logistic(weights, float(model.intercept_[0] - weights @ centre))


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


def describe(case: Case, embedder: Embedder, judge: Judge | None) -> Described:
    """Return a case with its features."""
    features = Features(embedder, case.statistics, judge)
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


def verdict(sentence: Logistic, one: Described) -> tuple[NDArray[np.float64], int, int]:
    """Return a case's verdict features, whether it is answerable, and whether the best is right."""
    logits = sentence.logits(one.rows)
    row = one.features.of_verdict(one.question, one.candidates, logits, one.case.hits)
    best = int(np.argsort(-logits, kind="stable")[0])
    return row, int(one.case.gold is not None), int(one.right[best])


def fit_all(every: Sequence[Described]) -> tuple[dict[str, object], dict[str, float]]:
    """Fit the three models on the cases not held out; return coefficients and figures."""
    fitted = [one for one in every if not one.case.held_out]
    with_answer = [one for one in fitted if one.case.gold is not None]
    sentence = fit(
        np.concatenate([one.rows for one in with_answer]),
        np.concatenate([one.right for one in with_answer]),
    )
    rows = [verdict(sentence, one) for one in every]
    v = np.stack([row for row, _, _ in rows])
    a, c = (np.array([row[i] for row in rows]) for i in (1, 2))
    held = np.array([one.case.held_out for one in every])
    answerable, confidence = fit(v[~held], a[~held]), fit(v[~held], c[~held])
    p = np.array([answerable.probability(row) for row in v[held]])
    q = np.array([confidence.probability(row) for row in v[held]])
    features = every[0].features
    found = figures(p, q, a[held], c[held])
    best = max(THRESHOLDS, key=lambda t: found[f"right_at_{t}"])
    coefficients: dict[str, object] = {
        "sentence": named(sentence, features.sentence),
        "answerable": named(shifted(answerable, best), features.verdict),
        "confidence": named(confidence, features.verdict),
    }
    return coefficients, found


def shifted(model: Logistic, threshold: float) -> Logistic:
    """Return the model with its bias moved so that what was `threshold` is one half."""
    return Logistic(model.weights, model.bias + math.log((1 - threshold) / threshold))


def figures(
    p: NDArray[np.float64], q: NDArray[np.float64], a: NDArray[np.int64], c: NDArray[np.int64]
) -> dict[str, float]:
    """Return held-out figures from probabilities (n,) and labels (n,): answerable and correct.

    `right_at_t` counts right answers and right abstentions when a third has no answer.
    """
    has = a == 1
    found = {
        "questions": float(len(a)),
        "right_sentence_first": float(c[has].mean()),
        "answerable_auroc": float(roc_auc_score(a, p)),
        "confidence_auroc": float(roc_auc_score(c, q)),
    }
    for t in THRESHOLDS:
        kept = p >= t
        rightly = 2 * (kept & (c == 1))[has].mean() + (~kept)[~has].mean()
        found[f"right_at_{t}"] = float(rightly / 3)
        found[f"answered_at_{t}"] = float(kept[has].mean())
        found[f"abstained_at_{t}"] = float((~kept)[~has].mean())
    return {name: round(value, 4) for name, value in found.items()}


def named(model: Logistic, names: Sequence[str]) -> dict[str, float]:
    """Return a model's coefficients by name, and its bias."""
    weights = zip(names, model.weights, strict=True)
    return {**{name: round(float(w), 4) for name, w in weights}, "bias": round(model.bias, 4)}


def main() -> None:
    """Fit one group of coefficients, print held-out figures, write it beside the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--reader", type=Path, help="weights of a trained reader")
    options = parser.parse_args()
    settings = ModelSettings()
    embedder = Remembering(SentenceEmbedder.open(settings))
    judge: Judge | None = None
    if options.reader:
        judge = CrossEncoder.open(locate(settings.embedder, settings), options.reader)
    asked = cases(options.data, embedder, options.seed, apart=judge is not None)
    every = []
    for n, case in enumerate(asked):
        every.append(describe(case, embedder, judge))
        if n % 100 == 0:
            print(f"described {n}/{len(asked)}", flush=True)
    coefficients, found = fit_all(every)
    print(json.dumps(found, indent=2), flush=True)
    known = json.loads(options.output.read_text()) if options.output.exists() else {}
    known["judged" if judge else "plain"] = {**coefficients, "held_out": found}
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
