"""Train the generator's adapter: `python -m training.adapter --data ../shared/train`.

The adapter learns to phrase one sentence from the evidence it is given, with the very prompt of the
product, less its worked examples. Loss is on the answer's tokens only, and only there is the large
vocabulary scored. `--export` writes what the last checkpoint of the run holds, for the package.
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
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional

from rag import models
from rag.adapter import FORMAT, base_hash
from rag.decoding import Decoder
from rag.generator import TransformersGenerator
from rag.prompts import answer_prompt
from rag.settings import DEFAULT_GENERATOR, GeneratorSettings, ModelSettings
from training import run as running
from training.lora import SCALE, Shape, adapt, changed
from training.phrasing import Phrasing, phrasings
from training.program import add_options, carry_out, chosen, helpers, parser

PROGRAM = "training.adapter"
OUTPUT = Path("rag/weights/adapter.safetensors")
ANSWER = 40  # tokens of an answer at most, its end mark not counted
QUICK = 64  # held-out rows measured on the way; all of them at the end
POOL = 256  # rows among which those of about equal length are put together
IGNORED = -100


@dataclass(frozen=True, slots=True)
class Row:
    """A prompt and its answer as ids; the answer begins at position `answer`."""

    ids: tuple[int, ...]
    answer: int
    source: str = ""


SCHEDULE = running.Schedule(
    rows=14_000,
    rate=5e-4,
    decay=0.0,
    tokens=1_500,
    length=320,
    checkpoint_minutes=5.0,
    measure_minutes=15.0,
)


class Run(running.Run):
    """A language model whose low-rank changes are being trained."""

    def __init__(self, model: Any, schedule: running.Schedule, folder: Path, pad: int) -> None:
        weights = changed(model)
        group = {"params": list(weights.values()), "lr": schedule.rate}
        super().__init__(weights, [group], schedule, folder)
        self.model = model
        self.pad = pad

    def learn(self, rows: Sequence[Row]) -> dict[str, float]:
        """Take one step; return its loss, the mean over rows of the mean over their tokens."""

        def parts() -> dict[str, Tensor]:
            return {"answer": row_losses(self.model, rows, self.pad).mean()}

        return self.descend(parts, len(rows))


def row_losses(model: Any, rows: Sequence[Row], pad: int) -> Tensor:
    """Return each row's mean cross-entropy of its answer's tokens, (n,).

    Rows are padded behind their end, where causal attention never looks from, so no mask is needed.
    """
    width = max(len(row.ids) for row in rows)
    ids = torch.full((len(rows), width), pad)
    targets = torch.full((len(rows), width), IGNORED)
    for i, row in enumerate(rows):
        ids[i, : len(row.ids)] = torch.tensor(row.ids)
        targets[i, row.answer - 1 : len(row.ids) - 1] = torch.tensor(row.ids[row.answer :])
    hidden = model.model(input_ids=ids, use_cache=False).last_hidden_state  # (n, width, d)
    said = targets != IGNORED
    logits = model.lm_head(hidden[said]).float()  # (tokens, vocabulary)
    losses = functional.cross_entropy(logits, targets[said], reduction="none")
    sums = torch.zeros(len(rows)).index_add(0, said.nonzero()[:, 0], losses)
    return sums / said.sum(dim=1)


def encoded(
    generator: TransformersGenerator, phrasing: Phrasing, length: int, end: int
) -> Row | None:
    """Return a row's tokens as the product would make them; None when it is too long."""
    messages = answer_prompt(
        phrasing.question,
        phrasing.shown,
        budget=generator.settings.max_prompt_tokens,
        count=generator.count,
        examples=(),
    )
    prompt, _ = generator.encode(messages)
    answer = generator.tokenizer(phrasing.answer, add_special_tokens=False)["input_ids"]
    if len(answer) > ANSWER or len(prompt) + len(answer) + 1 > length:
        return None
    return Row((*prompt, *answer, end), len(prompt), phrasing.source)


def batches(rows: Sequence[Row], tokens: int, random: Random) -> Iterator[list[Row]]:
    """Yield rows of about equal length, at most `tokens` with their padding, in a random order."""
    order = random.sample(list(rows), len(rows))
    for first in range(0, len(order), POOL):
        packed: list[list[Row]] = [[]]
        for row in sorted(order[first : first + POOL], key=lambda row: len(row.ids)):
            if packed[-1] and (len(packed[-1]) + 1) * len(row.ids) > tokens:
                packed.append([])
            packed[-1].append(row)
        random.shuffle(packed)
        yield from packed


