"""Figures of a network on held-out groups: ranking, spans, answerable or not, support."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from rag.reader_network import ReaderNetwork
from training.encoding import Row, collate, longest
from training.network import score


def auroc(scores: Sequence[float], labels: Sequence[bool]) -> float:
    """Return the chance that a positive scores above a negative, ties half; NaN without both."""
    order = sorted(range(len(scores)), key=lambda i: scores[i])
    ranks = [0.0] * len(order)
    first = 0
    while first < len(order):
        last = first
        while last + 1 < len(order) and scores[order[last + 1]] == scores[order[first]]:
            last += 1
        for i in range(first, last + 1):
            ranks[order[i]] = (first + last) / 2 + 1
        first = last + 1
    positives = sum(labels)
    negatives = len(labels) - positives
    if not positives or not negatives:
        return float("nan")
    total = sum(rank for rank, label in zip(ranks, labels, strict=True) if label)
    return (total - positives * (positives + 1) / 2) / (positives * negatives)


def overlap(got: tuple[int, int], want: tuple[int, int]) -> float:
    """Return the F1 of two token spans (ends inclusive)."""
    both = min(got[1], want[1]) - max(got[0], want[0]) + 1
    if both <= 0:
        return 0.0
    return 2 * both / (got[1] - got[0] + 1 + want[1] - want[0] + 1)


def best_span(start: torch.Tensor, end: torch.Tensor, longest: int = 30) -> tuple[int, int, float]:
    """Return the best span of a row beside [CLS], and its score above "no answer"."""
    n = len(start)
    pair = start[:, None] + end[None, :]
    allowed = torch.ones(n, n, dtype=torch.bool).triu().tril(longest - 1)
    allowed[0] = False
    flat = int(pair.masked_fill(~allowed, -torch.inf).argmax())
    i, j = divmod(flat, n)
    return i, j, float(pair[i, j] - start[0] - end[0])


@torch.inference_mode()
def measure(network: ReaderNetwork, groups: Sequence[Sequence[Row]]) -> dict[str, float]:
    """Return the figures, each with the number of cases it rests on."""
    network.eval()
    first: list[float] = []
    spans: list[float] = []
    answerable: tuple[list[float], list[bool]] = ([], [])
    nulls: tuple[list[float], list[bool]] = ([], [])
    changed: tuple[list[float], list[bool]] = ([], [])
    support: list[float] = []
    supported: tuple[list[float], list[bool]] = ([], [])
    ordered = sorted(groups, key=longest)
    for at in range(0, len(ordered), 8):
        part = ordered[at : at + 8]
        batch = collate(part).to(network.pool.weight.device)
        with torch.autocast(batch.ids.device.type, torch.bfloat16):
            scores = score(network, batch).cpu()
        index = 0
        for group in part:
            judged = []
            for row in group:
                span = best_span(scores.start[index], scores.end[index])
                if row.relevance is not None:
                    judged.append((float(scores.relevance[index]), row.relevance))
                if row.answerable is not None:
                    label = row.answerable == 1
                    answerable[0].append(float(scores.answerable[index]))
                    answerable[1].append(label)
                    nulls[0].append(span[2])
                    nulls[1].append(label)
                    if label or row.relevance is None:
                        changed[0].append(float(scores.answerable[index]))
                        changed[1].append(label)
                if row.span is not None and row.span != (0, 0) and not row.region:
                    spans.append(overlap(span[:2], row.span))
                if row.support is not None:
                    support.append(float(int(scores.support[index].argmax()) == row.support))
                    supported[0].append(float(scores.support[index].softmax(0)[0]))
                    supported[1].append(row.support == 0)
                index += 1
            if len(judged) > 1:
                first.append(float(max(judged)[1] == 1))
    figures = {
        "first": (mean(first), len(first)),
        "span_f1": (mean(spans), len(spans)),
        "answerable_auroc": (auroc(*answerable), len(answerable[0])),
        "null_auroc": (auroc(*nulls), len(nulls[0])),
        "hard_auroc": (auroc(*changed), len(changed[0])),
        "support": (mean(support), len(support)),
        "supported_auroc": (auroc(*supported), len(supported[0])),
    }
    return {
        key: value
        for name, (figure, count) in figures.items()
        for key, value in ((name, round(figure, 4)), (f"{name}_n", count))
    }


def mean(values: Sequence[float]) -> float:
    """Return the mean, NaN for none."""
    return sum(values) / len(values) if values else float("nan")
