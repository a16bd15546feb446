"""The training run of a reader's network, which the reader and the judge of support have in common.

Learns groups of rows; the heads begin fresh and learn faster than the encoder. It knows no data and
no command line.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch import Tensor

from rag.reader_network import ReaderNetwork
from training import run as running
from training.encoding import Row, batches, collate
from training.measure import measure
from training.network import losses, score

QUICK = 400  # held-out groups measured on the way; all of them at the end


@dataclass(frozen=True, slots=True)
class Schedule(running.Schedule):
    """How long and how fast to learn, with a rate for the heads and a share dropped out."""

    head_rate: float = 3e-4
    dropout: float = 0.1


class Run(running.Run):
    """A network being trained, with all that is needed to go on after a stop."""

    def __init__(self, network: ReaderNetwork, schedule: Schedule, folder: Path) -> None:
        super().__init__(network.changed(), parameter_groups(network, schedule), schedule, folder)
        self.network = network

    def learn(self, groups: Sequence[tuple[Row, ...]]) -> dict[str, float]:
        """Take one step; return the parts of the loss and their sum."""
        batch = collate(groups).to(self.network.pool.weight.device)
        self.network.train()

        def parts() -> dict[str, Tensor]:
            with torch.autocast(batch.ids.device.type, torch.bfloat16):
                scores = score(self.network, batch)
            return losses(scores, batch)

        return self.descend(parts, len(batch))


def parameter_groups(network: ReaderNetwork, schedule: Schedule) -> list[dict[str, Any]]:
    """Return the optimiser's groups: encoder matrices, encoder vectors (no decay), heads."""
    named = network.changed().items()
    encoder = [p for name, p in named if name.startswith("encoder.")]
    heads = [p for name, p in named if not name.startswith("encoder.")]
    return [
        {"params": [p for p in encoder if p.dim() > 1], "lr": schedule.rate},
        {"params": [p for p in encoder if p.dim() < 2], "lr": schedule.rate, "weight_decay": 0.0},
        {"params": heads, "lr": schedule.head_rate},
    ]


def ordered(
    groups: Sequence[tuple[Row, ...]], schedule: running.Schedule, rank: int = 0, processes: int = 1
) -> Iterator[list[tuple[Row, ...]]]:
    """Yield a process's batches of a run, the same at each call, pass after pass."""
    for epoch in itertools.count():
        every = batches(groups, schedule.tokens, Random(f"{schedule.seed}/{epoch}"))
        yield from itertools.islice(every, rank, None, processes)


def train(
    run: Run,
    groups: Sequence[tuple[Row, ...]],
    kept: Sequence[tuple[Row, ...]] = (),
    *,
    steps: int | None = None,
) -> None:
    """Learn until the budget is used (or for so many steps), saving and measuring on the way."""
    rank, processes = running.place()
    todo = itertools.islice(ordered(groups, run.schedule, rank, processes), run.step, None)
    figures = partial(_figures, run.network, kept) if kept else None
    run.train(lambda: run.learn(next(todo)), figures, steps)


def _figures(
    network: ReaderNetwork, kept: Sequence[tuple[Row, ...]], every: bool
) -> dict[str, float]:
    return measure(network, kept if every else kept[:QUICK])
