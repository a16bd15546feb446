"""Train the reader: `python -m training.reader --data ../shared/train`.

One pass over a shuffled plan of groups. Every few minutes the state is written, so that a killed
run goes on where it was.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch

from rag.cross_encoder import load_network
from rag.reader_network import ReaderNetwork
from training import likely, near_misses
from training.base import base_folder, open_encoder
from training.data import Recipe, rows
from training.mining import Neighbours
from training.network import begin
from training.network_run import Run, Schedule, train
from training.plan import plan
from training.program import carry_out, chosen, helpers, parser, seeds

PROGRAM = "training.reader"
SCHEDULE = Schedule()


def neighbours(data: Path, base: Path, cache: Path) -> Neighbours:
    """Search the reader's questions among its passages; vectors are made once."""
    found = list(rows(data / "reader.jsonl.gz"))
    passages = sorted({row["passage"] for row in found})
    questions = sorted({row["question"] for row in found})
    return Neighbours.build(passages, questions, base, cache)


def main(given: Sequence[str]) -> None:
    """Prepare the plan, train, and leave the weights in the run's folder."""
    made = parser(PROGRAM, __doc__, SCHEDULE)
    made.add_argument("--start", type=Path, help="weights file to go on from")
    made.add_argument("--share", type=float, default=1.0, help="of the texts that is taken")
    near_misses.add_option(made)
    likely.add_option(made)
    asked = made.parse_args(given)
    torch.set_num_threads(1)
    schedule, base = chosen(asked, SCHEDULE), base_folder()
    near = neighbours(asked.data, base, asked.run)
    others = helpers(PROGRAM, given, asked)
    encoder = open_encoder(base, schedule.length)
    changes = near_misses.changes(asked.near_misses, asked.likely)
    planned = partial(plan, asked.data, near, Recipe(), changes=changes, share=asked.share)
    groups = [row for s in seeds(asked, kept=False) for row in encoder.rows(planned(s), s)]
    kept = encoder.rows(planned(schedule.seed, kept=True), schedule.seed)
    network = ReaderNetwork.start(base, schedule.seed)
    if asked.start:
        network = load_network(base, asked.start)
    run = Run(begin(network.to(asked.device), schedule.dropout), schedule, asked.run)
    about = {"groups": len(groups)}
    carry_out(run, partial(train, run, groups, kept), about, asked, others)


if __name__ == "__main__":
    main(sys.argv[1:])
