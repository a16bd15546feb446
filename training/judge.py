"""Train the judge of support: `python -m training.judge --data ../shared/train --minutes 15`.

A second network from the reader's base, for measuring citations: it says whether a text supports a
sentence, and learns nothing else. Only the last layers of the encoder and the support head change,
so that little has to be shipped. A killed run goes on with the same command; afterwards

    python -m training.export --run runs/judge --output rag/weights/judge.safetensors
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch

from rag.cross_encoder import load_network
from rag.entailment import CLAIM, UPPER
from rag.reader_network import ReaderNetwork
from training.base import base_folder, open_encoder
from training.claims import ClaimRecipe, plan
from training.encoding import Encoder
from training.network_run import Run, Schedule, train
from training.program import carry_out, chosen, helpers, parser, seeds

PROGRAM = "training.judge"
SCHEDULE = Schedule(rows=120_000, rate=2e-4, head_rate=5e-4, tokens=2_400, dropout=0.0)


def main(given: Sequence[str]) -> None:
    """Prepare the plan, train, and leave the weights in the run's folder."""
    made = parser(PROGRAM, __doc__, SCHEDULE)
    made.add_argument("--start", type=Path, help="weights file to go on from")
    asked = made.parse_args(given)
    torch.set_num_threads(1)
    schedule, base = chosen(asked, SCHEDULE), base_folder()
    others = helpers(PROGRAM, given, asked)
    encoder = Encoder(open_encoder(base, schedule.length).tokenizer, schedule.length, CLAIM)
    planned = partial(plan, asked.data, ClaimRecipe())
    groups = [row for s in seeds(asked, kept=False) for row in encoder.rows(planned(s), s)]
    kept = encoder.rows(planned(schedule.seed, kept=True), schedule.seed)
    network = (
        load_network(base, asked.start, UPPER)
        if asked.start
        else ReaderNetwork.start(base, schedule.seed).only_support(UPPER)
    )
    if asked.device == "cpu":
        network.encoder.set_attn_implementation("eager")  # type: ignore[operator]
    run = Run(network.to(asked.device), schedule, asked.run)
    about = {"groups": len(groups)}
    carry_out(run, partial(train, run, groups, kept), about, asked, others)


if __name__ == "__main__":
    main(sys.argv[1:])
