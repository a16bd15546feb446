"""How well the judge of support tells supported claims from others, on claims of Wikipedia (WiCE).

    python benchmarks/judge.py --data ../shared/eval/support [--limit N] [--json]

DATA holds wice.jsonl.gz: {"claim", "label", "evidence_sentences", "supporting_sentence_sets"} a
line (Kamoi et al., "WiCE: Real-World Entailment for Claims in Wikipedia", 2023). For reporting
only: nothing is trained or chosen on it.

The premise, in two ways:
  gold    the sentences people marked; where they marked several sets, the one that scores best, and
          where they marked none (most unsupported claims), the best window. Which claims have
          marked sentences follows from the label, so this flatters every scorer.
  window  the three sentences in a row with most of the claim's content words, for every claim alike

Beside the judge stand the share of the claim's content words in the premise, and the reader's own
support head, where their weights are. "Supported" is set against "not supported" alone, and against
that and "partially supported" together, as WiCE does; accuracy is of the latter, at 0.5.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rag import metrics, models, words
from rag.cli.shown import table
from rag.entailment import Entailment
from rag.settings import DEFAULT_EMBEDDER, Settings
from rag.snapshot import open_judge

WINDOW = 3  # sentences
Scorer = Callable[[Sequence[tuple[str, str]]], Sequence[float]]
"""Returns the score in [0, 1] of each (premise, claim)."""


@dataclass(frozen=True, slots=True)
class Case:
    """A claim, its label, and its premises, of which the best counts: marked ones, the window."""

    claim: str
    label: str
    gold: tuple[str, ...]
    window: str


@dataclass(frozen=True, slots=True)
class Figures:
    """A line of the table."""

    premise: str
    scorer: str
    auroc_not: float
    auroc_rest: float
    accuracy: float


def case(row: Mapping[str, Any]) -> Case:
    """Read a row."""
    evidence = row["evidence_sentences"]
    marked = [sorted(one) for one in row["supporting_sentence_sets"] if one]
    gold = tuple(dict.fromkeys(" ".join(evidence[i] for i in one) for one in marked))
    found = window(row["claim"], evidence)
    return Case(row["claim"], row["label"], gold or (found,), found)


def window(claim: str, evidence: Sequence[str]) -> str:
    """Return the `WINDOW` sentences in a row with most of the claim's content words."""
    wanted = words.content(claim)
    starts = range(max(1, len(evidence) - WINDOW + 1))
    texts = [" ".join(evidence[i : i + WINDOW]) for i in starts]
    return max(texts, key=lambda text: words.coverage(wanted, words.stems(text)))


def overlap(pairs: Sequence[tuple[str, str]]) -> list[float]:
    """Return the share of each claim's content words that its premise has."""
    return [words.coverage(words.content(c), words.stems(p)) for p, c in pairs]


def best(score: Scorer, cases: Sequence[Case], premise: str) -> list[float]:
    """Return each case's best score over its premises of that kind."""
    choices = [one.gold if premise == "gold" else (one.window,) for one in cases]
    pairs = [(text, one.claim) for one, texts in zip(cases, choices, strict=True) for text in texts]
    scores = iter(score(pairs))
    return [max(next(scores) for _ in texts) for texts in choices]


def figures(premise: str, name: str, scores: Sequence[float], labels: Sequence[str]) -> Figures:
    """Set the scores against the labels."""
    supported = [label == "supported" for label in labels]
    clear = [i for i, label in enumerate(labels) if label != "partially_supported"]
    said = np.asarray(scores) >= 0.5
    return Figures(
        premise,
        name,
        metrics.auroc([scores[i] for i in clear], [supported[i] for i in clear]),
        metrics.auroc(scores, supported),
        float((said == np.asarray(supported)).mean()),
    )


def scorers(settings: Settings) -> dict[str, Scorer]:
    """Return what there is to compare, by name."""
    found: dict[str, Scorer] = {"word overlap": overlap}
    reader, judge = open_judge(settings), Entailment.shipped(settings.models)
    if reader is not None:
        found["reader's head"] = lambda pairs: reader.support(pairs)[:, 0].tolist()
    if judge is not None:
        found["judge"] = lambda pairs: judge.supports(pairs).tolist()
    return found


def opened(weights: Path, settings: Settings) -> Scorer:
    """Return the judge with weights that are not installed."""
    base = models.locate(DEFAULT_EMBEDDER, settings.models)
    judge = Entailment.open(base, weights, settings.models.threads)
    return lambda pairs: judge.supports(pairs).tolist()


def main() -> None:
    """Print the table, or with --json its lines."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", type=Path, help="a judge's weights, not the shipped ones")
    parser.add_argument("--limit", type=int, default=0, metavar="N", help="N claims drawn; 0: all")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with gzip.open(asked.data / "wice.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    if asked.limit:
        rows = random.Random(0).sample(rows, min(asked.limit, len(rows)))
    cases = [case(row) for row in rows]
    labels = [one.label for one in cases]
    settings = Settings()
    compared = scorers(settings)
    if asked.weights:
        compared["judge"] = opened(asked.weights, settings)
    found = [
        figures(premise, name, best(score, cases, premise), labels)
        for premise in ("gold", "window")
        for name, score in compared.items()
    ]
    if asked.json:
        print("\n".join(json.dumps(asdict(one)) for one in found))
        return
    counts = ", ".join(
        f"{labels.count(label)} {label.replace('_', ' ')}" for label in sorted({*labels})
    )
    always = 1 - labels.count("supported") / len(labels)
    heads = ("premise", "scorer", "AUROC, not", "AUROC, rest", "accuracy")
    lines_ = [
        (one.premise, one.scorer, *(f"{x:.3f}" for x in (one.auroc_not, one.auroc_rest)),
         f"{one.accuracy:.3f}")
        for one in found
    ]  # fmt: skip
    print(f"{len(cases)} claims: {counts}")
    print(table([heads, *lines_]))
    print(f"accuracy of never saying supported: {always:.3f}")


if __name__ == "__main__":
    main()
