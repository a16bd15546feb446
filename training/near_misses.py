"""Find the changed questions that a reader falls for.

    python -m training.near_misses --data ../shared/train --reader rag/weights/reader.safetensors

People write harder near misses than chance does. Of several changes of each question those that a
trained reader is surest its passage answers come nearest to theirs. They are found once and kept in
a file that the next trainings read. No word is swapped for one that is near it: where a reader is
taken in by that, the two often mean the same.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Any

import torch

from rag.cross_encoder import load_network
from training import likely
from training.base import base_folder, open_encoder
from training.data import Example, answer_span, held_out, held_out_questions, rows
from training.derived import ANSWERS, place
from training.encoding import batches, collate
from training.network import score
from training.rewritten import known, rewritten, said_in
from training.unanswerable import Changes, change

PROGRAM = "training.near_misses"
OUTPUT = Path("runs/near_misses.jsonl.gz")
DRAWN = 8  # changes of a question; some come twice
TOKENS = 4_000  # of a batch
LENGTH = 240  # tokens of a row
PARTS = 40
SEEN = -3.0  # log-odds of an answer: below, the reader is not taken in at all

Answered = tuple[str, str, str, tuple[int, int]]
"""A question, a passage, the answer as it stands there, and its characters."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A question over a passage that holds its answer's characters, and changes of it."""

    question: str
    passage: str
    answer: tuple[int, int]
    changes: tuple[str, ...]


def drawn(folder: Path, seed: int) -> list[Changed]:
    """Return the questions that may be trained on, with distinct changes of each."""
    random = Random(seed)
    found = []
    every = list(rows(folder / "reader.jsonl.gz"))
    for question, passage, answer, span in chain(read(every), restated(folder, every)):
        tries = [change(question, passage, answer, random) for _ in range(DRAWN)]
        if changes := tuple(text for text in dict.fromkeys(tries) if text):
            found.append(Changed(question, passage, span, changes))
    return found


def read(every: Sequence[dict[str, Any]]) -> Iterator[Answered]:
    """Yield the reader's questions that have an answer."""
    for row in every:
        if (span := answer_span(row)) and not held_out(row["passage"]):
            yield row["question"], row["passage"], row["answer"], span


def restated(folder: Path, every: Sequence[dict[str, Any]]) -> Iterator[Answered]:
    """Yield the questions over a rewritten text that has the answer word for word.

    `every` are the reader's rows, which say the answers shortly and which questions are held out.
    """
    path = folder / "generative.jsonl.gz"
    if not path.exists():
        return
    answers, aside = known(every), held_out_questions(every)
    for row in rewritten(path, aside, kept=False):
        text, own = row["passages"][0], answers.get(row["question"])
        if not row["source"].endswith(ANSWERS) or len(row["passages"]) != 1:
            continue
        short = said_in(text, row["answer"], own)
        if span := place(short, text):
            yield row["question"], text, short, span


def surest(weights: Path, asked: Sequence[Changed]) -> list[list[tuple[float, str]]]:
    """Return the changes of each question with their log-odds of an answer, greatest first."""
    torch.set_num_threads(1)
    base = base_folder()
    encoder, network, random = open_encoder(base, LENGTH), load_network(base, weights), Random(0)
    labelled = [
        (encoder.row(Example(text, one.passage, span=one.answer, source=str(i)), random), text)
        for i, one in enumerate(asked)
        for text in one.changes
    ]
    texts = {id(row): text for row, text in labelled}
    found: list[list[tuple[float, str]]] = [[] for _ in asked]
    for groups in batches([(row,) for row, _ in labelled], TOKENS, random, pool=len(labelled)):
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            scores = score(network, collate(groups))
        for (row,), odds in zip(groups, scores.answerable.tolist(), strict=True):
            found[int(row.source)].append((odds, texts[id(row)]))
    return [sorted(one, reverse=True) for one in found]


def add_option(made: argparse.ArgumentParser) -> None:
    """Let a training program's command line name a file of this one."""
    made.add_argument("--near-misses", type=Path, help=f"file of {PROGRAM}")


def changes(path: Path | None, expected: Path | None = None) -> Changes:
    """Return how a run changes questions: drawing from what the file holds, where it has any.

    `expected` is a file of `training.likely`.
    """
    known = {
        (row["question"], row["passage"]): [text for odds, text in row["changes"] if odds > SEEN]
        for row in (rows(path) if path else ())
    }
    return Changes(known, likely.likely(expected))


def main(given: Sequence[str]) -> None:
    """Draw the changes, let the reader read them in two processes, write them in order."""
    parser = argparse.ArgumentParser(prog=PROGRAM, description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--reader", type=Path, required=True, help="weights of a trained reader")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2, help="each with one thread")
    asked = parser.parse_args(given)
    every = drawn(asked.data, asked.seed)
    parts = [every[i::PARTS] for i in range(PARTS)]
    asked.output.parent.mkdir(parents=True, exist_ok=True)
    with (
        ProcessPoolExecutor(asked.processes, get_context("spawn")) as pool,
        gzip.open(asked.output, "wt", encoding="utf-8") as file,
    ):
        for n, (part, found) in enumerate(
            zip(parts, pool.map(partial(surest, asked.reader), parts), strict=True)
        ):
            print(f"{n + 1} of {PARTS}", flush=True)
            for one, ranked in zip(part, found, strict=True):
                row = {"question": one.question, "passage": one.passage, "changes": ranked}
                print(json.dumps(row, ensure_ascii=False), file=file)


if __name__ == "__main__":
    main(sys.argv[1:])
