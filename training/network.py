"""The loss that trains the reader's four heads together."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from rag.reader_network import FROZEN, ReaderNetwork, Scores
from training.encoding import IGNORED, Batch


def begin(network: ReaderNetwork, dropout: float = 0.0) -> ReaderNetwork:
    """Make a network ready for training.

    The two big tables are frozen: words and positions are known already. `dropout` is of what each
    layer puts out. On a CPU attention is written out, since its fused form is slower backwards.
    """
    for name, weight in network.encoder.named_parameters():
        weight.requires_grad = not name.startswith(FROZEN)
    for name, module in network.encoder.named_modules():
        if isinstance(module, nn.Dropout) and name.endswith("output.dropout"):
            module.p = dropout
    if network.pool.weight.device.type == "cpu":
        network.encoder.set_attn_implementation("eager")  # type: ignore[operator]
    return network


def score(network: ReaderNetwork, batch: Batch) -> Scores:
    """Score every row of a batch."""
    scores: Scores = network(batch.ids, batch.types, batch.mask, batch.readable)
    return scores


def listwise(scores: Tensor, labels: Tensor, group: Tensor) -> Tensor:
    """Return the summed cross-entropy of each group's positive among its judged rows.

    Groups without both a positive and a negative do not count.
    """
    known = ~labels.isnan()
    positive = known & (labels == 1)
    none = torch.zeros_like(group)  # there are no more groups than rows
    judged = none.index_add(0, group, known.to(group.dtype))
    right = none.index_add(0, group, positive.to(group.dtype))
    counted = ((right == 1) & (judged > 1))[group]
    these, first = known & counted, positive & counted
    place, said = group[these], scores[these]
    lowest = torch.full_like(scores, -torch.inf)
    most = lowest.scatter_reduce(0, place, said.detach(), "amax")  # of each group
    sums = torch.zeros_like(scores).index_add(0, place, (said - most[place]).exp())
    return (sums.log() + most)[group[first]].sum() - scores[first].sum()


def known_bce(scores: Tensor, labels: Tensor) -> Tensor:
    """Return the summed binary cross-entropy over rows with a label, 0 if there are none."""
    known = ~labels.isnan()
    if not known.any():
        return scores.sum() * 0.0
    return functional.binary_cross_entropy_with_logits(
        scores[known], labels[known], reduction="sum"
    )


def known_ce(scores: Tensor, labels: Tensor) -> Tensor:
    """Return the summed cross-entropy over rows with a label, 0 if there are none."""
    if not (labels != IGNORED).any():
        return scores[torch.isfinite(scores)].sum() * 0.0
    return functional.cross_entropy(scores, labels, ignore_index=IGNORED, reduction="sum")


def spans(scores: Scores, batch: Batch) -> Tensor:
    """Return the summed mean of the start's and the end's cross-entropy.

    Of a region, the probability of all its tokens together is what should be great: the marginal
    likelihood of Clark & Gardner (2018), "Simple and effective multi-paragraph reading
    comprehension", section 3.1.
    """
    exact = ~batch.region
    start = torch.where(exact, batch.start, IGNORED)
    end = torch.where(exact, batch.end, IGNORED)
    edges = known_ce(scores.start, start) + known_ce(scores.end, end)
    within = batch.region & (batch.start != IGNORED)
    if within.any():
        place = torch.arange(scores.start.shape[1], device=scores.start.device)
        inside = (place >= batch.start[:, None]) & (place <= batch.end[:, None])  # (n, length)
        for edge in (scores.start, scores.end):
            odds = edge.log_softmax(dim=1).masked_fill(~inside, -torch.inf)[within]
            edges = edges - odds.logsumexp(dim=1).sum()
    return 0.5 * edges


def losses(scores: Scores, batch: Batch) -> dict[str, Tensor]:
    """Return the parts of the loss by name: sums over the rows each is known for, a batch's row.

    Divided by the number of all rows, so that a row weighs the same whatever else is in its batch.
    """
    parts = {
        "ranking": listwise(scores.relevance, batch.relevance, batch.group),
        "relevance": 0.5 * known_bce(scores.relevance, batch.relevance),
        "answerable": known_bce(scores.answerable, batch.answerable),
        "span": spans(scores, batch),
        "support": known_ce(scores.support, batch.support),
    }
    return {name: part / len(batch) for name, part in parts.items()}
