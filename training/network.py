"""The loss that trains the reader's four heads together."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from rag.reader_network import FROZEN, ReaderNetwork, Scores
from training.encoding import IGNORED, Batch


def begin(network: ReaderNetwork) -> ReaderNetwork:
    """Freeze the two big tables of a fresh network: words and positions are known already."""
    for name, weight in network.encoder.named_parameters():
        weight.requires_grad = not name.startswith(FROZEN)
    return network


def score(network: ReaderNetwork, batch: Batch) -> Scores:
    """Score every row of a batch."""
    scores: Scores = network(batch.ids, batch.types, batch.mask, batch.readable)
    return scores


def listwise(scores: Tensor, labels: Tensor, group: Tensor) -> Tensor:
    """Return the mean cross-entropy of each group's positive among its judged rows.

    Groups without both a positive and a negative do not count.
    """
    known = ~labels.isnan()
    losses = []
    for one in range(int(group.max()) + 1):
        these = known & (group == one)
        positive = these & (labels == 1)
        if positive.sum() == 1 and these.sum() > 1:
            losses.append(scores[these].logsumexp(0) - scores[positive][0])
    return torch.stack(losses).mean() if losses else scores.sum() * 0.0


def known_bce(scores: Tensor, labels: Tensor) -> Tensor:
    """Return the mean binary cross-entropy over rows with a label, 0 if there are none."""
    known = ~labels.isnan()
    if not known.any():
        return scores.sum() * 0.0
    return functional.binary_cross_entropy_with_logits(scores[known], labels[known])


def known_ce(scores: Tensor, labels: Tensor) -> Tensor:
    """Return the mean cross-entropy over rows with a label, 0 if there are none."""
    if not (labels != IGNORED).any():
        return scores[torch.isfinite(scores)].sum() * 0.0
    return functional.cross_entropy(scores, labels, ignore_index=IGNORED)


def losses(scores: Scores, batch: Batch) -> dict[str, Tensor]:
    """Return the parts of the loss by name, each a mean over the rows it is known for."""
    edges = known_ce(scores.start, batch.start) + known_ce(scores.end, batch.end)
    return {
        "ranking": listwise(scores.relevance, batch.relevance, batch.group),
        "relevance": 0.5 * known_bce(scores.relevance, batch.relevance),
        "answerable": known_bce(scores.answerable, batch.answerable),
        "span": 0.5 * edges,
        "support": known_ce(scores.support, batch.support),
    }