def ordered(
    rows: Sequence[Row], schedule: running.Schedule, rank: int = 0, processes: int = 1
) -> Iterator[list[Row]]:
    """Yield a process's batches of a run, the same at each call, pass after pass."""
    for epoch in itertools.count():
        every = list(batches(rows, schedule.tokens, Random(f"{schedule.seed}/{epoch}")))
        whole = max(processes, len(every) - len(every) % processes)  # each takes as many
        yield from every[rank:whole:processes]


def measure(run: Run, kept: Sequence[Row], every: bool) -> dict[str, float]:
    """Return the held-out loss, the mean over rows, and how many rows that were."""
    chosen = kept if every else kept[:QUICK]
    losses: list[float] = []
    with torch.inference_mode():
        for rows in batches(chosen, run.schedule.tokens, Random(0)):
            losses += row_losses(run.model, rows, run.pad).tolist()
    return {"loss": sum(losses) / len(losses), "rows": float(len(losses))}


def train(
    run: Run, rows: Sequence[Row], kept: Sequence[Row] = (), *, steps: int | None = None
) -> None:
    """Learn until the budget is used (or for so many steps), saving and measuring on the way."""
    rank, processes = running.place()
    todo = itertools.islice(ordered(rows, run.schedule, rank, processes), run.step, None)
    run.train(lambda: run.learn(next(todo)), partial(measure, run, kept) if kept else None, steps)


def export(run: Path, base: Path, output: Path) -> int:
    """Write the last checkpoint's changes as the package ships them; return the file's bytes.

    They are kept as float16: the merged weights are rounded more coarsely than that.
    """
    tensors = load_file(run / "checkpoint.safetensors")
    weights = {
        name.removeprefix("weight/"): tensor.to(torch.float16).contiguous()
        for name, tensor in tensors.items()
        if name.startswith("weight/")
    }
    header = {"format": FORMAT, "base": base_hash(base), "scale": repr(SCALE)}
    output.parent.mkdir(parents=True, exist_ok=True)
    save_file(weights, output, metadata=header)
    return output.stat().st_size


def opened(base: Path) -> TransformersGenerator:
    """Return the plain generator with bfloat16 weights, wherever it runs."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    here = {"local_files_only": True, "trust_remote_code": False}
    model = AutoModelForCausalLM.from_pretrained(
        base, dtype=torch.bfloat16, use_safetensors=True, **here
    )
    tokenizer = AutoTokenizer.from_pretrained(base, **here)
    decoder = Decoder(model, frozenset(), 1)
    return TransformersGenerator(DEFAULT_GENERATOR, decoder, tokenizer, GeneratorSettings())


def arguments(given: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    made = parser(PROGRAM, __doc__, SCHEDULE)
    made.add_argument("--export", action="store_true", help="write the weights and do no more")
    made.add_argument("--output", type=Path, default=OUTPUT, help="file that is written")
    add_options(made, Shape())
    return made.parse_args(given)


def main(given: Sequence[str]) -> None:
    """Train, and leave the weights in the run's folder and in the package's."""
    asked = arguments(given)
    torch.set_num_threads(1)
    base = models.locate(DEFAULT_GENERATOR, ModelSettings())
    if not asked.export:
        learned(asked, given, base)
    if asked.rank == 0:
        size = export(asked.run, base, asked.output)
        print(f"{asked.output}: {size / 1e6:.1f} MB")


def learned(asked: argparse.Namespace, given: Sequence[str], base: Path) -> None:
    """Train from the last checkpoint, if there is one, to the end of the budget."""
    schedule, shape = chosen(asked, SCHEDULE), chosen(asked, Shape())
    others = helpers(PROGRAM, given, asked)
    generator = opened(base)
    end = int(generator.tokenizer.eos_token_id)
    made = {
        kept: [
            row
            for one in phrasings(asked.data, schedule.seed, kept=kept)
            if (row := encoded(generator, one, schedule.length, end))
        ]
        for kept in (False, True)
    }
    run = Run(adapt(generator.decoder.model, shape, schedule.seed), schedule, asked.run, end)
    about = {"shape": asdict(shape), "rows": len(made[False]), "held_out": len(made[True])}
    carry_out(run, partial(train, run, made[False], made[True]), about, asked, others)


if __name__ == "__main__":
    main(sys.argv[1:])
