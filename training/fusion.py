"""Choose how the reader's relevance joins the retriever's rank: `python -m training.fusion`.

Questions of the held-out slice are asked of all training passages, the right one among them. Each
question's ten best by reciprocal rank fusion are judged by the exported reader; a small grid is
tried for the weight of the retriever. Also reported: how well answerable questions are told from
the same questions with the right passage taken away, and from changed ones.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.cross_encoder import CrossEncoder, Judgement
from training.data import held_out, rows
from training.export import OUTPUT
from training.measure import auroc, mean
from training.mining import bm25_top, dense_top, embed
from training.reader import base_folder
from training.unanswerable import change

DEPTH, RRF, TOP = 50, 60, 10
WEIGHTS = (0.0, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 12.0, 20.0, 40.0)


@dataclass(frozen=True, slots=True)
class Case:
    """A question, its candidates with their fused rank scores, and which of them is right (-1)."""

    row: dict[str, Any]
    passages: tuple[str, ...]
    ranks: tuple[float, ...]
    right: int


def candidates(lexical: Sequence[int], dense: Sequence[int]) -> list[tuple[int, float]]:
    """Fuse two rankings by reciprocal rank; the best `TOP` passages, scores in [0, 1]."""
    scores: dict[int, float] = {}
    for ranking in (dense, lexical):
        for rank, passage in enumerate(ranking, start=1):
            scores[passage] = scores.get(passage, 0.0) + (RRF + 1) / 2 / (RRF + rank)
    return sorted(scores.items(), key=lambda item: -item[1])[:TOP]


def cases(data: Path, cache: Path, count: int, seed: int = 0) -> list[Case]:
    """Ask held-out answerable questions of all the passages."""
    found = list(rows(data / "reader.jsonl.gz"))
    passages = sorted({row["passage"] for row in found})
    kept = [r for r in found if held_out(r["passage"]) and r["answer_start"] >= 0]
    kept = Random(seed).sample(kept, min(count, len(kept)))
    questions = [row["question"] for row in kept]
    vectors = embed(passages, base_folder(), cache, 160)
    dense = dense_top(embed(questions, base_folder(), cache, 40), vectors, DEPTH)
    lexical = bm25_top(questions, passages, DEPTH)
    made = []
    for row, a, b in zip(kept, lexical.tolist(), dense.tolist(), strict=True):
        best = candidates(a, b)
        texts = tuple(passages[i] for i, _ in best)
        right = texts.index(row["passage"]) if row["passage"] in texts else -1
        made.append(Case(row, texts, tuple(score for _, score in best), right))
    return made


def gold_first(
    judged: Sequence[tuple[Case, Sequence[Judgement]]], weight: float
) -> tuple[float, float]:
    """Return how often the right passage is first, and its mean reciprocal rank."""
    firsts, reciprocal = [], []
    for case, judgements in judged:
        scores = fused(judgements, case.ranks, weight)
        order = np.argsort(-scores, kind="stable").tolist()
        rank = order.index(case.right) + 1 if case.right >= 0 else 0
        firsts.append(float(rank == 1))
        reciprocal.append(1 / rank if rank else 0.0)
    return mean(firsts), mean(reciprocal)


def fused(
    judgements: Sequence[Judgement], ranks: Sequence[float], weight: float
) -> NDArray[np.float64]:
    """Return relevance logit + weight x reciprocal rank score, one a passage."""
    return np.array([j.relevance + weight * s for j, s in zip(judgements, ranks, strict=True)])


def abstention(
    reader: CrossEncoder, judged: Sequence[tuple[Case, Sequence[Judgement]]], seed: int = 0
) -> dict[str, float]:
    """Return the AUROC of the greatest answerability, and of the greatest span score."""
    random = Random(seed)
    sets: dict[str, list[tuple[float, float]]] = {"with": [], "without": [], "changed": []}
    for case, judgements in judged:
        if case.right < 0:
            continue
        answer = case.row["answer"].casefold()
        sets["with"].append(greatest(judgements))
        others = [
            j
            for text, j in zip(case.passages, judgements, strict=True)
            if text != case.row["passage"] and answer not in text.casefold()
        ]
        if others:
            sets["without"].append(greatest(others))
        changed = change(case.row["question"], case.row["passage"], answer, random)
        if changed is not None:
            sets["changed"].append(greatest(reader.judge(changed, [case.row["passage"]])))
    out = {}
    for name in ("without", "changed"):
        for i, score in enumerate(("answerable", "span_score")):
            values = [x[i] for x in sets["with"] + sets[name]]
            labels = [True] * len(sets["with"]) + [False] * len(sets[name])
            out[f"auroc_{name}_{score}"] = auroc(values, labels)
    return out | {f"n_{name}": float(len(found)) for name, found in sets.items()}


def greatest(judgements: Sequence[Judgement]) -> tuple[float, float]:
    """Return the greatest answerability and the greatest span score."""
    return max(j.answerable for j in judgements), max(j.span_score for j in judgements)


def main(given: Sequence[str]) -> None:
    """Print the grid and the abstention figures as JSON lines."""
    parser = argparse.ArgumentParser(prog="training.fusion", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--run", type=Path, default=Path("runs/reader"))
    parser.add_argument("--weights", type=Path, default=OUTPUT)
    parser.add_argument("--questions", type=int, default=300)
    asked = parser.parse_args(given)
    reader = CrossEncoder.open(base_folder(), asked.weights)
    judged = [
        (case, reader.judge(case.row["question"], case.passages))
        for case in cases(asked.data, asked.run, asked.questions)
    ]
    print(json.dumps({"retriever_first": mean([float(c.right == 0) for c, _ in judged])}))
    print(json.dumps({"right_in_top": mean([float(c.right >= 0) for c, _ in judged])}))
    for weight in WEIGHTS:
        first, reciprocal = gold_first(judged, weight)
        print(json.dumps({"weight": weight, "first": round(first, 4), "mrr": round(reciprocal, 4)}))
    print(json.dumps({k: round(v, 4) for k, v in abstention(reader, judged).items()}))


if __name__ == "__main__":
    main(sys.argv[1:])
